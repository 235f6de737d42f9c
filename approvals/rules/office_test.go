package rules_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/approvals/rules"
)

// office is a Directory with people and groups one can change.
type office struct {
	people map[string]rules.Profile
	groups map[string][]string
	down   []string // ids whose look-up fails
	looks  []string // what was looked up, in order
}

var errDown = errors.New("slack is down")

func (o *office) Profile(_ context.Context, p rules.Person) (rules.Profile, error) {
	o.looks = append(o.looks, p.ID)
	if slices.Contains(o.down, p.ID) {
		return rules.Profile{}, errDown
	}
	f, ok := o.people[p.ID]
	if !ok {
		return rules.Profile{}, rules.ErrUnknownPerson
	}
	return f, nil
}

func (o *office) Members(_ context.Context, group string) ([]string, error) {
	o.looks = append(o.looks, group)
	if slices.Contains(o.down, group) {
		return nil, errDown
	}
	return o.groups[group], nil
}

// in is somebody in our workspace.
func in(id string) rules.Person { return rules.Person{Team: "T1", ID: id} }

// newOffice has the people of the conversations: Alice asks, Bob and Carol
// approve, Rita reads, Mallory is in no role, Gail approves through a group.
func newOffice() *office {
	o := &office{people: map[string]rules.Profile{}, groups: map[string][]string{"SAPPROVE": {"UGAIL"}, "SEMPTY": nil}}
	for id, name := range map[string]string{
		"UALICE": "alice", "UBOB": "bob", "UCAROL": "carol", "URITA": "rita", "UMALLORY": "mallory", "UGAIL": "gail", "UALTER": "alice2",
	} {
		o.people[id] = rules.Profile{Name: name, Email: name + "@example.com", Team: "T1"}
	}
	return o
}

// change edits one profile.
func (o *office) change(id string, edit func(*rules.Profile)) {
	f := o.people[id]
	edit(&f)
	o.people[id] = f
}

const policyText = `
channels: [C1]
readers: [URITA]
requesters: [UALICE, UBOB]
approvers: [UBOB, UCAROL, SAPPROVE]
same_person: [[UALICE, UALTER]]
`

func parse(t *testing.T, text string) *rules.Policy {
	t.Helper()
	p, err := rules.Parse([]byte(text))
	require.NoError(t, err)
	return p
}
