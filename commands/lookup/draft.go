package lookup

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"countersign/approvals"
	"countersign/approvals/rules"
	"countersign/commands/grammar"
	"countersign/commands/refusal"
	"countersign/execution"
	"countersign/qualys"
)

// Draft drafts a plan of everybody who fits now.
func (f *Finder) Draft(ctx context.Context, r grammar.Request) (approvals.Draft, error) {
	scope, err := f.scope(ctx)
	if err != nil {
		return approvals.Draft{}, err
	}
	var users []qualys.SAQUser
	err = f.Each(ctx, r.Filter, func(u qualys.SAQUser) error {
		if users = append(users, u); len(users) > approvals.MaxUsers {
			return refusal.CapError{Users: len(users), Most: f.Policy.CapFor(scope)}
		}
		return nil
	})
	if err == nil && len(users) == 0 {
		err = refusal.ErrNobodyFound
	}
	return approvals.Draft{
		Tenant: f.Tenant, Verb: approvals.Verb(r.Verb), Change: r.Set, Users: users, Scope: scope, Filter: r.Selects(),
	}, err
}

// scope counts all SAQ users that the bot can see.
func (f *Finder) scope(ctx context.Context) (int, error) {
	n, err := f.Count(ctx, nil)
	if err != nil {
		return 0, fmt.Errorf("count everybody: %w", err)
	}
	return n, nil
}

// Seal makes a plan of those who may be touched.
func (f *Finder) Seal(draft approvals.Draft) (approvals.Plan, error) {
	prepared, err := execution.Prepare(draft, f.protected)
	switch {
	case errors.Is(err, approvals.ErrNobody):
		err = refusal.LeftOutError{LeftOut: prepared.LeftOut}
	case errors.Is(err, approvals.ErrSharedEmail):
		err = refusal.SharedEmailError{First: touched(draft, prepared)}
	}
	return prepared.Plan, err
}

// touched is the first user that a draft would have touched.
func touched(draft approvals.Draft, prepared execution.Prepared) qualys.SAQUserID {
	i := slices.IndexFunc(draft.Users, func(u qualys.SAQUser) bool {
		return !slices.ContainsFunc(prepared.LeftOut, func(l approvals.LeftOut) bool { return l.User.ID == u.ID })
	})
	return draft.Users[i].ID
}

// protected reports whether no plan may touch a user: the policy says so, or it
// is the account that the bot itself uses.
func (f *Finder) protected(u qualys.SAQUser) bool {
	return slices.ContainsFunc(f.Users.Logins(), func(login string) bool {
		_, yes := f.Policy.Protected(u, login)
		return yes
	})
}

// Need says how many approvals a plan needs, or that the policy allows no plan of
// its size.
func Need(policy *rules.Policy, plan approvals.Plan) (int, error) {
	users, scope := len(plan.Users()), plan.Scope()
	need, ok := policy.Need(users)
	switch most := policy.CapFor(scope); {
	case plan.Verb() == approvals.Delete && users >= scope:
		return 0, refusal.EverybodyError{Users: users}
	case users > most && most < policy.Cap(): // the share is the lower of the two caps
		return 0, refusal.ShareError{Users: users, Scope: scope, Most: most, Percent: policy.MaxPercent}
	case !ok:
		return 0, refusal.CapError{Users: users, Most: most, Exact: true}
	}
	return need, nil
}
