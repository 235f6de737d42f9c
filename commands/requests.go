package commands

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"countersign/approvals"
	"countersign/audit"
	"countersign/commands/card"
	"countersign/commands/grammar"
	"countersign/commands/words"
)

func requestsVerb() verb {
	return verb{
		name:     Requests,
		needs:    maySee,
		usage:    "[open|mine|all]",
		about:    "lists requests: the open ones, your own, or the latest of all.",
		examples: []string{"requests", "requests mine", "requests all"},
		takes:    grammar.TakesWhich,
		run:      (*Desk).requests,
	}
}

// requestsAtMost is how many requests one answer lists.
const requestsAtMost = 20

func (d *Desk) requests(ctx context.Context, s Slash, r Request) Reply {
	list, err := d.listing(ctx, s, r.Which)
	if err != nil {
		return d.explain(ctx, err)
	}
	still, err := d.frozen(ctx)
	if err != nil {
		return d.explain(ctx, err)
	}
	if len(list) == 0 {
		return Reply{Hint: still, Text: "No requests " + map[grammar.Which]string{grammar.OpenOnes: "are open", grammar.MyOnes: "of yours are kept", grammar.AllOnes: "are kept"}[r.Which] + "."}
	}
	lines := []string{audit.Plural(len(list), "request")}
	if len(list) > requestsAtMost {
		lines = []string{fmt.Sprintf("The latest %d requests", requestsAtMost)}
		list = list[:requestsAtMost]
	}
	for _, p := range list {
		lines = append(lines, "• "+card.Brief(p))
	}
	if still != "" {
		lines = append(lines, still)
	}
	return Reply{Text: strings.Join(lines, "\n"), Hint: words.Try("show", list[0].ID)}
}

func (d *Desk) listing(ctx context.Context, s Slash, which grammar.Which) ([]approvals.Pending, error) {
	switch which {
	case grammar.OpenOnes:
		open, err := d.Book.Open(ctx)
		slices.SortFunc(open, func(a, b approvals.Pending) int {
			return cmp.Or(b.Created.Compare(a.Created), cmp.Compare(a.ID, b.ID))
		})
		return open, err
	case grammar.AllOnes:
		return d.Book.All(ctx, requestsAtMost+1)
	}
	const looked = 200
	all, err := d.Book.All(ctx, looked)
	return slices.DeleteFunc(all, func(p approvals.Pending) bool { return !p.Requester.Same(s.By) }), err
}
