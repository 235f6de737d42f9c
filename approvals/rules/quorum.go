package rules

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// profilesAtMost bounds the look-ups of one [Policy.EligibleApprovers]: Slack
// answers about a hundred a minute.
const profilesAtMost = 60

// EligibleApprovers returns the ids of those who could approve what the
// requester asks for: one id for each human, the requester and their other
// accounts left out, in the order of the policy. Outsiders do not count.
//
// The zero requester leaves nobody out, which is what a check without a request
// asks for. In a very large group members after the first sixty are believed
// without a look at their profiles; the click looks.
func (p *Policy) EligibleApprovers(ctx context.Context, dir Directory, requester Person) ([]string, error) {
	ids, err := members(ctx, dir, p.Approvers)
	if err != nil {
		return nil, err
	}
	var humans []seen
	if requester.ID != "" {
		f, err := dir.Profile(ctx, requester)
		if err != nil {
			return nil, fmt.Errorf("%w: person %s: %w", ErrLookUp, requester, err)
		}
		humans = append(humans, seen{requester, f})
	}
	asked := len(humans)
	for i, id := range ids {
		who := Person{Team: requester.Team, ID: id}
		f, err := p.candidate(ctx, dir, who, i < profilesAtMost)
		if errors.As(err, new(ErrOutsider)) {
			continue
		}
		if err != nil {
			return nil, err
		}
		humans = p.add(humans, seen{who, f})
	}
	eligible := make([]string, 0, len(humans))
	for _, h := range humans[asked:] {
		eligible = append(eligible, h.ID)
	}
	return eligible, nil
}

// candidate looks up somebody whom the policy or a group names. Such an id comes
// without a workspace, so the profile's own is taken.
func (p *Policy) candidate(ctx context.Context, dir Directory, who Person, look bool) (Profile, error) {
	if !look {
		return Profile{}, nil
	}
	f, err := dir.Profile(ctx, who)
	switch {
	case errors.Is(err, ErrUnknownPerson):
		return Profile{}, ErrOutsider{Unknown}
	case err != nil:
		return Profile{}, fmt.Errorf("%w: person %s: %w", ErrLookUp, who, err)
	}
	return f, Person{ID: who.ID}.outsider(f)
}

// Quorum is EligibleApprovers with a demand: fewer than needed is an
// [ErrUnreachableQuorum].
func (p *Policy) Quorum(ctx context.Context, dir Directory, requester Person, need int) ([]string, error) {
	eligible, err := p.EligibleApprovers(ctx, dir, requester)
	if err != nil {
		return nil, err
	}
	if len(eligible) < need {
		return eligible, ErrUnreachableQuorum{Need: need, Have: len(eligible)}
	}
	return eligible, nil
}

// members returns the ids of the people a list names, groups resolved, each
// once: people first, then the groups in their order.
func members(ctx context.Context, dir Directory, list []string) ([]string, error) {
	var ids, groups []string
	for _, id := range list {
		if isGroup(id) {
			groups = append(groups, id)
		} else {
			ids = append(ids, id)
		}
	}
	for _, group := range groups {
		in, err := dir.Members(ctx, group)
		if err != nil {
			return nil, fmt.Errorf("%w: group %s: %w", ErrLookUp, group, err)
		}
		ids = append(ids, in...)
	}
	distinct := ids[:0]
	for _, id := range ids {
		if id != "" && !slices.Contains(distinct, id) {
			distinct = append(distinct, id)
		}
	}
	return distinct, nil
}
