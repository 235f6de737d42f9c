package simulation

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"countersign/approvals"
	"countersign/approvals/rules"
	"countersign/audit"
)

// A world is one Redis, one Qualys, one channel, the people, and the processes
// of the bot. Everything in it is touched by the scheduler, or by whoever has
// the turn; mu guards what is not.
type world struct {
	t      *testing.T
	seed   uint64
	rng    *rand.Rand
	m      *miniredis.Miniredis
	client *redis.Client
	keys   approvals.Keys
	trail  *audit.Trail
	off    mutant

	newest *rules.Policy // what a process that starts now is started under
	office *office
	cloud  *cloud
	*checker
	channel []posted
	asked   []*asked
	events  []happening // what happens by itself, by time

	skew   time.Duration // Redis' clock against everybody else's
	skewed bool          // it is, or was
	jumped int           // the step of its last jump
	poll   time.Duration

	mayBeOpen, mayBeOpenEach int // requests, and of one person
	begun                    time.Time
	healed                   time.Time // no faults after this
	end                      time.Time // everything must be settled by then

	strikes map[int]string // instead of chance: step => fault
	stands  []*stand       // who was let go, step by step
	step    int            // how many turns there were
	looks   int            // and how often the scheduler looked for the next
	last    *stand         // who was let go last
	trace   []string
	stats   stats
	arrived chan struct{}

	mu     sync.Mutex
	actors []*actor
}

// A happening is something that the world does to the bot.
type happening struct {
	at   time.Duration
	name string
	do   func()
}

// inWorld builds a world in a bubble, lets it be furnished, plays it to its end
// and returns it with everything that was broken.
func inWorld(t *testing.T, seed uint64, off mutant, furnish func(w *world)) *world {
	var w *world
	synctest.Test(t, func(t *testing.T) {
		w = newWorld(t, seed, off)
		furnish(w)
		slices.SortStableFunc(w.events, func(a, b happening) int { return cmp.Compare(a.at, b.at) })
		for w.next() {
		}
		w.finally()
		w.stop()
		_ = w.client.Close()
		w.m.Close()
		synctest.Wait()
	})
	return w
}

func newWorld(t *testing.T, seed uint64, off mutant) *world {
	w := &world{
		t: t, seed: seed, rng: rand.New(rand.NewPCG(seed, 1)), off: off,
		mayBeOpen: 100, mayBeOpenEach: 10,
		poll: 3500 * time.Millisecond, begun: time.Now(), arrived: make(chan struct{}, 1), stats: newStats(),
	}
	w.healed = w.begun.Add(100 * time.Second)
	w.end = w.healed.Add(30 * time.Minute)
	keys, err := approvals.DeriveKeys([]byte(strings.Repeat("k", approvals.KeySize)))
	if err != nil {
		t.Fatal(err)
	}
	w.keys, w.trail = keys, audit.NewTrail(tenant, keys.Sign)
	w.dial()
	w.office = newOffice(w)
	w.cloud = newCloud(w)
	w.checker = newChecker(w)
	w.renew(firstPolicy())
	return w
}

// renew makes a policy the newest one.
func (w *world) renew(p *rules.Policy) {
	w.newest = p
	_ = w.m.Set(key("policy"), p.Hash())
}

// now is Redis' clock.
func (w *world) now() time.Time { return time.Now().Add(w.skew) }

// jump moves Redis' clock.
func (w *world) jump(d time.Duration) {
	w.skew, w.skewed, w.jumped = w.skew+d, true, w.step
	w.setClock()
}

func (w *world) setClock() {
	if w.skewed {
		w.m.SetTime(w.now())
	}
}

// next gives one goroutine a turn, to its next stand, perhaps with a fault. It
// reports whether there is more to do.
//
// Nothing else moves meanwhile, but for goroutines that wake at the same moment,
// or that a turn begins: they come to stand before they touch anything.
func (w *world) next() bool {
	synctest.Wait() // the turn before is over
	now := time.Now()
	w.setClock()
	w.observe()
	if len(w.broken) > 0 && w.off.name != "" || w.settled() || now.After(w.end) {
		return false
	}
	for len(w.events) > 0 && !now.Before(w.begun.Add(w.events[0].at)) {
		w.note("it happens: %s", w.events[0].name)
		w.stats.deeds[w.events[0].name]++
		w.events[0].do()
		w.events = w.events[1:]
		synctest.Wait()
		w.observe()
	}
	if w.frozen != 0 && !now.Before(w.healed) {
		w.thaw()
	}
	ready, wake := w.ready(now)
	if len(ready) == 0 {
		w.waitFor(wake)
		return true
	}
	if w.strikes == nil {
		w.chance(ready[w.rng.IntN(len(ready))])
	} else {
		w.strike(ready[0])
	}
	return true
}

// ready returns who may have a turn now, in an order that does not depend on the
// machine, and when next somebody may.
func (w *world) ready(now time.Time) (ready []*stand, wake time.Time) {
	wakes := func(at time.Time) {
		if at.After(now) && (wake.IsZero() || at.Before(wake)) {
			wake = at
		}
	}
	var all []*stand
	w.mu.Lock()
	for _, a := range w.actors {
		all = append(all, a.stands...)
	}
	w.mu.Unlock()
	w.looks++
	for _, s := range all {
		if s.seen == 0 {
			s.seen = w.looks
		}
		switch {
		case s.paused.After(now):
			wakes(s.paused)
		case s.ready(now):
			ready = append(ready, s)
		default:
			wakes(s.until)
		}
	}
	if len(w.events) > 0 {
		wakes(w.begun.Add(w.events[0].at))
	}
	slices.SortFunc(ready, (*stand).before)
	for i := range ready[min(1, len(ready)):] {
		if s := ready[i]; s.before(ready[i+1]) == 0 {
			w.t.Errorf("seed %d: two goroutines of %s stand at %s %s: who is first depends on the machine", w.seed, s.name, s.at, s.about)
		}
	}
	return ready, wake
}

// arrive tells the scheduler that somebody came to stand.
func (w *world) arrive() {
	select {
	case w.arrived <- struct{}{}:
	default:
	}
}

// waitFor waits for somebody to arrive, or for a moment.
func (w *world) waitFor(until time.Time) {
	d := time.Second
	if !until.IsZero() {
		d = time.Until(until)
	}
	select {
	case <-w.arrived:
	case <-time.After(d):
	}
}

func (w *world) note(format string, args ...any) {
	w.trace = append(w.trace, fmt.Sprintf("%9.3f ", time.Since(w.begun).Seconds())+fmt.Sprintf(format, args...))
}

// settled reports whether nothing is left to happen: everybody has had their
// say, every request is over or needs review, and every event is posted.
func (w *world) settled() bool {
	for _, c := range w.typed {
		if c.unheard() {
			return false
		}
	}
	return w.allOver() && w.allPosted() && !w.waitsFor(nil)
}

// waitsFor reports whether somebody, or somebody else, has not had their say.
func (w *world) waitsFor(self *actor) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.ContainsFunc(w.actors, func(a *actor) bool { return a.person && !a.ended && a != self })
}

// stop kills everybody, so that no goroutine outlives the bubble.
func (w *world) stop() {
	for left := true; left; {
		synctest.Wait()
		w.mu.Lock()
		all := slices.Clone(w.actors)
		left = slices.ContainsFunc(all, func(a *actor) bool { return !a.ended })
		w.mu.Unlock()
		for _, a := range all {
			w.bury(a)
		}
		if left {
			w.waitFor(time.Time{})
		}
	}
}
