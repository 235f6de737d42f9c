package simulation

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"countersign/approvals"
	"countersign/qualys"
)

// A cloud is Qualys, as far as an executor can tell. It knows the truth.
type cloud struct {
	*world
	users    map[qualys.SAQUserID]*qualys.SAQUser
	first    map[qualys.SAQUserID]qualys.SAQUser // as they were when the world began
	drifted  map[qualys.SAQUserID]int            // the step in which somebody else changed the user
	gone     map[qualys.SAQUserID]bool           // somebody else removed the user
	stubborn map[qualys.SAQUserID]bool           // a write of it was answered with a yes, and did nothing
	later    []effect                            // writes on their way
	losing   bool                                // every write, while there are faults
	forced   string                              // what becomes of the next write, instead of chance
	nextID   qualys.SAQUserID
}

// An effect is a write that arrives late.
type effect struct {
	of  *matter
	at  time.Time
	ids []userID
	do  func()
}

func newCloud(w *world) *cloud {
	c := &cloud{
		world: w, users: map[qualys.SAQUserID]*qualys.SAQUser{}, first: map[qualys.SAQUserID]qualys.SAQUser{},
		drifted: map[qualys.SAQUserID]int{}, gone: map[qualys.SAQUserID]bool{}, stubborn: map[qualys.SAQUserID]bool{},
	}
	c.hire(3) // bystanders
	return c
}

// hire adds users and returns them as they are.
func (c *cloud) hire(n int) []qualys.SAQUser {
	var all []qualys.SAQUser
	for range n {
		c.nextID++
		u := qualys.SAQUser{ID: c.nextID, UserName: fmt.Sprintf("user%d", c.nextID), FirstName: "NewVendor", Company: "Acme"}
		c.users[u.ID], c.first[u.ID] = &u, u
		all = append(all, u)
	}
	return all
}

// settleDown lets the writes arrive whose time has come.
func (c *cloud) settleDown() {
	now := time.Now()
	c.later = slices.DeleteFunc(c.later, func(e effect) bool {
		due := !e.at.After(now)
		if due {
			e.do()
		}
		return due
	})
}

// A caller is one process' connection to the cloud.
type caller struct {
	*cloud
	a    *actor
	seen map[qualys.SAQUserID]int // the step in which it read a user last
}

// takes is the time that a call takes, unless its caller leaves.
func (c *caller) takes(ctx context.Context, at string, d time.Duration) error {
	c.a.halt(stand{at: at, part: work, until: time.Now().Add(d), can: func() bool { return ctx.Err() != nil }})
	return ctx.Err()
}

// Find returns the users that are there.
func (c *caller) Find(ctx context.Context, ids []qualys.SAQUserID) ([]qualys.SAQUser, error) {
	if err := c.takes(ctx, "qualys.find", 30*time.Millisecond); err != nil {
		return nil, err
	}
	if time.Now().Before(c.healed) && c.strikes == nil && c.rng.IntN(40) == 0 {
		c.stats.faults["Qualys: a read fails"]++
		return nil, &qualys.Error{Op: "search/saq/user", Status: 503}
	}
	c.settleDown()
	var all []qualys.SAQUser
	for _, id := range ids {
		c.seen[id] = c.step
		if u := c.users[id]; u != nil {
			all = append(all, *u)
		}
	}
	return all, nil
}

// Delete deletes the users.
func (c *caller) Delete(ctx context.Context, ids []qualys.SAQUserID) ([]qualys.SAQUserID, error) {
	return c.write(ctx, approvals.Delete, ids, nil)
}

// Update writes the change.
func (c *caller) Update(ctx context.Context, ids []qualys.SAQUserID, change qualys.Change) ([]qualys.SAQUserID, error) {
	return c.write(ctx, approvals.Update, ids, change)
}

// write is what becomes of a write: its call or its answer may get lost, it may
// arrive late, be turned away, or be answered with nonsense. What is done at all
// is done within 15 s of the call: the settle times are a guess about that, and
// nobody can tell a write that is later still from one that is lost.
func (c *caller) write(ctx context.Context, verb approvals.Verb, ids []qualys.SAQUserID, change qualys.Change) ([]qualys.SAQUserID, error) {
	m := c.leaves(c, verb, ids, change)
	do := func() { c.arrives(m, verb, ids, change) }
	fate := c.fate()
	c.note("%s writes %v: %s", c.a.name, ids, fate)
	if fate != "done" {
		c.stats.faults["Qualys: "+fate]++
	}
	switch fate {
	case "lost call":
		return nil, &qualys.Error{Op: "write", Fate: qualys.Lost, Err: errors.New("connection reset")}
	case "lost answer":
		do()
		return nil, &qualys.Error{Op: "write", Fate: qualys.Lost, Err: errors.New("connection reset")}
	case "late":
		c.later = append(c.later, effect{m, time.Now().Add(time.Duration(1+c.rng.IntN(15)) * time.Second), ids, do})
		return nil, &qualys.Error{Op: "write", Fate: qualys.Lost, Err: errors.New("connection reset")}
	case "nonsense":
		c.later = append(c.later, effect{m, time.Now().Add(2 * time.Second), ids, do})
		return nil, &qualys.Error{Op: "write", Status: 502, Fate: qualys.Answered}
	case "nonsense, not done":
		return nil, &qualys.Error{Op: "write", Status: 502, Fate: qualys.Answered}
	case "turned away":
		m.rounds[m.chunkOf(ids[0])]--
		return nil, &qualys.Error{Op: "write", Status: 409, RetryAfter: []time.Duration{0, 3 * time.Second, 70 * time.Second}[c.rng.IntN(3)]}
	case "refused login":
		m.refused = m.epoch
		return nil, &qualys.Error{Op: "write", Status: 401, Code: "INVALID_CREDENTIALS"}
	case "slow": // done soon, and answered late: whoever leaves does not hear it
		c.later = append(c.later, effect{m, time.Now().Add(time.Duration(1+c.rng.IntN(15)) * time.Second), ids, do})
		if err := c.takes(ctx, "qualys.answer", time.Duration(16+c.rng.IntN(25))*time.Second); err != nil {
			return nil, &qualys.Error{Op: "write", Fate: qualys.TimedOut, Err: err}
		}
		c.settleDown()
		return ids, nil
	case "stubborn":
		c.stubborn[ids[0]] = true
		c.arrives(m, verb, ids[1:], change)
		return ids, nil
	}
	do()
	return ids, nil
}

func (c *cloud) fate() string {
	if c.forced != "" {
		fate := c.forced
		c.forced = ""
		return fate
	}
	if c.strikes != nil || !time.Now().Before(c.healed) {
		return "done"
	}
	if c.losing {
		return "lost call"
	}
	switch x := c.rng.IntN(100); {
	case x < 6:
		return "lost call"
	case x < 12:
		return "lost answer"
	case x < 20:
		return "late"
	case x < 22:
		return "nonsense"
	case x < 24:
		return "nonsense, not done"
	case x < 29:
		return "turned away"
	case x < 32:
		return "slow"
	case x < 33:
		return "stubborn"
	}
	return "done"
}

// arrives changes the users.
func (c *cloud) arrives(m *matter, verb approvals.Verb, ids []qualys.SAQUserID, change qualys.Change) {
	for _, id := range ids {
		u := c.users[id]
		switch {
		case u == nil:
		case verb == approvals.Delete:
			delete(c.users, id)
			m.effects[id]++
		case !change.Holds(*u):
			for _, set := range change { // the plans here set the title alone
				if set.Field == qualys.Title {
					u.Title = set.Value
				}
			}
			m.effects[id]++
		}
	}
}

// at is a user as it is, or, where it is gone, as it was.
func (c *cloud) at(id userID) *qualys.SAQUser {
	if u := c.users[id]; u != nil {
		return u
	}
	u := c.first[id]
	return &u
}

// drift lets somebody else change a user.
func (c *cloud) drift(id qualys.SAQUserID) {
	if u := c.users[id]; u != nil {
		u.LastName, c.drifted[id] = "Changed", c.step
	}
}

// vanish lets somebody else remove a user.
func (c *cloud) vanish(id qualys.SAQUserID) {
	if c.users[id] != nil {
		delete(c.users, id)
		c.gone[id] = true
	}
}
