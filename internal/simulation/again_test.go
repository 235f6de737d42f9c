package simulation

import (
	"context"
	"fmt"
	"iter"
	"time"

	"countersign/approvals"
	"countersign/approvals/rules"
	"countersign/commands/lookup"
	"countersign/qualys"
)

// again lets whoever asked for something ask once more when it is over: for the
// users that were left, or, after an update, for their former values. The product
// drafts the plan, and it is a request like any other.
func (w *world) again(r *asked) {
	undo := r.plan.Verb() == approvals.Update && !w.one(3)
	w.spawn(fmt.Sprintf("%s asks again about %s", r.by.ID, r.id), true, func(a *actor) {
		over := func() bool { s := a.state(r.id); return s != "" && !s.Open() }
		if !a.held(r) || !a.await(r.id+" is over", 80*time.Second, over) || !a.sleep(25*time.Second) {
			return
		}
		a.point("command")
		p, err := a.book.Pending(a.ctx, r.id)
		if err != nil || p.Plan.IsZero() {
			return
		}
		fates, err := a.book.Fates(a.ctx, p)
		if err != nil {
			return
		}
		what := "retry"
		f := &lookup.Finder{Users: lobby{a.cloud}, Policy: a.policy, Tenant: tenant, News: lookup.NewNews(func(string) {})}
		draft := f.Retry
		if undo {
			what, draft = "undo", f.Undo
		}
		d, err := draft(a.ctx, p, fates)
		if err != nil {
			return // nobody was left
		}
		plan, err := f.Again(a.ctx, p, d, what+" "+p.ID)
		if err != nil {
			return
		}
		next := a.ask(r.by, plan, 60*time.Second, time.Second)
		a.stats.deeds[what]++
		_ = next.hold(a)
		for _, who := range []rules.Person{dave, bob, carol} {
			if who != r.by {
				a.clicks(next, who, "approves", 2*time.Second, false, func(a *actor, op string) error { return next.approve(a, who, op, true) })
			}
		}
	})
}

// A lobby is Qualys, as far as somebody can tell who plans.
type lobby struct{ *cloud }

// Count counts everybody.
func (l lobby) Count(context.Context, qualys.Filter) (int, error) { return 1000, nil }

// Search returns the users whose ids the filter names.
func (l lobby) Search(_ context.Context, f qualys.Filter) iter.Seq2[qualys.SAQUser, error] {
	return func(yield func(qualys.SAQUser, error) bool) {
		for _, id := range f[0].Values {
			if u := l.users[userID(number(id))]; u != nil && !yield(*u, nil) {
				return
			}
		}
	}
}

// Logins are none that a user here has.
func (l lobby) Logins() []string { return []string{""} }
