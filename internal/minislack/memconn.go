package minislack

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// memAddr is the address of an in-memory server. Port 1 is never listened on, so a
// client that was not given the dialer is refused rather than answered by a stranger.
const memAddr = "127.0.0.1:1"

// pipeSize is how much one side may write before the other has to read.
const pipeSize = 256 << 10

// A memListener hands dialed in-memory connections to an http.Server.
type memListener struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func newMemListener() *memListener {
	return &memListener{conns: make(chan net.Conn), done: make(chan struct{})}
}

func (l *memListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *memListener) Close() error {
	l.once.Do(func() { close(l.done) })
	return nil
}

func (l *memListener) Addr() net.Addr { return memEnd(memAddr) }

func (l *memListener) dial(ctx context.Context, addr string) (net.Conn, error) {
	if addr != memAddr {
		return nil, fmt.Errorf("minislack: dialed %s, but this workspace is at %s", addr, memAddr)
	}
	here, there := newPipe()
	select {
	case l.conns <- there:
		return here, nil
	case <-l.done:
		return nil, &net.OpError{Op: "dial", Net: "tcp", Addr: l.Addr(), Err: syscall.ECONNREFUSED}
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// memEnd is an address that looks like TCP's.
type memEnd string

func (memEnd) Network() string  { return "tcp" }
func (e memEnd) String() string { return string(e) }

// A lane carries bytes one way. Waiting is on a sync.Cond, which counts as
// durably blocked inside a synctest bubble.
type lane struct {
	mu       sync.Mutex
	cond     *sync.Cond
	buf      []byte
	ended    bool // the writer closed: what is buffered is still read
	deserted bool // the reader closed: writing fails
	readBy   deadline
	writeBy  deadline
}

type deadline struct {
	at    time.Time
	timer *time.Timer
}

func (d *deadline) passed() bool { return !d.at.IsZero() && !time.Now().Before(d.at) }

func newLane() *lane {
	l := &lane{}
	l.cond = sync.NewCond(&l.mu)
	return l
}

func (l *lane) read(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for {
		switch {
		case l.deserted:
			return 0, net.ErrClosed
		case l.readBy.passed():
			return 0, os.ErrDeadlineExceeded
		case len(l.buf) > 0:
			n := copy(p, l.buf)
			l.buf = l.buf[n:]
			l.cond.Broadcast()
			return n, nil
		case l.ended:
			return 0, io.EOF
		case len(p) == 0:
			return 0, nil
		}
		l.cond.Wait()
	}
}

func (l *lane) write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	written := 0
	for {
		switch {
		case l.ended:
			return written, net.ErrClosed
		case l.deserted:
			return written, syscall.EPIPE
		case l.writeBy.passed():
			return written, os.ErrDeadlineExceeded
		case len(p) == 0:
			return written, nil
		}
		if room := pipeSize - len(l.buf); room > 0 {
			n := min(room, len(p))
			l.buf = append(l.buf, p[:n]...)
			p, written = p[n:], written+n
			l.cond.Broadcast()
			continue
		}
		l.cond.Wait()
	}
}

// set moves one of the lane's deadlines and wakes whoever waits under the old one.
func (l *lane) set(d *deadline, at time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
	d.at = at
	if !at.IsZero() && time.Until(at) > 0 {
		d.timer = time.AfterFunc(time.Until(at), func() {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.cond.Broadcast()
		})
	}
	l.cond.Broadcast()
}

// leave closes one end of the lane: the writer's or the reader's.
func (l *lane) leave(end *bool, d *deadline) {
	l.mu.Lock()
	defer l.mu.Unlock()
	*end = true
	if d.timer != nil {
		d.timer.Stop()
	}
	l.cond.Broadcast()
}

// A pipeEnd is one side of an in-memory connection.
type pipeEnd struct{ in, out *lane }

func newPipe() (here, there net.Conn) {
	up, down := newLane(), newLane()
	return &pipeEnd{in: down, out: up}, &pipeEnd{in: up, out: down}
}

func (p *pipeEnd) Read(b []byte) (int, error)  { return p.in.read(b) }
func (p *pipeEnd) Write(b []byte) (int, error) { return p.out.write(b) }

func (p *pipeEnd) Close() error {
	p.out.leave(&p.out.ended, &p.out.writeBy)
	p.in.leave(&p.in.deserted, &p.in.readBy)
	return nil
}

func (p *pipeEnd) LocalAddr() net.Addr  { return memEnd(memAddr) }
func (p *pipeEnd) RemoteAddr() net.Addr { return memEnd(memAddr) }

func (p *pipeEnd) SetReadDeadline(t time.Time) error {
	p.in.set(&p.in.readBy, t)
	return nil
}

func (p *pipeEnd) SetWriteDeadline(t time.Time) error {
	p.out.set(&p.out.writeBy, t)
	return nil
}

func (p *pipeEnd) SetDeadline(t time.Time) error {
	p.in.set(&p.in.readBy, t)
	p.out.set(&p.out.writeBy, t)
	return nil
}
