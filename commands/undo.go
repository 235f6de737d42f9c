package commands

import (
	"context"

	"countersign/approvals"
	"countersign/commands/grammar"
	"countersign/commands/lookup"
	"countersign/commands/refusal"
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

// inverse drafts a plan that takes an update back.
func (d *Desk) inverse(ctx context.Context, f *lookup.Finder, p approvals.Pending) (approvals.Draft, error) {
	if p.Verb != approvals.Update {
		return approvals.Draft{}, refusal.ErrForGood
	}
	if err := mustBe(p, approvals.DONE, approvals.DONE_WITH_ERRORS, approvals.STOPPED, approvals.CLOSED); err != nil {
		return approvals.Draft{}, err
	}
	fates, err := d.Book.Fates(ctx, p)
	if err != nil {
		return approvals.Draft{}, err
	}
	return f.Undo(ctx, p, fates)
}
