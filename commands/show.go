package commands

import (
	"context"
	"errors"
	"strings"

	"countersign/approvals"
	"countersign/commands/grammar"
)

func showVerb() verb {
	return verb{
		name:     Show,
		needs:    maySee,
		usage:    "<id>",
		about:    "shows a request: who, what, why, and where it stands.",
		examples: []string{"show K7F3Q"},
		takes:    grammar.TakesID,
		run:      (*Desk).show,
	}
}

func (d *Desk) show(ctx context.Context, s Slash, r Request) Reply {
	p, err := d.Book.Pending(ctx, r.ID)
	if errors.Is(err, approvals.ErrForged) {
		return d.alarm(ctx, r.ID, err)
	}
	if err != nil {
		return d.refuse(ctx, attempt{by: s.By, verb: r.Verb, request: r.ID}, requestError{r.ID, err})
	}
	c := Card(p)
	lines := []string{"*" + escape(c.Title) + "* · request " + code(p.ID)}
	for _, f := range c.Facts {
		lines = append(lines, f.Label+": "+f.Value.Mrkdwn())
	}
	if len(c.Next) > 0 {
		lines = append(lines, c.Next.Mrkdwn())
	}
	if p.State.Open() { // what the card cannot know
		still, err := d.frozen(ctx)
		if err != nil {
			return d.explain(ctx, err)
		}
		if still != "" {
			lines = append(lines, still)
		}
	}
	return Reply{Text: strings.Join(lines, "\n")}
}

// alarm answers whoever meets a record that was tampered with while they only
// look. The trail hears of the record, once an hour, and not of the reader.
func (d *Desk) alarm(ctx context.Context, id string, err error) Reply {
	noted := d.Book.Note(ctx, "forged "+id, approvals.Event{
		Kind: approvals.Alarm, Request: id, Facts: approvals.Facts{Why: approvals.WhyForged},
	})
	if noted != nil {
		d.Log.ErrorContext(ctx, "a forged record is not in the trail", "request", id, "err", noted)
	}
	return d.explain(ctx, requestError{id, err})
}
