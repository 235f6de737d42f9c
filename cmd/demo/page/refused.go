package page

import (
	"context"
	"fmt"
	"time"

	"countersign/approvals"
	"countersign/approvals/rules"
	"countersign/commands"
	"countersign/commands/refusal"
	"countersign/qualys"
)

// refused is what the desk answers to everything that can be in the way of a
// command or a click, however seldom it is. Package refusal has the words.
func refused() ([]said, error) {
	of := func(err error) error { return refusal.RequestError{ID: "K7F3Q", Err: err} }
	over := func(state approvals.State, by string, ago time.Duration) error {
		return of(&approvals.OverError{State: state, By: person(by), At: time.Now().Add(-ago)})
	}
	left := func(why approvals.Why, n int) (list []approvals.LeftOut) {
		for i := range n {
			list = append(list, approvals.LeftOut{User: somebody(i, "Acme"), Why: why})
		}
		return list
	}
	var all []said
	for _, r := range []struct {
		label string
		err   error
	}{
		{"Rights cannot be looked up", rules.ErrLookUp},
		{"The own request, rejected", refusal.ErrOwnReject},
		{"The own request, approved", rules.ErrOwnRequest},
		{"Another account of whoever asked", rules.ErrSamePerson},
		{"Neither requester nor approver", refusal.ErrNotStopper},
		{"Not a reader", rules.ErrNotReader},
		{"Not a requester", rules.ErrNotRequester},
		{"Not an approver", rules.ErrNotApprover},
		{"No role", rules.ErrNoRole},
		{"A form that nobody opened", refusal.ErrForeignForm},
		{"Too few could approve it", rules.ErrUnreachableQuorum{Need: 2, Have: 1}},
		{"Nobody could approve it", rules.ErrUnreachableQuorum{Need: 1}},

		{"A channel that is not private", refusal.PublicError{Channel: "C0LOBBY"}},
		{"Too large a share of a few", refusal.ShareError{Users: 12, Scope: 40, Most: 10, Percent: 20}},
		{"Too large a share", refusal.ShareError{Users: 300, Scope: 1200, Most: 240, Percent: 20}},
		{"Too many users", refusal.CapError{Users: 101, Most: 100}},
		{"All that there are", refusal.EverybodyError{Users: 12}},
		{"Only protected users", refusal.LeftOutError{LeftOut: left(approvals.WhyProtected, 2)}},
		{"Only users that are so already", refusal.LeftOutError{LeftOut: left(approvals.WhyAlreadySo, 3)}},
		{"Only users that changed", refusal.LeftOutError{LeftOut: append(left(approvals.WhyDrifted, 2), left(approvals.WhyGone, 2)...)}},
		{"Only one user, which changed", refusal.LeftOutError{LeftOut: left(approvals.WhyDrifted, 1)}},
		{"Values that cannot be written back", refusal.LeftOutError{LeftOut: left(approvals.WhyUnwritable, 2)}},
		{"A value that cannot be written back", refusal.LeftOutError{LeftOut: left(approvals.WhyUnwritable, 1)}},
		{"A user of another request", &approvals.OverlapError{Request: "K7F3Q", User: 767231594}},

		{"A request that nobody knows", approvals.ErrNoRequest},
		{"Approved twice", of(approvals.ErrAlready)},
		{"The time is over", of(approvals.ErrExpired)},
		{"The file is not there yet", of(approvals.ErrNotReady)},
		{"The plan is not kept any more", of(approvals.ErrPlanGone)},
		{"Nobody left to retry", of(refusal.ErrNobodyLeft)},
		{"Only skipped users are left to retry", of(refusal.ErrOnlySkipped)},
		{"Nothing to undo", of(refusal.ErrNothingDone)},
		{"An undo of a delete", of(refusal.ErrForGood)},
		{"A button of another plan", of(approvals.ErrFingerprint)},
		{"A record that somebody changed", of(approvals.ErrForged)},
		{"It cannot go on: the requester", of(refusal.BarredError{Why: approvals.WhyRequesterRights})},
		{"It cannot go on: the channel", of(refusal.BarredError{Why: approvals.WhyChannel})},
		{"It cannot go on: the cap", of(refusal.BarredError{Why: approvals.WhyCap})},
		{"It cannot go on: a freeze", of(refusal.BarredError{Why: approvals.WhyFrozen})},
		{"It cannot go on: the quorum", of(refusal.BarredError{Why: approvals.WhyQuorum})},
		{"Too late: approved", over(approvals.APPROVED, "bob", time.Minute)},
		{"Too late: it runs", over(approvals.RUNNING, "", time.Minute)},
		{"Too late: rejected", over(approvals.REJECTED, "carol", time.Hour)},
		{"Too late: it needs review", over(approvals.NEEDS_REVIEW, "", time.Hour)},
		{"Too late: stopped", over(approvals.STOPPED, "bob", time.Hour)},
		{"An approval beside a withdrawal", approvals.ErrRound},
		{"Too many open requests", approvals.ErrTooManyOpen},
		{"Too many of your own", approvals.ErrTooManyYours},

		{"Frozen already, nobody knows by whom", refusal.FrozenError{}},
		{"Nothing is frozen", approvals.ErrThawed},
		{"Frozen", approvals.ErrFrozen},

		{"Qualys ignored a condition", qualys.ErrIgnoredCriteria},
		{"Qualys left somebody out", qualys.ErrIncomplete},
		{"No Administration API", qualys.ErrNotEnabled},
		{"Too few rights in Qualys", qualys.ErrPermission},
		{"Qualys is busy", &qualys.Error{Op: "count/saq/user", Status: 429, RetryAfter: 90 * time.Second}},
		{"Qualys is not there", qualys.ErrUnreachable},
		{"Not at this address", &qualys.Error{Op: "search/saq/user", Status: 404}},
		{"Qualys does not understand", qualys.ErrInvalidRequest},
		{"Qualys is broken", &qualys.Error{Op: "count/saq/user", Status: 500, Code: "INTERNAL_ERROR", Message: "An internal error occurred."}},
		{"Redis is not there", approvals.ErrUnavailable},
		{"It took too long", context.DeadlineExceeded},
		{"The bot is stopped", context.Canceled},
	} {
		w, known := refusal.For(r.err)
		if !known {
			return nil, fmt.Errorf("the desk has no words for: %w", r.err)
		}
		all = append(all, said{label: r.label, reply: commands.Reply{Text: w.Text, Hint: w.Hint}})
	}
	return all, nil
}
