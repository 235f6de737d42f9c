package commands

import (
	"context"

	"countersign/approvals"
	"countersign/commands/grammar"
	"countersign/commands/lookup"
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
func (d *Desk) leftBehind(ctx context.Context, f *lookup.Finder, p approvals.Pending) (approvals.Draft, error) {
	err := mustBe(p, approvals.DONE_WITH_ERRORS, approvals.STOPPED, approvals.CLOSED, approvals.EXPIRED, approvals.DONE)
	if err != nil {
		return approvals.Draft{}, err
	}
	fates, err := d.Book.Fates(ctx, p)
	if err != nil {
		return approvals.Draft{}, err
	}
	return f.Retry(ctx, p, fates)
}
