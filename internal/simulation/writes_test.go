//go:build !race

package simulation

import (
	"slices"
	"strings"

	"countersign/approvals"
	"countersign/approvals/rules"
	"countersign/qualys"
)

// leaves judges a write that leaves a process.
func (c *checker) leaves(from *caller, verb approvals.Verb, ids []userID, change qualys.Change) {
	c.cloud.settleDown()
	if len(ids) == 0 {
		c.bad("wild: a write without ids")
	}
	m := c.holder(from.a, ids)
	if m == nil {
		c.bad("approval: %s writes %v, and it owns no run of theirs", from.a.name, ids)
	} else {
		c.mayWrite(m, from, verb, ids)
	}
	for _, id := range ids {
		if c.cloud.effects[id] > 0 {
			c.bad("repeated: user %d is written again", id)
		}
		if slices.ContainsFunc(c.cloud.later, func(e effect) bool { return slices.Contains(e.ids, id) }) {
			c.bad("repeated: user %d is written while an earlier write is on its way", id)
		}
		if drifted, ok := c.cloud.drifted[id]; ok && from.seen[id] > drifted {
			c.bad("drift: user %d is written, and was seen to have changed", id)
		}
	}
	_ = change
}

// holder is the run of the actor's that names the users.
func (c *checker) holder(a *actor, ids []userID) *matter {
	for _, m := range c.order {
		named := func(id userID) bool {
			return !slices.ContainsFunc(m.plan.Users(), func(u qualys.SAQUser) bool { return u.ID == id })
		}
		if m.owner == a && !slices.ContainsFunc(ids, named) {
			return m
		}
	}
	return nil
}

func (c *checker) mayWrite(m *matter, from *caller, verb approvals.Verb, ids []userID) {
	record := key("r:" + m.id)
	if m.state != approvals.RUNNING || c.state(m.id) != approvals.RUNNING {
		c.bad("states: %v are written for %s, which is %s", ids, m.id, m.state)
	}
	if verb != m.plan.Verb() {
		c.bad("approval: %s writes %s", m.id, verb)
	}
	if c.m.HGet(record, "epoch") != m.epoch || number(c.m.HGet(record, "lease")) <= c.now().UnixMilli() {
		c.bad("stale: %s writes for %s without a lease", from.a.name, m.id)
	}
	c.quorum(m, "writes")
	if m.rolled {
		c.bad("rollback: %s writes, and the channel says that it was ended", m.id)
	}
	sent := c.sentAt(m.id)
	if c.frozen != 0 && sent > c.frozen {
		c.bad("freeze: %s writes while everything is frozen", m.id)
	}
	if at, ok := c.stoppedAt[m.id]; ok && sent > at {
		c.bad("stop: %s writes after somebody stopped it", m.id)
	}
	judged := max(from.a.passed["chunk.end"], from.a.passed["claim.after"])
	for _, p := range append([]rules.Person{m.by}, m.people()...) {
		if left, ok := c.office.left[p.ID]; ok && left < judged {
			c.bad("rights: %s writes, and %s had left", m.id, p)
		}
	}
	if c.tooMany(m.id) {
		c.bad("failures: %s writes on, and too many of a chunk failed", m.id)
	}
}

// sentAt is when the last write was marked as sent.
func (c *checker) sentAt(id string) (at int64) {
	for mark := range strings.FieldsSeq(c.marks(id)) {
		if parts := strings.Split(mark, "|"); len(parts) == 4 {
			at = max(at, number(parts[3]))
		}
	}
	return at
}

// tooMany reports whether the canary failed, as the counts of the record have it.
func (c *checker) tooMany(id string) bool {
	record := key("r:" + id)
	return number(c.m.HGet(record, "n:failed")) > 0 && c.m.HGet(record, "chunk") == "1"
}
