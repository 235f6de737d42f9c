package simulation

import (
	"fmt"
	"slices"
	"time"

	"countersign/approvals"
	"countersign/approvals/rules"
	"countersign/qualys"
)

// again lets whoever asked for something ask once more when it is over: for the
// users that were left, or, after an update, for their former values. It is a
// request like any other.
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
		draft := a.retry(p, fates)
		if undo {
			draft = a.undo(p, fates)
		}
		if len(draft.Users) == 0 {
			return
		}
		next := a.ask(r.by, a.seal(draft), 60*time.Second, time.Second)
		a.stats.deeds[draft.Filter]++
		_ = next.hold(a)
		for _, who := range []rules.Person{dave, bob, carol} {
			if who != r.by {
				a.clicks(next, who, "approves", 2*time.Second, false, func(a *actor, op string) error { return next.approve(a, who, op, true) })
			}
		}
	})
}

// retry drafts a plan of the users whom a request left as they were.
func (w *world) retry(p approvals.Pending, fates map[userID]approvals.Outcome) approvals.Draft {
	d := approvals.Draft{Tenant: tenant, Verb: p.Verb, Change: p.Plan.Change(), Scope: 1000, Filter: "retry"}
	for _, was := range p.Plan.Users() {
		u := w.cloud.users[was.ID]
		left := []approvals.Result{approvals.ResultFailed, approvals.ResultUnknown, approvals.ResultNotRun}
		if u == nil || !slices.Contains(left, fates[was.ID].Result) || d.Verb == approvals.Update && d.Change.Holds(*u) {
			continue
		}
		d.Users = append(d.Users, *u)
	}
	return d
}

// undo drafts a plan that gives updated users their former values back.
func (w *world) undo(p approvals.Pending, fates map[userID]approvals.Outcome) approvals.Draft {
	d := approvals.Draft{Tenant: tenant, Verb: approvals.Update, Restore: map[userID]qualys.Change{}, Scope: 1000, Filter: "undo"}
	for _, was := range p.Plan.Users() {
		u := w.cloud.users[was.ID]
		if u == nil || fates[was.ID].Result != approvals.ResultDone || u.Title == was.Title {
			continue
		}
		d.Users = append(d.Users, *u)
		d.Restore[u.ID] = qualys.NewChange(qualys.Set{Field: qualys.Title, Value: was.Title})
	}
	return d
}
