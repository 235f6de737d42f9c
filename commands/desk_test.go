package commands_test

import (
	"context"
	"fmt"
	"strings"
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

const newVendor = `delete firstName=NewVendor reason="SEC-124"`

func TestADeleteIsHeldForASecondPerson(t *testing.T) {
	w := newTown(t)
	first := w.desk.Slash(t.Context(), commands.Slash{Text: newVendor, By: alice, Channel: "CSEC", Op: "trigger"})
	assert.Equal(t, "Looking up…", first.Text)
	reply := w.after(first)

	p := w.held()
	assert.Equal(t, w.book.ID("trigger"), p.ID, "a command and its redelivery are the same request")
	assert.Equal(t, fmt.Sprintf("Held as %s. <@UBOB>, <@UCAROL> or <@UMAX> can approve until <!date^%d^{time}|18:00 UTC>.", p.ID, p.Deadline.Unix()), reply.Text)
	assert.Nil(t, reply.File, "the poster uploads the plan")
	assert.Equal(t, approvals.PENDING, p.State)
	assert.Equal(t, 49, p.Users)
	assert.Equal(t, approvals.Delete, p.Verb)
	assert.Equal(t, "SEC-124", p.Reason)
	assert.Equal(t, "firstName=NewVendor", p.Filter)
	assert.Equal(t, 400, p.Plan.Scope())
	assert.Equal(t, "CSEC", p.Channel)

	var plan strings.Builder
	sum := audit.SHA(&plan)
	require.NoError(t, audit.PlanCSV(sum, p.Plan))
	assert.Equal(t, sum.Sum(), p.PlanSHA, "the CSV's hash is known before anybody sees it")
	assert.Equal(t, []approvals.Kind{approvals.Requested}, w.kinds())
	assert.Equal(t, []string{"count", "search"}, w.qualys.asked, "one count of the scope and the pages, nothing more")

	again := w.after(w.desk.Slash(t.Context(), commands.Slash{Text: newVendor, By: alice, Channel: "CSEC", Op: "trigger"}))
	assert.Equal(t, reply.Text, again.Text, "the same command again is the same request")
	w.held()
}

func TestAnUpdateIsHeld(t *testing.T) {
	w := newTown(t)
	p := w.asked(`update firstName=NewVendor set lastName="Left" title=clear reason="SEC-123 contract ended"`)
	assert.Equal(t, qualys.Change{{Field: qualys.LastName, Value: "Left"}, {Field: qualys.Title}}, p.Plan.Change())
	assert.Equal(t, approvals.Update, p.Verb)
}

// P20: the one who asked never approves, whatever their roles.
func TestNobodyApprovesTheirOwn(t *testing.T) {
	w := newTown(t)
	w.in(max, newVendor)
	p := w.shown(w.held())
	for range 3 {
		r := w.click(max, commands.ActApprove, p)
		assert.Equal(t, "You asked for this one. A second person has to approve it.", r.Text)
		assert.Nil(t, r.Form, "nothing to type where nothing can come of it")
	}
	assert.Equal(t, "You asked for this one, so it is not yours to reject.", w.click(max, commands.ActReject, p).Text)
	assert.Empty(t, w.now(p).Approvals)
	assert.Equal(t, []approvals.Kind{approvals.Requested, approvals.Refused}, w.kinds(), "one entry, whatever is tried how often")
	assert.Equal(t, audit.WhyOwnRequest, w.last().Facts.Why)
}

// §11: at most one refusal of a person stands in the trail for a request.
func TestOnePersonIsRefusedOnceForARequest(t *testing.T) {
	w := newTown(t)
	p := w.asked(newVendor)
	tries := func() {
		for _, a := range []commands.Action{commands.ActApprove, commands.ActReject, commands.ActCancel} {
			w.click(mallory, a, p)
			w.click(rita, a, p)
		}
		w.in(mallory, "cancel "+p.ID)
	}
	tries()
	assert.Equal(t, []approvals.Kind{approvals.Requested, approvals.Refused, approvals.Refused}, w.kinds(), "one for each person")
	assert.Equal(t, 7, strings.Count(w.log.String(), "msg=refused"), "the log has them all")

	w.redis.FastForward(2 * time.Hour)
	tries()
	assert.Len(t, w.kinds(), 3, "nor later, as long as the request is kept")

	w.in(mallory, "find company=Acme")
	w.in(mallory, "find company=Other")
	assert.Len(t, w.kinds(), 5, "what is about no request counts by its cause")
}

// Whoever waits for an answer must know whether a decision was stored.
func TestAReplySaysWhetherSomethingWasStored(t *testing.T) {
	w := newTown(t)
	held := w.in(alice, newVendor)
	assert.True(t, held.Stored, "held")
	p := w.shown(w.held())
	assert.False(t, w.click(mallory, commands.ActApprove, p).Stored, "refused")
	form := w.click(bob, commands.ActApprove, p)
	assert.False(t, form.Stored, "a form is no decision")
	assert.True(t, w.fill(bob, form.Form, map[string]string{"confirm": "DELETE 49"}).Stored, "approved")
	assert.True(t, w.click(bob, commands.ActWithdraw, p).Stored, "withdrawn")
	assert.False(t, w.click(bob, commands.ActWithdraw, p).Stored, "nothing to withdraw")
	assert.True(t, w.in(alice, "freeze").Stored, "frozen")
	assert.False(t, w.in(alice, "freeze").Stored, "frozen already")
	assert.True(t, w.in(bob, "unfreeze").Stored, "unfrozen")
	assert.True(t, w.click(alice, commands.ActCancel, p).Stored, "cancelled")
	assert.False(t, w.in(rita, "find").Stored, "a read")
}

// P20: the same human under a second account.
func TestASecondAccountOfTheRequesterDoesNotApprove(t *testing.T) {
	w := newTown(t)
	p := w.asked(newVendor)
	w.office.change(bob, func(f *rules.Profile) { f.Email = "ualice@EXAMPLE.com" })
	r := w.click(bob, commands.ActApprove, p)
	assert.Equal(t, "This account and the one that asked belong to the same person. A second person has to decide.", r.Text)
	assert.Equal(t, audit.WhySamePerson, w.last().Facts.Why)
}

func TestAFewUsersAreApprovedWithOneClick(t *testing.T) {
	w := newTown(t)
	p := w.asked(`delete id=1000,1001 reason="SEC-1"`)
	r := w.click(bob, commands.ActApprove, p)
	assert.True(t, r.Silent(), "the card says it: %s", said(r))
	p = w.now(p)
	assert.Equal(t, approvals.APPROVED, p.State)
	assert.Equal(t, bob, p.Approvals[0].By)
	assert.Equal(t, p.Approvals[0].At.Add(30e9), p.Starts, "after the cool-down")
}

// P15: who sends the form decides, not who stands in it.
func TestManyUsersAreApprovedInWriting(t *testing.T) {
	w := newTown(t)
	p := w.asked(newVendor)
	click := w.button(bob, commands.ActApprove, p)
	r := w.desk.Click(t.Context(), click)
	require.NotNil(t, r.Form)
	assert.Equal(t, "Delete 49 SAQ users?", r.Form.Title)
	assert.Equal(t, "Type DELETE 49", r.Form.Fields[0].Label)
	assert.Equal(t, click, r.Form.Click, "everything rides in the form; the bot keeps nothing")
	assert.Equal(t, approvals.PENDING, w.now(p).State)

	for _, words := range []string{"", "DELETE", "49", "DELETE 48", "UPDATE 49", "DELETE 490"} {
		r := w.fill(carol, w.click(carol, commands.ActApprove, p).Form, map[string]string{"confirm": words})
		assert.Equal(t, map[string]string{"confirm": "Type DELETE 49, as it stands above."}, r.Errors, "typed %q", words)
	}
	form := w.click(bob, commands.ActApprove, p).Form
	form.Click.By = alice // forged or forwarded
	assert.Contains(t, w.fill(alice, form, map[string]string{"confirm": "DELETE 49"}).Text, "You asked for this one.")
	assert.Contains(t, w.fill(mallory, form, map[string]string{"confirm": "DELETE 49"}).Text, "no role")
	assert.Empty(t, w.now(p).Approvals)

	r = w.fill(carol, form, map[string]string{"confirm": ` delete  "49" `})
	assert.Contains(t, r.Errors["confirm"], "Type", "quotes inside are not what stands there")
	r = w.fill(carol, form, map[string]string{"confirm": " delete  49 "})
	assert.True(t, r.Silent(), "%s", said(r))
	assert.Equal(t, carol, w.now(p).Approvals[0].By)
}

func TestARejectionAsksWhyAndEndsIt(t *testing.T) {
	w := newTown(t)
	p := w.asked(newVendor)
	form := w.click(bob, commands.ActReject, p).Form
	require.NotNil(t, form)
	assert.Equal(t, "reject", form.ID)
	assert.True(t, form.Fields[0].Optional)
	other := w.click(carol, commands.ActReject, p).Form // P14: two forms open at once
	assert.True(t, w.fill(bob, form, map[string]string{"reason": "wrong <!channel>\nvendor"}).Silent())
	p = w.now(p)
	assert.Equal(t, approvals.REJECTED, p.State)
	assert.Equal(t, bob, p.EndedBy)
	assert.Equal(t, "wrong <!channel> vendor", p.Why)

	late := w.fill(carol, other, map[string]string{"reason": ""})
	assert.Contains(t, late.Text, p.ID+" was rejected by <@UBOB> at ")
	assert.Contains(t, w.click(mallory, commands.ActApprove, p).Text, "was rejected by", "too late, whoever presses")
	assert.NotContains(t, w.kinds(), approvals.Refused, "late clicks are no refusals")
}

func TestOnlyTheRequesterCancels(t *testing.T) {
	w := newTown(t)
	p := w.asked(newVendor)
	r := w.click(bob, commands.ActCancel, p)
	assert.Equal(t, "Only the person who asked for "+p.ID+" can cancel it.", r.Text)
	assert.Equal(t, audit.WhyNotYours, w.last().Facts.Why)
	assert.Equal(t, "cancel", w.last().Facts.Verb)
	assert.Equal(t, p.ID, w.last().Request)

	assert.True(t, w.click(alice, commands.ActCancel, p).Silent())
	assert.Equal(t, approvals.CANCELLED, w.now(p).State)
	assert.Contains(t, w.click(bob, commands.ActApprove, p).Text, "was cancelled by <@UALICE>")
}

func TestCancelAsACommand(t *testing.T) {
	w := newTown(t)
	p := w.asked(newVendor)
	assert.Contains(t, w.in(bob, "cancel "+p.ID).Text, "Only the person who asked")
	assert.Equal(t, "Request `"+p.ID+"` is cancelled. No user was touched.", w.in(alice, "cancel "+strings.ToLower(p.ID)).Text)
	assert.Contains(t, w.in(alice, "cancel "+p.ID).Text, "was cancelled")
	assert.Equal(t, "There is no request AAAAA, or it is no longer kept.", w.in(alice, "cancel AAAAA").Text)
}

func TestAnApproverMayStillSayNoAfterTheQuorum(t *testing.T) {
	w := newTown(t)
	p := w.asked(`delete id=1000 reason="SEC-1"`)
	w.click(bob, commands.ActApprove, p)
	form := w.click(carol, commands.ActReject, w.now(p)).Form
	assert.Equal(t, []string{"Approved: delete 1 SAQ user. Rejecting ends the request; no user is touched."}, form.Intro)
	assert.True(t, w.fill(carol, form, nil).Silent())
	assert.Equal(t, approvals.REJECTED, w.now(p).State)
}

// P18: one human counts once, under whatever account.
func TestOnePersonCountsOnce(t *testing.T) {
	w := newTown(t, "approvals: [{up_to: 100, need: 2}]")
	r := w.in(alice, `delete id=1000 reason="SEC-1"`)
	assert.Contains(t, r.Text, "2 of <@UBOB>, <@UCAROL> and <@UMAX> have to approve by")
	p := w.shown(w.held())
	assert.True(t, w.click(bob, commands.ActApprove, p).Silent())
	assert.Contains(t, w.click(bob, commands.ActApprove, p).Text, "You have approved "+p.ID+" already; one person counts once.")
	w.office.change(carol, func(f *rules.Profile) { f.Email = "UBOB@example.com" })
	assert.Contains(t, w.click(carol, commands.ActApprove, p).Text, "one person counts once")
	assert.Equal(t, approvals.PENDING, w.now(p).State)
	w.click(max, commands.ActApprove, p)
	assert.Equal(t, approvals.APPROVED, w.now(p).State)
	assert.Contains(t, w.click(carol, commands.ActReject, w.now(p)).Text, "one person counts once", "a no by somebody who said yes elsewhere")
}

func TestTheSameClickDecidesOnce(t *testing.T) {
	w := newTown(t)
	p := w.asked(`delete id=1000 reason="SEC-1"`)
	c := w.button(bob, commands.ActApprove, p)
	for range 3 {
		assert.True(t, w.desk.Click(t.Context(), c).Silent())
	}
	assert.Len(t, w.now(p).Approvals, 1)
}

func TestWhatCannotBeStoredIsSaid(t *testing.T) {
	w := newTown(t)
	p := w.asked(newVendor)
	w.redis.SetError("LOADING")
	for _, r := range []commands.Reply{w.in(alice, newVendor), w.in(rita, "count"), w.click(bob, commands.ActApprove, p)} {
		assert.NotContains(t, r.Text, "Held")
		assert.NotContains(t, r.Text, "400")
		assert.NotEmpty(t, r.Text)
		assert.NotEmpty(t, r.Hint)
		assert.Nil(t, r.File)
	}
	assert.Nil(t, w.in(rita, "find company~Vendor").File, "what is not in the trail is not shown")
	assert.Nil(t, w.in(rita, "download").File)
	w.redis.SetError("")
}

// P32: no decision before the list of users is in the channel.
func TestNothingIsDecidedBeforeTheListIsUp(t *testing.T) {
	w := newTown(t)
	w.in(alice, `delete id=1000 reason="SEC-1"`)
	p := w.held()
	r := w.click(bob, commands.ActApprove, p)
	assert.Equal(t, "The list of users is not in the channel yet, so nobody can decide.", r.Text)
	assert.Empty(t, w.now(p).Approvals)
	assert.Len(t, w.events(), 1, "early clicks are no refusals")
}

func TestASupersededCardPointsToTheNewest(t *testing.T) {
	w := newTown(t)
	p := w.asked(`delete id=1000 reason="SEC-1"`)
	for _, a := range []commands.Action{commands.ActApprove, commands.ActReject, commands.ActCancel, commands.ActWithdraw, commands.ActStop} {
		c := w.button(bob, a, p)
		c.Message = "99.1"
		r := w.desk.Click(t.Context(), c)
		assert.Equal(t, "This is an older card of "+p.ID+".", r.Text)
		assert.Contains(t, r.Hint, "/qualys-users show "+p.ID)
	}
	assert.Equal(t, approvals.PENDING, w.now(p).State)
}

func TestAButtonOfAnotherPlanDecidesNothing(t *testing.T) {
	w := newTown(t)
	p := w.asked(`delete id=1000 reason="SEC-1"`)
	for _, a := range []commands.Action{commands.ActApprove, commands.ActReject, commands.ActCancel, commands.ActWithdraw, commands.ActStop} {
		c := w.button(alice, a, p)
		c.Fingerprint = "000000000000"
		assert.Contains(t, w.desk.Click(t.Context(), c).Text, "does not fit the plan")
	}
	assert.Equal(t, "UALICE tried to approve "+p.ID+" and was refused: the button does not fit the plan.",
		audit.Sentence(w.last()), "the record is sound, and may still be approved")
	assert.Equal(t, approvals.PENDING, w.now(p).State)
}

// P30: a record changed behind our back is not decided, and the trail says so.
func TestAForgedRecordIsNotApproved(t *testing.T) {
	w := newTown(t)
	p := w.asked(`delete id=1000 reason="SEC-1"`)
	require.NoError(t, w.client.HSet(t.Context(), "countersign:{test}:r:"+p.ID, "by", "T1/UCAROL").Err())
	r := w.click(bob, commands.ActApprove, p)
	assert.Equal(t, "The record of "+p.ID+" does not fit its seals: somebody changed it outside of Countersign. It will not run.", r.Text)
	assert.Equal(t, approvals.Refused, w.last().Kind)
	assert.Equal(t, approvals.WhyForged, w.last().Facts.Why)
}

// P30: whoever looks at a record that was tampered with did nothing wrong: the
// trail hears of the record, once, and not of them.
func TestWhoLooksAtAForgedRecordIsNotRefused(t *testing.T) {
	w := newTown(t)
	p := w.asked(`delete id=1000 reason="SEC-1"`)
	require.NoError(t, w.client.HSet(t.Context(), "countersign:{test}:r:"+p.ID, "by", "T1/UCAROL").Err())
	for _, who := range []rules.Person{alice, rita} {
		assert.Contains(t, w.in(who, "show "+p.ID).Text, "The record of "+p.ID+" does not fit its seals")
	}
	assert.Equal(t, []approvals.Kind{approvals.Requested, approvals.Alarm}, w.kinds())
	assert.Equal(t, "Alarm about "+p.ID+": its record does not fit its seals, so nothing of it will run.", audit.Sentence(w.last()))
	assert.Contains(t, w.log.String(), "do not fit", "the operator hears of it")
}

func TestClicksOnWhatIsGone(t *testing.T) {
	w := newTown(t)
	p := w.asked(`delete id=1000 reason="SEC-1"`)
	w.redis.FlushAll()
	assert.Contains(t, w.click(bob, commands.ActApprove, p).Text, "There is no request ")
	assert.Contains(t, w.desk.Click(t.Context(), commands.Click{Request: "x", Channel: "CSEC", By: bob}).Text, "There is no request ")
}

func TestAnExpiredRequestIsNotApproved(t *testing.T) {
	w := newTown(t)
	p := w.asked(`delete id=1000 reason="SEC-1"`)
	w.redis.SetTime(afternoon.Add(4 * 3600e9))
	assert.Equal(t, p.ID+" has expired. No user was touched.", w.click(bob, commands.ActApprove, p).Text)
	assert.Equal(t, approvals.EXPIRED, w.now(p).State)
	assert.Contains(t, w.click(bob, commands.ActApprove, p).Text, "expired")
}

func TestAFormThatNobodyKnows(t *testing.T) {
	w := newTown(t)
	r := w.desk.Submit(t.Context(), commands.Submission{Form: "frobnicate", By: alice, Channel: "CSEC"})
	assert.Equal(t, "I do not know this form any more.", r.Text)
	p := w.asked(`delete id=1000 reason="SEC-1"`)
	assert.Equal(t, "I do not know this form any more.", w.click(bob, "resume", p).Text)
}

func TestWhatNobodyForesawIsAnApology(t *testing.T) {
	w := newTown(t)
	w.qualys.err = fmt.Errorf("a bug")
	r := w.in(rita, "count")
	assert.Equal(t, "Something went wrong on my side, and nothing was stored. The cause is in my log.", r.Text)
	assert.Contains(t, w.log.String(), "a bug")
}

func TestQualysErrorsAreExplained(t *testing.T) {
	for _, tt := range []struct {
		err  error
		text string
	}{
		{&qualys.Error{Op: "users/download", Status: 404}, "Qualys does not offer the Administration API"},
		{&qualys.Error{Op: "count/saq/user", Status: 200, Code: "INVALID_CREDENTIALS"}, "Qualys refuses my login. It said: `INVALID_CREDENTIALS`."},
		{&qualys.Error{Op: "count/saq/user", Status: 401, Code: "INVALID_CREDENTIALS", Message: "Authentication failed", Resolution: "not tried again: restart"},
			"Qualys refuses my login. It said: `INVALID_CREDENTIALS Authentication failed`."}, // the advice is not Qualys' own
		{&qualys.Error{Op: "count/saq/user", Status: 200, Code: "UNAUTHORIZED"}, "My Qualys login is fine, but its rights"},
		{&qualys.Error{Op: "count/saq/user", Status: 429, RetryAfter: 7e9}, "Qualys is busy and turned me away."},
		{&qualys.Error{Op: "count/saq/user", Err: errDown}, "Qualys did not answer."},
		{&qualys.Error{Op: "count/saq/user", Status: 500, Message: "<b>`oh`</b> <!channel>"}, "Qualys answered with an error. It said: `&lt;b&gt;'oh'&lt;/b&gt; &lt;!channel&gt;`"},
		{&qualys.Error{Op: "count/saq/user", Status: 200, Code: "INVALID_REQUEST"}, "Qualys did not understand what I asked."},
		{fmt.Errorf("search: %w", qualys.ErrIgnoredCriteria), "Qualys returned somebody who does not fit the conditions"},
		{fmt.Errorf("search: %w", qualys.ErrIncomplete), "Qualys' answer is provably not complete"},
		{context.DeadlineExceeded, "That took too long"},
	} {
		w := newTown(t)
		w.qualys.err = tt.err
		for _, text := range []string{"find", newVendor} {
			r := w.in(alice, text)
			assert.True(t, strings.HasPrefix(r.Text, tt.text), "%v: %s", tt.err, r.Text)
			assert.Nil(t, r.File)
			open, err := w.book.Open(t.Context())
			require.NoError(t, err)
			assert.Empty(t, open)
			assert.Empty(t, w.events(), "a failure is no refusal and no read")
		}
		assert.Contains(t, w.log.String(), "command failed")
	}
}

func TestADeskNeedsItsParts(t *testing.T) {
	_, err := commands.New(commands.Config{})
	assert.Error(t, err)
}
