package commands

import (
	"context"
	"errors"

	"countersign/approvals"
	"countersign/audit"
	"countersign/commands/grammar"
	"countersign/commands/words"
)

func closeVerb() verb {
	return verb{
		name:  Close,
		needs: mayClose,
		usage: `<id> [reason="…"]`,
		about: "ends a request that needs review.",
		more: []string{
			"Any approver may, and whoever asked for it. What was done stays done.",
		},
		examples: []string{"close K7F3Q", `close K7F3Q reason="checked by hand"`},
		takes:    grammar.TakesIDAndReason,
		run:      (*Desk).close,
	}
}

func (d *Desk) close(ctx context.Context, s Slash, r Request) Reply {
	p, err := d.Book.Pending(ctx, r.ID)
	if err == nil || errors.Is(err, approvals.ErrForged) { // what was tampered with must be closed too
		if err = d.Policy.MayClose(ctx, d.Directory, p.Requester, s.By); err == nil {
			p, err = d.Book.Close(ctx, r.ID, s.By, s.Op, r.Reason)
		}
	}
	if err != nil {
		return d.refuseAbout(ctx, attempt{by: s.By, verb: r.Verb, request: r.ID, users: p.Users}, err)
	}
	return Reply{Stored: true, Text: "Request " + words.Code(p.ID) + " is closed." + words.Spaced(words.Escape(audit.Account(p)))}
}
