package rules

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// A Role is what the policy makes of a person.
type Role string

// The roles. None contains another.
const (
	Reader    Role = "reader"
	Requester Role = "requester"
	Approver  Role = "approver"
)

// Refusals. They are facts; commands turns them into sentences.
var (
	ErrOwnRequest   = errors.New("own request")     // the approver asked for it
	ErrSamePerson   = errors.New("same person")     // another account of the human who asked
	ErrNotReader    = errors.New("not a reader")    // in a role, but not this one
	ErrNotRequester = errors.New("not a requester") // the same
	ErrNotApprover  = errors.New("not an approver") // the same
	ErrNoRole       = errors.New("no role")         // in no role at all
	ErrLookUp       = errors.New("look-up failed")  // nobody knows: try again
)

// ErrUnreachableQuorum refuses a request that could never be approved, because
// there are fewer eligible approvers than it needs.
type ErrUnreachableQuorum struct{ Need, Have int }

func (e ErrUnreachableQuorum) Error() string {
	return fmt.Sprintf("unreachable quorum: need %d, have %d", e.Need, e.Have)
}

// Roles is a set of roles.
type Roles struct{ Reader, Requester, Approver bool }

// Has reports whether the role is in the set.
func (r Roles) Has(role Role) bool {
	return role == Reader && r.Reader || role == Requester && r.Requester || role == Approver && r.Approver
}

// List returns the roles of the set: reader, requester, approver.
func (r Roles) List() []Role {
	return slices.DeleteFunc([]Role{Reader, Requester, Approver}, func(role Role) bool { return !r.Has(role) })
}

// Rights is what a person may do, as far as their roles decide it. Who asked
// for a request decides more: its requester may also cancel it, and may never
// approve it.
type Rights struct {
	See     bool // requests, show: any role
	Read    bool // download, find, count: readers
	Request bool // update, delete, retry, undo: requesters
	Approve bool // approve, reject, close: approvers
	Stop    bool // stop, freeze: requesters and approvers
}

// Rights returns what the set allows.
func (r Roles) Rights() Rights {
	return Rights{
		See:     r.Reader || r.Requester || r.Approver,
		Read:    r.Reader,
		Request: r.Requester,
		Approve: r.Approver,
		Stop:    r.Requester || r.Approver,
	}
}

// Roles returns the roles of a person. Outsiders have none. An error means that
// nobody could find out.
func (p *Policy) Roles(ctx context.Context, dir Directory, who Person) (Roles, error) {
	_, err := insider(ctx, dir, who)
	if errors.As(err, new(ErrOutsider)) {
		return Roles{}, nil
	}
	if err != nil {
		return Roles{}, err
	}
	return p.roles(ctx, dir, who)
}

// roles is Roles for somebody who is no outsider.
func (p *Policy) roles(ctx context.Context, dir Directory, who Person) (Roles, error) {
	var r Roles
	var err error
	if r.Reader, err = among(ctx, dir, who, p.Readers); err != nil {
		return Roles{}, err
	}
	if r.Requester, err = among(ctx, dir, who, p.Requesters); err != nil {
		return Roles{}, err
	}
	if r.Approver, err = among(ctx, dir, who, p.Approvers); err != nil {
		return Roles{}, err
	}
	return r, nil
}

// among reports whether the list names the person, or a group that has them as
// a member. Names are read first: they need no look-up.
func among(ctx context.Context, dir Directory, who Person, list []string) (bool, error) {
	if slices.Contains(list, who.ID) {
		return true, nil
	}
	for _, id := range list {
		if !isGroup(id) {
			continue
		}
		members, err := dir.Members(ctx, id)
		if err != nil {
			return false, fmt.Errorf("%w: group %s: %w", ErrLookUp, id, err)
		}
		if slices.Contains(members, who.ID) {
			return true, nil
		}
	}
	return false, nil
}

// MayRead reports whether the person may see users: download, find and count.
func (p *Policy) MayRead(ctx context.Context, dir Directory, who Person) error {
	return p.may(ctx, dir, who, ErrNotReader, p.Readers)
}

// MayRequest reports whether the person may ask for an update or a delete.
func (p *Policy) MayRequest(ctx context.Context, dir Directory, who Person) error {
	return p.may(ctx, dir, who, ErrNotRequester, p.Requesters)
}

// MaySee reports whether the person may look at requests: anyone in a role.
func (p *Policy) MaySee(ctx context.Context, dir Directory, who Person) error {
	return p.may(ctx, dir, who, ErrNoRole, p.everybody())
}

// MayStop reports whether the person may stop a run or freeze: any requester or
// approver.
func (p *Policy) MayStop(ctx context.Context, dir Directory, who Person) error {
	return p.may(ctx, dir, who, ErrNotRequester, slices.Concat(p.Requesters, p.Approvers))
}

// MayClose reports whether the person may close a request that needs review:
// any approver, or its requester while they hold a role.
func (p *Policy) MayClose(ctx context.Context, dir Directory, requester, who Person) error {
	if who.Same(requester) {
		return p.MaySee(ctx, dir, who)
	}
	return p.may(ctx, dir, who, ErrNotApprover, p.Approvers)
}

// MayApprove reports whether the approver may approve what the requester asked
// for. It judges the approver; whether the requester still may ask is
// [Policy.MayRequest], and whether the approver has already counted as somebody
// else is [Policy.Distinct].
func (p *Policy) MayApprove(ctx context.Context, dir Directory, requester, approver Person) error {
	if approver.Same(requester) {
		return ErrOwnRequest
	}
	if p.listedTogether(requester, approver) {
		return ErrSamePerson
	}
	if err := p.may(ctx, dir, approver, ErrNotApprover, p.Approvers); err != nil {
		return err
	}
	same, err := p.SameHuman(ctx, dir, requester, approver)
	if err == nil && same {
		return ErrSamePerson
	}
	return err
}

// may is nil when the person is no outsider and among the list. Somebody who is
// in another role gets the refusal, everybody else ErrNoRole.
func (p *Policy) may(ctx context.Context, dir Directory, who Person, refusal error, list []string) error {
	if _, err := insider(ctx, dir, who); err != nil {
		return err
	}
	in, err := among(ctx, dir, who, list)
	if err != nil || in {
		return err
	}
	in, err = among(ctx, dir, who, p.everybody())
	switch {
	case err != nil:
		return fmt.Errorf("%w (other roles: %w)", refusal, err)
	case !in:
		return ErrNoRole
	}
	return refusal
}

// everybody lists whoever is in a role.
func (p *Policy) everybody() []string {
	return slices.Concat(p.Readers, p.Requesters, p.Approvers)
}

// SameHuman reports whether two accounts belong to one human: the same account,
// one list under same_person, one id in an Enterprise organisation, or one
// e-mail address. It serves to refuse and never to allow.
func (p *Policy) SameHuman(ctx context.Context, dir Directory, a, b Person) (bool, error) {
	if a.Same(b) || p.listedTogether(a, b) {
		return true, nil
	}
	var known [2]seen
	for i, who := range []Person{a, b} {
		f, err := dir.Profile(ctx, who)
		if err != nil {
			return false, fmt.Errorf("%w: person %s: %w", ErrLookUp, who, err)
		}
		known[i] = seen{who, f}
	}
	return p.oneHuman(known[0], known[1]), nil
}

// seen is a person with what Slack said about them.
type seen struct {
	Person
	Profile
}

func (p *Policy) oneHuman(a, b seen) bool {
	if a.Same(b.Person) || p.listedTogether(a.Person, b.Person) {
		return true
	}
	for _, x := range []string{a.Person.Enterprise, a.Profile.Enterprise} {
		if equal(x, b.Person.Enterprise) || equal(x, b.Profile.Enterprise) {
			return true
		}
	}
	mail := strings.TrimSpace(a.Email)
	return mail != "" && strings.EqualFold(mail, strings.TrimSpace(b.Email))
}

// listedTogether reports whether the policy takes two ids for one human. It
// knows ids without a workspace, so equal ids are one human to it.
func (p *Policy) listedTogether(a, b Person) bool {
	return equal(a.ID, b.ID) || slices.ContainsFunc(p.SamePerson, func(ids []string) bool {
		return slices.Contains(ids, a.ID) && slices.Contains(ids, b.ID)
	})
}

// Distinct returns the people with each human once, the first account of each.
// A quorum is counted over what it returns.
func (p *Policy) Distinct(ctx context.Context, dir Directory, people []Person) ([]Person, error) {
	var humans []seen
	for _, who := range people {
		f, err := dir.Profile(ctx, who)
		if err != nil {
			return nil, fmt.Errorf("%w: person %s: %w", ErrLookUp, who, err)
		}
		humans = p.add(humans, seen{who, f})
	}
	distinct := make([]Person, len(humans))
	for i, h := range humans {
		distinct[i] = h.Person
	}
	return distinct, nil
}

// add appends a human unless one of their accounts is there already.
func (p *Policy) add(humans []seen, h seen) []seen {
	if slices.ContainsFunc(humans, func(other seen) bool { return p.oneHuman(other, h) }) {
		return humans
	}
	return append(humans, h)
}
