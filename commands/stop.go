package commands

import (
	"context"
	"errors"

	"countersign/approvals"
	"countersign/approvals/rules"
	"countersign/commands/grammar"
	"countersign/commands/refusal"
	"countersign/commands/words"
)

func stopVerb() verb {
	return verb{
		name:  Stop,
		needs: mayStop,
		usage: "<id>",
		about: "ends a run before its next chunk.",
		more: []string{
			"Any requester or approver may. What was done stays done, and the result says who was not touched; retry asks anew for them.",
		},
		examples: []string{"stop K7F3Q"},
		takes:    grammar.TakesID,
		run:      (*Desk).stop,
	}
}

func (d *Desk) stop(ctx context.Context, s Slash, r Request) Reply {
	p, err := d.halt(ctx, r.ID, s.By, s.Op)
	if err != nil {
		return d.refuse(ctx, attempt{by: s.By, verb: r.Verb, request: r.ID, users: p.Users}, refusal.RequestError{ID: r.ID, Err: err})
	}
	text := words.Code(p.ID) + " ends before its next chunk. What was done stays done."
	if !p.Stopper.Same(s.By) {
		text = words.Mention(p.Stopper.ID) + " has stopped it already: " + text
	}
	return Reply{Stored: true, Text: text}
}

// halt asks for a run to stop. What has not begun is cancelled or rejected
// instead, and the answer says so.
func (d *Desk) halt(ctx context.Context, id string, by rules.Person, op string) (approvals.Pending, error) {
	p, err := d.Book.Stop(ctx, id, by, op)
	if e, ok := errors.AsType[*approvals.OverError](err); ok && (e.State == approvals.PENDING || e.State == approvals.APPROVED) {
		err = refusal.ErrNotBegun
	}
	return p, err
}
