//go:build !race

package simulation

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"runtime"
	"time"

	"github.com/redis/go-redis/v9"

	"countersign/approvals"
	"countersign/approvals/rules"
)

// An actor is a process of the bot, or the part of one that handles what one
// person pressed. Whatever it does it does between two stands.
type actor struct {
	*world
	name   string
	n      int           // the order in which they were started
	person bool          // handles one click, and is not started again
	policy *rules.Policy // it was started under
	rng    *rand.Rand    // its own jitter
	book   *approvals.Book
	ctx    context.Context
	cancel context.CancelFunc

	// Guarded by world.mu.
	stands []*stand
	paused time.Time // it stands still until then
	cut    time.Time // Redis cannot be reached until then
	dead   bool      // killed: nothing leaves any more
	ended  bool
	passed map[string]int // fault point => the step in which it was passed last

	idle     bool // it asks for the poster's lease
	scripted int  // the step of its last script
}

// A stand is a goroutine of an actor that stands still until it is let go.
type stand struct {
	*actor
	at     string
	urgent bool // its context has a deadline: the heartbeat's has
	gate   chan verdict
}

// A verdict is how a goroutine goes on from its stand.
type verdict int

const (
	goOn       verdict = iota
	die                // kill -9: its process is gone
	loseCall           // what it sends to Redis never arrives
	loseAnswer         // it arrives, and the answer does not
)

// wait makes the calling goroutine stand still until the scheduler lets it go.
// The goroutine of a killed process ends here: a panic could not be recovered
// at the root of a goroutine of the executor.
func (a *actor) wait(at string, urgent bool) verdict {
	s := &stand{actor: a, at: at, urgent: urgent, gate: make(chan verdict)}
	a.mu.Lock()
	dead := a.dead
	if !dead {
		a.stands = append(a.stands, s)
	}
	a.mu.Unlock()
	if dead {
		runtime.Goexit()
	}
	a.arrive()
	v := <-s.gate
	if v == die {
		runtime.Goexit()
	}
	return v
}

// point is a named fault point of the product.
func (a *actor) point(at string) { a.wait(at, false) }

// jitter draws for any goroutine of the process.
func (a *actor) jitter(n int64) int64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.rng.Int64N(n)
}

// sleep waits, and reports whether the process still lives.
func (a *actor) sleep(d time.Duration) bool {
	select {
	case <-a.ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

type actorKey struct{}

// spawn starts an actor. Its life ends when it returns, when it is killed, or
// when the schedule is over.
func (w *world) spawn(name string, person bool, life func(a *actor)) *actor {
	a := &actor{world: w, name: name, person: person, policy: w.newest, passed: map[string]int{}}
	w.mu.Lock()
	a.n = len(w.actors)
	w.actors = append(w.actors, a)
	w.mu.Unlock()
	a.rng = rand.New(&source{from: rand.NewPCG(w.seed, uint64(a.n)+100)})
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
		Point: a.point, Script: w.off.script, Off: w.off.rule,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return b
}

// The world is a hook of the one Redis client: every script is a stand, and its
// call or its answer may get lost there.

func (w *world) DialHook(next redis.DialHook) redis.DialHook { return next }

func (w *world) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (w *world) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		a, ok := ctx.Value(actorKey{}).(*actor)
		if !ok {
			return next(ctx, cmd)
		}
		v := goOn
		if cmd.Name() == "evalsha" {
			_, urgent := ctx.Deadline()
			at := fmt.Sprintf("script %.6s", cmd.Args()[1])
			if a.idle {
				at = "lease"
			}
			v = a.wait(at, urgent)
		}
		w.mu.Lock()
		dead, cut := a.dead, a.cut.After(time.Now())
		w.mu.Unlock()
		switch {
		case dead:
			runtime.Goexit()
		case cut, v == loseCall:
			cmd.SetErr(io.EOF)
			return io.EOF
		}
		err := next(ctx, cmd)
		if v == loseAnswer {
			cmd.SetErr(io.EOF)
			return io.EOF
		}
		return err
	}
}

func (w *world) dial(context.Context, string, string) (net.Conn, error) { return w.m.Dial() }
