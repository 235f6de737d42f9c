package stage

import (
	"context"
	"errors"
	"net"
	"sync"

	"countersign/internal/app"
)

// errDead is what a killed bot meets wherever it turns.
var errDead = errors.New("this bot was killed")

// here is a bot that runs in this process. A goroutine cannot be killed; what
// is killed is every way by which it could reach the world.
type here struct {
	cancel context.CancelFunc
	done   chan struct{}
	err    error // set before done is closed

	mu    sync.Mutex // guards the rest
	dead  bool
	conns map[net.Conn]bool
}

// startHere starts a bot in this process. It tells passes where it is.
func startHere(c app.Config, passes func(b *here, point string)) *here {
	ctx, cancel := context.WithCancel(context.Background())
	b := &here{cancel: cancel, done: make(chan struct{}), conns: map[net.Conn]bool{}}
	c.DialSlack, c.DialQualys, c.DialRedis = b.through(c.DialSlack), b.through(c.DialQualys), b.through(c.DialRedis)
	c.Point = func(name string) { passes(b, name) }
	go func() {
		defer close(b.done)
		b.err = app.Run(ctx, c)
	}()
	return b
}

type dialer = func(ctx context.Context, network, addr string) (net.Conn, error)

// through keeps the connections that a dialer makes, to be cut.
func (b *here) through(dial dialer) dialer {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.dead {
			_ = conn.Close() // nobody used it
			return nil, errDead
		}
		kept := &line{Conn: conn, of: b}
		b.conns[kept] = true
		return kept, nil
	}
}

// A line is a connection of a bot.
type line struct {
	net.Conn
	of *here
}

func (l *line) Close() error {
	l.of.mu.Lock()
	delete(l.of.conns, l)
	l.of.mu.Unlock()
	return l.Conn.Close()
}

// cut cuts every line.
func (b *here) cut() {
	b.mu.Lock()
	b.dead = true
	var lines []net.Conn
	for l := range b.conns {
		lines = append(lines, l)
	}
	b.mu.Unlock()
	for _, l := range lines {
		_ = l.Close() // that is the point
	}
	b.cancel()
}

// Kill cuts the bot off. Its goroutines notice in their own time, and Stop waits for
// them.
func (b *here) Kill() { b.cut() }

// Done is closed when the bot has ended.
func (b *here) Done() <-chan struct{} { return b.done }

// Stop lets the bot finish what it does.
func (b *here) Stop() error {
	b.cancel()
	<-b.done
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.dead {
		return nil // whatever it said while it died
	}
	return b.err
}
