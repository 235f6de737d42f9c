package simulation

import (
	"crypto/ed25519"
	"encoding/json"
	"maps"
	"slices"

	"countersign/approvals"
	"countersign/approvals/rules"
	"countersign/audit"
	"countersign/qualys"
)

// allOver reports whether every request that was stored has come to an end.
func (c *checker) allOver() bool {
	for _, r := range c.asked {
		s := c.state(r.id)
		if s == approvals.PENDING || s == approvals.APPROVED || s == approvals.RUNNING {
			return false
		}
	}
	return true
}

func (c *checker) allPosted() bool {
	n, _ := c.m.Get(key("seq"))
	posted := c.m.HGet(key("posted"), "seq")
	return n == "" && len(c.channel) == 0 || posted == n && number(posted) == int64(len(c.channel))
}

// finally judges how everything ended.
func (c *checker) finally() {
	for _, r := range c.asked {
		c.final[r.id] = c.state(r.id)
	}
	if len(c.broken) > 0 {
		return // what follows follows from it
	}
	c.cloud.settleDown()
	c.bystanders()
	for _, m := range c.order {
		c.end(m)
	}
	c.trailIsWhole()
	c.nothingLeft()
	c.kept()
	c.heard()
	head := "" // of everything that was said, with its times
	if n := len(c.channel); n > 0 {
		head = c.channel[n-1].entry.Hash
	}
	c.note("the end: %v, %d users, #%d %s", c.final, len(c.cloud.users), len(c.channel), head)
}

// bystanders says that nobody was touched whom no run named.
func (c *checker) bystanders() {
	for _, id := range slices.Sorted(maps.Keys(c.cloud.first)) {
		held := slices.ContainsFunc(c.order, func(m *matter) bool {
			return (m.started > 0 || len(m.effects) > 0) && slices.ContainsFunc(m.plan.Users(), func(u qualys.SAQUser) bool { return u.ID == id })
		})
		now := c.cloud.users[id]
		_, drifted := c.cloud.drifted[id]
		if same := now != nil && now.Title == c.cloud.first[id].Title; !held && !drifted && !c.cloud.gone[id] && !same {
			c.bad("bystander: user %d was touched", id)
		}
	}
}

// end judges how a request ended, and what was counted.
func (c *checker) end(m *matter) {
	c.stats.requests++
	is := c.state(m.id)
	c.stats.states[string(is)]++
	if m.started > 0 {
		c.stats.executed++
		if m.claims > 1 {
			c.stats.takeovers++
		}
	}
	switch {
	case is == approvals.PENDING, is == approvals.APPROVED, is == approvals.RUNNING:
		c.bad("liveness: %s is still %s", m.id, is)
	case is != m.state && !c.forged[m.id] && !m.rolled:
		c.bad("states: %s is %s, and the log says %s", m.id, is, m.state)
	case m.sums > 1:
		c.bad("summary: %s has %d", m.id, m.sums)
	}
	for _, u := range m.plan.Users() {
		if n := m.effects[u.ID]; n > 1 {
			c.bad("effect: user %d was changed %d times by %s", u.ID, n, m.id)
		}
	}
	shared := slices.ContainsFunc(c.order, func(other *matter) bool { return other != m && other.shares(m) })
	if !shared && m.counts != nil && !m.rolled && !m.ended {
		c.counts(m, is)
	}
}

// counts compares what the last event about a run counted with what Qualys
// holds. A mark names a chunk, not its users: who is gone without us may count as
// done.
func (c *checker) counts(m *matter, is approvals.State) {
	var total, effects, gone, reached, odd, stubborn int
	for _, u := range m.plan.Users() {
		effects += m.effects[u.ID]
		now := c.cloud.users[u.ID]
		if c.cloud.gone[u.ID] {
			gone++
		}
		if now == nil && m.plan.Verb() == approvals.Delete || now != nil && len(m.plan.ChangeFor(u.ID)) > 0 && m.plan.ChangeFor(u.ID).Holds(*now) {
			reached++
		}
		if c.cloud.stubborn[u.ID] {
			stubborn++
		}
		if _, drifted := c.cloud.drifted[u.ID]; drifted || c.cloud.gone[u.ID] || c.protected(*c.cloud.at(u.ID)) {
			odd++
		}
	}
	for _, n := range m.counts {
		total += n
	}
	done, already, unknown := m.counts["done"], m.counts["already"], m.counts["unknown"]
	switch {
	case total != len(m.plan.Users()) && total > 0:
		c.bad("counts: %s counted %d of %d users: %s", m.id, total, len(m.plan.Users()), m.counts)
	case m.sums > 0 && (effects < done-gone || effects > done+unknown), effects > done+unknown:
		c.bad("counts: %s says %q, and %d users were changed", m.id, m.counts, effects)
	case m.sums > 0 && (done+already > reached+gone || reached > done+already+unknown+gone):
		c.bad("counts: %s says %q, and %d users are as people wanted", m.id, m.counts, reached)
	case m.counts["skipped"] > odd, m.counts["failed"] > stubborn:
		c.bad("counts: %s says %q, and %d users had changed, and of %d the write did nothing", m.id, m.counts, odd, stubborn)
	case is == approvals.DONE && done+already != len(m.plan.Users()):
		c.bad("counts: %s is DONE with %q", m.id, m.counts)
	}
}

// protected reports whether any policy protects a user.
func (c *checker) protected(u qualys.SAQUser) bool {
	return slices.ContainsFunc(newPolicies(), func(p *rules.Policy) bool {
		_, protected := p.Protected(u, "")
		return protected
	})
}

// trailIsWhole verifies the channel as an auditor would.
func (c *checker) trailIsWhole() {
	var lines []audit.Line
	for i, p := range c.channel {
		if p.seq != int64(i)+1 {
			c.bad("trail: #%d stands where #%d belongs", p.seq, i+1)
		}
		var s audit.Sealed
		if err := json.Unmarshal(p.sealed, &s); err != nil {
			c.bad("trail: %v", err)
			return
		}
		lines = append(lines, audit.Line{Entry: s.Entry, Text: s.Text})
	}
	public, _ := c.keys.Sign.Public().(ed25519.PublicKey)
	report, err := audit.Verify(public, func(yield func(audit.Line, error) bool) {
		for _, l := range lines {
			if !yield(l, nil) {
				return
			}
		}
	})
	if err != nil || len(report.Problems) > 0 {
		c.bad("trail: %v %v", err, report.Problems)
	}
	if int64(len(c.channel)) != c.seen {
		c.bad("trail: %d of %d events are in the channel", len(c.channel), c.seen)
	}
}

// nothingLeft says that requests that are over hold nothing any more.
func (c *checker) nothingLeft() {
	due, _ := c.m.SortedSet(key("due"))
	for _, m := range c.order {
		if c.state(m.id).Open() {
			continue
		}
		if _, ok := due[m.id]; ok {
			c.bad("left: %s is over and still due", m.id)
		}
		if c.m.HGet(key("open"), m.id) != "" || c.m.Exists(key("u:"+m.id)) {
			c.bad("left: %s is over and still open", m.id)
		}
		if running, _ := c.m.Get(key("running")); running == m.id {
			c.bad("left: %s is over and still has the running slot", m.id)
		}
	}
}
