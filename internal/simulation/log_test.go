package simulation

import (
	"fmt"
	"slices"
	"strconv"
	"time"

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
	for _, entry := range entries[min(int(c.seen), len(entries)):] {
		c.seen++
		if entry.ID != fmt.Sprintf("%d-0", c.seen) {
			c.bad("log: entry %s stands where %d belongs", entry.ID, c.seen)
		}
		v := map[string]string{}
		for pair := range slices.Chunk(entry.Values, 2) {
			v[pair[0]] = pair[1]
		}
		c.event(v)
	}
	if n, _ := c.m.Get(key("seq")); n != strconv.FormatInt(c.seen, 10) {
		c.bad("log: %d events and number %s", c.seen, n)
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
	c.note("event %d: %s %s %s %s %s", c.seen, kind, id, v["by"], v["counts"], v["why"])
	switch kind {
	case approvals.Frozen:
		c.frozen = c.step
		return
	case approvals.Unfrozen:
		c.frozen = 0
		return
	case approvals.Requested:
		c.requested(id, v)
		return
	}
	m := c.matters[id]
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
		m.sums++
		m.counts, _ = approvals.ParseCounts(v["counts"])
		if kind == approvals.Stopped {
			c.ends(m, approvals.STOPPED)
		} else {
			c.ends(m, c.state(m.id))
		}
	case approvals.Review:
		c.in(m, kind, approvals.APPROVED, approvals.RUNNING)
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
	for _, other := range c.order {
		if other.state.Open() && other.shares(m) {
			c.bad("overlap: %s holds users of %s", id, other.id)
		}
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
