package commands

import (
	"context"
	"strings"

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
