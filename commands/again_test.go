package commands_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/approvals"
	"countersign/audit"
	"countersign/commands"
	"countersign/qualys"
)

// fate says of the first users of a list what became of them; of all others,
// that they are done.
func fate(of map[qualys.SAQUserID]approvals.Result) func(qualys.SAQUser) approvals.Result {
	return func(u qualys.SAQUser) approvals.Result {
		if r, ok := of[u.ID]; ok {
			return r
		}
		return approvals.ResultDone
	}
}

func ids(users []qualys.SAQUser) []qualys.SAQUserID {
	var list []qualys.SAQUserID
	for _, u := range users {
		list = append(list, u.ID)
	}
	return list
}

func TestRetryAsksAnewForWhomTheRunLeft(t *testing.T) {
	w := newTown(t)
	p := w.approvedBy(bob, w.asked(`delete id=1000,1001,1002,1003,1004,1005 reason="SEC-124"`))
	assert.Contains(t, w.in(alice, "retry "+p.ID).Text, "is approved already", "not before it is over")
	p = w.ran(p, approvals.DONE_WITH_ERRORS, fate(map[qualys.SAQUserID]approvals.Result{
		1001: approvals.ResultFailed, 1002: approvals.ResultUnknown, 1003: approvals.ResultSkipped, 1004: approvals.ResultFailed, 1005: approvals.ResultFailed,
	}))
	assert.Contains(t, commands.Card(p, approvals.Freeze{}).Next.String(), "To ask again for the 4 that are left: /qualys-users retry "+p.ID)
	w.qualys.edit(withIDs(1004), func(u *qualys.SAQUser) { u.Title = "Manager" })
	w.qualys.users = append(w.qualys.users[:0:0], w.qualys.users...)
	w.qualys.write(p.Plan, 1005)

	r := w.in(max, "retry "+p.ID) // any requester may
	assert.Contains(t, r.Text, "Held as ")
	assert.Contains(t, r.Text, " can approve until ")
	assert.Contains(t, r.Text, " Left out: 1 has changed since, 1 is gone.")
	again := w.shown(w.held())
	assert.NotEqual(t, p.ID, again.ID)
	assert.Equal(t, []qualys.SAQUserID{1001, 1002}, ids(again.Plan.Users()), "failed and unknown; skipped and done are not")
	assert.Equal(t, "SEC-124 (retry of "+p.ID+")", again.Reason)
	assert.Equal(t, "retry "+p.ID, again.Filter)
	assert.Equal(t, max, again.Requester)
	assert.Equal(t, approvals.Delete, again.Verb)
	assert.Empty(t, again.Approvals, "approved like any other")
	assert.Contains(t, audit.Sentence(w.last()), "UMAX asked to delete 2 SAQ users (retry "+p.ID+"). Reason: \"SEC-124 (retry of "+p.ID+")\".")
	assert.Equal(t, []string{"1004 · user4@vendor · NewVendor Smith4 · jo4@example.com · Acme 1 · changed since",
		"1005 · user5@vendor · NewVendor Smith5 · jo5@example.com · Acme 2 · gone"}, commands.Card(again, approvals.Freeze{}).LeftOut)

	assert.Equal(t, "SAQ user 1001 is already part of the open request "+again.ID+", so I did not hold yours.", w.in(alice, "retry "+p.ID).Text)
	assert.Equal(t, audit.WhyOverlap, w.last().Facts.Why)
	assert.Equal(t, p.ID, w.last().Request, "the trail says what should have been retried")
	assert.Equal(t, "You asked for this one. A second person has to approve it.", w.click(max, commands.ActApprove, again).Text)
}

func TestARetryOfARetryNamesTheLatest(t *testing.T) {
	w := newTown(t)
	p := w.approvedBy(bob, w.asked(`delete id=1000 reason="SEC-124"`))
	for range 2 {
		p = w.ran(p, approvals.DONE_WITH_ERRORS, fate(map[qualys.SAQUserID]approvals.Result{1000: approvals.ResultFailed}))
		w.in(alice, "retry "+p.ID)
		next := w.approvedBy(bob, w.shown(w.held()))
		assert.Equal(t, "SEC-124 (retry of "+p.ID+")", next.Reason)
		p = next
	}
}

func TestTheReasonOfARetryMayBeGiven(t *testing.T) {
	w := newTown(t)
	p := w.approvedBy(bob, w.asked(`delete id=1000 reason="`+strings.Repeat("long ", 99)+`"`))
	p = w.ran(p, approvals.DONE_WITH_ERRORS, fate(map[qualys.SAQUserID]approvals.Result{1000: approvals.ResultFailed}))
	assert.Equal(t, "The reason has no word in it.", w.in(alice, `retry `+p.ID+` reason="…"`).Text)
	w.in(alice, "retry "+p.ID)
	again := w.held()
	assert.LessOrEqual(t, len([]rune(again.Reason)), 500)
	assert.True(t, strings.HasSuffix(again.Reason, "… (retry of "+p.ID+")"), again.Reason)
	w.in(alice, "cancel "+again.ID)
	w.in(alice, `retry `+p.ID+` reason="once more"`)
	assert.Equal(t, "once more", w.held().Reason)
}

// A stopped run, and one that never began and was closed: whoever was not run is left.
func TestUsersThatWereNotRunAreLeft(t *testing.T) {
	t.Run("stopped", func(t *testing.T) {
		w := newTown(t)
		p := w.approvedBy(bob, w.asked(newVendor))
		p = w.ran(p, approvals.STOPPED, func(u qualys.SAQUser) approvals.Result {
			if u.ID == 1000 {
				return approvals.ResultDone
			}
			return ""
		})
		assert.Contains(t, w.in(alice, "retry "+p.ID).Text, "Held as")
		assert.Len(t, w.held().Plan.Users(), 48)
	})
	t.Run("closed, and a write in between is unknown", func(t *testing.T) {
		w := newTown(t)
		p := w.approvedBy(bob, w.asked(newVendor))
		run := w.claimed(p)
		require.NoError(t, run.Sent(t.Context(), 0, 1, nil))
		require.NoError(t, run.Review(t.Context(), approvals.WhyUnknown, nil))
		r := w.in(alice, "retry "+p.ID)
		assert.Contains(t, r.Text, "needs review")
		assert.Contains(t, r.Hint, "/qualys-users close "+p.ID)
		w.in(alice, "close "+p.ID)
		w.qualys.write(p.Plan, 1000) // it was deleted after all
		assert.Contains(t, w.in(alice, "retry "+p.ID).Text, "Left out: 1 is gone.")
		assert.Len(t, w.held().Plan.Users(), 48)
	})
	t.Run("expired", func(t *testing.T) {
		w := newTown(t)
		p := w.asked(newVendor)
		w.redis.SetTime(p.Deadline)
		require.NoError(t, w.book.Expire(t.Context(), p.ID))
		assert.Contains(t, w.in(alice, "retry "+p.ID).Text, "Held as")
		assert.Equal(t, 49, w.held().Users)
	})
}

// P31: a retry goes the way of every request: caps, protected users, quorum.
func TestARetryIsARequestLikeAnyOther(t *testing.T) {
	w := newTown(t)
	p := w.approvedBy(bob, w.asked(newVendor))
	require.NoError(t, w.book.Review(t.Context(), p.ID, approvals.WhyCredentials))
	w.in(alice, "close "+p.ID)
	w.desk.Policy.Approvals[0].UpTo = 48
	assert.Contains(t, w.in(alice, "retry "+p.ID).Text, "These are 49 SAQ users, and one request may touch 48 at most.")
	assert.Equal(t, "retry", w.last().Facts.Verb)
	assert.Equal(t, approvals.WhyCap, w.last().Facts.Why)
	w.desk.Policy.Approvals[0].UpTo = 100
	w.desk.Policy.Protect.Usernames = []string{"user0@vendor"}
	w.private["CSEC"] = false
	assert.Contains(t, w.in(alice, "retry "+p.ID).Text, "private channels")
	w.private["CSEC"] = true
	assert.Contains(t, w.in(alice, "retry "+p.ID).Text, "Left out: 1 is protected by the policy.")
	assert.Equal(t, 48, w.held().Users)
}

func TestWhatCannotBeRetried(t *testing.T) {
	w := newTown(t)
	p := w.approvedBy(bob, w.asked(oneUser))
	p = w.ran(p, approvals.DONE, fate(nil))
	assert.Equal(t, p.ID+" left nobody to retry.", w.in(alice, "retry "+p.ID).Text)
	assert.Equal(t, p.ID+" is a delete, and a delete cannot be undone.", w.in(alice, "undo "+p.ID).Text)
	assert.Contains(t, w.in(alice, "retry AAAAA").Text, "There is no request AAAAA")

	p = w.asked(`delete id=1001 reason="SEC-1"`)
	w.in(alice, "cancel "+p.ID)
	assert.Contains(t, w.in(alice, "retry "+p.ID).Text, "was cancelled by")
	p = w.asked(`delete id=1001 reason="SEC-1"`)
	w.fill(bob, w.click(bob, commands.ActReject, p).Form, nil)
	assert.Contains(t, w.in(alice, "retry "+p.ID).Text, "was rejected by <@UBOB>", "a no is no accident")

	p = w.asked(`delete id=1001 reason="SEC-1"`)
	w.redis.SetTime(p.Deadline)
	require.NoError(t, w.book.Expire(t.Context(), p.ID))
	w.redis.Del("countersign:{test}:p:" + p.ID)
	assert.Equal(t, "The list of users of "+p.ID+" is no longer kept, so nothing can be made of it.", w.in(alice, "retry "+p.ID).Text)
}

const leftUpdate = `update id=1000,1001,1002,1003,1004,1005,1006 set lastName=Left title=clear reason="SEC-123"`

func TestUndoAsksForTheOldValuesAgain(t *testing.T) {
	w := newTown(t)
	p := w.approvedBy(bob, w.asked(leftUpdate))
	p = w.ran(p, approvals.DONE_WITH_ERRORS, fate(map[qualys.SAQUserID]approvals.Result{
		1003: approvals.ResultFailed, 1004: approvals.ResultUnknown, 1006: approvals.ResultSkipped,
	}))
	assert.Contains(t, commands.Card(p, approvals.Freeze{}).Next.String(), "To ask for the old values again: /qualys-users undo "+p.ID)
	w.qualys.edit(withIDs(1001), func(u *qualys.SAQUser) { u.Title = "CISO" })                  // somebody changed it since
	w.qualys.edit(withIDs(1002), func(u *qualys.SAQUser) { u.Company = "Globex" })              // a field that the update left alone
	w.qualys.edit(withIDs(1004), func(u *qualys.SAQUser) { u.LastName, u.Title = "LEFT ", "" }) // it was written after all
	w.qualys.users = append(w.qualys.users[:5:5], w.qualys.users[6:]...)                        // 1005 is gone

	r := w.in(max, "undo "+p.ID)
	assert.Contains(t, r.Text, "Left out: 1 has changed since, 1 is gone.")
	undo := w.shown(w.held())
	assert.Equal(t, []qualys.SAQUserID{1000, 1002, 1004}, ids(undo.Plan.Users()))
	assert.True(t, undo.Plan.Restores())
	for _, u := range undo.Plan.Users() {
		assert.Equal(t, qualys.NewChange(
			qualys.Set{Field: qualys.LastName, Value: fmt.Sprintf("Smith%d", u.ID-1000)}, qualys.Set{Field: qualys.Title, Value: "Clerk"},
		), undo.Plan.ChangeFor(u.ID), "of %s", u.ID)
	}
	assert.Equal(t, "SEC-123 (undo of "+p.ID+")", undo.Reason)
	assert.Equal(t, approvals.Update, undo.Verb)
	assert.Equal(t, []string{"1001 · user1@vendor · NewVendor Left · jo1@example.com · Acme 1 · changed since",
		"1005 · user5@vendor · NewVendor Smith5 · jo5@example.com · Acme 2 · gone"}, commands.Card(undo, approvals.Freeze{}).LeftOut)

	undo = w.ran(w.approvedBy(bob, undo), approvals.DONE, fate(nil))
	restored := map[qualys.SAQUserID]string{}
	for _, u := range w.qualys.users[:5] {
		restored[u.ID] = u.LastName + "/" + u.Title + "/" + u.Company
	}
	assert.Equal(t, map[qualys.SAQUserID]string{
		1000: "Smith0/Clerk/Acme 0", 1001: "Left/CISO/Acme 1", 1002: "Smith2/Clerk/Globex", 1003: "Smith3/Clerk/Acme 0", 1004: "Smith4/Clerk/Acme 1",
	}, restored)

	w.in(alice, "undo "+undo.ID) // and an undo is an update
	redo := w.held().Plan
	assert.Equal(t, []qualys.SAQUserID{1000, 1002, 1004}, ids(redo.Users()))
	assert.Equal(t, "Left", redo.ChangeFor(1000)[0].Value)
	assert.Equal(t, "LEFT ", redo.ChangeFor(1004)[0].Value, "what it held, as it held it")
}

func TestARetryOfAnUndoRestoresToo(t *testing.T) {
	w := newTown(t)
	p := w.ran(w.approvedBy(bob, w.asked(leftUpdate)), approvals.DONE, fate(nil))
	w.in(alice, "undo "+p.ID)
	undo := w.approvedBy(bob, w.shown(w.held()))
	undo = w.ran(undo, approvals.DONE_WITH_ERRORS, fate(map[qualys.SAQUserID]approvals.Result{1003: approvals.ResultFailed}))
	w.in(alice, "retry "+undo.ID)
	again := w.held()
	assert.Equal(t, []qualys.SAQUserID{1003}, ids(again.Plan.Users()))
	assert.Equal(t, "Smith3", again.Plan.ChangeFor(1003)[0].Value)
	assert.Equal(t, "SEC-123 (retry of "+undo.ID+")", again.Reason)
}

func TestWhatCannotBeUndone(t *testing.T) {
	w := newTown(t)
	p := w.asked(leftUpdate)
	assert.Contains(t, w.in(alice, "undo "+p.ID).Text, "still waits for approvals")
	p = w.ran(w.approvedBy(bob, p), approvals.DONE_WITH_ERRORS, func(qualys.SAQUser) approvals.Result { return approvals.ResultFailed })
	assert.Equal(t, p.ID+" changed no SAQ user, so there is nothing to undo.", w.in(alice, "undo "+p.ID).Text)

	p = w.asked(leftUpdate)
	p = w.ran(w.approvedBy(bob, p), approvals.DONE, fate(nil))
	w.qualys.edit(called("NewVendor"), func(u *qualys.SAQUser) { u.LastName = "Miller" })
	assert.Equal(t, "Nobody is left to touch: 7 have changed since. Nothing was held.", w.in(alice, "undo "+p.ID).Text)
	assert.NotContains(t, w.kinds(), approvals.Refused, "nothing to do is no refusal")
	assert.Equal(t, "You may not ask for changes here.", w.in(bob, "undo "+p.ID).Text)
}

// What Qualys holds and nobody may write is left as it is.
func TestAFormerValueThatCannotBeWrittenIsLeftOut(t *testing.T) {
	w := newTown(t)
	w.qualys.edit(withIDs(1003), func(u *qualys.SAQUser) { u.LastName = "  " })
	p := w.ran(w.approvedBy(bob, w.asked(leftUpdate)), approvals.DONE, fate(nil))
	assert.Contains(t, w.in(alice, "undo "+p.ID).Text, "Left out: 1 had a value that cannot be written.")
	assert.Equal(t, 6, w.held().Users)
}

func TestAnAddressIsRestored(t *testing.T) {
	w := newTown(t)
	p := w.ran(w.approvedBy(bob, w.asked(`update id=1000 set email=new@example.com reason="SEC-1"`)), approvals.DONE, fate(nil))
	w.in(alice, "undo "+p.ID)
	assert.Equal(t, "jo0@example.com", w.held().Plan.ChangeFor(1000)[0].Value)
}
