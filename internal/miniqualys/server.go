package miniqualys

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"
)

// memoryPort stands in the URL of a server that has no real port. Nothing
// listens there: a client that forgot Dial is refused.
const memoryPort = 2

// A Server is one Qualys subscription. All its methods may be called at any
// time, from any goroutine.
type Server struct {
	mu       sync.Mutex // never held while something waits
	run      *run       // nil while it does not serve
	url      string
	shift    time.Duration // what the server's clock is ahead of ours
	control  bool
	quirks   Quirks
	accounts accounts
	platform platform
	saq      saq
	faults   map[Op]*faults
	limits   map[Op]*turnstile
	journal  journal
}

// A run is the time from a Start to a Close.
type run struct {
	http  *http.Server
	local *memory
	done  chan struct{}  // closed when Close begins
	serve sync.WaitGroup // the accepting goroutines
	conns sync.WaitGroup // the connections
}

// runKey is where a call's context keeps the run that it belongs to: the server
// may have begun to close, or another run, when the call comes to look.
type runKey struct{}

// New returns a server that is empty, knows one account ([Username], [Password])
// and does not serve yet.
func New() *Server {
	return &Server{
		url:      memoryURL(),
		accounts: newAccounts(),
		saq:      newSAQ(),
		faults:   map[Op]*faults{},
		limits:   map[Op]*turnstile{},
		journal:  newJournal(),
	}
}

// NewInMemory returns a server that serves in memory alone, through Dial.
func NewInMemory() *Server {
	s := New()
	s.open(nil)
	return s
}

// RunT starts a server on a free port of the loopback and closes it when the
// test ends.
func RunT(t testing.TB) *Server {
	t.Helper()
	s := New()
	if err := s.Start("127.0.0.1:0"); err != nil {
		t.Fatalf("miniqualys: %v", err)
	}
	t.Cleanup(s.Close)
	return s
}

// RunInMemoryT is NewInMemory, closed when the test ends.
func RunInMemoryT(t testing.TB) *Server {
	t.Helper()
	s := NewInMemory()
	t.Cleanup(s.Close)
	return s
}

// Start serves at the address, such as "127.0.0.1:0", and in memory. After a
// Close it may be called again: users, knobs and accounts are still there.
func (s *Server) Start(addr string) error {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("listen at %s: %w", addr, err)
	}
	s.open(l)
	return nil
}

// open begins a run at the listener, if there is one, and in memory.
func (s *Server) open(l net.Listener) {
	s.Close()
	r := &run{local: newMemory(), done: make(chan struct{})}
	r.http = &http.Server{
		Handler:     s,
		ErrorLog:    log.New(io.Discard, "", 0),
		BaseContext: func(net.Listener) context.Context { return context.WithValue(context.Background(), runKey{}, r) },
		ConnState: func(_ net.Conn, state http.ConnState) {
			switch state {
			case http.StateNew:
				r.conns.Add(1)
			case http.StateClosed, http.StateHijacked:
				r.conns.Done()
			}
		},
	}
	url := memoryURL()
	listeners := []net.Listener{r.local}
	if l != nil {
		url = "http://" + l.Addr().String()
		listeners = append(listeners, l)
	}
	s.mu.Lock()
	s.run, s.url = r, url
	s.mu.Unlock()
	for _, l := range listeners {
		r.serve.Go(func() { _ = r.http.Serve(l) }) // its only error says that it was closed
	}
}

// Close ends every connection, wakes every call that waits, and returns when
// all goroutines have ended. Closing twice is harmless.
func (s *Server) Close() {
	s.mu.Lock()
	r := s.run
	s.run = nil
	s.mu.Unlock()
	if r == nil {
		return
	}
	close(r.done)
	_ = r.local.Close()
	_ = r.http.Close()
	r.serve.Wait()
	_ = r.http.Close() // what was accepted while the first was at work
	r.conns.Wait()
}

// URL is where the server is, without a slash at its end. API, gateway and
// administration are the same.
func (s *Server) URL() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.url
}

// Dial connects to the server in memory, whatever the address. It fits
// [http.Transport.DialContext].
func (s *Server) Dial(ctx context.Context, _, _ string) (net.Conn, error) {
	s.mu.Lock()
	r := s.run
	s.mu.Unlock()
	if r == nil {
		return nil, errClosed
	}
	return r.local.dial(ctx)
}

// SetTime sets the server's clock. It goes on from there.
func (s *Server) SetTime(t time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shift = time.Until(t)
}

// Advance moves the server's clock forward: tokens grow old, calls that wait
// do not.
func (s *Server) Advance(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shift += d
}

// now is the server's clock; s.mu is held.
func (s *Server) now() time.Time { return time.Now().Add(s.shift) }

func memoryURL() string { return fmt.Sprintf("http://127.0.0.1:%d", memoryPort) }

// newKey makes a signing key.
func newKey() []byte { return []byte(rand.Text()) }
