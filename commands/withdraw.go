package commands

import (
	"context"
	"errors"
	"fmt"

	"countersign/approvals"
	"countersign/approvals/rules"
	"countersign/commands/grammar"
	"countersign/commands/refusal"
	"countersign/commands/words"
)

func withdrawVerb() verb {
	return verb{
		name:  Withdraw,
		needs: mayDecide,
		usage: "<id>",
		about: "takes your own approval back before the run.",
		more: []string{
			"Without enough approvals the request waits again, until its time is over. You may approve it once more.",
		},
		examples: []string{"withdraw K7F3Q"},
		takes:    grammar.TakesID,
		run:      (*Desk).withdraw,
	}
}

func (d *Desk) withdraw(ctx context.Context, s Slash, r Request) Reply {
	p, err := d.takeBack(ctx, r.ID, s.By, s.Op)
	if err != nil {
		return d.refuseAbout(ctx, attempt{by: s.By, verb: r.Verb, request: r.ID}, err)
	}
	text := "Your approval of " + words.Code(p.ID) + " is withdrawn."
	switch p.State {
	case approvals.PENDING:
		text += fmt.Sprintf(" It waits for approvals again (%d of %d).", len(p.Approvals), p.Need)
	case approvals.APPROVED:
		text += " It has enough approvals without it. To say no, press Reject on its card."
	}
	return Reply{Stored: true, Text: text}
}

// takeBack withdraws an approval. Who gave none has a slip to mend and no right
// to miss.
func (d *Desk) takeBack(ctx context.Context, id string, by rules.Person, op string) (approvals.Pending, error) {
	p, err := d.Book.Withdraw(ctx, id, by, op)
	if errors.Is(err, approvals.ErrNotYours) {
		err = refusal.ErrNotApproved
	}
	return p, err
}
