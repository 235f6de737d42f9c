package card_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/approvals"
	"countersign/approvals/rules"
	"countersign/commands/card"
	"countersign/qualys"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares what people see with a file.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err, "run with -update to write it")
	assert.Equal(t, string(want), got, "%s; run with -update if it is meant", path)
}

// Alice asks, Bob and Carol approve.
var (
	alice = rules.Person{Team: "T1", ID: "UALICE"}
	bob   = rules.Person{Team: "T1", ID: "UBOB"}
	carol = rules.Person{Team: "T1", ID: "UCAROL"}
)

// Carol froze everything, a moment after what happens here.
var freeze = approvals.Freeze{By: carol, At: afternoon.Add(5 * time.Minute)}

var afternoon = time.Date(2026, 11, 21, 14, 0, 0, 0, time.UTC)

// vendors are 49 SAQ users.
func vendors() []qualys.SAQUser {
	var users []qualys.SAQUser
	for i := range 49 {
		users = append(users, qualys.SAQUser{
			ID: qualys.SAQUserID(1000 + i), UserName: fmt.Sprintf("user%d@vendor", i), FirstName: "NewVendor", LastName: fmt.Sprintf("Smith%d", i),
			EmailAddress: fmt.Sprintf("jo%d@example.com", i), Company: fmt.Sprintf("Acme %d", i%3), Title: "Clerk",
		})
	}
	return users
}

// drawn is a card as text: what stands where, and what can be pressed.
func drawn(c card.Content) string {
	var b strings.Builder
	add := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	add("# %s", c.Title)
	add("(%s)", c.Text)
	for _, f := range c.Facts {
		add("%s: %s", f.Label, f.Value)
	}
	for _, t := range c.Companies {
		add("  %4d %s", t.Count, t.Name)
	}
	if c.More > 0 {
		add("       and %d more companies", c.More)
	}
	for _, s := range c.Sample {
		add("- %s", s)
	}
	if c.Unlisted > 0 {
		add("- and %d more", c.Unlisted)
	}
	for _, s := range c.LeftOut {
		add("x %s", s)
	}
	if c.LeftOutMore > 0 {
		add("x and %d more", c.LeftOutMore)
	}
	if p := c.Progress; p != nil {
		add("progress: %d of %d, about %s left", p.Done, p.Total, p.Left)
	}
	for _, l := range []card.Line{c.Still, c.Next} {
		if len(l) > 0 {
			add("> %s", l)
		}
	}
	for _, x := range c.Buttons {
		add("[%s] %s", x.Label, x.Style)
		if q := x.Confirm; q != nil {
			add("    %s %s [%s] [%s]", q.Title, q.Text, q.Yes, q.No)
		}
	}
	if c.Calls {
		add("(approvers are mentioned)")
	}
	return b.String()
}

// pending is a request about 49 SAQ users, as the book would have it.
func pending(t *testing.T, change ...qualys.Set) approvals.Pending {
	t.Helper()
	verb := approvals.Delete
	if len(change) > 0 {
		verb = approvals.Update
	}
	plan, err := approvals.NewPlan(approvals.Draft{
		Tenant: "test", Verb: verb, Change: qualys.NewChange(change...), Users: vendors(), Scope: 400, Filter: "firstName=NewVendor",
	})
	require.NoError(t, err)
	return approvals.Pending{
		ID: "K7F3Q", State: approvals.PENDING, Version: 1, Plan: plan, Verb: verb, Users: 49, Fingerprint: plan.Fingerprint(),
		Requester: alice, Reason: "SEC-124", Channel: "CSEC", Need: 1, Filter: "firstName=NewVendor",
		Created: afternoon, Deadline: afternoon.Add(4 * time.Hour), Chunks: 3,
		Card: approvals.Card{FileID: "F1", FileShared: true, Channel: "CSEC", TS: "100.1"},
	}
}

// counts are of the users of pending.
func counts(words string) approvals.Counts {
	counts, err := approvals.ParseCounts(words)
	if err != nil {
		panic(err) // the words are ours
	}
	return counts
}

func TestCards(t *testing.T) {
	later := afternoon.Add(3 * time.Minute)
	said := func(p *approvals.Pending) {
		p.Approvals = []approvals.Approval{{By: bob, At: later}}
		p.Starts = later.Add(30 * time.Second)
	}
	for _, tt := range []struct {
		name string
		edit func(*approvals.Pending)
	}{
		{"pending", func(p *approvals.Pending) {}},
		{"pending-without-its-file", func(p *approvals.Pending) { p.Card = approvals.Card{} }},
		{"pending-one-of-two", func(p *approvals.Pending) { p.Need = 2; said(p); p.Starts = time.Time{} }},
		{"approved", func(p *approvals.Pending) { p.State = approvals.APPROVED; said(p) }},
		{"running", func(p *approvals.Pending) {
			p.State, p.Chunk, p.Counts = approvals.RUNNING, 2, counts("done=25 skipped=1")
			said(p)
		}},
		{"done", func(p *approvals.Pending) {
			p.State, p.Counts, p.ResultSHA = approvals.DONE, counts("done=49"), "ab"
			said(p)
		}},
		{"done-with-errors", func(p *approvals.Pending) {
			p.State, p.Counts, p.ResultSHA = approvals.DONE_WITH_ERRORS, counts("already=1 done=47 skipped=1"), "ab"
			said(p)
		}},
		{"done-when-it-was-stopped", func(p *approvals.Pending) {
			p.State, p.Counts, p.Stopper = approvals.DONE_WITH_ERRORS, counts("done=47 failed=2"), carol
			said(p)
		}},
		{"running-again", func(p *approvals.Pending) {
			p.State, p.Chunk, p.Counts = approvals.RUNNING, 1, counts("done=1 not-run=23 unknown=25")
			said(p)
		}},
		{"running-being-stopped", func(p *approvals.Pending) {
			p.State, p.Chunk, p.Counts, p.Stopper = approvals.RUNNING, 2, counts("done=25 skipped=1"), carol
			said(p)
		}},
		{"stopped-by-a-person", func(p *approvals.Pending) {
			p.State, p.Counts, p.Cause, p.EndedBy, p.Ended = approvals.STOPPED, counts("done=26"), approvals.WhyStopped, carol, later
			said(p)
		}},
		{"needs-review-being-resumed", func(p *approvals.Pending) {
			p.State, p.Cause, p.Counts, p.Need, p.Resuming = approvals.NEEDS_REVIEW, approvals.WhyCredentials, counts("done=26"), 2, true
			said(p)
		}},
		{"needs-review-forged", func(p *approvals.Pending) { p.State, p.Cause = approvals.NEEDS_REVIEW, approvals.WhyForged }},
		{"needs-review-frozen", func(p *approvals.Pending) {
			p.State, p.Cause, p.Counts = approvals.NEEDS_REVIEW, approvals.WhyFrozen, counts("done=26")
		}},
		{"expired-frozen", func(p *approvals.Pending) {
			p.State, p.Cause = approvals.EXPIRED, approvals.WhyFrozen
			said(p)
		}},
		{"stopped", func(p *approvals.Pending) {
			p.State, p.Counts, p.Cause = approvals.STOPPED, counts("done=1 failed=20"), approvals.WhyFailures
			said(p)
		}},
		{"rejected", func(p *approvals.Pending) {
			p.State, p.EndedBy, p.Ended, p.Why = approvals.REJECTED, bob, later, "the wrong vendor"
		}},
		{"cancelled", func(p *approvals.Pending) { p.State, p.EndedBy, p.Ended = approvals.CANCELLED, alice, later }},
		{"expired", func(p *approvals.Pending) { p.State, p.Cause = approvals.EXPIRED, approvals.WhyDeadline }},
		{"needs-review-before", func(p *approvals.Pending) {
			p.State, p.Cause = approvals.NEEDS_REVIEW, approvals.WhyApproverRights
			said(p)
		}},
		{"needs-review-in-the-middle", func(p *approvals.Pending) {
			p.State, p.Cause, p.Counts = approvals.NEEDS_REVIEW, approvals.WhyUnknown, counts("done=26 unknown=23")
			said(p)
		}},
		{"needs-review-the-login", func(p *approvals.Pending) {
			p.State, p.Cause, p.Started = approvals.NEEDS_REVIEW, approvals.WhyCredentials, later
			said(p)
		}},
		{"closed-nothing-run", func(p *approvals.Pending) {
			p.State, p.EndedBy, p.Cause, p.Why = approvals.CLOSED, carol, approvals.WhyApproverRights, "Bob has left."
		}},
		{"rejected-in-a-sentence", func(p *approvals.Pending) {
			p.State, p.EndedBy, p.Why, p.Reason = approvals.REJECTED, bob, "Not before the audit.", "Has the vendor left?"
		}},
		{"closed", func(p *approvals.Pending) {
			p.State, p.EndedBy, p.Why, p.Counts = approvals.CLOSED, carol, "checked by hand", counts("done=26 unknown=23")
			said(p)
		}},
		{"long-gone", func(p *approvals.Pending) {
			p.State, p.Counts, p.Plan = approvals.DONE, counts("done=49"), approvals.Plan{}
			said(p)
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := pending(t)
			tt.edit(&p)
			golden(t, tt.name+".txt", drawn(card.Of(p, approvals.Freeze{})))
		})
	}
}

// While everything stands still a card says so, and promises no start; one that is
// over says what it said.
func TestCardsUnderAFreeze(t *testing.T) {
	for _, s := range everyState {
		t.Run(string(s), func(t *testing.T) {
			p := pending(t)
			p.State, p.Starts, p.EndedBy = s, afternoon.Add(30*time.Second), bob
			before, c := card.Of(p, approvals.Freeze{}), card.Of(p, freeze)
			if !s.Open() {
				assert.Equal(t, before, c)
				return
			}
			assert.Empty(t, before.Still)
			assert.Equal(t, "Everything stands still since 2026-11-21 14:05 UTC: UCAROL froze it. "+
				"An approver other than them lifts it with /qualys-users unfreeze.", c.Still.String())
			assert.Contains(t, c.Text.String(), c.Still.String())
			assert.Equal(t, map[approvals.State]string{
				approvals.PENDING: "It can be decided all the same, but does not start before the freeze is lifted. " + before.Next.String(),
				approvals.APPROVED: "Starts when the freeze is lifted, not before 14:00:30 UTC. " +
					"Otherwise it expires 2026-11-21 18:00 UTC.",
				approvals.RUNNING:      "The run pauses before its next chunk and goes on when the freeze is lifted.",
				approvals.NEEDS_REVIEW: before.Next.String(),
			}[s], c.Next.String())
			assert.Equal(t, before.Buttons, c.Buttons)
			if s == approvals.RUNNING { // a stop is heard under a freeze
				p.Stopper = carol
				assert.Equal(t, card.Of(p, approvals.Freeze{}).Next, card.Of(p, freeze).Next)
			}
		})
	}
}

func TestTheCardOfAnUpdateShowsOldAndNew(t *testing.T) {
	p := pending(t, qualys.Set{Field: qualys.LastName, Value: "Left"}, qualys.Set{Field: qualys.Title})
	users := p.Plan.Users()
	var out []approvals.LeftOut
	for i, u := range users[40:] {
		why := approvals.WhyProtected
		if i%2 == 0 {
			why = approvals.WhyAlreadySo
		}
		out = append(out, approvals.LeftOut{User: u, Why: why})
	}
	plan, err := approvals.NewPlan(approvals.Draft{
		Tenant: "test", Verb: approvals.Update, Change: p.Plan.Change(), Users: users[:40], LeftOut: out, Scope: 400, Filter: p.Filter,
	})
	require.NoError(t, err)
	p.Plan, p.Users, p.Fingerprint = plan, 40, plan.Fingerprint()
	golden(t, "update.txt", drawn(card.Of(p, approvals.Freeze{})))
}

// Promise 1: where each user gets values of its own, the card shows them.
func TestTheCardOfAnUndoShowsWhatEachUserGets(t *testing.T) {
	p := pending(t)
	users, restore := vendors()[:4], map[qualys.SAQUserID]qualys.Change{}
	for i := range users {
		restore[users[i].ID] = qualys.NewChange(qualys.Set{Field: qualys.LastName, Value: users[i].LastName}, qualys.Set{Field: qualys.Title, Value: "Clerk"})
		users[i].LastName, users[i].Title = "Left", ""
	}
	delete(restore, users[3].ID)
	plan, err := approvals.NewPlan(approvals.Draft{
		Tenant: "test", Verb: approvals.Update, Restore: restore, Users: users[:3], Scope: 400, Filter: "undo AAAAA",
		LeftOut: []approvals.LeftOut{{User: users[3], Why: approvals.WhyDrifted}},
	})
	require.NoError(t, err)
	p.Plan, p.Verb, p.Users, p.Fingerprint, p.Filter, p.Reason = plan, approvals.Update, 3, plan.Fingerprint(), plan.Filter(), "SEC-123 (undo of AAAAA)"
	golden(t, "undo.txt", drawn(card.Of(p, approvals.Freeze{})))
}

// One user is one user: in the dialog, and above the file.
func TestTheCardOfOneUser(t *testing.T) {
	p := pending(t)
	plan, err := approvals.NewPlan(approvals.Draft{Tenant: "test", Verb: approvals.Delete, Users: p.Plan.Users()[:1], Scope: 400, Filter: "id=1000"})
	require.NoError(t, err)
	p.Plan, p.Users, p.Fingerprint = plan, 1, plan.Fingerprint()
	assert.Equal(t, "I will delete 1 SAQ user, fingerprint "+p.Short()+". A deleted user cannot be brought back.", card.Of(p, approvals.Freeze{}).Buttons[0].Confirm.Text)
	assert.Equal(t, "Request K7F3Q names 1 SAQ user. All values stand in this file.", card.PlanComment(p))
}

func TestAReminderCountsWhatIsAwaited(t *testing.T) {
	assert.Equal(t, "K7F3Q still waits for 2 approvals. Otherwise it expires 2026-11-21 18:00 UTC, and no user is touched.",
		card.Reminder(approvals.Pending{ID: "K7F3Q", Need: 2, Deadline: time.Date(2026, 11, 21, 18, 0, 0, 0, time.UTC)}).String())
	assert.Contains(t, card.Reminder(approvals.Pending{ID: "K7F3Q", Need: 2, Approvals: []approvals.Approval{{}}}).String(),
		"K7F3Q still waits for 1 more approval.")
}

var everyState = []approvals.State{
	approvals.PENDING, approvals.APPROVED, approvals.RUNNING, approvals.DONE, approvals.DONE_WITH_ERRORS, approvals.STOPPED,
	approvals.REJECTED, approvals.CANCELLED, approvals.EXPIRED, approvals.NEEDS_REVIEW, approvals.CLOSED,
}

// P36: a decided card has no buttons; P32: nor has one whose file is not up.
func TestButtonsStandOnlyWhereTheyDoSomething(t *testing.T) {
	want := map[approvals.State]string{approvals.PENDING: "Approve Reject Cancel", approvals.APPROVED: "Reject Cancel Withdraw", approvals.RUNNING: "Stop"}
	for _, s := range everyState {
		p := pending(t)
		p.State = s
		var labels []string
		for _, b := range card.Of(p, approvals.Freeze{}).Buttons {
			labels = append(labels, b.Label)
		}
		assert.Equal(t, want[s], strings.Join(labels, " "), "%s", s)
		assert.Equal(t, s == approvals.PENDING, card.Of(p, approvals.Freeze{}).Calls, "%s", s)
		p.Card.FileShared = false
		assert.Empty(t, card.Of(p, approvals.Freeze{}).Buttons, "%s, the file is not up", s)
	}
}

// The top-level text carries the whole meaning, whatever the state.
func TestTheTextOfACardStandsAlone(t *testing.T) {
	for _, s := range everyState {
		p := pending(t)
		p.State, p.EndedBy = s, bob
		c := card.Of(p, approvals.Freeze{})
		text := c.Text.Mrkdwn()
		for _, words := range []string{"49 SAQ users", "`K7F3Q`", "<@UALICE>", `"SEC-124"`} {
			assert.Contains(t, text, words, "%s", s)
		}
		assert.Contains(t, c.Text.String(), "UALICE")
		assert.NotContains(t, text, "..", "%s", s)
	}
}

// P34: hostile names are cut and stay text, and no card grows without end.
func TestACardOfHostileNames(t *testing.T) {
	var users []qualys.SAQUser
	for i := range 200 {
		users = append(users, qualys.SAQUser{
			ID: qualys.SAQUserID(i + 1), FirstName: "<!channel>", LastName: "\u202eevil", UserName: strings.Repeat("x", 10_000),
			EmailAddress: "`@here`", Company: fmt.Sprintf("%d <@UBOB>\n&amp; 𝔘𝔫𝔦", i),
		})
	}
	plan, err := approvals.NewPlan(approvals.Draft{Tenant: "test", Verb: approvals.Delete, Users: users, Scope: 400, Filter: "company~\u202e<!here>"})
	require.NoError(t, err)
	p := pending(t)
	p.Plan, p.Users, p.Reason, p.Filter, p.Why = plan, 200, "<!channel>\n"+strings.Repeat("y", 5000), plan.Filter(), "<!channel>"
	for _, s := range everyState {
		p.State = s
		c := card.Of(p, freeze)
		assert.LessOrEqual(t, utf8.RuneCountInString(c.Title), 150)
		assert.Less(t, len(drawn(c)), 12_000)
		assert.Len(t, c.Companies, 10)
		assert.Equal(t, 190, c.More)
		if s.Open() {
			assert.Len(t, c.Sample, 10)
			assert.Equal(t, 190, c.Unlisted)
		}
		assert.NotContains(t, drawn(c), "\u202e")
		assert.NotContains(t, c.Text.Mrkdwn(), "<!channel>")
		for _, f := range c.Facts {
			assert.NotContains(t, strings.ReplaceAll(f.Value.Mrkdwn(), "<!date^", ""), "<!")
			assert.LessOrEqual(t, utf8.RuneCountInString(f.Value.String()), 600)
		}
		for _, line := range c.Sample {
			assert.LessOrEqual(t, utf8.RuneCountInString(line), 300)
			assert.NotContains(t, line, "\n")
		}
	}
}
