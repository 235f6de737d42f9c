package execution_test

import (
	"context"
	"errors"
	"io"
	"net"
	"runtime"
	"sync"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"countersign/approvals/rules"
)

// office is a Directory whose people change.
type office struct {
	mu     sync.Mutex
	people map[string]rules.Profile
	down   bool // look-ups fail
}

var errDown = errors.New("slack is down")

func newOffice() *office {
	o := &office{people: map[string]rules.Profile{}}
	for id, name := range map[string]string{"UALICE": "alice", "UBOB": "bob", "UCAROL": "carol"} {
		o.people[id] = rules.Profile{Name: name, Email: name + "@example.com", Team: "T1"}
	}
	return o
}

func (o *office) Profile(_ context.Context, p rules.Person) (rules.Profile, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.down {
		return rules.Profile{}, errDown
	}
	f, ok := o.people[p.ID]
	if !ok {
		return f, rules.ErrUnknownPerson
	}
	return f, nil
}

func (o *office) Members(context.Context, string) ([]string, error) { return nil, errDown }

func (o *office) fail(yes bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.down = yes
}

func (o *office) change(who rules.Person, edit func(*rules.Profile)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	f := o.people[who.ID]
	edit(&f)
	o.people[who.ID] = f
}

type dialer = func(ctx context.Context, network, addr string) (net.Conn, error)

// A link is what connects one replica to the world. It can be cut, and held
// back as when a process is paused.
type link struct {
	mu      sync.Mutex
	dead    bool           // the process was killed: nothing leaves any more
	cut     bool           // Redis cannot be reached
	resumed chan struct{}  // closed when the pause is over; nil while there is none
	spoil   map[string]int // how many of the next commands of a name fail
}

// crash is kill -9 for the goroutine that calls it and for its process. A panic
// could not be recovered at the root of a goroutine of the executor, so the
// goroutine exits; what its deferred calls try reaches nobody.
func (r *replica) crash() {
	r.link.set(func(l *link) { l.dead = true })
	r.stop()
	runtime.Goexit()
}

// pause holds back everything that the replica sends, as SIGSTOP does, and
// returns what wakes it.
func (r *replica) pause() (wake func()) {
	resumed := make(chan struct{})
	r.link.set(func(l *link) { l.resumed = resumed })
	return func() {
		r.link.set(func(l *link) { l.resumed = nil })
		close(resumed)
	}
}

func (l *link) set(change func(*link)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	change(l)
}

// pass lets a command through, or not.
func (l *link) pass(name string) error {
	l.mu.Lock()
	resumed := l.resumed
	l.mu.Unlock()
	if resumed != nil {
		<-resumed // whatever the context says: its timers stand still too
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.spoil[name] > 0 {
		l.spoil[name]--
		return io.EOF
	}
	if l.dead || l.cut {
		return io.EOF
	}
	return nil
}

// guard lets a killed process connect to nobody.
func (l *link) guard(dial dialer) dialer {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		l.mu.Lock()
		dead := l.dead
		l.mu.Unlock()
		if dead {
			return nil, net.ErrClosed
		}
		return dial(ctx, network, addr)
	}
}

func (l *link) dial(m *miniredis.Miniredis) dialer {
	return func(context.Context, string, string) (net.Conn, error) { return m.Dial() }
}

func (l *link) DialHook(next redis.DialHook) redis.DialHook { return next }

func (l *link) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (l *link) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if err := l.pass(cmd.Name()); err != nil {
			cmd.SetErr(err)
			return err
		}
		return next(ctx, cmd)
	}
}
