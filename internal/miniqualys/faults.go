package miniqualys

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// side says on which side of the work something happens.
type side int

const (
	before side = iota
	after
)

// faults are what the next calls of one operation meet.
type faults struct {
	slow    time.Duration
	lose    [2]int // by side
	holds   [2][]*hold
	canned  []*canned
	waiting []*hold // calls are held here now, or were
	arrived int     // how many calls came to a hold
	awaited int     // how many of them Arrived has told
	changed chan struct{}
}

// A hold is where a call waits.
type hold struct {
	open           chan struct{}
	endsWithClient bool
	once           sync.Once
}

func newHold() *hold { return &hold{open: make(chan struct{})} }

func (h *hold) release() { h.once.Do(func() { close(h.open) }) }

// canned is an answer that takes the place of the work.
type canned struct {
	left  int
	reply reply
}

// take uses up one of n; a negative n never ends.
func take(n *int) bool {
	if *n == 0 {
		return false
	}
	if *n > 0 {
		*n--
	}
	return true
}

// of returns the faults of an operation; s.mu is held.
func (s *Server) of(op Op) *faults {
	f := s.faults[op]
	if f == nil {
		f = &faults{changed: make(chan struct{})}
		s.faults[op] = f
	}
	return f
}

// LoseCalls breaks the connection of the next n calls before anything is done.
func (s *Server) LoseCalls(op Op, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.of(op).lose[before] = n
}

// LoseAnswers does the work of the next n calls and breaks their connection
// instead of answering.
func (s *Server) LoseAnswers(op Op, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.of(op).lose[after] = n
}

// Slow lets every call of the operation wait before the work, which is then
// done even if the client has left. Zero ends it.
func (s *Server) Slow(op Op, d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.of(op).slow = d
}

// Hang lets the next n calls wait, before the work, until Release. A call
// whose client leaves meanwhile is forgotten: nothing was done.
func (s *Server) Hang(op Op, n int) { s.hang(op, before, n) }

// HangAnswers does the work of the next n calls and then lets them wait for
// Release, or for their client to lose patience.
func (s *Server) HangAnswers(op Op, n int) { s.hang(op, after, n) }

func (s *Server) hang(op Op, at side, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.of(op)
	for range n {
		h := newHold()
		h.endsWithClient = true
		f.holds[at] = append(f.holds[at], h)
	}
}

// Gate lets the next call of the operation wait, before the work, until release
// is called. The work is then done, even if the client has gone; combine it
// with LoseCalls to have it not done. [Server.Arrived] tells when the call is
// there.
func (s *Server) Gate(op Op) (release func()) { return s.gate(op, before) }

// GateAnswer is Gate behind the work: all is done, nobody has heard of it.
func (s *Server) GateAnswer(op Op) (release func()) { return s.gate(op, after) }

func (s *Server) gate(op Op, at side) (release func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.of(op)
	h := newHold()
	f.holds[at] = append(f.holds[at], h)
	return h.release
}

// Arrived waits until a call has come to a Gate or Hang of the operation. Each
// arrival is told once, also when it was before Arrived was called.
func (s *Server) Arrived(ctx context.Context, op Op) error {
	for {
		s.mu.Lock()
		f := s.of(op)
		if f.arrived > f.awaited {
			f.awaited++
			s.mu.Unlock()
			return nil
		}
		changed := f.changed
		s.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("no call of %s has come to its gate: %w", op, ctx.Err())
		}
	}
}

// Release lets every call of the operation go on that waits at a Gate or a
// Hang, and opens those that nobody has come to yet.
func (s *Server) Release(op Op) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.of(op).release()
}

func (f *faults) release() {
	for _, h := range slices.Concat(f.waiting, f.holds[before], f.holds[after]) {
		h.release()
	}
	f.waiting, f.holds = nil, [2][]*hold{}
}

// Fail answers the next n calls with the status and the body, and does nothing.
func (s *Server) Fail(op Op, status int, body string, n int) {
	s.can(op, n, reply{status: status, kind: kindOf(body), body: []byte(body)})
}

// RateLimit turns the next n calls away with 409 or 429, the headers (nil for
// none) and the body that belongs to the operation. Nothing is done.
func (s *Server) RateLimit(op Op, status int, header map[string]string, n int) {
	r := turnedAway(op, status)
	r.header = http.Header{}
	for name, value := range header {
		r.header.Set(name, value)
	}
	s.can(op, n, r)
}

func (s *Server) can(op Op, n int, r reply) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.of(op)
	f.canned = append(f.canned, &canned{left: n, reply: r})
}

// Heal takes every fault from the operations, from all if none is named, and
// lets go what waits. Quirks stay.
func (s *Server) Heal(ops ...Op) {
	if len(ops) == 0 {
		ops = Ops()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, op := range ops {
		f := s.of(op)
		f.release()
		f.slow, f.lose, f.canned = 0, [2]int{}, nil
	}
}

// takeHold returns the hold that the call comes to, or nil, and tells Arrived.
func (s *Server) takeHold(op Op, at side) *hold {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.of(op)
	if len(f.holds[at]) == 0 {
		return nil
	}
	h := f.holds[at][0]
	f.holds[at] = f.holds[at][1:]
	f.waiting = append(slices.DeleteFunc(f.waiting, (*hold).isOpen), h)
	f.arrived++
	close(f.changed)
	f.changed = make(chan struct{})
	return h
}

func (h *hold) isOpen() bool {
	select {
	case <-h.open:
		return true
	default:
		return false
	}
}

func (s *Server) slowness(op Op) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.of(op).slow
}

func (s *Server) takeLoss(op Op, at side) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return take(&s.of(op).lose[at])
}

func (s *Server) takeCanned(op Op) (reply, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.of(op)
	for len(f.canned) > 0 {
		if c := f.canned[0]; take(&c.left) {
			return c.reply, true
		}
		f.canned = f.canned[1:]
	}
	return reply{}, false
}

// kindOf guesses the content type of a canned body.
func kindOf(body string) string {
	head := strings.ToLower(strings.TrimSpace(body))
	switch {
	case strings.HasPrefix(head, "{"):
		return "application/json"
	case strings.HasPrefix(head, "<html"), strings.HasPrefix(head, "<!doctype"):
		return "text/html; charset=utf-8"
	case strings.HasPrefix(head, "<"):
		return "application/xml"
	}
	return "text/plain; charset=utf-8"
}
