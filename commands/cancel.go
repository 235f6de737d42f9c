package commands

import (
	"context"

	"countersign/commands/grammar"
	"countersign/commands/words"
)

func cancelVerb() verb {
	return verb{
		name:     Cancel,
		needs:    mayCancel,
		usage:    "<id>",
		about:    "takes back a request of your own before it runs.",
		examples: []string{"cancel K7F3Q"},
		takes:    grammar.TakesID,
		run:      (*Desk).cancel,
	}
}

func (d *Desk) cancel(ctx context.Context, s Slash, r Request) Reply {
	p, err := d.Book.Cancel(ctx, r.ID, s.By, s.Op)
	if err != nil {
		return d.refuseAbout(ctx, attempt{by: s.By, verb: r.Verb, request: r.ID}, err)
	}
	return Reply{Stored: true, Text: "Request " + words.Code(p.ID) + " is cancelled. No user was touched."}
}
