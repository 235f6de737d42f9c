package simulation

import (
	"errors"
	"fmt"
	"maps"
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
	seen     int64          // number of the last event
	base     int64          // of the last one before those that the log holds
	forgot   bool           // Redis was set back
	frozen   int            // the step in which somebody froze everything, or 0
	frozenAt int64          // and when
	answers  map[string]int // operation => the step in which it was first told yes
	promises []promise      // what people were told
	typed    map[string]*command
	said     map[string]bool
	maybe    []*chance // what happens once it can
	replicas int
	posters  int
	observed int // the step that was looked at last
	acted    int // the step of the last chance that was weighed

	stoppedAt map[string]int  // id => the step in which somebody was told that it stops
	stopping  map[string]int  // click of a stop => how often the request had been resumed when it first came
	forged    map[string]bool // written to by Mallory
	tired     map[string]bool // nobody approves it any more

	final map[string]approvals.State // how the records ended: outside the bubble it is another time
}

// A matter is a request as the log tells of it.
type matter struct {
	*asked
	state            approvals.State
	deadline, starts int64 // by Redis' clock, in milliseconds
	have             map[rules.Person]bool
	approved         int64 // number of the last approval

	owner        *actor
	epoch, lease string            // as the record had them last
	ledger       map[string]string // chunk => its mark
	sent         int               // the step in which a write was last marked as sent
	refused      string            // the epoch in which Qualys refused the login
	rounds       map[int]int       // chunk => how often it was written since people last approved
	failed       int64             // users, as the record counts them
	overFifth    bool              // that many of a chunk failed
	late         bool              // its deadline came in a freeze

	claims, started, sums int // sums are summaries
	resumed               int
	counts                approvals.Counts
	effects               map[userID]int // how often a write of it changed the user
	newest                int64          // number of its last event
	rolled                bool           // Redis forgot something about it: nothing runs before people look
	putBack               rules.Person   // whose approval Redis forgot the end of, and nothing else
	ended                 bool           // it was over before: nothing runs at all
}

func newMatter(r *asked) *matter {
	return &matter{asked: r, state: approvals.PENDING, have: map[rules.Person]bool{}, effects: map[userID]int{}, rounds: map[int]int{}}
}

func newChecker(w *world) *checker {
	return &checker{
		world: w, plans: map[string]*asked{}, matters: map[string]*matter{}, answers: map[string]int{}, said: map[string]bool{}, typed: map[string]*command{},
		stoppedAt: map[string]int{}, stopping: map[string]int{}, forged: map[string]bool{}, tired: map[string]bool{}, final: map[string]approvals.State{},
	}
}

func (c *checker) bad(format string, args ...any) {
	said := fmt.Sprintf(format, args...)
	c.broken = append(c.broken, said)
	c.stats.broken++
	c.note("BROKEN %s", said)
}

// observe looks at everything that the last turn changed, and weighs the chances.
func (c *checker) observe() {
	if c.last != nil && c.last.script() && c.observed != c.step { // nothing else of an actor's writes to Redis
		c.observed = c.step
		if n, err := c.m.Get(key("seq")); err == nil && n != strconv.FormatInt(c.seen, 10) {
			c.replay()
		}
		for _, m := range c.order {
			c.look(m)
		}
	}
	if time.Now().Before(c.healed) {
		for i, chance := range c.maybe {
			if !time.Now().Before(chance.from) && chance.can() {
				c.note("it happens: %s", chance.name)
				c.stats.deeds[chance.name]++
				c.maybe = slices.Delete(slices.Clone(c.maybe), i, i+1)
				chance.do()
				return
			}
		}
	}
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
	c.lookAtLedger(m)
}

// lookAtLedger says that nobody but the owner writes to the ledger.
func (c *checker) lookAtLedger(m *matter) {
	fields, _ := c.m.HKeys(key("c:" + m.id))
	marks := map[string]string{}
	for _, chunk := range fields {
		if !strings.HasPrefix(chunk, "o:") && !strings.HasPrefix(chunk, "b:") {
			marks[chunk] = c.m.HGet(key("c:"+m.id), chunk)
		}
	}
	if maps.Equal(marks, m.ledger) {
		return
	}
	c.note("ledger of %s: %v", m.id, marks)
	if m.owner == nil || c.last == nil || c.last.actor != m.owner {
		c.bad("epoch: the ledger of %s was written by %s, and is %s's", m.id, c.last.name, m.ownerName())
	}
	done := 0
	for chunk, mark := range marks {
		switch {
		case strings.HasPrefix(mark, "done"):
			if done++; !strings.HasPrefix(m.ledger[chunk], "done") {
				c.counted(m, int(number(chunk)))
			}
		case mark != m.ledger[chunk]:
			m.sent = c.step
		}
	}
	if n := c.m.HGet(key("r:"+m.id), "chunk"); number(n) != int64(done) {
		c.bad("progress: the card of %s says %s chunks, and the ledger %d", m.id, n, done)
	}
	m.ledger = marks
}

// counted compares what the record counts, for the card, with the plan, when a
// chunk is done.
func (c *checker) counted(m *matter, chunk int) {
	record, sum := key("r:"+m.id), int64(0)
	fields, _ := c.m.HKeys(record)
	for _, f := range fields {
		if strings.HasPrefix(f, "n:") {
			sum += number(c.m.HGet(record, f))
		}
	}
	if sum > int64(len(m.plan.Users())) {
		c.bad("progress: the card of %s counts %d of %d users", m.id, sum, len(m.plan.Users()))
	}
	failed := number(c.m.HGet(record, "n:failed"))
	m.overFifth = m.overFifth || (failed-m.failed)*5 > int64(len(m.plan.Chunks()[chunk]))
	m.failed = failed
}

func (m *matter) ownerName() string {
	if m.owner == nil {
		return "nobody"
	}
	return m.owner.name
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
	if c.frozen != 0 && !c.toEnd(m) {
		c.bad("freeze: %s was claimed while everything was frozen", m.id)
	}
	for _, other := range c.order {
		if other != m && other.state == approvals.RUNNING && c.leased(other.id) && !c.toEnd(m) && !c.toEnd(other) {
			c.bad("slot: %s was claimed while %s runs", m.id, other.id)
		}
	}
}

// toEnd reports whether a run was stopped: it may be claimed in a freeze, and
// while another one runs, to be ended.
func (c *checker) toEnd(m *matter) bool { return c.m.HGet(key("r:"+m.id), "stop") != "" }

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

// A promise is a yes that a person was told.
type promise struct {
	op, id string
	by     rules.Person
	kinds  []approvals.Kind // one of them is in the log
}

func said(kind approvals.Kind, id, by string) string { return fmt.Sprintf("%s %s %s", kind, id, by) }

// kept says that nobody was told yes of what was not stored.
func (c *checker) kept() {
	for _, p := range c.promises {
		if !slices.ContainsFunc(p.kinds, func(k approvals.Kind) bool { return c.said[said(k, p.id, p.by.String())] }) {
			c.bad("stored: %q was told to be done, and no event says so", p.op)
		}
	}
}

// forge remembers that Mallory wrote to a record.
func (c *checker) forge(id string) { c.forged[id] = true }

// rolledBack remembers that Redis forgot something about a request: it has the
// approvals of the old copy again.
func (c *checker) rolledBack(id string, have map[rules.Person]bool) {
	m := c.matters[id]
	m.state, m.have, m.rolled = approvals.APPROVED, have, true
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
