package commands

import (
	"context"

	"countersign/approvals"
	"countersign/commands/grammar"
	"countersign/qualys"
)

func undoVerb() verb {
	return verb{
		name:  Undo,
		needs: mayRequest,
		usage: `<id> [reason="…"]`,
		about: "asks to give the SAQ users of an update their old values again; somebody else has to approve it.",
		more: []string{
			"Users that do not hold the values of the update any more have changed since: they are left out and listed.",
			"A delete cannot be undone. Without a reason it is the old one, and the id.",
		},
		examples: []string{"undo K7F3Q", `undo K7F3Q reason="SEC-123 was the wrong vendor"`},
		takes:    grammar.TakesIDAndReason,
		run:      (*Desk).undo,
	}
}

func (d *Desk) undo(_ context.Context, s Slash, r Request) Reply {
	return d.again(s, r, (*Desk).inverse)
}

// inverse drafts a plan that gives the users of an update back what they held
// when it was planned. A user counts as updated when reading back showed it, or
// when a write of unclear fate shows now.
func (d *Desk) inverse(ctx context.Context, p approvals.Pending) (approvals.Draft, error) {
	if p.Verb != approvals.Update {
		return approvals.Draft{}, errForGood
	}
	if err := mustBe(p, approvals.DONE, approvals.DONE_WITH_ERRORS, approvals.STOPPED, approvals.CLOSED); err != nil {
		return approvals.Draft{}, err
	}
	fates, err := d.Book.Fates(ctx, p)
	if err != nil {
		return approvals.Draft{}, err
	}
	users, err := d.fated(ctx, p, approvals.ResultDone, approvals.ResultFailed, approvals.ResultUnknown)
	if err != nil {
		return approvals.Draft{}, err
	}
	if len(users) == 0 {
		return approvals.Draft{}, errNothingDone
	}
	now, err := d.anew(ctx, users)
	if err != nil {
		return approvals.Draft{}, err
	}
	draft := approvals.Draft{Restore: map[qualys.SAQUserID]qualys.Change{}}
	for _, was := range users {
		u, there := now[was.ID]
		written := there && p.Plan.ChangeFor(was.ID).HoldsNearly(u)
		if !written && fates[was.ID].Result != approvals.ResultDone {
			continue // never written, as far as anybody can tell
		}
		old := former(was, p.Plan.ChangeFor(was.ID))
		switch {
		case !there:
			draft.LeftOut = append(draft.LeftOut, approvals.LeftOut{User: was, Why: approvals.WhyGone})
		case !written && !old.Holds(u):
			draft.LeftOut = append(draft.LeftOut, approvals.LeftOut{User: u, Why: approvals.WhyDrifted})
		case old.Validate(1) != nil:
			draft.LeftOut = append(draft.LeftOut, approvals.LeftOut{User: u, Why: approvals.WhyUnwritable})
		default:
			draft.Users = append(draft.Users, u)
			draft.Restore[u.ID] = old
		}
	}
	if len(draft.Users)+len(draft.LeftOut) == 0 {
		return approvals.Draft{}, errNothingDone
	}
	return draft, nil
}

// former is the change that gives a user back what it held in these fields.
func former(was qualys.SAQUser, change qualys.Change) qualys.Change {
	var old qualys.Change
	for _, s := range change {
		old = append(old, qualys.Set{Field: s.Field, Value: was.Value(s.Field)})
	}
	return old
}
