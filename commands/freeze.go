package commands

import (
	"context"
	"errors"

	"countersign/approvals"
	"countersign/commands/card"
	"countersign/commands/grammar"
	"countersign/commands/refusal"
	"countersign/commands/words"
)

func freezeVerb() verb {
	return verb{
		name:  Freeze,
		needs: mayStop,
		about: "makes everything stand still: nothing starts, and a run pauses before its next chunk.",
		more: []string{
			"Any requester or approver may. Requests and approvals are still stored. An approver other than you lifts it with unfreeze.",
			"A run that stands still for 24 hours needs review; what is approved and cannot start in time expires.",
		},
		examples: []string{"freeze"},
		takes:    grammar.TakesNothing,
		run:      (*Desk).freeze,
	}
}

func (d *Desk) freeze(ctx context.Context, s Slash, r Request) Reply {
	err := d.Book.Freeze(ctx, s.By, s.Op)
	if errors.Is(err, approvals.ErrFrozen) {
		f, unread := d.Book.Frozen(ctx)
		err = refusal.FrozenError{On: f}
		if unread != nil {
			err = unread
		}
	}
	if err != nil {
		return d.refuse(ctx, attempt{by: s.By, verb: r.Verb}, err)
	}
	return Reply{
		Stored: true,
		Text:   "Everything stands still now: nothing starts, and a run pauses before its next chunk. Requests and approvals are still stored.",
		Hint:   "An approver other than you lifts it: " + words.Try(string(Unfreeze)),
	}
}

// frozen is a line about the freeze that is on, or empty.
func (d *Desk) frozen(ctx context.Context) (string, error) {
	f, err := d.Book.Frozen(ctx)
	if err != nil {
		return "", err
	}
	return card.Standstill(f).Mrkdwn(), nil
}

// standstill is frozen for an answer about something that is stored already: it
// stands behind other sentences, and when nobody can tell it is left out.
func (d *Desk) standstill(ctx context.Context) string {
	line, err := d.frozen(ctx)
	if err != nil {
		d.Log.WarnContext(ctx, "whether everything stands still", "err", err)
	}
	if line == "" {
		return ""
	}
	return " " + line
}
