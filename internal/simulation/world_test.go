//go:build !race

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
	"github.com/redis/go-redis/v9/maintnotifications"

	"countersign/approvals"
	"countersign/approvals/rules"
	"countersign/audit"
)

const tenant = "sim"

func key(name string) string { return "countersign:{" + tenant + "}:" + name }

// A world is one Redis, one Qualys, one channel, the people, and the processes
// of the bot. One goroutine moves at a time; who is next, and what befalls it,
// follows from the seed, or from a list of strikes.
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
	poll   time.Duration
	begun  time.Time
	healed time.Time // no faults after this
	end    time.Time // everything must be settled by then

	strikes map[int]string // instead of chance: step => fault
	stands  []string       // where somebody was let go, step by step
	step    int
	last    *stand // who was let go last
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
		t: t, seed: seed, rng: rand.New(&source{from: rand.NewPCG(seed, 1)}), m: miniredis.NewMiniRedis(), off: off,
		poll: 2500 * time.Millisecond, begun: time.Now(), arrived: make(chan struct{}, 1), stats: newStats(),
	}
	w.m.ClockTTL(true)
	w.healed = w.begun.Add(100 * time.Second)
	w.end = w.healed.Add(30 * time.Minute)
	keys, err := approvals.DeriveKeys([]byte(strings.Repeat("k", approvals.KeySize)))
	if err != nil {
		t.Fatal(err)
	}
	w.keys, w.trail = keys, audit.NewTrail(tenant, keys.Sign)
	w.client = redis.NewClient(&redis.Options{
		Addr: "127.0.0.1:1", MaxRetries: -1, PoolSize: 64, Protocol: 2, DisableIdentity: true, Dialer: w.dial,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	})
	w.client.AddHook(w)
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

func (w *world) arrive() {
	select {
	case w.arrived <- struct{}{}:
	default:
	}
}

// now is Redis' clock.
func (w *world) now() time.Time { return time.Now().Add(w.skew) }

func (w *world) setClock() {
	if w.skew != 0 {
		w.m.SetTime(w.now())
	}
}

// next lets one goroutine go on to its next stand, perhaps after a fault. It
// reports whether there is more to do.
func (w *world) next() bool {
	synctest.Wait() // everybody stands still: exactly one choice is made
	now := time.Now()
	w.setClock()
	w.observe()
	if len(w.broken) > 0 && w.off.name != "" || w.settled() || now.After(w.end) {
		return false
	}
	for len(w.events) > 0 && !now.Before(w.begun.Add(w.events[0].at)) {
		w.note("it happens: %s", w.events[0].name)
		w.events[0].do()
		w.events = w.events[1:]
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

// waitFor waits for somebody to arrive, or for a moment.
func (w *world) waitFor(until time.Time) {
	d := time.Second
	if !until.IsZero() {
		d = max(0, time.Until(until))
	}
	select {
	case <-w.arrived:
	case <-time.After(d):
	}
}

// ready returns who can move now, in an order that does not depend on the
// machine, and when the next paused process wakes.
func (w *world) ready(now time.Time) (ready []*stand, wake time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, a := range w.actors {
		switch {
		case len(a.stands) == 0:
		case a.paused.After(now):
			if wake.IsZero() || a.paused.Before(wake) {
				wake = a.paused
			}
		default:
			ready = append(ready, a.stands...)
		}
	}
	if len(w.events) > 0 {
		if at := w.begun.Add(w.events[0].at); wake.IsZero() || at.Before(wake) {
			wake = at
		}
	}
	slices.SortStableFunc(ready, func(a, b *stand) int {
		return cmp.Or(cmp.Compare(a.n, b.n), strings.Compare(a.at, b.at), compareBool(a.urgent, b.urgent))
	})
	return ready, wake
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// chance lets a goroutine go, and draws what befalls it.
func (w *world) chance(s *stand) {
	faults := time.Now().Before(w.healed)
	x := w.rng.Float64()
	kill, still, long := 0.03, 0.03, 40000
	switch {
	case s.person:
		kill, still = 0.015, 0.015
	case s.at == "poll", s.at == "lease": // mostly in vain
		kill, still = 0.003, 0.003
	case strings.HasPrefix(s.name, "poster"): // without it nobody can approve anything
		kill, still, long = 0.012, 0.012, 15000
	}
	switch scripted := s.at == "lease" || strings.HasPrefix(s.at, "script"); {
	case faults && x < kill:
		w.kill(s)
		return
	case faults && x < kill+still:
		w.pause(s, time.Duration(w.rng.IntN(long))*time.Millisecond)
		return
	case faults && x < 0.06 && !s.person && w.rng.IntN(3) == 0:
		w.note("%s is told to stop", s.name)
		s.cancel()
		w.replace(s.actor)
	case faults && x > 0.06 && x < 0.063:
		w.note("%s cannot reach Redis", s.name)
		w.mu.Lock()
		s.cut = time.Now().Add(time.Duration(w.rng.IntN(20000)) * time.Millisecond)
		w.mu.Unlock()
	case faults && scripted && x < 0.08:
		w.release(s, loseCall)
		return
	case faults && scripted && x < 0.11:
		w.release(s, loseAnswer)
		return
	case x > 0.9:
		time.Sleep(time.Duration(w.rng.IntN(500)) * time.Millisecond)
		w.setClock()
	}
	w.release(s, goOn)
}

// strike lets a goroutine go, and does to it what the list says.
func (w *world) strike(s *stand) {
	at := s.at
	if strings.HasPrefix(s.name, "poster") {
		at = "poster " + at
	}
	w.stands = append(w.stands, at)
	switch w.strikes[w.step] {
	case "kill":
		w.kill(s)
	case "pause":
		w.step++
		w.pause(s, 40*time.Second)
	case "lost call":
		w.release(s, loseCall)
	case "lost answer":
		w.release(s, loseAnswer)
	case "":
		w.release(s, goOn)
	default: // befalls the call of Qualys
		w.cloud.forced = w.strikes[w.step]
		w.release(s, goOn)
	}
}

func (w *world) note(format string, args ...any) {
	w.trace = append(w.trace, fmt.Sprintf("%9.3f ", time.Since(w.begun).Seconds())+fmt.Sprintf(format, args...))
}

// release lets a goroutine go on.
func (w *world) release(s *stand, v verdict) {
	w.mu.Lock()
	s.stands = slices.DeleteFunc(s.stands, func(other *stand) bool { return other == s })
	w.mu.Unlock()
	w.step++
	w.stats.steps++
	s.passed[s.at] = w.step
	if strings.HasPrefix(s.at, "script") {
		s.scripted = w.step
	}
	w.last = s
	w.note("%s at %s%s", s.name, s.at, []string{"", " dies", ": the call is lost", ": the answer is lost"}[v])
	s.gate <- v
}

// kill ends a process at once, wherever its goroutines are.
func (w *world) kill(s *stand) {
	w.stats.kills++
	w.stats.killedAt[s.at]++
	w.bury(s.actor)
	w.release(s, die)
	w.replace(s.actor)
}

// bury lets nothing leave a process any more.
func (w *world) bury(a *actor) {
	w.mu.Lock()
	a.dead = true
	w.mu.Unlock()
	a.cancel()
}

func (w *world) pause(s *stand, d time.Duration) {
	w.stats.pauses++
	w.note("%s stands still at %s for %s", s.name, s.at, d)
	w.mu.Lock()
	s.paused = time.Now().Add(d)
	w.mu.Unlock()
}

// replace starts another process like the one that ended.
func (w *world) replace(a *actor) {
	switch {
	case a.person:
	case strings.HasPrefix(a.name, "poster"):
		w.startPoster()
	default:
		w.startReplica()
	}
}

// settled reports whether nothing is left to happen: everybody has had their
// say, every request is over or needs review, and every event is posted.
func (w *world) settled() bool {
	w.mu.Lock()
	people := slices.ContainsFunc(w.actors, func(a *actor) bool { return a.person && !a.ended })
	w.mu.Unlock()
	return !people && len(w.events) == 0 && w.allOver() && w.allPosted()
}

// stop kills everybody, so that no goroutine outlives the bubble.
func (w *world) stop() {
	w.mu.Lock()
	all := slices.Clone(w.actors)
	w.mu.Unlock()
	for _, a := range all {
		w.bury(a)
	}
	for left := true; left; {
		synctest.Wait()
		left = false
		for _, a := range all {
			w.mu.Lock()
			stands, ended := a.stands, a.ended
			a.stands = nil
			w.mu.Unlock()
			for _, s := range stands {
				s.gate <- die
			}
			left = left || !ended
		}
		if left {
			w.waitFor(time.Time{})
		}
	}
}

// A source is where chance comes from. Goroutines that wake at one moment of the
// bubble may ask it together.
type source struct {
	mu   sync.Mutex
	from rand.Source
}

func (s *source) Uint64() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.from.Uint64()
}
