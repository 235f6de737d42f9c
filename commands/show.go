package commands

import (
	"context"
	"errors"
	"strings"

	"countersign/approvals"
	"countersign/audit"
	"countersign/commands/card"
	"countersign/commands/grammar"
	"countersign/commands/refusal"
	"countersign/commands/words"
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
		return d.refuse(ctx, attempt{by: s.By, verb: r.Verb, request: r.ID}, refusal.RequestError{ID: r.ID, Err: err})
	}
	on, err := d.Book.Frozen(ctx)
	if err != nil {
		return d.explain(ctx, err)
	}
	c := Card(p, on)
	lines := []string{"*" + words.Escape(c.Title) + "* · request " + words.Code(p.ID)}
	for _, f := range c.Facts {
		lines = append(lines, f.Label+": "+f.Value.Mrkdwn())
	}
	lines = append(lines, allLeftOut(p)...)
	for _, l := range []Line{c.Still, c.Next} {
		if len(l) > 0 {
			lines = append(lines, l.Mrkdwn())
		}
	}
	return Reply{Text: strings.Join(lines, "\n")}
}

// leftOutShown is how many of those who are left out are named: the answer stays
// one that can be read.
const leftOutShown = 100

// allLeftOut names who matched and is not touched, a line each, while the request
// is open: its file has only those who are.
func allLeftOut(p approvals.Pending) []string {
	if !p.State.Open() {
		return nil
	}
	var lines []string
	all := p.Plan.LeftOut()
	for _, l := range all[:min(len(all), leftOutShown)] {
		lines = append(lines, "• "+words.Code(card.LeftOut(l)))
	}
	if more := len(all) - len(lines); more > 0 {
		lines = append(lines, "and "+audit.Number(more)+" more.")
	}
	return lines
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
	return d.explain(ctx, refusal.RequestError{ID: id, Err: err})
}
