package audit

import (
	"fmt"
	"strings"

	"countersign/approvals"
)

// Summary is the one line that says how a request's run went so far, from what
// was read back: "Deleted 47 of 49 SAQ users · 1 was already gone · 1 changed
// since approval, skipped". It never calls nothing a success.
func Summary(p approvals.Pending) string {
	return ran(p.Verb, p.Users, p.Counts, p.State)
}

// A fate is what became of some users of a plan, in words that follow a
// number: of one user, and of several.
type fate struct{ name, one, many string }

// fates are the counts of a run in the order in which they are told, after
// those that are done.
func fates(verb approvals.Verb) []fate {
	already := fate{string(approvals.ResultAlready), "was already gone", "were already gone"}
	failed := fate{string(approvals.ResultFailed), "is still there", "are still there"}
	if verb == approvals.Update {
		already = fate{string(approvals.ResultAlready), "already had the new values", "already had the new values"}
		failed = fate{string(approvals.ResultFailed), "was not changed by Qualys", "were not changed by Qualys"}
	}
	return []fate{
		already,
		{string(approvals.ResultSkipped), "changed since approval, skipped", "changed since approval, skipped"},
		failed,
		{string(approvals.ResultUnknown), "is unknown", "are unknown"},
		{string(approvals.ResultNotRun), "was not touched", "were not touched"},
	}
}

// ran words a run, for the summary and for the trail alike.
func ran(verb approvals.Verb, users int, counts approvals.Counts, state approvals.State) string {
	done := counts[string(approvals.ResultDone)]
	parts := []string{fmt.Sprintf("%s %s of %s", past(verb), none(done), Plural(users, "SAQ user"))}
	rest := users - done
	for _, f := range fates(verb) {
		parts = f.tell(parts, counts[f.name])
		rest -= counts[f.name]
	}
	left := fate{"", "has no result", "have no result"}
	switch state {
	case approvals.RUNNING:
		left = fate{"", "to go", "to go"}
	case approvals.STOPPED: // between two chunks: nothing of the rest was sent
		left = fate{"", "was not touched", "were not touched"}
	}
	line := strings.Join(left.tell(parts, rest), " · ")
	if state == approvals.STOPPED {
		return "Stopped. " + line
	}
	return line
}

// tell adds n users of this fate to what is told, if there are any.
func (f fate) tell(parts []string, n int) []string {
	switch {
	case n <= 0:
		return parts
	case n == 1:
		return append(parts, "1 "+f.one)
	}
	return append(parts, Number(n)+" "+f.many)
}

// none says a number, and zero as a word that nobody overlooks.
func none(n int) string {
	if n == 0 {
		return "none"
	}
	return Number(n)
}

// past is what was done to users, at the start of a line.
func past(verb approvals.Verb) string {
	switch verb {
	case approvals.Delete:
		return "Deleted"
	case approvals.Update:
		return "Updated"
	}
	return "Changed"
}
