//go:build !race

package simulation

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"countersign/approvals"
	"countersign/approvals/rules"
	"countersign/qualys"
)

// A checker compares what was written to Redis, to the channel and to Qualys
// with what was promised. It replays the log, and never asks the bot: that may
// be wrong about itself.
type checker struct {
	*world
	broken   []string
	plans    map[string]*asked  // by id, as somebody typed them
	matters  map[string]*matter // by id, as the log tells of them
	order    []*matter
	seen     int64 // events so far
	frozen   int64 // since when, by Redis' clock, or 0
	answers  map[string]int
	maybe    []*chance
	replicas int
	posters  int
	acted    int // the step of the last chance that was weighed

	stoppedAt map[string]int64 // id => when somebody was told that it stops
	forged    map[string]bool  // written to by Mallory
	tired     map[string]bool  // nobody approves it any more

	final map[string]approvals.State // how the records ended: outside the bubble it is another time
}

// A matter is a request as the log tells of it.
type matter struct {
	*asked
	state    approvals.State
	deadline int64
	starts   int64
	have     map[rules.Person]bool
	approved int64 // number of the last approval
	owner    *actor
	epoch    string
	ledger   string
	lease    string
	claims   int
	started  int
	rolled   bool // Redis forgot how it ended
	sums     int  // summaries
	counts   approvals.Counts
}

func newChecker(w *world) *checker {
	return &checker{
		world: w, plans: map[string]*asked{}, matters: map[string]*matter{}, answers: map[string]int{},
		stoppedAt: map[string]int64{}, forged: map[string]bool{}, tired: map[string]bool{}, final: map[string]approvals.State{},
	}
}

func (c *checker) bad(format string, args ...any) {
	said := fmt.Sprintf(format, args...)
	c.broken = append(c.broken, said)
	c.note("BROKEN %s", said)
}

// observe looks at everything that the last step changed.
func (c *checker) observe() {
	if n, err := c.m.Get(key("seq")); err == nil && n != strconv.FormatInt(c.seen, 10) {
		c.replay()
	}
	for _, m := range c.order {
		c.look(m)
	}
	if time.Now().Before(c.healed) {
		for i, chance := range c.maybe {
			if !time.Now().Before(chance.from) && chance.can() {
				c.note("it happens: %s", chance.name)
				c.maybe = slices.Delete(slices.Clone(c.maybe), i, i+1)
				chance.do()
				return
			}
		}
	}
}

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
	c.note("event %d: %s %s %s %s %s", c.seen, kind, id, v["by"], v["counts"], v["why"])
	switch kind {
	case approvals.Frozen, approvals.Unfrozen:
		c.frozen = 0
		if kind == approvals.Frozen {
			c.frozen = at
		}
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
		c.in(m, kind, approvals.PENDING, approvals.APPROVED)
		if !m.have[by] && !c.forged[m.id] {
			c.bad("withdrawn: %s took back what %s never gave", id, by)
		}
		delete(m.have, by)
		if len(m.have) < m.need {
			m.state = approvals.PENDING
		}
	case approvals.Rejected:
		c.in(m, kind, approvals.PENDING, approvals.APPROVED)
		c.ends(m, approvals.REJECTED)
	case approvals.Cancelled:
		c.in(m, kind, approvals.PENDING, approvals.APPROVED)
		if by != m.by {
			c.bad("cancelled: %s by %s, who did not ask", id, by)
		}
		c.ends(m, approvals.CANCELLED)
	case approvals.Expired:
		c.stats.expired[fmt.Sprintf("%d of %d %s", len(m.have), m.need, v["why"])]++
		c.in(m, kind, approvals.PENDING, approvals.APPROVED)
		c.ends(m, approvals.EXPIRED)
	case approvals.Started:
		c.startedBy(m, at)
	case approvals.Finished, approvals.Stopped:
		c.in(m, kind, approvals.RUNNING)
		m.sums++
		m.counts, _ = approvals.ParseCounts(v["counts"])
		if kind == approvals.Stopped {
			c.ends(m, approvals.STOPPED)
		} else {
			c.ends(m, approvals.State(c.m.HGet(key("r:"+id), "state")))
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
		c.bad("log: %s of %s", kind, id)
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
	m := &matter{asked: r, state: approvals.PENDING, deadline: number(v["deadline"]), have: map[rules.Person]bool{}}
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

// look compares the record with the matter after every step.
func (c *checker) look(m *matter) {
	record := key("r:" + m.id)
	lease := c.m.HGet(record, "lease")
	if epoch := c.m.HGet(record, "epoch"); epoch != m.epoch {
		if epoch != "0" {
			c.claimed(m, epoch)
		}
		m.epoch = epoch
	} else if lease != m.lease && m.owner != nil && c.last.actor != m.owner && m.state == approvals.RUNNING {
		c.bad("epoch: %s moved the lease of %s, which is %s's", c.last.name, m.id, m.ownerName())
	}
	m.lease = lease
	if !c.m.Exists(key("c:" + m.id)) {
		return
	}
	ledger := c.marks(m.id)
	if ledger != m.ledger {
		if m.owner == nil || c.last == nil || c.last.actor != m.owner {
			c.bad("epoch: the ledger of %s was written by %s, and is %s's", m.id, c.last.name, m.ownerName())
		}
		m.ledger = ledger
	}
}

func (m *matter) ownerName() string {
	if m.owner == nil {
		return "nobody"
	}
	return m.owner.name
}

func (c *checker) marks(id string) string {
	fields, _ := c.m.HKeys(key("c:" + id))
	slices.Sort(fields)
	var b strings.Builder
	for _, f := range fields {
		if !strings.HasPrefix(f, "o:") {
			fmt.Fprintf(&b, "%s=%s ", f, c.m.HGet(key("c:"+id), f))
		}
	}
	return b.String()
}

// claimed judges a claim: the first, or a takeover.
func (c *checker) claimed(m *matter, epoch string) {
	if number(m.lease) > c.now().UnixMilli() {
		c.bad("epoch: %s was claimed from %s, whose lease holds", m.id, m.ownerName())
	}
	m.owner = c.last.actor
	m.claims++
	if newest, _ := c.m.Get(key("policy")); m.owner.policy.Hash() != newest {
		c.bad("policy: %s was claimed under an old one", m.id)
	}
	if c.frozen != 0 {
		c.bad("freeze: %s was claimed while everything was frozen", m.id)
	}
	for _, other := range c.order {
		lease := number(c.m.HGet(key("r:"+other.id), "lease"))
		if other != m && other.state == approvals.RUNNING && lease > c.now().UnixMilli() {
			c.bad("slot: %s was claimed while %s runs", m.id, other.id)
		}
	}
}

// answered says that the same operation is never told no after a yes.
func (c *checker) answered(op string, step int, err error) {
	switch was, told := c.answers[op]; {
	case err == nil:
		if !told {
			c.answers[op] = step
		}
	case errors.Is(err, approvals.ErrUnavailable), errors.Is(err, approvals.ErrForged), !told, was >= step:
	default:
		c.bad("operation: %q was done, and is refused now: %v", op, err)
	}
}

// forge remembers that Mallory wrote to a record.
func (c *checker) forge(id string) { c.forged[id] = true }

// rolledBack remembers that Redis forgot how a request ended.
func (c *checker) rolledBack(id string) {
	m := c.matters[id]
	m.state, m.rolled = approvals.APPROVED, true
}

// running reports whether a user may be being written.
func (c *checker) running(id userID) bool {
	for _, m := range c.order {
		s := c.state(m.id)
		holds := slices.ContainsFunc(m.plan.Users(), func(u qualys.SAQUser) bool { return u.ID == id })
		if holds && (s == approvals.RUNNING || s == approvals.NEEDS_REVIEW) {
			return true
		}
	}
	return false
}

// thaw lifts a freeze that everybody forgot.
func (c *checker) thaw() {
	c.m.Del(key("freeze"))
	c.frozen = 0
}
