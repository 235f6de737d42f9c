package card

import (
	"fmt"
	"strings"

	"countersign/approvals"
	"countersign/commands/grammar"
	"countersign/commands/words"
	"countersign/qualys"
)

// tellUsers fills in what the plan shows of its users: in full while the request
// is open, by company alone when it is history.
func (c *Content) tellUsers(p approvals.Pending) {
	users, companies := p.Plan.Users(), words.Names{}
	for i, u := range users {
		companies.Add(u.Company)
		if i < sampleAtMost && p.State.Open() {
			c.Sample = append(c.Sample, person(u, p.Plan.ChangeFor(u.ID)))
		}
	}
	if len(c.Sample) > 0 {
		c.Unlisted = len(users) - len(c.Sample)
	}
	c.Companies = companies.Sorted()
	if c.More = max(0, len(c.Companies)-companiesAtMost); c.More > 0 {
		c.Companies = c.Companies[:companiesAtMost]
	}
	for i, l := range p.Plan.LeftOut() {
		if !p.State.Open() {
			break
		}
		if i == leftOutAtMost {
			c.LeftOutMore = len(p.Plan.LeftOut()) - i
			break
		}
		c.LeftOut = append(c.LeftOut, LeftOut(l))
	}
}

// LeftOut is who matched and is not touched, and why.
func LeftOut(l approvals.LeftOut) string {
	return person(l.User, nil) + " · " + leftOutBecause(l.Why)
}

// leftOutBecause says in a word or two why a plan leaves a user out.
func leftOutBecause(why approvals.Why) string {
	switch why {
	case approvals.WhyAlreadySo:
		return "already so"
	case approvals.WhyDrifted:
		return "changed since"
	case approvals.WhyGone:
		return "gone"
	case approvals.WhyUnwritable:
		return "its former value cannot be written"
	}
	return "protected"
}

// person is a SAQ user on one line, with what would change.
func person(u qualys.SAQUser, change qualys.Change) string {
	parts := []string{u.ID.String()}
	for _, v := range []string{u.UserName, strings.TrimSpace(u.FirstName + " " + u.LastName), u.EmailAddress, u.Company} {
		if v = grammar.OneLine(v, cellAtMost); v != "" {
			parts = append(parts, v)
		}
	}
	for _, s := range change {
		parts = append(parts, fmt.Sprintf("%s: %q → %q", s.Field, grammar.OneLine(u.Value(s.Field), cellAtMost), grammar.OneLine(s.Value, cellAtMost)))
	}
	return strings.Join(parts, " · ")
}
