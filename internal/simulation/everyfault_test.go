package simulation

import (
	"flag"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"countersign/approvals"
)

// faultsAt are the faults that make sense where somebody stands. To be killed
// at a named point and at the script right behind it is the same, and a poster
// that is late harms nobody.
func faultsAt(stands []*stand, n int) []string {
	s, before := stands[n], ""
	if n > 0 {
		before = stands[n-1].at
	}
	poster := strings.HasPrefix(s.name, "poster")
	switch {
	case s.idle(), s.read(), s.at == "poll", s.at == "Lease script", s.at == "command", s.at == "click", s.at == "qualys.find":
		return nil
	case poster && strings.HasSuffix(s.at, ".after"):
		return []string{"kill"}
	case poster && s.script():
		return []string{"lost answer"}
	case poster:
		return nil
	case s.script() && (strings.HasSuffix(before, ".before") || strings.HasSuffix(before, ".after") || strings.HasPrefix(before, "chunk.")):
		return []string{"lost answer"}
	case s.script():
		return []string{"kill", "lost answer"}
	case s.at == "answer":
		return []string{"kill"}
	case s.at == "qualys.before":
		return []string{"kill", "pause", "qualys: lost call", "qualys: lost answer", "qualys: late", "qualys: turned away"}
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
			turn := w.begun.Add(time.Duration(5+15*i) * time.Second)
			w.spawn(fmt.Sprint("bob presses ", i), true, func(a *actor) {
				waits := func() bool { return a.state(r.id) == approvals.PENDING }
				a.await("bob's turn", 3*time.Minute, func() bool {
					return a.state(r.id) != "" && (!waits() || !time.Now().Before(turn))
				})
				if waits() {
					a.point("click")
					_ = r.approve(a, bob, fmt.Sprint("click ", i), true)
				}
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
	if *theStrikes != "" {
		try(t, parseStrikes(t, *theStrikes))
		return
	}
	calm := try(t, map[int]string{})
	begun := time.Now()
	var runs atomic.Int64
	inParallel(t, len(calm.stands), func(t *testing.T, n int) {
		for _, first := range faultsAt(calm.stands, n) {
			once := try(t, map[int]string{n: first})
			runs.Add(1)
			if raced { // pairs take ten times as long there, and are tried without
				continue
			}
			for m := n + 1; m < len(once.stands); m++ {
				for _, second := range faultsAt(once.stands, m) {
					try(t, map[int]string{n: first, m: second})
					runs.Add(1)
				}
			}
		}
	})
	t.Logf("%d stands, %d runs in %v", len(calm.stands), runs.Load(), time.Since(begun).Round(time.Millisecond))
}

// try lets a request suffer, and says how to see it again where it did not
// survive.
func try(t *testing.T, strikes map[int]string) *world {
	t.Helper()
	w := suffer(t, strikes)
	if problems := survived(w); len(problems) > 0 {
		t.Errorf("%s: %v", inWords(w, strikes), problems)
		t.Logf("replay: go test ./internal/simulation -run '^TestEveryFault$' -v -steps -strikes=%q", text(strikes))
	}
	if *showSteps && *theStrikes != "" {
		t.Log("\n" + strings.Join(w.trace, "\n"))
	}
	return w
}

var theStrikes = flag.String("strikes", "", "the faults of one request, such as \"31=kill,60=lost answer\"")

func text(strikes map[int]string) string {
	var all []string
	for _, n := range slices.Sorted(maps.Keys(strikes)) {
		all = append(all, fmt.Sprintf("%d=%s", n, strikes[n]))
	}
	return strings.Join(all, ",")
}

func parseStrikes(t *testing.T, text string) map[int]string {
	strikes := map[int]string{}
	for _, one := range strings.Split(text, ",") {
		number, fault, _ := strings.Cut(one, "=")
		n, err := strconv.Atoi(number)
		if err != nil {
			t.Fatal(err)
		}
		strikes[n] = fault
	}
	return strikes
}

// inWords says which faults befell whom.
func inWords(w *world, strikes map[int]string) string {
	var said []string
	for _, n := range slices.Sorted(maps.Keys(strikes)) {
		if n < len(w.stands) {
			said = append(said, fmt.Sprintf("%s of %s at %s", strikes[n], w.stands[n].name, w.stands[n].at))
		}
	}
	return strings.Join(said, ", then ")
}
