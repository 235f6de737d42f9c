package commands

import (
	"context"
	"fmt"
	"regexp"
	"unicode/utf8"

	"countersign/approvals"
	"countersign/commands/grammar"
	"countersign/commands/lookup"
	"countersign/commands/refusal"
)

// A redraft makes a new draft of a request that is over; the plan is there.
type redraft func(d *Desk, ctx context.Context, f *lookup.Finder, p approvals.Pending) (approvals.Draft, error)

// again answers retry and undo: a new request, made of an old one, which goes
// the way of every update and delete.
func (d *Desk) again(s Slash, r Request, draft redraft) Reply {
	return Reply{Text: "Looking up…", Then: func(ctx context.Context) Reply {
		a := attempt{by: s.By, verb: r.Verb, request: r.ID}
		reply, err := d.askAgain(ctx, s, r, draft, &a)
		if err != nil {
			return d.refuse(ctx, a, refusal.RequestError{ID: r.ID, Err: err})
		}
		return reply
	}}
}

func (d *Desk) askAgain(ctx context.Context, s Slash, r Request, draft redraft, a *attempt) (Reply, error) {
	if r.Reason != "" && !grammar.HasWord(r.Reason) {
		return Reply{}, refusal.ErrNoReason
	}
	if err := d.private(ctx, s.Channel); err != nil {
		return Reply{}, err
	}
	p, err := d.Book.Pending(ctx, r.ID)
	if err != nil {
		return Reply{}, err
	}
	a.users = p.Users
	f := d.finder(ctx, s)
	next, err := draft(d, ctx, f, p)
	if err != nil {
		return Reply{}, err
	}
	plan, err := f.Again(ctx, p, next, string(r.Verb)+" "+p.ID)
	if err != nil {
		return Reply{}, err
	}
	a.users = len(plan.Users())
	return d.hold(ctx, s, plan, reasonAgain(r, p))
}

// ofAnother is what reasonAgain writes behind a reason.
var ofAnother = regexp.MustCompile(` \((?:retry|undo) of [A-Z2-7]+\)$`)

// reasonAgain is the reason that was typed, or else the old one and the id:
// "SEC-124 (retry of K7F3Q)".
func reasonAgain(r Request, p approvals.Pending) string {
	if r.Reason != "" {
		return r.Reason
	}
	of := fmt.Sprintf(" (%s of %s)", r.Verb, p.ID)
	return grammar.OneLine(ofAnother.ReplaceAllString(p.Reason, ""), grammar.ReasonAtMost-utf8.RuneCountInString(of)) + of
}

// mustBe is an error unless a request is in one of these states and its plan is
// still kept.
func mustBe(p approvals.Pending, states ...approvals.State) error {
	if err := tooLate(p, states...); err != nil {
		return err
	}
	if p.Plan.IsZero() {
		return approvals.ErrPlanGone
	}
	return nil
}
