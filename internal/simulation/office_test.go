package simulation

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"countersign/approvals/rules"
)

// Alice, Bob and Carol ask; Bob, Carol and Dave approve. Carla is Carol's other
// account.
var (
	alice = rules.Person{Team: "T1", ID: "UALICE"}
	bob   = rules.Person{Team: "T1", ID: "UBOB"}
	carol = rules.Person{Team: "T1", ID: "UCAROL"}
	carla = rules.Person{Team: "T1", ID: "UCARLA"}
	dave  = rules.Person{Team: "T1", ID: "UDAVE"}
)

const policyText = `
channels: [C1]
readers: [UALICE]
requesters: [UALICE, UBOB, UCAROL]
approvers: [UBOB, UCAROL, UCARLA, UDAVE]
approvals: [{up_to: 3, need: 1}, {up_to: 500, need: 2}]
same_person: [[UCAROL, UCARLA]]
max_percent: 100
`

// firstPolicy is what the world begins under.
var firstPolicy = sync.OnceValue(func() *rules.Policy { return mustParse(policyText) })

// newPolicies are what somebody may make of it: two approvals of everything,
// fewer users at once, fewer people, another channel, users that nobody touches.
var newPolicies = sync.OnceValue(func() []*rules.Policy {
	var all []*rules.Policy
	for _, change := range [][2]string{
		{"need: 1", "need: 2"},
		{", {up_to: 500, need: 2}", ""},
		{"UCARLA, UDAVE", "UCARLA"},
		{"[UALICE, UBOB, UCAROL]", "[UALICE]"},
		{"[C1]", "[C2]"},
		{"max_percent", "protected: {usernames: [user4, user5, user7, user8]}\nmax_percent"},
	} {
		all = append(all, mustParse(strings.Replace(policyText, change[0], change[1], 1)))
	}
	return all
})

func mustParse(text string) *rules.Policy {
	p, err := rules.Parse([]byte(text))
	if err != nil {
		panic(err)
	}
	return p
}

// An office is where people are looked up. People may leave it.
type office struct {
	*world
	left map[string]int // id => the step in which the person left
	down int            // the step in which it went down, or 0
	up   time.Time      // when it comes up again
}

func newOffice(w *world) *office { return &office{world: w, left: map[string]int{}} }

// Profile is what Slack knows of a person.
func (o *office) Profile(_ context.Context, p rules.Person) (rules.Profile, error) {
	if o.isDown() {
		return rules.Profile{}, errors.New("slack is down")
	}
	_, left := o.left[p.ID]
	return rules.Profile{Name: p.ID, Email: p.ID + "@example.com", Team: "T1", Deleted: left}, nil
}

func (o *office) isDown() bool { return o.down > 0 && time.Now().Before(o.up) }

// Members is of no use: the policies here name people.
func (o *office) Members(context.Context, string) ([]string, error) {
	return nil, errors.New("no groups here")
}

// leave lets a person leave the company.
func (o *office) leave(p rules.Person) { o.left[p.ID] = o.step }

// human makes one of two accounts.
func human(p rules.Person) rules.Person {
	if p == carla {
		return carol
	}
	return p
}

// humans counts people, not accounts.
func humans(people []rules.Person) int {
	var distinct []rules.Person
	for _, p := range people {
		if !slices.Contains(distinct, human(p)) {
			distinct = append(distinct, human(p))
		}
	}
	return len(distinct)
}
