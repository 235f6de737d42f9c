package commands

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"countersign/approvals"
	"countersign/audit"
	"countersign/commands/grammar"
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
		lines = append(lines, "• "+brief(p))
	}
	if still != "" {
		lines = append(lines, still)
	}
	return Reply{Text: strings.Join(lines, "\n"), Hint: try("show", list[0].ID)}
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

// brief is a request on one line.
func brief(p approvals.Pending) string {
	words := []string{
		code(p.ID), string(p.Verb) + " " + audit.Plural(p.Users, "SAQ user"), state(p),
		"asked by " + mention(p.Requester.ID), `"` + escape(grammar.OneLine(p.Reason, 80)) + `"`,
	}
	return strings.Join(words, " · ")
}

// state says where a request stands, in words.
func state(p approvals.Pending) string {
	switch p.State {
	case approvals.PENDING:
		return fmt.Sprintf("waits for approval (%d of %d) until %s", len(p.Approvals), p.Need, clock(p.Deadline))
	case approvals.APPROVED:
		return "approved, starts at " + clock(p.Starts)
	case approvals.RUNNING:
		running := fmt.Sprintf("running, %s of %s", audit.Number(worked(p)), audit.Number(p.Users))
		if p.Stopper.ID != "" {
			running += ", stopped by " + mention(p.Stopper.ID)
		}
		return running
	case approvals.NEEDS_REVIEW:
		if p.Resuming {
			return fmt.Sprintf("is being resumed (%d of %d)", len(p.Approvals), p.Need)
		}
		return "needs review"
	case approvals.DONE, approvals.DONE_WITH_ERRORS, approvals.STOPPED:
		return escape(audit.Summary(p))
	}
	return strings.ToLower(string(p.State))
}

// worked is how many users a run is through with, whatever became of them.
func worked(p approvals.Pending) int {
	n := 0
	for _, c := range p.Counts {
		n += c
	}
	return min(n, p.Users)
}
