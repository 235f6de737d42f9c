package commands

import (
	"context"
	"errors"

	"countersign/approvals/rules"
	"countersign/commands/grammar"
	"countersign/commands/refusal"
)

func unfreezeVerb() verb {
	return verb{
		name:     Unfreeze,
		needs:    mayDecide,
		about:    "lifts a freeze that somebody else made.",
		examples: []string{"unfreeze"},
		takes:    grammar.TakesNothing,
		run:      (*Desk).unfreeze,
	}
}

func (d *Desk) unfreeze(ctx context.Context, s Slash, r Request) Reply {
	err := d.mayUnfreeze(ctx, s.By)
	if err == nil {
		err = d.Book.Unfreeze(ctx, s.By, s.Op)
	}
	if err != nil {
		return d.refuse(ctx, attempt{by: s.By, verb: r.Verb}, err)
	}
	return Reply{Stored: true, Text: "The freeze is lifted. What is approved starts now, and a run that paused goes on."}
}

// mayUnfreeze reports whether the person is an approver other than the freezer.
// Where nothing is frozen any approver may try: the book answers, also to the
// same command again.
func (d *Desk) mayUnfreeze(ctx context.Context, who rules.Person) error {
	f, err := d.Book.Frozen(ctx)
	if err != nil {
		return err
	}
	if f.At.IsZero() {
		return d.Policy.MayClose(ctx, d.Directory, rules.Person{}, who)
	}
	err = d.Policy.MayApprove(ctx, d.Directory, f.By, who)
	if errors.Is(err, rules.ErrOwnRequest) || errors.Is(err, rules.ErrSamePerson) {
		return refusal.ErrOwnFreeze
	}
	return err
}
