package commands

import (
	"context"

	"countersign/approvals"
	"countersign/commands/grammar"
	"countersign/qualys"
)

func retryVerb() verb {
	return verb{
		name:  Retry,
		needs: mayRequest,
		usage: `<id> [reason="…"]`,
		about: "asks anew for the SAQ users that a request left; somebody else has to approve it.",
		more: []string{
			"Those are the users whose outcome is failed, unknown or not run. They are looked up again; who changed or is gone is left out and listed.",
			"Users that were skipped are not among them: they had changed, so ask for them with a command of their own.",
			"Without a reason it is the old one, and the id.",
		},
		examples: []string{"retry K7F3Q", `retry K7F3Q reason="SEC-124, second attempt"`},
		takes:    grammar.TakesIDAndReason,
		run:      (*Desk).retry,
	}
}

func (d *Desk) retry(_ context.Context, s Slash, r Request) Reply {
	return d.again(s, r, (*Desk).leftBehind)
}

// leftBehind drafts a plan of the users that a request left. A no is no
// accident: what was rejected or cancelled is typed again.
func (d *Desk) leftBehind(ctx context.Context, p approvals.Pending) (approvals.Draft, error) {
	err := mustBe(p, approvals.DONE_WITH_ERRORS, approvals.STOPPED, approvals.CLOSED, approvals.EXPIRED, approvals.DONE)
	if err != nil {
		return approvals.Draft{}, err
	}
	users, err := d.fated(ctx, p, approvals.ResultFailed, approvals.ResultUnknown, approvals.ResultNotRun)
	if err != nil {
		return approvals.Draft{}, err
	}
	if len(users) == 0 {
		return approvals.Draft{}, errNobodyLeft
	}
	now, err := d.anew(ctx, users)
	if err != nil {
		return approvals.Draft{}, err
	}
	draft := approvals.Draft{Change: p.Plan.Change()}
	if p.Plan.Restores() {
		draft.Restore = map[qualys.SAQUserID]qualys.Change{}
	}
	for _, was := range users {
		u, there := now[was.ID]
		change := p.Plan.ChangeFor(was.ID)
		switch {
		case !there:
			draft.LeftOut = append(draft.LeftOut, approvals.LeftOut{User: was, Why: approvals.WhyGone})
		case meddled(was, u, change):
			draft.LeftOut = append(draft.LeftOut, approvals.LeftOut{User: u, Why: approvals.WhyDrifted})
		default:
			draft.Users = append(draft.Users, u)
			if draft.Restore != nil {
				draft.Restore[u.ID] = change
			}
		}
	}
	return draft, nil
}
