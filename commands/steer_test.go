package commands_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/approvals"
	"countersign/approvals/rules"
	"countersign/audit"
	"countersign/commands"
	"countersign/qualys"
)

const oneUser = `delete id=1000 reason="SEC-1"`

func TestAnApprovalIsTakenBack(t *testing.T) {
	w := newTown(t)
	p := w.approvedBy(bob, w.asked(oneUser))
	require.Equal(t, approvals.APPROVED, p.State)
	r := w.in(carol, "withdraw "+p.ID)
	assert.Equal(t, "There is no approval of yours to withdraw from "+p.ID+".", r.Text)
	assert.Contains(t, w.click(carol, commands.ActWithdraw, p).Text, "no approval of yours")
	assert.NotContains(t, w.kinds(), approvals.Refused, "a slip is no refusal")

	assert.Equal(t, "Your approval of `"+p.ID+"` is withdrawn. It waits for approvals again (0 of 1).", w.in(bob, "withdraw "+p.ID).Text)
	assert.Equal(t, approvals.PENDING, w.now(p).State)
	p = w.approvedBy(bob, p)
	c := w.button(bob, commands.ActWithdraw, p)
	for range 2 { // the same click twice
		assert.True(t, w.desk.Click(t.Context(), c).Silent(), "the card says it")
	}
	p = w.now(p)
	assert.Equal(t, approvals.PENDING, p.State)
	assert.Empty(t, p.Approvals)
	assert.Equal(t, approvals.Withdrawn, w.last().Kind)
}

func TestWithdrawingFromMoreThanEnough(t *testing.T) {
	w := newTown(t, "approvals: [{up_to: 100, need: 2}]")
	p := w.approvedBy(bob, w.asked(oneUser))
	assert.Contains(t, w.in(bob, "withdraw "+p.ID).Text, "It waits for approvals again (0 of 2).")
	assert.Contains(t, w.in(alice, "withdraw "+p.ID).Text, "no approval of yours")
}

// It is too late to withdraw from a run; the answer says what can be done.
func TestARunIsStoppedInsteadOfWithdrawn(t *testing.T) {
	w := newTown(t)
	p := w.approvedBy(bob, w.asked(oneUser))
	w.claimed(p)
	for _, text := range []string{"withdraw ", "cancel "} {
		who := bob
		if text == "cancel " {
			who = alice
		}
		r := w.in(who, text+p.ID)
		assert.Contains(t, r.Text, p.ID+" is running, since")
		assert.Contains(t, r.Hint, "/qualys-users stop "+p.ID)
	}
}

func TestARequesterOrAnApproverStopsARun(t *testing.T) {
	for _, tt := range []struct {
		name string
		who  rules.Person
		by   func(w *town, who rules.Person, p approvals.Pending) commands.Reply
	}{
		{"the requester, in words", alice, func(w *town, who rules.Person, p approvals.Pending) commands.Reply { return w.in(who, "stop "+p.ID) }},
		{"an approver, by the button", carol, func(w *town, who rules.Person, p approvals.Pending) commands.Reply {
			return w.click(who, commands.ActStop, p)
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newTown(t)
			p := w.asked(newVendor)
			assert.Equal(t, p.ID+" has not begun, so there is nothing to stop.", w.in(tt.who, "stop "+p.ID).Text)
			p = w.approvedBy(bob, p)
			assert.Equal(t, p.ID+" has not begun, so there is nothing to stop.", w.click(tt.who, commands.ActStop, p).Text)
			run := w.claimed(p)

			assert.Equal(t, "You may not stop or freeze anything here.", w.click(rita, commands.ActStop, p).Text)
			assert.Equal(t, audit.WhyNotStopper, w.last().Facts.Why)
			assert.Equal(t, "The policy gives you no role here.", w.click(mallory, commands.ActStop, p).Text)
			assert.Zero(t, w.now(p).Stopper)

			tt.by(w, tt.who, p)
			assert.Equal(t, tt.who, w.now(p).Stopper)
			require.ErrorAs(t, run.Renew(t.Context()), new(*approvals.StoppedError))
			assert.Equal(t, "<@"+tt.who.ID+"> has stopped it already: `"+p.ID+"` ends before its next chunk. What was done stays done.", w.in(max, "stop "+p.ID).Text)
			assert.Contains(t, w.in(tt.who, "stop "+p.ID).Text, "`"+p.ID+"` ends before its next chunk.")
			assert.Contains(t, w.in(rita, "requests").Text, "stopped by <@"+tt.who.ID+">")

			require.NoError(t, run.Finish(t.Context(), approvals.STOPPED, approvals.WhyStopped, nil, "sha"))
			assert.Contains(t, w.in(tt.who, "stop "+p.ID).Text, "was stopped by <@"+tt.who.ID+">")
		})
	}
}

// A freeze holds starts and runs, not decisions; only another approver lifts it.
func TestAnApproverOtherThanTheFreezerLiftsAFreeze(t *testing.T) {
	w := newTown(t)
	p := w.asked(oneUser)
	assert.Equal(t, "Nothing is frozen.", w.in(bob, "unfreeze").Text)
	r := w.in(bob, "freeze")
	assert.Contains(t, r.Text, "Everything stands still now")
	assert.Equal(t, "Everything stands still already, since <!date^1795269600^{date_short_pretty} {time}|2026-11-21 14:00 UTC>: <@UBOB> froze it.", w.in(alice, "freeze").Text)

	const still = "Everything stands still since <!date^1795269600^{date_short_pretty} {time}|2026-11-21 14:00 UTC>: <@UBOB> froze it."
	for _, text := range []string{"requests", "show " + p.ID} {
		assert.Contains(t, w.in(rita, text).Text, still, text)
	}
	assert.Contains(t, w.in(rita, "requests mine").Hint, still)
	assert.Contains(t, w.in(max, `delete id=1200 reason="SEC-2"`).Text, still, "what is asked for now will wait")
	r = w.click(carol, commands.ActApprove, p)
	assert.Equal(t, "Your approval of `"+p.ID+"` is stored. "+still+" An approver other than them lifts it with `/qualys-users unfreeze`.", r.Text)
	assert.Equal(t, approvals.APPROVED, w.now(p).State)
	shown := w.in(rita, "show "+p.ID).Text
	assert.Contains(t, shown, still)
	assert.Contains(t, shown, "Starts when the freeze is lifted, not before ")
	assert.NotContains(t, shown, "Starts at")

	assert.Equal(t, "The freeze is your own. An approver other than you has to lift it.", w.in(bob, "unfreeze").Text)
	assert.Equal(t, audit.WhyOwnFreeze, w.last().Facts.Why)
	w.office.change(carol, func(f *rules.Profile) { f.Email = "ubob@example.com" })
	assert.Contains(t, w.in(carol, "unfreeze").Text, "The freeze is your own.", "under another account too")
	assert.Equal(t, "You may not decide requests here.", w.in(alice, "unfreeze").Text)

	lift := commands.Slash{Text: "unfreeze", By: max, Channel: "CSEC", Op: "lift"}
	for range 2 { // the same command again
		assert.Equal(t, "The freeze is lifted. What is approved starts now, and a run that paused goes on.", w.desk.Slash(t.Context(), lift).Text)
	}
	assert.Equal(t, approvals.Unfrozen, w.last().Kind)
	assert.Equal(t, max, w.last().By)
	assert.NotContains(t, w.in(rita, "requests").Text, "still")
}

func TestTheSameFreezeIsOne(t *testing.T) {
	w := newTown(t)
	for range 2 {
		r := w.desk.Slash(t.Context(), commands.Slash{Text: "freeze", By: alice, Channel: "CSEC", Op: "freeze"})
		assert.Contains(t, r.Text, "Everything stands still now")
	}
	assert.Equal(t, []approvals.Kind{approvals.Frozen}, w.kinds())
	assert.Contains(t, w.in(bob, "unfreeze").Text, "is lifted", "any approver, when a requester froze")
}

// Promise 2 holds for what is resumed: a full, fresh quorum without whoever
// asked.
func TestAnInterruptedRunIsResumedByAFreshQuorum(t *testing.T) {
	w := newTown(t, "approvals: [{up_to: 100, need: 2}]")
	p := w.approvedBy(carol, w.approvedBy(bob, w.asked(newVendor)))
	run := w.claimed(p)
	assert.Contains(t, w.in(bob, "resume "+p.ID).Text, p.ID+" is running, since")
	require.NoError(t, run.Review(t.Context(), approvals.WhyCredentials, nil))
	assert.Contains(t, w.click(bob, commands.ActApprove, w.now(p)).Text, "needs review", "nobody resumes it yet")

	assert.Equal(t, "You asked for this one. A second person has to approve it.", w.in(alice, "resume "+p.ID).Text)
	assert.Equal(t, audit.WhyOwnRequest, w.last().Facts.Why)
	assert.Equal(t, "You may not decide requests here.", w.in(rita, "resume "+p.ID).Text)

	first := commands.Slash{Text: "resume " + p.ID, By: bob, Channel: "CSEC", Op: "resume"}
	for range 2 { // the same command again
		assert.Equal(t, "`"+p.ID+"` has 1 of 2 approvals to go on. 1 more person has to press Approve on its card.", w.desk.Slash(t.Context(), first).Text)
	}
	p = w.now(p)
	require.True(t, p.Resuming)
	assert.Equal(t, "Approve", commands.Card(p, approvals.Freeze{}).Buttons[0].Label)
	assert.Contains(t, w.in(rita, "requests").Text, "is being resumed (1 of 2)")
	assert.Contains(t, w.in(bob, "resume "+p.ID).Text, "one person counts once")

	r := w.click(carol, commands.ActApprove, p)
	require.NotNil(t, r.Form, "typed, like a first approval")
	assert.Equal(t, "Resume "+p.ID, r.Form.Title)
	assert.Equal(t, "I will go on and delete 49 SAQ users.", r.Form.Intro[0])
	assert.Contains(t, w.fill(alice, r.Form, map[string]string{"confirm": "DELETE 49"}).Text, "You asked for this one.")
	assert.True(t, w.fill(carol, r.Form, map[string]string{"confirm": "DELETE 49"}).Silent())
	p = w.now(p)
	assert.Equal(t, approvals.RUNNING, p.State)
	assert.Equal(t, approvals.Resumed, w.last().Kind)
}

// Whoever closes it hears what the trail says was done: nothing, a part, or no
// word where nobody knows.
func TestClosingSaysWhatWasDone(t *testing.T) {
	w := newTown(t)
	p := w.approvedBy(bob, w.asked(oneUser))
	require.NoError(t, w.book.Review(t.Context(), p.ID, approvals.WhyApproverRights))
	assert.Equal(t, "Request `"+p.ID+"` is closed. No user was touched.", w.in(alice, "close "+p.ID).Text)
	assert.Contains(t, commands.Card(w.now(p), approvals.Freeze{}).Next.String(), "Closed by UALICE. No user was touched.")
	assert.Equal(t, "UALICE closed "+p.ID+". No user was touched.", audit.Sentence(w.last()))

	w = newTown(t)
	p = w.approvedBy(bob, w.asked(oneUser))
	require.NoError(t, w.claimed(p).Review(t.Context(), approvals.WhyUnknown, nil))
	assert.Equal(t, "Request `"+p.ID+"` is closed.", w.in(alice, "close "+p.ID).Text)
	assert.NotContains(t, commands.Card(w.now(p), approvals.Freeze{}).Next.String(), "touched")

	w = newTown(t)
	p = w.ran(w.approvedBy(bob, w.asked(newVendor)), approvals.NEEDS_REVIEW, func(u qualys.SAQUser) approvals.Result {
		if u.ID == 1000 {
			return approvals.ResultDone
		}
		return ""
	})
	assert.Contains(t, w.in(alice, "close "+p.ID).Text, "is closed. Deleted 1 of 49 SAQ users")
}

func TestOneApprovalResumesAtOnce(t *testing.T) {
	w := newTown(t)
	p := w.approvedBy(bob, w.asked(oneUser))
	assert.Equal(t, p.ID+" is approved already by <@UBOB> at <!date^1795269600^{time}|14:00 UTC>.", w.in(carol, "resume "+p.ID).Text)
	require.NoError(t, w.book.Review(t.Context(), p.ID, approvals.WhyApproverRights))
	resume := commands.Slash{Text: "resume " + p.ID, By: carol, Channel: "CSEC", Op: "resume"}
	for range 2 {
		assert.Equal(t, "`"+p.ID+"` goes on.", w.desk.Slash(t.Context(), resume).Text)
	}
	assert.Equal(t, approvals.RUNNING, w.now(p).State)
	assert.Equal(t, []rules.Person{carol}, people(w.now(p).Approvals))
}

// What would be interrupted again at once is not resumed.
func TestWhatCannotGoOnIsNotResumed(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		change     func(w *town, p approvals.Pending)
	}{
		{"a larger quorum", "cannot go on: the policy asks for more approvals now than it was made for.",
			func(w *town, _ approvals.Pending) { w.desk.Policy.Approvals = []rules.Row{{UpTo: 100, Need: 2}} }},
		{"a smaller cap", "cannot go on: the policy allows fewer users in one request now.",
			func(w *town, _ approvals.Pending) { w.desk.Policy.Approvals = []rules.Row{{UpTo: 10, Need: 1}} }},
		{"the requester left", "cannot go on: whoever asked for it may no longer ask for changes.",
			func(w *town, _ approvals.Pending) {
				w.office.change(alice, func(f *rules.Profile) { f.Deleted = true })
			}},
		{"a freeze of a day", "cannot go on: everything has stood still for a day.",
			func(w *town, _ approvals.Pending) {
				w.in(alice, "freeze")
				w.redis.SetTime(must(w.book.Now(w.Context())).Add(24 * time.Hour))
			}},
		{"the plan is gone", "The list of users of ", func(w *town, p approvals.Pending) { w.redis.Del("countersign:{test}:p:" + p.ID) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newTown(t)
			p := w.approvedBy(bob, w.asked(newVendor))
			require.NoError(t, w.book.Review(t.Context(), p.ID, approvals.WhyCredentials))
			tt.change(w, p)
			assert.Contains(t, w.in(carol, "resume "+p.ID).Text, tt.text)
			p, err := w.book.Pending(t.Context(), p.ID)
			require.NoError(t, err)
			assert.Equal(t, approvals.NEEDS_REVIEW, p.State)
			assert.False(t, p.Resuming)
		})
	}
}

func TestAForgedRequestIsNotResumed(t *testing.T) {
	w := newTown(t)
	p := w.approvedBy(bob, w.asked(oneUser))
	require.NoError(t, w.book.Review(t.Context(), p.ID, approvals.WhyForged))
	require.NoError(t, w.client.HSet(t.Context(), "countersign:{test}:r:"+p.ID, "need", "0").Err())
	assert.Contains(t, w.in(carol, "resume "+p.ID).Text, "does not fit its seals")
	assert.Equal(t, approvals.WhyForged, w.last().Facts.Why)
	assert.Contains(t, w.in(carol, "close "+p.ID).Text, "is closed", "it can still be ended")
}

// Expired under a freeze: the sentence says what kept it.
func TestWhatExpiresUnderAFreezeSaysSo(t *testing.T) {
	w := newTown(t)
	p := w.approvedBy(bob, w.asked(oneUser))
	w.in(bob, "freeze")
	w.post()
	require.NoError(t, w.book.Record(t.Context(), "policy", w.book.Policy))
	w.redis.SetTime(p.Deadline)
	_, err := w.book.Claim(t.Context(), p.ID, "executor", time.Hour)
	require.ErrorAs(t, err, new(*approvals.OverError))
	assert.Equal(t, p.ID+" expired: it was approved, but everything stood still when its time was over. No user was touched.", audit.Sentence(w.last()))
	assert.Contains(t, commands.Card(w.now(p), approvals.Freeze{}).Next.String(), "everything stood still")
}

func people(list []approvals.Approval) []rules.Person {
	var who []rules.Person
	for _, a := range list {
		who = append(who, a.By)
	}
	return who
}

// Who approved already hears it at once, and types nothing for it.
func TestNobodyTypesASecondApproval(t *testing.T) {
	w := newTown(t, "approvals: [{up_to: 100, need: 2}]")
	p := w.asked(newVendor)
	require.True(t, w.fill(bob, w.click(bob, commands.ActApprove, p).Form, map[string]string{"confirm": "DELETE 49"}).Stored)
	r := w.click(bob, commands.ActApprove, p)
	assert.Nil(t, r.Form)
	assert.Equal(t, "You have approved "+p.ID+" already; one person counts once.", r.Text)
	require.True(t, w.click(bob, commands.ActWithdraw, p).Stored)
	assert.NotNil(t, w.click(bob, commands.ActApprove, p).Form, "what was withdrawn may be given again")
}
