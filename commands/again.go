package commands

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"countersign/approvals"
	"countersign/commands/grammar"
	"countersign/qualys"
)

// A redraft makes a new draft of a request that is over; the plan is there.
type redraft func(d *Desk, ctx context.Context, p approvals.Pending) (approvals.Draft, error)

// again answers retry and undo: a new request, made of an old one, which goes
// the way of every update and delete.
func (d *Desk) again(s Slash, r Request, draft redraft) Reply {
	return Reply{Text: "Looking up…", Then: func(ctx context.Context) Reply {
		a := attempt{by: s.By, verb: r.Verb, request: r.ID}
		reply, err := d.askAgain(ctx, s, r, draft, &a)
		if err != nil {
			return d.refuse(ctx, a, requestError{r.ID, err})
		}
		return reply
	}}
}

func (d *Desk) askAgain(ctx context.Context, s Slash, r Request, draft redraft, a *attempt) (Reply, error) {
	if r.Reason != "" && !grammar.HasWord(r.Reason) {
		return Reply{}, errNoReason
	}
	if err := d.private(ctx, s.Channel); err != nil {
		return Reply{}, err
	}
	p, err := d.Book.Pending(ctx, r.ID)
	if err != nil {
		return Reply{}, err
	}
	a.users = p.Users
	next, err := draft(d, ctx, p)
	if err != nil {
		return Reply{}, err
	}
	next.Tenant, next.Verb, next.Filter = d.Tenant, p.Verb, string(r.Verb)+" "+p.ID
	if next.Scope, err = d.scope(ctx); err != nil {
		return Reply{}, err
	}
	plan, err := d.seal(next)
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

// fated returns the users of a request to whom one of these things happened.
func (d *Desk) fated(ctx context.Context, p approvals.Pending, results ...approvals.Result) ([]qualys.SAQUser, error) {
	fates, err := d.Book.Fates(ctx, p)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(p.Plan.Users(), func(u qualys.SAQUser) bool {
		return !slices.Contains(results, fates[u.ID].Result)
	}), nil
}

// anew looks users up as they are now.
func (d *Desk) anew(ctx context.Context, users []qualys.SAQUser) (map[qualys.SAQUserID]qualys.SAQUser, error) {
	ids := qualys.Condition{Field: qualys.ID, Operator: qualys.Equals}
	for _, u := range users {
		ids.Values = append(ids.Values, u.ID.String())
	}
	if len(users) > 1 {
		ids.Operator = qualys.In
	}
	now := map[qualys.SAQUserID]qualys.SAQUser{}
	err := d.each(ctx, qualys.Filter{ids}, func(u qualys.SAQUser) error {
		now[u.ID] = u
		return nil
	})
	return now, err
}

// meddled reports whether somebody else changed a user since a plan was made
// of it. What the plan's own write may have left behind is no change: of each
// field the former value or the new one.
func meddled(was, now qualys.SAQUser, change qualys.Change) bool {
	if approvals.Before(change.Apply(was)) != approvals.Before(change.Apply(now)) {
		return true
	}
	return slices.ContainsFunc(change, func(s qualys.Set) bool {
		v := now.Value(s.Field)
		return v != was.Value(s.Field) && !strings.EqualFold(strings.TrimSpace(v), strings.TrimSpace(s.Value))
	})
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
