//go:build !race

package simulation

import (
	"slices"
	"strings"

	"countersign/approvals"
	"countersign/approvals/rules"
)

// in says that an event must find its request in one of the states. What
// Mallory wrote by hand left no event.
func (c *checker) in(m *matter, kind approvals.Kind, states ...approvals.State) {
	if !slices.Contains(states, m.state) && !(c.forged[m.id] && kind == approvals.Review) {
		c.bad("states: %s of %s, which is %s", kind, m.id, m.state)
	}
}

func (c *checker) ends(m *matter, state approvals.State) {
	if state.Open() {
		c.bad("states: %s ended as %s", m.id, state)
	}
	m.state = state
}

func (c *checker) approval(m *matter, kind approvals.Kind, by rules.Person, at, starts int64) {
	resuming := m.state == approvals.NEEDS_REVIEW
	switch {
	case by == m.by:
		c.bad("self-approval: %s by who asked", m.id)
	case m.have[by]:
		c.bad("quorum: %s counted twice in %s", by, m.id)
	case !resuming && m.state != approvals.PENDING:
		c.bad("states: %s approved, which is %s", m.id, m.state)
	case !resuming && at >= m.deadline:
		c.bad("deadline: %s approved at %d, deadline %d", m.id, at, m.deadline)
	case c.m.HGet(key("r:"+m.id), "ready") != "1":
		c.bad("unseen: %s approved before its card was shown", m.id)
	}
	m.have[by] = true
	m.approved = c.seen
	full := len(m.have) >= m.need
	switch {
	case kind == approvals.Resumed && !full:
		c.bad("quorum: %s resumed by %d of %d", m.id, len(m.have), m.need)
		m.state = approvals.RUNNING
	case kind == approvals.Resumed:
		m.state, m.rolled = approvals.RUNNING, false
		delete(c.stoppedAt, m.id)
	case full && resuming:
		c.bad("states: %s has its quorum and was not resumed", m.id)
	case full:
		m.state, m.starts = approvals.APPROVED, starts
	}
}

// startedBy judges the one moment that matters most.
func (c *checker) startedBy(m *matter, at int64) {
	resumed := m.state == approvals.RUNNING // before its first claim
	if m.started++; m.started > 1 {
		c.bad("started: %s twice", m.id)
	}
	if !resumed {
		c.in(m, approvals.Started, approvals.APPROVED)
	}
	m.state = approvals.RUNNING
	if at < m.starts {
		c.bad("cool-down: %s started at %d, not before %d", m.id, at, m.starts)
	}
	if c.frozen != 0 {
		c.bad("freeze: %s started while everything was frozen", m.id)
	}
	if posted := number(c.m.HGet(key("posted"), "seq")); posted < m.approved {
		c.bad("trail: %s started, and its approval #%d is not in the channel (#%d)", m.id, m.approved, posted)
	}
	c.quorum(m, "started")
	if resumed { // rights are judged, and the plan is read, before the first chunk
		return
	}
	if !c.m.Exists(key("p:" + m.id)) {
		c.bad("payload: %s started without its plan", m.id)
	}
	a := c.last.actor
	if c.office.isDown() && c.office.down < a.passed["poll"] {
		c.bad("rights: %s started, and nobody could be looked up", m.id)
	}
	people := append([]rules.Person{m.by}, m.people()...)
	for _, p := range people {
		if left, ok := c.office.left[p.ID]; ok && left < a.passed["poll"] {
			c.bad("rights: %s started, and %s had left", m.id, p)
		}
	}
	if need, _ := a.policy.Need(len(m.plan.Users())); humans(m.people()) < need {
		c.bad("rights: %s started with %d approvals, the policy asks for %d", m.id, len(m.have), need)
	}
}

func (m *matter) people() []rules.Person {
	var all []rules.Person
	for p := range m.have {
		all = append(all, p)
	}
	slices.SortFunc(all, func(a, b rules.Person) int { return strings.Compare(a.ID, b.ID) })
	return all
}

// quorum says that enough people, none of them the requester, said yes.
func (c *checker) quorum(m *matter, what string) {
	if n := humans(m.people()); n < m.need {
		c.bad("quorum: %s %s with %d people of %d", m.id, what, n, m.need)
	}
}
