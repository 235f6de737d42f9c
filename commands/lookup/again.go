package lookup

import (
	"context"
	"slices"
	"strings"

	"countersign/approvals"
	"countersign/commands/refusal"
	"countersign/qualys"
)

// Fates says what became of the users of a request.
type Fates = map[qualys.SAQUserID]approvals.Outcome

// Again drafts a plan that is made of a request that is over: it goes the way of
// every update and delete. The filter is how the draft is typed.
func (f *Finder) Again(ctx context.Context, p approvals.Pending, draft approvals.Draft, filter string) (approvals.Plan, error) {
	var err error
	draft.Tenant, draft.Verb, draft.Filter = f.Tenant, p.Verb, filter
	if draft.Scope, err = f.scope(ctx); err != nil {
		return approvals.Plan{}, err
	}
	return f.Seal(draft)
}

// Retry drafts a plan of the users that a request left.
func (f *Finder) Retry(ctx context.Context, p approvals.Pending, fates Fates) (approvals.Draft, error) {
	users := fated(p, fates, approvals.ResultFailed, approvals.ResultUnknown, approvals.ResultNotRun)
	switch {
	case len(users) > 0:
	case len(fated(p, fates, approvals.ResultSkipped)) > 0:
		return approvals.Draft{}, refusal.ErrOnlySkipped
	default:
		return approvals.Draft{}, refusal.ErrNobodyLeft
	}
	now, err := f.anew(ctx, users)
	if err != nil {
		return approvals.Draft{}, err
	}
	draft := approvals.Draft{Change: p.Plan.Change()}
	if p.Plan.Restores() {
		draft.Restore = map[qualys.SAQUserID]qualys.Change{}
	}
	for _, was := range users {
		u, there := now[was.ID]
		change := p.Plan.ChangeFor(was.ID)
		switch {
		case !there:
			draft.LeftOut = append(draft.LeftOut, approvals.LeftOut{User: was, Why: approvals.WhyGone})
		case meddled(was, u, change):
			draft.LeftOut = append(draft.LeftOut, approvals.LeftOut{User: u, Why: approvals.WhyDrifted})
		default:
			draft.Users = append(draft.Users, u)
			if draft.Restore != nil {
				draft.Restore[u.ID] = change
			}
		}
	}
	return draft, nil
}

// Undo drafts a plan that gives the users of an update back what they held when
// it was planned. A user counts as updated when reading back showed it, or when
// a write of unclear fate shows now.
func (f *Finder) Undo(ctx context.Context, p approvals.Pending, fates Fates) (approvals.Draft, error) {
	users := fated(p, fates, approvals.ResultDone, approvals.ResultFailed, approvals.ResultUnknown)
	if len(users) == 0 {
		return approvals.Draft{}, refusal.ErrNothingDone
	}
	now, err := f.anew(ctx, users)
	if err != nil {
		return approvals.Draft{}, err
	}
	draft := approvals.Draft{Restore: map[qualys.SAQUserID]qualys.Change{}}
	for _, was := range users {
		u, there := now[was.ID]
		written := there && p.Plan.ChangeFor(was.ID).HoldsNearly(u)
		if !written && fates[was.ID].Result != approvals.ResultDone {
			continue // never written, as far as anybody can tell
		}
		old := former(was, p.Plan.ChangeFor(was.ID))
		switch {
		case !there:
			draft.LeftOut = append(draft.LeftOut, approvals.LeftOut{User: was, Why: approvals.WhyGone})
		case !written && !old.Holds(u):
			draft.LeftOut = append(draft.LeftOut, approvals.LeftOut{User: u, Why: approvals.WhyDrifted})
		case old.Validate(1) != nil:
			draft.LeftOut = append(draft.LeftOut, approvals.LeftOut{User: u, Why: approvals.WhyUnwritable})
		default:
			draft.Users = append(draft.Users, u)
			draft.Restore[u.ID] = old
		}
	}
	if len(draft.Users)+len(draft.LeftOut) == 0 {
		return approvals.Draft{}, refusal.ErrNothingDone
	}
	return draft, nil
}

// fated returns the users of a request to whom one of these things happened.
func fated(p approvals.Pending, fates Fates, results ...approvals.Result) []qualys.SAQUser {
	return slices.DeleteFunc(p.Plan.Users(), func(u qualys.SAQUser) bool {
		return !slices.Contains(results, fates[u.ID].Result)
	})
}

// anew looks users up as they are now.
func (f *Finder) anew(ctx context.Context, users []qualys.SAQUser) (map[qualys.SAQUserID]qualys.SAQUser, error) {
	ids := qualys.Condition{Field: qualys.ID, Operator: qualys.Equals}
	for _, u := range users {
		ids.Values = append(ids.Values, u.ID.String())
	}
	if len(users) > 1 {
		ids.Operator = qualys.In
	}
	now := map[qualys.SAQUserID]qualys.SAQUser{}
	err := f.Each(ctx, qualys.Filter{ids}, func(u qualys.SAQUser) error {
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

// former is the change that gives a user back what it held in these fields.
func former(was qualys.SAQUser, change qualys.Change) qualys.Change {
	var old qualys.Change
	for _, s := range change {
		old = append(old, qualys.Set{Field: s.Field, Value: was.Value(s.Field)})
	}
	return old
}
