package simulation

import (
	"maps"
	"strings"
	"testing"
	"time"
)

// stats say whether a run meant anything: a simulation in which nothing happens
// finds nothing wrong.
type stats struct {
	steps, kills, pauses, broken  int
	requests, executed, takeovers int

	killedAt         map[string]int // by place
	faults, deeds    map[string]int // by what befell processes, and what people and the world did
	states, events   map[string]int // by how requests ended, and by what was logged
	reviews, expired map[string]int // by cause
}

func newStats() stats {
	s := stats{}
	for _, counts := range s.maps() {
		*counts = map[string]int{}
	}
	return s
}

func (s *stats) maps() []*map[string]int {
	return []*map[string]int{&s.killedAt, &s.faults, &s.deeds, &s.states, &s.events, &s.reviews, &s.expired}
}

func (s *stats) add(o stats) {
	for to, n := range map[*int]int{
		&s.steps: o.steps, &s.kills: o.kills, &s.pauses: o.pauses, &s.broken: o.broken,
		&s.requests: o.requests, &s.executed: o.executed, &s.takeovers: o.takeovers,
	} {
		*to += n
	}
	from := o.maps()
	for i, counts := range s.maps() {
		for name, n := range *from[i] {
			(*counts)[name] += n
		}
	}
}

func (s *stats) print(t *testing.T, n int, took time.Duration) {
	t.Helper()
	t.Logf("%d schedules in %v (%.0f/s): %d steps, %d kills, %d pauses, %d violations", n, took.Round(time.Millisecond),
		float64(n)/took.Seconds(), s.steps, s.kills, s.pauses, s.broken)
	t.Logf("%d requests: %d executed, %d of them with a takeover; ended: %v", s.requests, s.executed, s.takeovers, s.states)
	t.Logf("events: %v; reviews: %v; expired: %v", s.events, s.reviews, s.expired)
	t.Logf("faults: %v", s.faults)
	t.Logf("what happened: %v", s.deeds)
	points := maps.Clone(s.killedAt)
	maps.DeleteFunc(points, func(at string, _ int) bool { return strings.Contains(at, " ") }) // calls of Redis
	t.Logf("kills by point: %v", points)
}

// judge fails a run in which too little happened. The limits are those of
// 10,000 schedules, in proportion.
func (s *stats) judge(t *testing.T, n int) {
	t.Helper()
	if s.executed*100 < s.requests*60 {
		t.Errorf("only %d of %d requests were executed: this run proves nothing", s.executed, s.requests)
	}
	if s.takeovers*100 < s.executed*40 {
		t.Errorf("only %d of %d runs were taken over: this run proves nothing", s.takeovers, s.executed)
	}
	for _, limit := range []struct {
		least  int
		counts map[string]int
		names  []string
	}{
		{50, s.killedAt, []string{
			"create.before", "create.after", "approve.before", "approve.after", "poll", "claim.before", "claim.after",
			"chunk.begin", "reconcile", "qualys.before", "qualys.after", "chunk.end", "finish.before", "finish.after",
			"post.before", "post.after", "upload.before", "upload.after", "attach.before", "attach.after",
		}},
		{100, s.states, []string{"DONE", "DONE_WITH_ERRORS", "STOPPED", "REJECTED", "CANCELLED", "EXPIRED", "CLOSED"}},
		{100, s.events, []string{"requested", "approved", "withdrawn", "started", "review", "resumed", "frozen", "unfrozen"}},
		{50, s.faults, []string{
			"Redis: the call is lost", "Redis: the answer is lost", "Redis out of reach", "told to stop",
			"Qualys: lost call", "Qualys: lost answer", "Qualys: late", "Qualys: slow", "Qualys: turned away",
			"Qualys: nonsense", "Qualys: nonsense, not done", "Qualys: refused login", "Qualys: stubborn", "Qualys: a read fails",
			"a click is lost", "a click comes twice", "a command comes twice",
		}},
		{50, s.deeds, []string{
			"somebody leaves", "the policy changes", "slack is down", "somebody changes a user", "somebody removes a user",
			"Redis' clock jumps", "Redis' clock jumps far", rollsBack, putsBack, setsBack, "Mallory approves it in Redis",
			"Mallory moves the deadline", "Mallory claims a quorum of nobody", "Mallory swaps the plan", "Redis loses the plan",
			"somebody clicks at the deadline -1 ms", "somebody clicks at the deadline +0 ms", "somebody clicks at the deadline +1 ms",
			"retry", "undo", "somebody is told to repeat a command", "a command is typed again", "Qualys loses every write",
		}},
	} {
		for _, name := range limit.names {
			if limit.counts[name]*10000 < limit.least*n {
				t.Errorf("only %d times %s: this run proves nothing about it", limit.counts[name], name)
			}
		}
	}
}
