package simulation

import (
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"countersign/approvals"
	"countersign/approvals/rules"
	"countersign/audit"
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
		stoppedAt: map[string]int64{}, forged: map[string]bool{}, final: map[string]approvals.State{},
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
	if down := c.office.down; down > 0 && down < a.passed["poll"] {
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
	return n == "" || c.m.HGet(key("posted"), "seq") == n
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
	for id, u := range c.cloud.first {
		held := slices.ContainsFunc(c.order, func(m *matter) bool {
			return m.started > 0 && slices.ContainsFunc(m.plan.Users(), func(u qualys.SAQUser) bool { return u.ID == id })
		})
		now := c.cloud.users[id]
		_, drifted := c.cloud.drifted[id]
		if same := now != nil && now.Title == u.Title; !held && !drifted && !c.cloud.gone[id] && !same {
			c.bad("bystander: user %d was touched", id)
		}
		if c.cloud.effects[id] > 1 {
			c.bad("effect: user %d was changed %d times", id, c.cloud.effects[id])
		}
	}
	for _, m := range c.order {
		c.end(m)
	}
	c.trailIsWhole()
	c.nothingLeft()
}

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
	effects, gone := 0, 0 // who is gone without us may be counted as done: a mark names a chunk, not its users
	for _, u := range m.plan.Users() {
		effects += c.cloud.effects[u.ID]
		if c.cloud.gone[u.ID] {
			gone++
		}
	}
	shared := slices.ContainsFunc(c.order, func(other *matter) bool { return other != m && other.shares(m) })
	if shared || m.counts == nil {
		return
	}
	done, unknown := m.counts["done"], m.counts["unknown"]
	total := 0
	for _, n := range m.counts {
		total += n
	}
	switch {
	case total != len(m.plan.Users()) && total > 0:
		c.bad("counts: %s counted %d of %d users: %s", m.id, total, len(m.plan.Users()), m.counts)
	case m.sums > 0 && (effects < done-gone || effects > done+unknown), effects > done+unknown:
		c.bad("counts: %s says %q, and %d users were changed", m.id, m.counts, effects)
	case is == approvals.DONE && done+m.counts["already"] != len(m.plan.Users()):
		c.bad("counts: %s is DONE with %q", m.id, m.counts)
	}
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
