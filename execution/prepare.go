package execution

import (
	"slices"
	"time"

	"countersign/approvals"
	"countersign/qualys"
)

// Prepared is a plan and what its run will take.
type Prepared struct {
	Plan    approvals.Plan
	LeftOut []approvals.LeftOut
	Calls   int           // of Qualys, at most, when nothing goes wrong
	Takes   time.Duration // about, at a second a call
}

// Prepare makes a plan of the users that matched: protected users are left
// out, and so are users that already hold every value of the change. The draft
// brings the matched users, and in LeftOut those that its maker left out. When nobody is left the
// error is [approvals.ErrNobody], and Prepared says who was left out and why.
func Prepare(d approvals.Draft, protected func(qualys.SAQUser) bool) (Prepared, error) {
	p := Prepared{LeftOut: slices.Clone(d.LeftOut)}
	matched := d.Users
	d.Users = nil
	for _, u := range matched {
		switch {
		case protected(u):
			p.LeftOut = append(p.LeftOut, approvals.LeftOut{User: u, Why: approvals.WhyProtected})
		case d.Verb == approvals.Update && d.ChangeFor(u.ID).Holds(u):
			p.LeftOut = append(p.LeftOut, approvals.LeftOut{User: u, Why: approvals.WhyAlreadySo})
		default:
			d.Users = append(d.Users, u)
		}
	}
	d.LeftOut = p.LeftOut
	plan, err := approvals.NewPlan(d)
	if err != nil {
		return p, err
	}
	p.Plan = plan
	p.Calls = 1 + 2*len(plan.Chunks())
	p.Takes = time.Duration(p.Calls) * time.Second
	return p, nil
}
