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

// Account is what became of the users of a request that people look at, or have
// closed, as a sentence. It is empty where nobody knows: a run began, and there
// are no counts of it.
func Account(p approvals.Pending) string {
	return strings.TrimSpace(account(about(p), begunOf(p)))
}

// Interrupted says of a request that needs review why, and what was done by then:
// what its entry in the trail says, as far as the record knows it.
func Interrupted(p approvals.Pending) string { return interrupted(about(p), begunOf(p)) }

// Cause says why a run was stopped or interrupted, as a clause that follows a
// colon.
func Cause(p approvals.Pending) string { return because(about(p)) }

// about has what the record of a request says about its review.
func about(p approvals.Pending) approvals.Event {
	return approvals.Event{
		Kind: approvals.Review, Request: p.ID, Counts: p.Counts,
		Facts: approvals.Facts{Verb: string(p.Verb), Users: p.Users, Why: p.Cause, Asked: p.Requester},
	}
}

// begun says whether a run of a request began.
type begun int

const (
	notBegun begun = iota
	hasBegun
	mayHaveBegun // what could tell is lost, or cannot be trusted
)

// begunOf goes by the record.
func begunOf(p approvals.Pending) begun {
	switch b := begunFor(p.Cause); {
	case b == mayHaveBegun && len(p.Counts) == 0:
		return b
	case len(p.Counts) > 0 || !p.Started.IsZero():
		return hasBegun
	default:
		return b
	}
}

// begunFor goes by the reason for which people have to look, where nothing was
// counted. A login is refused, and an answer is lost, in runs only.
func begunFor(why approvals.Why) begun {
	switch why {
	case approvals.WhyForged, approvals.WhyPayloadGone, approvals.WhyUnreplicated, approvals.WhyRolledBack:
		return mayHaveBegun
	case approvals.WhyUnknown, approvals.WhyFailures, approvals.WhyCredentials, approvals.WhyFrozen:
		return hasBegun
	}
	return notBegun
}

// account is one more sentence: what was done by the time the run ended. What
// nobody knows is not said.
func account(e approvals.Event, b begun) string {
	switch {
	case untouched(e), len(e.Counts) == 0 && b == notBegun:
		return " No user was touched."
	case len(e.Counts) == 0:
		return ""
	}
	return " " + ran(approvals.Verb(e.Facts.Verb), e.Facts.Users, e.Counts, "") + "."
}

// untouched reports whether a run ended before the turn of its first user.
func untouched(e approvals.Event) bool {
	n := e.Counts[string(approvals.ResultNotRun)]
	return n > 0 && n >= e.Facts.Users
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
		{string(approvals.ResultUnknown), "has an unknown result", "have an unknown result"},
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
	left := fate{"", "has no known result", "have no known result"}
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
