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

// byOwner says that nobody but its owner ends a run.
func (c *checker) byOwner(m *matter, kind approvals.Kind) {
	if c.last.actor != m.owner || number(m.lease) <= c.now().UnixMilli() {
		c.bad("epoch: %s of %s by %s, and it is %s's", kind, m.id, c.last.name, m.ownerName())
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
		m.state, m.starts, m.rolled, m.late = approvals.RUNNING, 0, false, false
		delete(c.stoppedAt, m.id)
		m.resumed++
		clear(m.rounds)
	case full && resuming:
		c.bad("states: %s has its quorum and was not resumed", m.id)
	case full:
		m.state, m.starts = approvals.APPROVED, starts
	}
}

func (c *checker) withdrawn(m *matter, by rules.Person) {
	c.in(m, approvals.Withdrawn, approvals.PENDING, approvals.APPROVED)
	if !m.have[by] && !c.forged[m.id] {
		c.bad("withdrawn: %s took back what %s never gave", m.id, by)
	}
	delete(m.have, by)
	if len(m.have) < m.need {
		m.state = approvals.PENDING
	}
	if by.ID != "" && by == m.putBack { // withdrawn once more: Redis is right again
		m.rolled, m.putBack = false, rules.Person{}
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
	if m.late {
		c.bad("deadline: %s started, and its deadline came in a freeze", m.id)
	}
	if c.frozen != 0 && !c.toEnd(m) {
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
	c.rights(m, c.last.actor)
}

// rights judges whether these people may ask for and approve what an actor
// starts, by what it could know when it looked for work.
func (c *checker) rights(m *matter, a *actor) {
	if c.office.isDown() && c.office.down < a.passed["poll"] {
		c.bad("rights: %s started, and nobody could be looked up", m.id)
	}
	if left, ok := c.office.left[m.by.ID]; ok && left < a.passed["poll"] || !slices.Contains(a.policy.Requesters, m.by.ID) {
		c.bad("rights: %s started, and %s may not ask any more", m.id, m.by)
	}
	for _, p := range m.people() {
		if left, ok := c.office.left[p.ID]; ok && left < a.passed["poll"] || !slices.Contains(a.policy.Approvers, p.ID) {
			c.bad("rights: %s started, and %s may not approve any more", m.id, p)
		}
		if human(p) == human(m.by) {
			c.bad("self-approval: %s started with %s, another account of who asked", m.id, p)
		}
	}
	if !slices.Contains(a.policy.Channels, "C1") {
		c.bad("rights: %s started, and nobody may ask in its channel any more", m.id)
	}
	switch need, ok := a.policy.Need(len(m.plan.Users())); {
	case !ok:
		c.bad("rights: %s started with %d users, more than the policy allows", m.id, len(m.plan.Users()))
	case humans(m.people()) < need:
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
