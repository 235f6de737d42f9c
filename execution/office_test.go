package execution_test

import (
	"context"
	"errors"
	"sync"

	"countersign/approvals/rules"
)

// office is a Directory whose people change.
type office struct {
	mu     sync.Mutex
	people map[string]rules.Profile
	down   bool // look-ups fail
	asked  int  // how often somebody was looked up
}

var errDown = errors.New("slack is down")

func newOffice() *office {
	o := &office{people: map[string]rules.Profile{}}
	for id, name := range map[string]string{"UALICE": "alice", "UBOB": "bob", "UCAROL": "carol"} {
		o.people[id] = rules.Profile{Name: name, Email: name + "@example.com", Team: "T1"}
	}
	return o
}

func (o *office) Profile(_ context.Context, p rules.Person) (rules.Profile, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.asked++
	if o.down {
		return rules.Profile{}, errDown
	}
	f, ok := o.people[p.ID]
	if !ok {
		return f, rules.ErrUnknownPerson
	}
	return f, nil
}

func (o *office) Members(context.Context, string) ([]string, error) { return nil, errDown }

func (o *office) lookUps() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.asked
}

func (o *office) fail(yes bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.down = yes
}

func (o *office) change(who rules.Person, edit func(*rules.Profile)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	f := o.people[who.ID]
	edit(&f)
	o.people[who.ID] = f
}
