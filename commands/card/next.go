package card

import (
	"countersign/approvals"
	"countersign/audit"
	"countersign/commands/grammar"
	"countersign/commands/words"
)

// Standstill says that everything stands still, since when, and who ends it; nil
// where no freeze is on.
func Standstill(on approvals.Freeze) Line {
	if on.At.IsZero() {
		return nil
	}
	return Line{
		{Text: "Everything stands still since "}, {Time: on.At}, {Text: ": "}, {Person: on.By},
		{Text: " froze it. An approver other than them lifts it with "},
		{Text: words.Command(string(grammar.Unfreeze)), Code: true}, {Text: "."},
	}
}

// next says what happens next, or how it ended.
func next(p approvals.Pending, on approvals.Freeze) Line {
	still := !on.At.IsZero()
	switch p.State {
	case approvals.PENDING:
		if !p.Card.FileShared {
			return Line{{Text: "The list of users is on its way; then it can be decided."}}
		}
		var l Line
		if still {
			l = Line{{Text: "It can be decided all the same, but does not start before the freeze is lifted."}}
		}
		if p.Verb == approvals.Delete {
			l = l.Then(Line{{Text: "This removes users of the questionnaire; it does not offboard platform accounts."}})
		}
		return l
	case approvals.APPROVED:
		starts := Span{Time: p.Starts, Clock: true}
		if still { // under a freeze the deadline ends it
			return Line{{Text: "Starts when the freeze is lifted, not before "}, starts, {Text: ". Otherwise it expires "}, {Time: p.Deadline}, {Text: "."}}
		}
		return Line{{Text: "Starts at "}, starts, {Text: "."}}
	case approvals.RUNNING:
		if p.Stopper.ID != "" {
			return Line{{Text: "Stopped by "}, {Person: p.Stopper}, {Text: ": it ends before its next chunk."}}
		}
		if still {
			return Line{{Text: "The run pauses before its next chunk and goes on when the freeze is lifted."}}
		}
		return Line{{Text: "Running. Every chunk is read back."}}
	case approvals.REJECTED, approvals.CANCELLED:
		return endedBy(p)
	case approvals.CLOSED:
		return endedBy(p).Then(afterwards(p))
	case approvals.STOPPED:
		return stoppedBy(p).Then(afterwards(p))
	case approvals.DONE, approvals.DONE_WITH_ERRORS:
		return stoppedLate(p).Then(afterwards(p))
	case approvals.EXPIRED:
		l := Line{{Text: audit.Sentence(approvals.Event{
			Kind: approvals.Expired, Request: p.ID,
			Facts: approvals.Facts{Why: p.Cause, Have: len(p.Approvals), Need: p.Need},
		})}}
		if p.Plan.IsZero() {
			return l
		}
		return append(l, Span{Text: " To ask again: "}, typed(grammar.Retry, p), Span{Text: "."})
	case approvals.NEEDS_REVIEW:
		return reviewing(p)
	}
	return nil
}

// typed is a command about a request, to be typed.
func typed(v grammar.Verb, p approvals.Pending) Span {
	return Span{Text: words.Command(string(v), p.ID), Code: true}
}

// reviewing says why people have to look, and what they can do then.
func reviewing(p approvals.Pending) Line {
	if Resuming(p) {
		return Line{{Text: "It goes on once it has " + audit.Plural(p.Need, "approval") + " again. To end it instead: "}, typed(grammar.Close, p), {Text: "."}}
	}
	l := Line{{Text: audit.Interrupted(p)}}
	if !ruined(p) {
		l = append(l, Span{Text: " An approver lets it go on: "}, typed(grammar.Resume, p), Span{Text: "."})
	}
	return append(l, Span{Text: " To end it: "}, typed(grammar.Close, p), Span{Text: "."})
}

// Resuming reports whether an interrupted request takes approvals again.
func Resuming(p approvals.Pending) bool {
	return p.State == approvals.NEEDS_REVIEW && p.Resuming
}

// Rest is what is still to do of a request: "delete the rest: 23 SAQ users", or
// all of it.
func Rest(p approvals.Pending) string {
	if n := left(p); 0 < n && n < p.Users {
		return string(p.Verb) + " the rest: " + audit.Plural(n, "SAQ user")
	}
	return What(p)
}

// ruined reports whether nothing can be made of a request any more.
func ruined(p approvals.Pending) bool {
	return p.Cause == approvals.WhyForged || p.Cause == approvals.WhyPayloadGone
}

// stoppedBy names who stopped a run, or says why it stopped by itself.
func stoppedBy(p approvals.Pending) Line {
	if p.EndedBy.ID == "" {
		return Line{{Text: "It stopped by itself: " + audit.Cause(p) + "."}}
	}
	return Line{{Text: "Stopped by "}, {Person: p.EndedBy}, {Text: "."}}
}

// stoppedLate names who asked a run to stop during its last chunk: there was no
// next one before which it could have ended.
func stoppedLate(p approvals.Pending) Line {
	if p.Stopper.ID == "" {
		return nil
	}
	return Line{{Person: p.Stopper}, {Text: " asked to stop it; nothing was left to stop."}}
}

// afterwards says what can be asked for once a run is over: to try again for
// those whom it left, and to take an update back.
func afterwards(p approvals.Pending) Line {
	var l Line
	if ruined(p) {
		return nil
	}
	if n := left(p); n == 1 {
		l = Line{{Text: "To ask again for the one that is left: "}, typed(grammar.Retry, p), {Text: "."}}
	} else if n > 1 {
		l = Line{{Text: "To ask again for the " + audit.Number(n) + " that are left: "}, typed(grammar.Retry, p), {Text: "."}}
	}
	if p.Verb == approvals.Update && p.Counts[string(approvals.ResultDone)] > 0 {
		l = l.Then(Line{{Text: "To ask for the old values again: "}, typed(grammar.Undo, p), {Text: "."}})
	}
	return l
}

// left is how many users a run left: failed, unknown, or never touched.
func left(p approvals.Pending) int {
	n := p.Users
	for _, r := range []approvals.Result{approvals.ResultDone, approvals.ResultAlready, approvals.ResultSkipped} {
		n -= p.Counts[string(r)]
	}
	return max(0, n)
}

// untouched is what is said of every request of which nothing was run.
const untouched = "No user was touched."

// endedBy says who ended a request, and in which words.
func endedBy(p approvals.Pending) Line {
	word := map[approvals.State]string{
		approvals.REJECTED: "Rejected by ", approvals.CANCELLED: "Cancelled by ", approvals.CLOSED: "Closed by ",
	}[p.State]
	l := Line{{Text: word}, {Person: p.EndedBy}, {Text: "."}}
	if p.Why != "" {
		l[2].Text = ": " + words.Quoted(p.Why, grammar.ReasonAtMost)
	}
	if p.State != approvals.CLOSED || audit.Account(p) == untouched {
		l = append(l, Span{Text: " " + untouched})
	}
	return l
}
