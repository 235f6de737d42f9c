package execution_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/approvals"
	"countersign/execution"
	"countersign/qualys"
)

func draft(n int, change ...qualys.Set) approvals.Draft {
	d := approvals.Draft{Tenant: "test", Verb: approvals.Delete, Scope: 1000, Filter: "company=Acme"}
	if len(change) > 0 {
		d.Verb, d.Change = approvals.Update, change
	}
	for i := range n {
		d.Users = append(d.Users, qualys.SAQUser{ID: qualys.SAQUserID(i + 1), UserName: fmt.Sprint("user", i+1), Company: "Acme"})
	}
	return d
}

func nobody(qualys.SAQUser) bool { return false }

// Design section 9: protected users, and those who hold the new values already,
// are left out and listed.
func TestWhomAPlanLeavesOut(t *testing.T) {
	d := draft(4, left)
	d.Users[1].LastName = "Left"
	d.Users[2].LastName = "LEFT" // not so yet
	d.Users[3].LastName = "Left"
	p, err := execution.Prepare(d, func(u qualys.SAQUser) bool { return u.ID == 4 })
	require.NoError(t, err)
	want := []approvals.LeftOut{{User: d.Users[1], Why: approvals.WhyAlreadySo}, {User: d.Users[3], Why: approvals.WhyProtected}}
	assert.Equal(t, want, p.LeftOut)
	assert.Equal(t, want, p.Plan.LeftOut())
	assert.Equal(t, []qualys.SAQUser{d.Users[0], d.Users[2]}, p.Plan.Users())
	assert.Equal(t, 1000, p.Plan.Scope())
}

// P33: a plan of nobody is refused, and the reasons are there.
func TestNobodyIsLeft(t *testing.T) {
	p, err := execution.Prepare(draft(2), func(qualys.SAQUser) bool { return true })
	require.ErrorIs(t, err, approvals.ErrNobody)
	assert.Len(t, p.LeftOut, 2)
	assert.True(t, p.Plan.IsZero())
	_, err = execution.Prepare(draft(0), nobody)
	require.ErrorIs(t, err, approvals.ErrNobody)
}

// The users that matched stay with the caller as they were.
func TestPrepareLeavesTheDraftAlone(t *testing.T) {
	d := draft(3)
	before := fmt.Sprint(d)
	_, err := execution.Prepare(d, func(u qualys.SAQUser) bool { return u.ID == 1 })
	require.NoError(t, err)
	assert.Equal(t, before, fmt.Sprint(d))
}

func TestWhatARunTakes(t *testing.T) {
	for users, calls := range map[int]int{1: 3, 2: 5, 26: 5, 27: 7, 49: 7, 51: 7, 52: 9, 120: 13, 5000: 403} {
		p, err := execution.Prepare(draft(users), nobody)
		require.NoError(t, err)
		assert.Equal(t, calls, p.Calls, "calls for %d users", users)
		assert.Equal(t, time.Duration(calls)*time.Second, p.Takes, "time for %d users", users)
	}
}

// What Prepare says is what a run takes when nothing goes wrong.
func TestPrepareCountsTheCalls(t *testing.T) {
	for _, n := range []int{1, 2, 26, 27, 60} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			inHouse(t, n, func(h *house) {
				d := draft(0)
				d.Users = h.users()
				prepared, err := execution.Prepare(d, nobody)
				require.NoError(h, err)
				p := h.approved(prepared.Plan)
				h.start()
				h.await(p, 2*time.Minute, approvals.DONE)
				assert.Len(t, h.api.Requests(), prepared.Calls)
			})
		})
	}
}

func ExamplePrepare() {
	draft := approvals.Draft{
		Tenant: "default", Verb: approvals.Update, Filter: "company=Acme",
		Change: qualys.NewChange(qualys.Set{Field: qualys.LastName, Value: "Left"}),
		Users: []qualys.SAQUser{
			{ID: 767231594, UserName: "ada@acme", LastName: "Lovelace"},
			{ID: 767231595, UserName: "bob@acme", LastName: "Left"},
			{ID: 767231596, UserName: "ceo@acme", LastName: "Boss"},
		},
	}
	protected := func(u qualys.SAQUser) bool { return u.UserName == "ceo@acme" }
	p, err := execution.Prepare(draft, protected)
	for _, u := range p.Plan.Users() {
		fmt.Println("update", u.UserName)
	}
	for _, l := range p.LeftOut {
		fmt.Println("leave out", l.User.UserName, "because:", l.Why)
	}
	fmt.Println(p.Calls, "calls,", p.Takes, err)
	// Output:
	// update ada@acme
	// leave out bob@acme because: already-so
	// leave out ceo@acme because: protected
	// 3 calls, 3s <nil>
}
