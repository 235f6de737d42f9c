package commands_test

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"

	"countersign/approvals"
	"countersign/approvals/rules"
	"countersign/qualys"
)

// An office is a directory whose people one can change.
type office struct {
	people map[string]rules.Profile
	groups map[string][]string
	down   bool
}

var errDown = errors.New("slack is down")

func newOffice() *office {
	o := &office{people: map[string]rules.Profile{}, groups: map[string][]string{}}
	for _, p := range []rules.Person{alice, bob, carol, rita, mallory, max} {
		o.people[p.ID] = rules.Profile{Name: p.ID, Team: "T1", Email: p.ID + "@example.com"}
	}
	return o
}

func (o *office) change(who rules.Person, edit func(*rules.Profile)) {
	f := o.people[who.ID]
	edit(&f)
	o.people[who.ID] = f
}

func (o *office) Profile(_ context.Context, p rules.Person) (rules.Profile, error) {
	if o.down {
		return rules.Profile{}, errDown
	}
	f, ok := o.people[p.ID]
	if !ok {
		return rules.Profile{}, rules.ErrUnknownPerson
	}
	return f, nil
}

func (o *office) Members(_ context.Context, group string) ([]string, error) {
	if o.down {
		return nil, errDown
	}
	return o.groups[group], nil
}

// A subscription is Qualys, as far as the desk looks at it.
type subscription struct {
	users    []qualys.SAQUser
	platform []string        // usernames
	sum      qualys.Download // what a download says about itself, besides its rows
	err      error           // of every call
	asked    []string        // the calls, in order
	query    qualys.DownloadQuery
}

// newSubscription has 400 SAQ users: 49 of them are called NewVendor.
func newSubscription() *subscription {
	q := &subscription{}
	for i := range 400 {
		u := qualys.SAQUser{
			ID: qualys.SAQUserID(1000 + i), UserName: fmt.Sprintf("user%d@vendor", i), FirstName: "Jo", LastName: fmt.Sprintf("Smith%d", i),
			EmailAddress: fmt.Sprintf("jo%d@example.com", i), Company: fmt.Sprintf("Vendor %d", i%40), Title: "Clerk",
		}
		if i < 49 {
			u.FirstName, u.Company = "NewVendor", fmt.Sprintf("Acme %d", i%3)
		}
		q.users = append(q.users, u)
	}
	q.platform = []string{"quays_wa93", "quays_wy96", "=danger"}
	q.sum = qualys.Download{Rows: 3, Total: 3, Complete: true, SuperUsers: 1, SAML: 2,
		ByStatus: []qualys.Tally{{Name: "ACTIVE", Count: 2}, {Name: "PENDING_ACTIVATION", Count: 1}},
		ByRole:   []qualys.Tally{{Name: "READER", Count: 3}, {Name: "VM User", Count: 1}}}
	return q
}

func (q *subscription) Logins() []string { return []string{"countersign_api", "countersign_sub"} }

func (q *subscription) Count(_ context.Context, f qualys.Filter) (int, error) {
	q.asked = append(q.asked, "count")
	if q.err != nil {
		return 0, q.err
	}
	n := 0
	for _, u := range q.users {
		if f.Matches(u) {
			n++
		}
	}
	return n, f.Validate()
}

func (q *subscription) Search(_ context.Context, f qualys.Filter) iter.Seq2[qualys.SAQUser, error] {
	q.asked = append(q.asked, "search")
	return func(yield func(qualys.SAQUser, error) bool) {
		if err := errors.Join(q.err, f.Validate()); err != nil {
			yield(qualys.SAQUser{}, err)
			return
		}
		for _, u := range q.users {
			if f.Matches(u) && !yield(u, nil) {
				return
			}
		}
	}
}

func (q *subscription) Download(_ context.Context, query qualys.DownloadQuery, w io.Writer) (qualys.Download, error) {
	q.asked, q.query = append(q.asked, "download"), query
	if q.err != nil {
		return qualys.Download{}, q.err
	}
	out := csv.NewWriter(w)
	_ = out.Write([]string{"USERNAME"})
	for _, name := range q.platform {
		_ = out.Write([]string{qualys.Neutralise(name)})
	}
	out.Flush()
	return q.sum, out.Error()
}

// edit changes the users that fit.
func (q *subscription) edit(fits func(qualys.SAQUser) bool, edit func(*qualys.SAQUser)) {
	for i := range q.users {
		if fits(q.users[i]) {
			edit(&q.users[i])
		}
	}
}

// write does to a user what a plan says.
func (q *subscription) write(p approvals.Plan, id qualys.SAQUserID) {
	if p.Verb() == approvals.Delete {
		q.users = slices.DeleteFunc(q.users, withIDs(id))
		return
	}
	q.edit(withIDs(id), func(u *qualys.SAQUser) { *u = p.ChangeFor(id).Apply(*u) })
}

func called(first string) func(qualys.SAQUser) bool {
	return func(u qualys.SAQUser) bool { return u.FirstName == first }
}

func withIDs(ids ...qualys.SAQUserID) func(qualys.SAQUser) bool {
	return func(u qualys.SAQUser) bool { return slices.Contains(ids, u.ID) }
}
