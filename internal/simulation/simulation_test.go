// Package simulation attacks the product's own approvals and execution: their
// book and scripts, their executor, and the outbox, over a Redis, a Qualys and a
// channel in memory.
//
// # How a schedule works
//
// Everything happens in a bubble of testing/synctest, where time costs nothing.
// A [world] has processes of the bot and people, called actors. Each goroutine
// of an actor stands still before it touches anything that others touch too: at
// each named fault point, at each call of Redis and of Qualys. The scheduler
// gives one of them a turn, to its next stand, and looks what it did. So one
// goroutine moves at a time, and one number, the seed, decides everything: who
// asks for what, who is next, and what befalls them.
//
// Processes are killed, told to stop, and paused beyond their lease. Calls of
// Redis and of Qualys get lost, or their answers do. Commands and clicks come
// twice or never, clicks at the millisecond of the deadline. People leave and
// policies change, everything is frozen, runs are stopped, reviewed and resumed,
// asked for again and undone. Redis' clock is off and jumps, Redis is set back as
// a whole, and somebody writes to it by hand. After 100 seconds the
// faults end, and everything has 30 minutes to come to its end.
//
// A [checker] follows the log, the record, the channel and Qualys' users. It
// never asks the bot, which may be wrong about itself.
//
// Replicas learn of each other through Redis alone, so one difference between
// Redis' clock and theirs stands for all differences between theirs.
//
// # What to run
//
//	TestSimulation        many schedules, each from its seed
//	TestTheCorpus         the seeds that once broke something
//	TestEveryFault        every single fault, and every pair of them, in one request
//	TestEveryRuleMatters  every safety rule switched off: the schedules must notice
//	TestEveryRowIsHeld    the table of faults, and the rules and tests that hold each
//
// A schedule that broke something says how to see it again, step by step:
//
//	go test ./internal/simulation -run '^TestSimulation$' -v -seed=N -schedules=1 -steps
//
// A line of it is a turn: the time, whose it is, and where it stood before. Then
// come the events that it wrote, and what it broke. Its seed is written into
// testdata/seeds.txt, and belongs there for good once the fault is mended.
// TestEveryFault says the same of its faults, with -strikes in place of a seed; it
// always tries all of them.
//
// Not simulated: the loss of writes in replication and in a failover, eviction,
// slow scripts, clusters. Those need a real Redis.
package simulation

import (
	"bufio"
	_ "embed"
	"flag"
	"fmt"
	"os"
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
	inParallel(t, n, func(t *testing.T, i int) {
		w := play(t, *firstSeed+uint64(i), off)
		report(t, w)
		mu.Lock()
		defer mu.Unlock()
		total.add(w.stats)
	})
	total.print(t, n, time.Since(begun))
	if n >= 1000 && off.name == "" {
		total.judge(t, n)
	}
}

// inParallel does something n times, on all processors.
func inParallel(t *testing.T, n int, do func(t *testing.T, i int)) {
	var mu sync.Mutex
	next := 0
	take := func() int {
		mu.Lock()
		defer mu.Unlock()
		next++
		return next - 1
	}
	t.Run("all", func(t *testing.T) {
		for worker := range runtime.GOMAXPROCS(0) {
			t.Run(fmt.Sprint("worker ", worker), func(t *testing.T) {
				t.Parallel()
				for i := take(); i < n; i = take() {
					do(t, i)
				}
			})
		}
	})
}

// report says what a schedule broke, and how to see it again.
func report(t *testing.T, w *world) {
	t.Helper()
	for _, b := range w.broken {
		t.Errorf("seed %d: %s", w.seed, b)
	}
	if len(w.broken) > 0 {
		replay := fmt.Sprintf("go test ./internal/simulation -run '^TestSimulation$' -v -seed=%d -schedules=1 -steps", w.seed)
		if w.off.name != "" {
			replay += fmt.Sprintf(" -off=%q", w.off.name)
		}
		t.Log("replay: " + replay)
		if w.off.name == "" {
			keep(t, w)
		}
	}
	if *showSteps {
		t.Log("\n" + strings.Join(w.trace, "\n"))
	}
}

const corpusFile = "testdata/seeds.txt"

// kept is guarded by keeping.
var (
	keeping sync.Mutex
	kept    = map[uint64]bool{}
)

// keep writes a seed that broke something into the corpus, as fuzzing does. Ten
// of a run are enough.
func keep(t *testing.T, w *world) {
	keeping.Lock()
	defer keeping.Unlock()
	text, err := os.ReadFile(corpusFile)
	known := strings.Contains("\n"+string(text), fmt.Sprintf("\n%d ", w.seed))
	if err != nil || known || kept[w.seed] || len(kept) == 10 {
		return
	}
	kept[w.seed] = true
	line := fmt.Sprintf("%d # %s\n", w.seed, w.broken[0])
	if err := os.WriteFile(corpusFile, append(text, line...), 0o644); err != nil {
		t.Logf("keep the seed: %v", err)
		return
	}
	t.Logf("seed %d stands in %s now", w.seed, corpusFile)
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

// TestTheSameSeedIsTheSameSchedule plays seeds several times at once: a trace
// that depends on the machine could not be replayed. A trace holds every call
// of Redis and of Qualys, every event and mark of the ledger with its time, and
// the hash of the trail.
func TestTheSameSeedIsTheSameSchedule(t *testing.T) {
	seeds, times := 60, 2
	if raced {
		seeds = 5
	}
	traces := make([][]string, seeds*times)
	inParallel(t, len(traces), func(t *testing.T, i int) {
		traces[i] = play(t, *firstSeed+uint64(i/times), mutant{}).trace
	})
	for i, trace := range traces {
		first := traces[i-i%times]
		for step := range min(len(first), len(trace)) {
			if first[step] != trace[step] {
				t.Fatalf("schedule %d took two ways at line %d:\n%s\n%s", i/times, step, first[step], trace[step])
			}
		}
		if !slices.Equal(first, trace) {
			t.Errorf("schedule %d took two ways", i/times)
		}
	}
}
