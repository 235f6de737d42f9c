package simulation

import (
	"cmp"
	"context"
	"math/rand/v2"
	"runtime"
	"strings"
	"time"

	"countersign/approvals"
	"countersign/approvals/rules"
)

// An actor is a process of the bot, or the part of one that handles what one
// person pressed. Whatever it does it does in its turns, between two stands.
type actor struct {
	*world
	name   string
	n      int           // the order in which they were started
	person bool          // handles one click, and is not started again
	exact  bool          // nothing delays it
	policy *rules.Policy // it was started under
	book   *approvals.Book
	ctx    context.Context
	cancel context.CancelFunc

	paused   time.Time      // it stands still until then
	cut      time.Time      // Redis cannot be reached until then
	passed   map[string]int // place => the step in which it was passed last
	scripted int            // the step of its last script

	// Guarded by world.mu: goroutines come to stand outside of their turns.
	stands []*stand
	dead   bool // killed: nothing leaves any more
	ended  bool
}

// A stand is a goroutine of an actor that stands still until it is given a turn.
type stand struct {
	*actor
	at    string      // the place: a fault point, or a call
	about string      // what it is about, for the trace
	part  part        // of the actor
	until time.Time   // no turn before then,
	can   func() bool // or before this is so; nil where only the time counts
	turn  chan verdict
	seen  int // when the scheduler saw it first
}

// A part tells the goroutines of one process apart.
type part int

const (
	front part = iota // looks for work, or handles a click, or posts
	work              // carries a plan out
	beat              // renews the lease meanwhile
)

// before is an order of stands that does not depend on the machine.
func (s *stand) before(t *stand) int {
	return cmp.Or(
		cmp.Compare(s.n, t.n), strings.Compare(s.at, t.at), strings.Compare(s.about, t.about),
		cmp.Compare(s.part, t.part), cmp.Compare(s.seen, t.seen),
	)
}

// ready reports whether the goroutine may have a turn.
func (s *stand) ready(now time.Time) bool {
	return !now.Before(s.until) || s.can != nil && s.can()
}

// idle is where nothing can befall anybody.
func (s *stand) idle() bool { return s.at == "sleep" || s.at == "wait" }

// script reports whether a script is about to be called.
func (s *stand) script() bool { return strings.HasSuffix(s.at, " script") }

// read reports whether Redis is about to be asked something else.
func (s *stand) read() bool { return strings.Contains(s.at, " ") && !s.script() }

// A verdict is how a goroutine goes on from its stand.
type verdict int

const (
	goOn       verdict = iota
	die                // kill -9: its process is gone
	loseCall           // what it sends to Redis never arrives
	loseAnswer         // it arrives, and the answer does not
)

func (v verdict) String() string {
	return []string{"", " dies", ": the call is lost", ": the answer is lost"}[v]
}

// halt makes the calling goroutine stand still until the scheduler gives it a
// turn. The goroutine of a killed process ends here: a panic could not be
// recovered at the root of a goroutine of the executor.
func (a *actor) halt(s stand) verdict {
	s.actor, s.turn = a, make(chan verdict)
	a.mu.Lock()
	dead := a.dead
	if !dead {
		a.stands = append(a.stands, &s)
	}
	a.mu.Unlock()
	if dead {
		runtime.Goexit()
	}
	a.arrive()
	v := <-s.turn
	if v == die {
		runtime.Goexit()
	}
	return v
}

// point is a named fault point of the product.
func (a *actor) point(at string) { a.halt(stand{at: at}) }

// sleep stands still for d, and reports whether the process is not told to stop.
func (a *actor) sleep(d time.Duration) bool {
	a.halt(stand{at: "sleep", until: time.Now().Add(d), can: func() bool { return a.ctx.Err() != nil }})
	return a.ctx.Err() == nil
}

// await stands still until something is so, at most for a while, and reports
// whether it is.
func (a *actor) await(what string, most time.Duration, so func() bool) bool {
	a.halt(stand{at: "wait", about: what, until: time.Now().Add(most), can: func() bool { return so() || a.ctx.Err() != nil }})
	return so() && a.ctx.Err() == nil
}

// jitter draws for any goroutine of the process: at one moment the same for all,
// because nobody knows which of them asks first.
func (a *actor) jitter(n int64) int64 {
	return rand.New(rand.NewPCG(a.seed<<16+uint64(a.n), uint64(time.Now().UnixNano()))).Int64N(n)
}

type actorKey struct{}

// spawn starts an actor. Its life begins with a stand, and ends when it returns,
// when it is killed, or when the schedule is over.
func (w *world) spawn(name string, person bool, life func(a *actor)) *actor {
	a := &actor{world: w, name: name, person: person, policy: w.newest, passed: map[string]int{}}
	w.mu.Lock()
	a.n = len(w.actors)
	w.actors = append(w.actors, a)
	w.mu.Unlock()
	a.ctx, a.cancel = context.WithCancel(context.WithValue(w.t.Context(), actorKey{}, a))
	a.book = w.open(a)
	go func() {
		defer func() {
			a.cancel()
			w.mu.Lock()
			a.ended = true
			w.mu.Unlock()
			w.arrive()
		}()
		life(a)
	}()
	return a
}

// open opens the book as the actor sees it.
func (w *world) open(a *actor) *approvals.Book {
	b, err := approvals.NewBook(approvals.Config{
		Client: w.client, Tenant: tenant, Keys: w.keys, Policy: a.policy.Hash(), Retention: time.Hour,
		Point: a.point, Script: w.off.script(), Off: w.off.off,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return b
}
