package execution

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"countersign/approvals"
	"countersign/qualys"
)

// roundsAtMost is how often users of a chunk may be written before their fate
// is called unknown.
const roundsAtMost = 3

// chunk carries one chunk out and writes down what became of each user. next
// are the users of the chunk after it, read along with the observation. It
// reports whether so many users failed that the run must stop.
func (r *run) chunk(ctx context.Context, c approvals.Chunk, next []qualys.SAQUser) (failed bool, err error) {
	t := &turn{run: r, chunk: c, next: next, try: r.rounds(c), outcomes: map[qualys.SAQUserID]approvals.Outcome{}}
	r.settled = t.outcomes
	if !c.Sent.IsZero() && !t.Off("read-back") {
		err = t.reconcile(ctx)
	} else {
		err = t.look(ctx)
	}
	if err != nil {
		return false, err
	}
	for len(t.todo) > 0 {
		if t.try >= roundsAtMost {
			return false, review{approvals.WhyUnknown, fmt.Errorf("chunk %d: %d users after %d rounds", c.N, len(t.todo), t.try)}
		}
		if err := t.write(ctx); err != nil {
			return false, err
		}
	}
	return tooMany(c.Users, t.outcomes) && !t.Off("failures"), t.close(ctx)
}

// rounds is how often the chunk was written since people last approved: who
// resumes a run grants it new rounds.
func (r *run) rounds(c approvals.Chunk) int {
	for _, a := range r.p.Approvals {
		if a.At.After(c.Sent) {
			return 0
		}
	}
	return c.Try
}

// close writes down what became of the chunk's users.
func (t *turn) close(ctx context.Context) error {
	err := t.steadily(ctx, func() error { return t.claim.Done(ctx, t.chunk.N, t.outcomes) })
	if err == nil {
		t.done = t.chunk.N + 1
	}
	return err
}

// tooMany reports whether more than a fifth of a chunk's users failed.
func tooMany(users []qualys.SAQUser, outcomes map[qualys.SAQUserID]approvals.Outcome) bool {
	failed := 0
	for _, u := range users {
		if outcomes[u.ID].Result == approvals.ResultFailed {
			failed++
		}
	}
	return failed*5 > len(users)
}

// A turn is one chunk on its way from approved to observed.
type turn struct {
	*run
	chunk    approvals.Chunk
	next     []qualys.SAQUser
	try      int              // how often a write of the chunk was sent
	todo     []qualys.SAQUser // still to be written
	outcomes map[qualys.SAQUserID]approvals.Outcome
}

// look decides from a fresh reading who is written.
func (t *turn) look(ctx context.Context) error {
	if !t.view.covers(t.chunk.Users) || time.Since(t.view.at) > t.Fresh {
		if err := t.find(ctx, true); err != nil {
			return err
		}
	}
	for _, u := range t.chunk.Users {
		now, there := t.view.of(u.ID)
		if o, settled := t.before(u, now, there); settled {
			t.outcomes[u.ID] = o
		} else {
			t.todo = append(t.todo, u)
		}
	}
	return nil
}

// before judges a user that was not written yet: what is so already, what has
// changed since people approved, and what is protected by now is left alone.
func (t *turn) before(u, now qualys.SAQUser, there bool) (o approvals.Outcome, settled bool) {
	o.Observed = observed(t.change(), now, there)
	drifted := approvals.Before(now) != approvals.Before(u) && !t.Off("drift")
	switch {
	case !there && t.deletes():
		o.Result = approvals.ResultAlready
	case !there:
		o.Result, o.Why = approvals.ResultSkipped, approvals.WhyGone
	case t.protected(now):
		o.Result, o.Why = approvals.ResultSkipped, approvals.WhyProtected
	case t.holds(now, drifted):
		o.Result = approvals.ResultAlready
	case drifted:
		o.Result, o.Why = approvals.ResultSkipped, approvals.WhyDrifted
	default:
		return approvals.Outcome{}, false
	}
	return o, true
}

func (t *turn) deletes() bool { return t.p.Plan.Verb() == approvals.Delete }

// change is what the chunk's users get: all the same.
func (t *turn) change() qualys.Change { return t.p.Plan.ChangeFor(t.chunk.Users[0].ID) }

// protected asks for the policy's own list too where no account is known.
func (t *turn) protected(u qualys.SAQUser) bool {
	var logins []string
	if t.Accounts != nil {
		logins = t.Accounts()
	}
	return slices.ContainsFunc(append(slices.Clip(logins), ""), func(login string) bool {
		_, yes := t.Policy.Protected(u, login)
		return yes
	})
}

// holds reports whether an update has nothing to do about a user. Qualys may
// tidy case and blanks of what it writes; of a user that nobody wrote, the same
// difference may be what the change is about.
func (t *turn) holds(now qualys.SAQUser, written bool) bool {
	c := t.change()
	return !t.deletes() && (c.Holds(now) || written && c.HoldsNearly(now))
}

// reconcile settles what an earlier owner may have sent: it waits until that
// write must have had its effect, and reads back. What was so before that write
// is not its doing.
func (t *turn) reconcile(ctx context.Context) error {
	t.Point("reconcile")
	var now time.Time
	err := t.steadily(ctx, func() (err error) {
		now, err = t.Book.Now(ctx)
		return err
	})
	if err != nil {
		return err
	}
	if err := t.settleFor(ctx, t.Settle(qualys.Lost)-now.Sub(t.chunk.Sent)); err != nil {
		return err
	}
	if err := t.find(ctx, false); err != nil {
		return err
	}
	maps.Copy(t.outcomes, t.chunk.Settled)
	written := slices.DeleteFunc(slices.Clone(t.chunk.Users), func(u qualys.SAQUser) bool {
		_, not := t.chunk.Settled[u.ID]
		return not
	})
	t.settle(written, func(qualys.SAQUserID) string { return "" }, true)
	return nil
}

// settle judges users that were perhaps written, from the last reading. With
// resend the users that it proves untouched are to do again; without, a write
// was answered, and whoever is not as approved has failed.
func (t *turn) settle(users []qualys.SAQUser, answer func(qualys.SAQUserID) string, resend bool) {
	change := t.change()
	t.todo = nil
	for _, u := range users {
		now, there := t.view.of(u.ID)
		drifted := approvals.Before(now) != approvals.Before(u) && !t.Off("drift")
		o := approvals.Outcome{Sent: true, Answer: answer(u.ID), Observed: observed(change, now, there)}
		switch {
		case t.deletes() && !there, there && t.holds(now, drifted || !resend):
			o.Result = approvals.ResultDone
		case !there:
			o.Result, o.Why = approvals.ResultSkipped, approvals.WhyGone
		case !resend:
			o.Result = approvals.ResultFailed
		case drifted:
			o.Result, o.Why = approvals.ResultSkipped, approvals.WhyDrifted
		case t.protected(now):
			o.Result, o.Why = approvals.ResultSkipped, approvals.WhyProtected
		default:
			t.todo = append(t.todo, u)
			continue
		}
		t.outcomes[u.ID] = o
	}
}

// observe reads back what became of the users just written. A success that
// does not show yet gets a second look.
func (t *turn) observe(ctx context.Context, answer func(qualys.SAQUserID) string) error {
	written := t.todo
	for look := 0; ; look++ {
		if err := t.find(ctx, false); err != nil {
			return err
		}
		t.settle(written, answer, false)
		missing := slices.ContainsFunc(written, func(u qualys.SAQUser) bool {
			return t.outcomes[u.ID].Result == approvals.ResultFailed && answer(u.ID) == "named"
		})
		if !missing || look > 0 {
			return nil
		}
		if !sleep(ctx, t.Settle(qualys.Answered)) {
			return context.Cause(ctx)
		}
	}
}

// observed says what a reading shows of a user, in few words: "gone", "still
// there", or the fields of the change with their values, written as in the
// result's column approved.
func observed(change qualys.Change, now qualys.SAQUser, there bool) string {
	switch {
	case !there:
		return "gone"
	case len(change) == 0:
		return "still there"
	}
	s := ""
	for i, set := range change {
		if i > 0 {
			s += "; "
		}
		s += string(set.Field) + "=" + now.Value(set.Field)
	}
	return s
}
