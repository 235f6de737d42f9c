package commands

import (
	"context"

	"countersign/approvals"
	"countersign/audit"
	"countersign/commands/grammar"
)

func countVerb() verb {
	return verb{
		name:  Count,
		needs: mayRead,
		usage: "[condition …]",
		about: "counts the SAQ users that fit all conditions.",
		more:  append([]string{"Without a condition it is everybody."}, conditionHelp...),
		examples: []string{
			"count company=NewVendor",
			"count",
		},
		takes: grammar.TakesSelection,
		run:   (*Desk).count,
	}
}

// count is a read like find and stands in the trail like one; it names nobody,
// so it works in a public channel too.
func (d *Desk) count(_ context.Context, s Slash, r Request) Reply {
	return Reply{Text: "Counting…", Then: func(ctx context.Context) Reply {
		n, err := d.finder(ctx, s).Count(ctx, r.Filter)
		if err == nil {
			err = d.Book.Note(ctx, s.Op, approvals.Event{
				Kind: approvals.Found, By: s.By, Counts: approvals.Counts{"users": n},
				Facts: approvals.Facts{Verb: string(r.Verb), Users: n, Filter: r.Selects()},
			})
		}
		if err != nil {
			return d.refuse(ctx, attempt{by: s.By, verb: r.Verb, filter: r.Selects()}, err)
		}
		return Reply{Text: "*" + audit.Plural(n, "SAQ user") + "*" + forWhat(r) + "."}
	}}
}
