package simulation

import (
	"slices"
	"strconv"
	"strings"

	"countersign/approvals"
	"countersign/approvals/rules"
	"countersign/qualys"
)

// leaves judges a write that leaves a process, and returns whose it is.
func (c *checker) leaves(from *caller, verb approvals.Verb, ids []userID, change qualys.Change) *matter {
	c.cloud.settleDown()
	if len(ids) == 0 {
		c.bad("wild: a write without ids")
	}
	m := c.holder(from.a, ids)
	if m == nil {
		c.bad("approval: %s writes %v, and it owns no run of theirs", from.a.name, ids)
		return newMatter(nil)
	}
	c.mayWrite(m, from)
	c.marked(m, ids)
	for _, id := range ids {
		if verb != m.plan.Verb() || verb == approvals.Update && !slices.Equal(change, m.plan.ChangeFor(id)) {
			c.bad("approval: %s does %s %v to user %d", m.id, verb, change, id)
		}
		if m.effects[id] > 0 {
			c.bad("repeated: user %d is written again", id)
		}
		if slices.ContainsFunc(c.cloud.later, func(e effect) bool { return e.of == m && slices.Contains(e.ids, id) }) {
			c.bad("repeated: user %d is written while an earlier write is on its way", id)
		}
		if _, protected := from.a.policy.Protected(*c.cloud.at(id), ""); protected {
			c.bad("protected: user %d is written", id)
		}
		if drifted := c.cloud.drifted[id]; drifted > m.made && from.seen[id] > drifted {
			c.bad("drift: user %d is written, and was seen to have changed", id)
		}
	}
	return m
}

// holder is the run of the actor's that names the users: the one with a lease,
// where an old copy of another was put back.
func (c *checker) holder(a *actor, ids []userID) (holder *matter) {
	for _, m := range c.order {
		stranger := func(id userID) bool {
			return !slices.ContainsFunc(m.plan.Users(), func(u qualys.SAQUser) bool { return u.ID == id })
		}
		if m.owner != a || slices.ContainsFunc(ids, stranger) {
			continue
		}
		if holder == nil || c.leased(m.id) {
			holder = m
		}
	}
	return holder
}

// leased reports whether anybody may carry a request out now.
func (c *checker) leased(id string) bool {
	return number(c.m.HGet(key("r:"+id), "lease")) > c.now().UnixMilli()
}

// marked says that the ledger has the write, as the present owner's: two claims
// of one process are two owners. And no chunk is written more often than people
// allowed.
func (c *checker) marked(m *matter, ids []userID) {
	chunk := m.chunkOf(ids[0])
	mark := c.m.HGet(key("c:"+m.id), strconv.Itoa(chunk))
	if !strings.HasPrefix(mark, "sent|"+m.epoch+"|") {
		c.bad("stale: %s writes chunk %d of %s, claimed %s times, and the ledger says %q", c.last.name, chunk, m.id, m.epoch, mark)
	}
	if m.rounds[chunk]++; m.rounds[chunk] > 3 {
		c.bad("rounds: chunk %d of %s is written for the %dth time", chunk, m.id, m.rounds[chunk])
	}
}

// chunkOf is the number of the chunk that a user is in.
func (m *matter) chunkOf(id userID) int {
	return slices.IndexFunc(m.plan.Chunks(), func(users []qualys.SAQUser) bool {
		return slices.ContainsFunc(users, func(u qualys.SAQUser) bool { return u.ID == id })
	})
}

func (c *checker) mayWrite(m *matter, from *caller) {
	if m.state != approvals.RUNNING || c.state(m.id) != approvals.RUNNING {
		c.bad("states: %s writes, and is %s", m.id, m.state)
	}
	if c.m.HGet(key("r:"+m.id), "epoch") != m.epoch || !c.leased(m.id) {
		c.bad("stale: %s writes for %s without a lease", from.a.name, m.id)
	}
	c.quorum(m, "writes")
	if m.refused != "" && m.refused == m.epoch { // the next owner may try once: it may be another password
		c.bad("login: %s writes on, and Qualys refused its login", m.id)
	}
	if m.rolled || m.ended {
		c.bad("rollback: %s writes, and the channel knows better", m.id)
	}
	if c.frozen != 0 && m.sent > c.frozen {
		c.bad("freeze: %s writes while everything is frozen", m.id)
	}
	if at, ok := c.stoppedAt[m.id]; ok && m.sent > at {
		c.bad("stop: %s writes after somebody stopped it", m.id)
	}
	judged := max(from.a.passed["chunk.end"], from.a.passed["claim.after"])
	for _, p := range append([]rules.Person{m.by}, m.people()...) {
		if left, ok := c.office.left[p.ID]; ok && left < judged {
			c.bad("rights: %s writes, and %s had left", m.id, p)
		}
	}
	if m.overFifth {
		c.bad("failures: %s writes on, and too many of a chunk failed", m.id)
	}
}
