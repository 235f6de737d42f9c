//go:build !race

package simulation

import (
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"countersign/approvals"
)

// faultsAt are the faults that make sense where somebody stands. To be killed
// at a named point and at the script right behind it is the same, and a poster
// that is late harms nobody.
func faultsAt(stands []string, n int) []string {
	at, poster := strings.CutPrefix(stands[n], "poster ")
	before := ""
	if n > 0 {
		before = stands[n-1]
	}
	scripted := strings.HasPrefix(at, "script")
	switch {
	case at == "poll", at == "lease", at == "command", at == "click", at == "qualys.find":
		return nil
	case poster && strings.HasSuffix(at, ".after"):
		return []string{"kill"}
	case poster && scripted:
		return []string{"lost answer"}
	case poster:
		return nil
	case scripted && (strings.HasSuffix(before, ".before") || strings.HasSuffix(before, ".after") || strings.HasPrefix(before, "chunk.")):
		return []string{"lost answer"}
	case scripted:
		return []string{"kill", "lost answer"}
	case at == "qualys.before":
		return []string{"kill", "pause", "lost call", "lost answer", "late", "turned away"}
	}
	return []string{"kill", "pause"}
}

// suffer carries one request of two chunks out under the given strikes, with a
// new process after every kill, and a person who presses again when nothing
// happened.
func suffer(t *testing.T, strikes map[int]string) *world {
	return inWorld(t, 1, mutant{}, func(w *world) {
		w.strikes, w.poll = strikes, 4*time.Second
		w.startReplica()
		w.startPoster()
		r := w.ask(alice, w.plan(approvals.Delete, w.cloud.hire(3)), 10*time.Minute, time.Second)
		w.commands(r, time.Second, false)
		for i := range 8 {
			wait := time.Duration(4+15*i) * time.Second
			w.spawn(fmt.Sprint("bob presses ", i), true, func(a *actor) {
				for slept := time.Duration(0); a.held(r) && slept < wait; slept += 4 * time.Second {
					if !a.sleep(4*time.Second) || a.state(r.id) != approvals.PENDING {
						return
					}
				}
				a.point("click")
				_ = r.approve(a, bob, fmt.Sprint("click ", i), true)
			})
		}
	})
}

// survived says what a request must have come to: without a fault that kept it
// from being stored, every user is gone, and the summary says so.
func survived(w *world) (problems []string) {
	problems = w.broken
	r := w.asked[0]
	left := 0
	for _, u := range r.plan.Users() {
		if w.cloud.users[u.ID] != nil {
			left++
		}
	}
	switch s := w.final[r.id]; {
	case s == "" && left == 3, s == approvals.DONE && left == 0:
	default:
		problems = append(problems, fmt.Sprintf("%q, and %d of 3 users are left", s, left))
	}
	return problems
}

// TestEveryFault tries every fault where it makes sense, and every pair of them.
func TestEveryFault(t *testing.T) {
	calm := suffer(t, map[int]string{})
	if problems := survived(calm); len(problems) > 0 {
		t.Fatalf("without any fault: %v", problems)
	}
	begun, runs := time.Now(), 0
	var mu sync.Mutex
	try := func(t *testing.T, strikes map[int]string) *world {
		w := suffer(t, strikes)
		mu.Lock()
		defer mu.Unlock()
		runs++
		if problems := survived(w); len(problems) > 0 {
			var said []string
			for _, n := range slices.Sorted(maps.Keys(strikes)) {
				said = append(said, fmt.Sprintf("%s at step %d (%s)", strikes[n], n, w.stands[n]))
			}
			t.Errorf("%s: %v", strings.Join(said, ", then "), problems)
			if *showSteps {
				t.Log("\n" + strings.Join(w.trace, "\n"))
			}
		}
		return w
	}
	workers := runtime.GOMAXPROCS(0)
	taken := map[int]bool{}
	mine := func(n int) bool {
		mu.Lock()
		defer mu.Unlock()
		free := !taken[n]
		taken[n] = true
		return free
	}
	t.Run("faults", func(t *testing.T) {
		for worker := range workers {
			t.Run(fmt.Sprint("worker ", worker), func(t *testing.T) {
				t.Parallel()
				for n := range calm.stands {
					if !mine(n) {
						continue
					}
					for _, first := range faultsAt(calm.stands, n) {
						once := try(t, map[int]string{n: first})
						if raced { // pairs take ten times as long there, and are tried without
							continue
						}
						for m := n + 1; m < len(once.stands); m++ {
							for _, second := range faultsAt(once.stands, m) {
								try(t, map[int]string{n: first, m: second})
							}
						}
					}
				}
			})
		}
	})
	t.Logf("%d stands, %d runs in %v", len(calm.stands), runs, time.Since(begun).Round(time.Millisecond))
}
