package commands

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"countersign/approvals"
	"countersign/approvals/rules"
	"countersign/audit"
	"countersign/commands/grammar"
	"countersign/commands/lookup"
	"countersign/commands/refusal"
	"countersign/commands/words"
)

func resumeVerb() verb {
	return verb{
		name:  Resume,
		needs: mayDecide,
		usage: "<id>",
		about: "lets a request that needs review go on.",
		more: []string{
			"What was done is not done again. It needs all its approvals anew, and never that of whoever asked. You are the first; the others press Approve on its card.",
		},
		examples: []string{"resume K7F3Q"},
		takes:    grammar.TakesID,
		run:      (*Desk).resume,
	}
}

func (d *Desk) resume(ctx context.Context, s Slash, r Request) Reply {
	p, err := d.Book.Pending(ctx, r.ID)
	if err == nil {
		err = d.mayGoOn(ctx, p, s.By)
	}
	if err == nil {
		p, err = d.Book.Resume(ctx, r.ID, s.By, s.Op)
	}
	if err != nil {
		return d.refuseAbout(ctx, attempt{by: s.By, verb: r.Verb, request: r.ID, users: p.Users}, err)
	}
	text := words.Code(p.ID) + " goes on."
	if p.State == approvals.NEEDS_REVIEW {
		text = fmt.Sprintf("%s has %d of %s to go on.", words.Code(p.ID), len(p.Approvals), audit.Plural(p.Need, "approval"))
		if more := p.Need - len(p.Approvals); more == 1 {
			text += " 1 more person has to press Approve on its card."
		} else {
			text += fmt.Sprintf(" %d more people have to press Approve on its card.", more)
		}
	}
	return Reply{Stored: true, Text: text + d.standstill(ctx)}
}

// mayGoOn judges who resumes, and whether the run could go on at all: a record
// keeps the number of approvals it was made with, and a run under a policy that
// asks for more would be interrupted again at once.
func (d *Desk) mayGoOn(ctx context.Context, p approvals.Pending, who rules.Person) error {
	if err := d.mayDecide(ctx, p, who); err != nil {
		return err
	}
	if err := tooLate(p, approvals.NEEDS_REVIEW, approvals.RUNNING); err != nil { // RUNNING: perhaps by this very command
		return err
	}
	if p.Plan.IsZero() {
		return approvals.ErrPlanGone
	}
	if err := d.stood(ctx); err != nil {
		return err
	}
	if !slices.Contains(d.Policy.Channels, p.Channel) {
		return refusal.BarredError{Why: approvals.WhyChannel}
	}
	switch need, err := lookup.Need(d.Policy, p.Plan); {
	case err != nil:
		return refusal.BarredError{Why: approvals.WhyCap}
	case need > p.Need:
		return refusal.BarredError{Why: approvals.WhyQuorum}
	}
	switch err := d.Policy.MayRequest(ctx, d.Directory, p.Requester); {
	case errors.Is(err, rules.ErrLookUp):
		return err
	case err != nil:
		return refusal.BarredError{Why: approvals.WhyRequesterRights}
	}
	return nil
}

// stood is an error when everything has stood still for so long that a run which
// goes on would need review again at once.
func (d *Desk) stood(ctx context.Context) error {
	f, err := d.Book.Frozen(ctx)
	if err != nil || f.At.IsZero() {
		return err
	}
	now, err := d.Book.Now(ctx)
	if err == nil && now.Sub(f.At) >= approvals.FrozenAtMost {
		err = refusal.BarredError{Why: approvals.WhyFrozen}
	}
	return err
}
