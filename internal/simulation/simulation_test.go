//go:build !race

// Package simulation attacks the product's own approvals and execution: their
// book and scripts, their executor, and the outbox, over a Redis, a Qualys and
// a channel in memory, in one goroutine at a time.
//
// Everything happens in a bubble of testing/synctest. Every goroutine of every
// process stands still at each named fault point, at each script, and at each
// call of Qualys; a scheduler lets one of them go on, and then looks what it
// did. Who is next, and what befalls it, follows from a seed: processes are
// killed and paused beyond their lease, calls and answers get lost on the way
// to Redis and to Qualys, clicks come twice or at the millisecond of the
// deadline, people leave, policies change, clocks are skewed, and somebody
// writes to Redis by hand. A [checker] replays the log and knows the truth.
//
//	TestSimulation      many schedules, each from a seed
//	TestEveryFault      every single fault, and every pair of them
//	TestEveryRuleMatters  every safety rule switched off: somebody must notice
//
// What a failing seed did is printed by
//
//	go test ./internal/simulation -run TestSimulation -seed=N -schedules=1 -steps
//
// Not simulated: the loss of writes in replication and in a failover, eviction,
// slow scripts, clusters. Those need a real Redis.
package simulation

import (
	"bufio"
	_ "embed"
	"flag"
	"fmt"
	"maps"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	debug.SetGCPercent(1000) // thousands of short lives
	goleak.VerifyTestMain(m)
}

var (
	schedules = flag.Int("schedules", 0, "how many schedules; 0 means 200 with the race detector and 2,000 without")
	firstSeed = flag.Uint64("seed", 1, "the seed of the first schedule")
	showSteps = flag.Bool("steps", false, "print every step")
	offRule   = flag.String("off", "", "the safety rule that is switched off")
)

// corpus holds the seeds of schedules that once broke something. They are
// always played.
//
//go:embed testdata/seeds.txt
var corpus string

// stats say whether a run meant anything: a simulation in which nothing happens
// finds nothing wrong.
type stats struct {
	steps, kills, pauses          int
	requests, executed, takeovers int
	killedAt                      map[string]int
	reviews, expired              map[string]int // by cause
	states, events                map[string]int
}

func newStats() stats {
	return stats{killedAt: map[string]int{}, states: map[string]int{}, events: map[string]int{}, reviews: map[string]int{}, expired: map[string]int{}}
}

func (s *stats) add(o stats) {
	s.steps += o.steps
	s.kills += o.kills
	s.pauses += o.pauses
	s.requests += o.requests
	s.executed += o.executed
	s.takeovers += o.takeovers
	for to, from := range map[*map[string]int]map[string]int{
		&s.killedAt: o.killedAt, &s.states: o.states, &s.events: o.events, &s.reviews: o.reviews, &s.expired: o.expired,
	} {
		for name, n := range from {
			(*to)[name] += n
		}
	}
}

// play plays the schedule of one seed.
func play(t *testing.T, seed uint64, off mutant) *world {
	return inWorld(t, seed, off, schedule)
}

// how many schedules one run plays.
func howMany() int {
	switch {
	case *schedules > 0:
		return *schedules
	case raced:
		return 200
	}
	return 2000
}

// TestSimulation plays many schedules. Whatever happens, nothing may break.
func TestSimulation(t *testing.T) {
	off := mutantCalled(t, *offRule)
	n, begun, total := howMany(), time.Now(), newStats()
	var mu sync.Mutex
	t.Run("schedules", func(t *testing.T) {
		workers := runtime.GOMAXPROCS(0)
		for worker := range workers {
			t.Run(fmt.Sprint("worker ", worker), func(t *testing.T) {
				t.Parallel()
				for i := worker; i < n; i += workers {
					w := play(t, *firstSeed+uint64(i), off)
					report(t, w)
					mu.Lock()
					total.add(w.stats)
					mu.Unlock()
				}
			})
		}
	})
	took := time.Since(begun)
	t.Logf("%d schedules in %v (%.0f/s): %d steps, %d kills, %d pauses", n, took.Round(time.Millisecond),
		float64(n)/took.Seconds(), total.steps, total.kills, total.pauses)
	t.Logf("%d requests: %d started, %d of them with a takeover; ended: %v", total.requests, total.executed, total.takeovers, total.states)
	t.Logf("events: %v; reviews: %v; expired: %v", total.events, total.reviews, total.expired)
	t.Logf("kills by point: %v", points(total.killedAt))
	if n >= 100 && off.name == "" {
		total.judge(t, n)
	}
}

// points leaves out the scripts, which are named by their hashes.
func points(killed map[string]int) map[string]int {
	killed = maps.Clone(killed)
	maps.DeleteFunc(killed, func(at string, _ int) bool { return strings.HasPrefix(at, "script") })
	return killed
}

// report says what a schedule broke, and how to see it again.
func report(t *testing.T, w *world) {
	for _, b := range w.broken {
		t.Errorf("seed %d: %s", w.seed, b)
	}
	if len(w.broken) > 0 {
		t.Logf("replay: go test ./internal/simulation -run TestSimulation -v -seed=%d -schedules=1 -steps -off=%q", w.seed, w.off.name)
	}
	if *showSteps {
		t.Log("\n" + strings.Join(w.trace, "\n"))
	}
}

// judge fails a run in which too little happened. The limits are those of
// 10,000 schedules, in proportion.
func (s stats) judge(t *testing.T, n int) {
	if s.executed*100 < s.requests*60 {
		t.Errorf("only %d of %d requests started: this run proves nothing", s.executed, s.requests)
	}
	if s.takeovers*100 < s.executed*40 {
		t.Errorf("only %d of %d runs were taken over: this run proves nothing", s.takeovers, s.executed)
	}
	for _, at := range []string{
		"create.before", "create.after", "approve.before", "approve.after", "poll", "claim.before", "claim.after",
		"chunk.begin", "reconcile", "qualys.before", "qualys.after", "chunk.end", "finish.before", "finish.after",
		"post.before", "post.after", "upload.before", "upload.after", "attach.before", "attach.after",
	} {
		if s.killedAt[at]*10000 < 50*n {
			t.Errorf("only %d kills at %s: this run proves nothing about it", s.killedAt[at], at)
		}
	}
	for _, state := range []string{
		"DONE", "DONE_WITH_ERRORS", "STOPPED", "REJECTED", "CANCELLED", "EXPIRED", "CLOSED",
	} {
		if s.states[state]*10000 < 100*n {
			t.Errorf("only %d requests ended as %s: this run proves nothing about it", s.states[state], state)
		}
	}
	for _, kind := range []string{"approved", "withdrawn", "started", "review", "resumed", "frozen", "unfrozen"} {
		if s.events[kind]*10000 < 100*n {
			t.Errorf("only %d events %s: this run proves nothing about it", s.events[kind], kind)
		}
	}
}

// TestTheCorpus plays the schedules that once broke something.
func TestTheCorpus(t *testing.T) {
	lines := bufio.NewScanner(strings.NewReader(corpus))
	for lines.Scan() {
		text, _, _ := strings.Cut(lines.Text(), "#")
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		seed, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		report(t, play(t, seed, mutant{}))
	}
}

// TestTheSameSeedIsTheSameSchedule keeps replays honest.
func TestTheSameSeedIsTheSameSchedule(t *testing.T) {
	for seed := uint64(1); seed <= 15; seed++ {
		a, b := play(t, seed, mutant{}), play(t, seed, mutant{})
		for i := range min(len(a.trace), len(b.trace)) {
			if a.trace[i] != b.trace[i] {
				t.Fatalf("seed %d took two ways at step %d:\n%s\n%s", seed, i, a.trace[i], b.trace[i])
			}
		}
		if !slices.Equal(a.trace, b.trace) {
			t.Errorf("seed %d took two ways", seed)
		}
	}
}
