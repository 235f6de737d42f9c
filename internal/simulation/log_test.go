package simulation

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/alicebob/miniredis/v2"

	"countersign/approvals"
	"countersign/approvals/rules"
	"countersign/qualys"
)

// replay reads the new events of the log.
func (c *checker) replay() {
	entries, err := c.m.Stream(key("log"))
	if err != nil {
		c.bad("log: %v", err)
		return
	}
	if len(entries) > 0 && entries[0].ID != fmt.Sprintf("%d-0", c.base+1) {
		c.renumbered(entries)
	}
	for _, entry := range entries[min(int(c.seen-c.base), len(entries)):] {
		c.seen++
		if entry.ID != fmt.Sprintf("%d-0", c.seen) {
			c.bad("log: entry %s stands where %d belongs", entry.ID, c.seen)
		}
		c.event(pairs(entry))
	}
	if n, _ := c.m.Get(key("seq")); n != strconv.FormatInt(c.seen, 10) {
		c.bad("log: %d events and number %s", c.seen, n)
	}
}

func pairs(entry miniredis.StreamEntry) map[string]string {
	v := map[string]string{}
	for pair := range slices.Chunk(entry.Values, 2) {
		v[pair[0]] = pair[1]
	}
	return v
}

// renumbered judges a log that begins anew behind the channel, because Redis was
// set back: an alarm, and the events that were not posted yet.
func (c *checker) renumbered(entries []miniredis.StreamEntry) {
	c.base = int64(len(c.channel))
	c.seen = c.base + 1
	if v := pairs(entries[0]); entries[0].ID != fmt.Sprintf("%d-0", c.seen) || v["kind"] != string(approvals.Alarm) || !c.forgot {
		c.bad("log: it begins with %s of %s, and the channel ends with %d", v["kind"], entries[0].ID, c.base)
	}
	c.seen += int64(len(entries)) - 1
	c.note("the log goes on behind #%d", c.base)
	for _, m := range c.order {
		if m.state.Open() && m.state != approvals.NEEDS_REVIEW {
			c.bad("rollback: Redis was set back, and %s is %s", m.id, m.state)
		}
	}
}

func number(s string) int64 {
	n, _ := strconv.ParseInt(s, 10, 64)
	return n
}

func millis(s string) time.Time { return time.UnixMilli(number(s)) }

// event judges one event of the log.
func (c *checker) event(v map[string]string) {
	kind, id, at := approvals.Kind(v["kind"]), v["request"], number(v["at"])
	c.stats.events[string(kind)]++
	if now := c.now().UnixMilli(); at != now {
		c.bad("clock: event %d says %d, and Redis' clock %d", c.seen, at, now)
	}
	c.said[said(kind, id, v["by"])] = true
	c.note("event %d: %s %s %s %s %s", c.seen, kind, id, v["by"], v["counts"], v["why"])
	switch kind {
	case approvals.Frozen:
		c.frozen, c.frozenAt = c.step, at
		return
	case approvals.Unfrozen:
		c.frozen = 0
		for _, m := range c.order {
			m.late = m.late || m.state == approvals.APPROVED && m.deadline <= at && m.deadline > c.frozenAt
		}
		return
	case approvals.Requested:
		c.requested(id, v)
		return
	}
	m := c.matters[id]
	if m != nil {
		m.newest = c.seen
	}
	if m == nil {
		c.bad("log: %s of %s, which nobody asked for", kind, id)
		return
	}
	by, _ := rules.ParsePerson(v["by"])
	switch kind {
	case approvals.Approved, approvals.Resumed:
		c.approval(m, kind, by, at, number(v["starts"]))
	case approvals.Withdrawn:
		c.withdrawn(m, by)
	case approvals.Started:
		c.startedBy(m, at)
	default:
		c.over(m, kind, by, v)
	}
	if have := strconv.Itoa(len(m.have)); kind == approvals.Approved && v["have"] != have || v["fp"] != m.plan.Fingerprint() {
		c.bad("event: %d tells of %s approvals of %.12s, and it is %s of %s", c.seen, v["have"], v["fp"], have, m.short())
	}
}

// over judges an event that ends a request, or leaves it to people.
func (c *checker) over(m *matter, kind approvals.Kind, by rules.Person, v map[string]string) {
	switch kind {
	case approvals.Rejected:
		c.in(m, kind, approvals.PENDING, approvals.APPROVED)
		c.ends(m, approvals.REJECTED)
	case approvals.Cancelled:
		c.in(m, kind, approvals.PENDING, approvals.APPROVED)
		if by != m.by {
			c.bad("cancelled: %s by %s, who did not ask", m.id, by)
		}
		c.ends(m, approvals.CANCELLED)
	case approvals.Expired:
		c.stats.expired[fmt.Sprintf("%d of %d %s", len(m.have), m.need, v["why"])]++
		c.in(m, kind, approvals.PENDING, approvals.APPROVED)
		c.ends(m, approvals.EXPIRED)
	case approvals.Finished, approvals.Stopped:
		c.in(m, kind, approvals.RUNNING)
		c.byOwner(m, kind)
		m.sums++
		m.counts, _ = approvals.ParseCounts(v["counts"])
		if kind == approvals.Stopped {
			c.ends(m, approvals.STOPPED)
		} else {
			c.ends(m, c.state(m.id))
		}
	case approvals.Review:
		if c.forgot && c.last.at == "SetBack script" { // the poster's
			c.in(m, kind, approvals.PENDING, approvals.APPROVED, approvals.RUNNING)
			m.state, m.have = approvals.NEEDS_REVIEW, map[rules.Person]bool{}
			return
		}
		c.in(m, kind, approvals.APPROVED, approvals.RUNNING)
		switch why := approvals.Why(v["why"]); {
		case why == approvals.WhyForged && !c.forged[m.id]:
			c.bad("forged: %s, and nobody wrote it by hand", m.id)
		case why != approvals.WhyForged && m.state == approvals.RUNNING:
			c.byOwner(m, kind)
		}
		m.state, m.have = approvals.NEEDS_REVIEW, map[rules.Person]bool{}
		m.counts, _ = approvals.ParseCounts(v["counts"])
		c.stats.reviews[v["why"]]++
	case approvals.Closed:
		c.in(m, kind, approvals.NEEDS_REVIEW)
		c.ends(m, approvals.CLOSED)
	default:
		c.bad("log: %s of %s", kind, m.id)
	}
}

func (c *checker) requested(id string, v map[string]string) {
	r := c.plans[id]
	if r == nil {
		for _, other := range c.asked {
			if other.plan.Fingerprint() == v["fp"] {
				r = other
			}
		}
		if r == nil || c.matters[r.id] != nil {
			c.bad("requested: %s twice", id)
			return
		}
	}
	m := newMatter(r)
	m.deadline = number(v["deadline"])
	// Early by as long as the command stood still meanwhile, late by nothing.
	late := time.Duration(m.deadline-number(v["at"]))*time.Millisecond - r.expires
	if c.jumped == 0 && (late > 100*time.Millisecond || late < -90*time.Second) {
		c.bad("clock: %s expires %v late", m.id, late)
	}
	if v["fp"] != r.plan.Fingerprint() {
		c.bad("fingerprint: %s was held as another plan", m.id)
	}
	open, theirs := 0, 0
	for _, other := range c.order {
		if other.state.Open() && other.shares(m) {
			c.bad("overlap: %s holds users of %s", id, other.id)
		}
		if other.state.Open() {
			open++
		}
		if other.state.Open() && other.by == m.by {
			theirs++
		}
	}
	if open >= c.mayBeOpen || theirs >= c.mayBeOpenEach {
		c.bad("flood: %s is held, with %d open and %d of %s's", id, open, theirs, m.by)
	}
	c.matters[id] = m
	c.order = append(c.order, m)
}

func (m *matter) shares(other *matter) bool {
	for _, u := range m.plan.Users() {
		if slices.ContainsFunc(other.plan.Users(), func(v qualys.SAQUser) bool { return u.ID == v.ID }) {
			return true
		}
	}
	return false
}
