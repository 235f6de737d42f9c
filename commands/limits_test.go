package commands_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/approvals"
	"countersign/approvals/rules"
	"countersign/audit"
	"countersign/commands"
	"countersign/qualys"
)

// P28: fewer people who could approve than it needs.
func TestAQuorumThatNobodyCanMeetIsRefusedAtOnce(t *testing.T) {
	w := newTown(t, "approvals: [{up_to: 5, need: 1}, {up_to: 100, need: 3}]")
	for _, who := range []rules.Person{carol, max} {
		w.office.change(who, func(f *rules.Profile) { f.Deleted = true })
	}
	r := w.in(alice, newVendor)
	assert.Equal(t, "This needs 3 approvals, and besides you 1 person could give one. Nothing was held.", r.Text)
	assert.Equal(t, audit.WhyNoQuorum, w.last().Facts.Why)
	assert.Contains(t, w.in(alice, `delete id=1000 reason="SEC-1"`).Text, "Held as", "smaller ones go on")
}

func TestCaps(t *testing.T) {
	for _, tt := range []struct {
		name, policy, text, problem string
		why                         approvals.Why
	}{
		{"the last row", "approvals: [{up_to: 48, need: 1}]", newVendor,
			"These are 49 SAQ users, and one request may touch 48 at most. Nothing was held.", approvals.WhyCap},
		{"a share of everybody", "max_percent: 10", newVendor,
			"These are 49 of the 400 SAQ users in scope, and one request may touch 10% of those: 40. Nothing was held.", audit.WhyShare},
		{"the share is lower than the last row", "approvals: [{up_to: 48, need: 1}]\nmax_percent: 10", newVendor,
			"These are 49 of the 400 SAQ users in scope, and one request may touch 10% of those: 40. Nothing was held.", audit.WhyShare},
		{"ten are always allowed, eleven are not", "max_percent: 1", `delete id="1000 1001 1002 1003 1004 1005 1006 1007 1008 1009 1010" reason="SEC-1"`,
			"These are 11 of the 400 SAQ users in scope, and one request may touch 10: 1% of those would be fewer. Nothing was held.", audit.WhyShare},
		{"the last row is lower than the share", "approvals: [{up_to: 30, need: 1}]\nmax_percent: 10", newVendor,
			"These are 49 SAQ users, and one request may touch 30 at most. Nothing was held.", approvals.WhyCap},
		{"everybody", "approvals: [{up_to: 5000, need: 1}]\nmax_percent: 100", `delete userName~vendor reason="x"`,
			"That is every SAQ user there is in scope (400). A delete never names everybody.", audit.WhyEverybody},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newTown(t, tt.policy)
			r := w.in(alice, tt.text)
			assert.Equal(t, tt.problem, r.Text)
			assert.NotEmpty(t, r.Hint)
			assert.Equal(t, approvals.Refused, w.last().Kind)
			assert.Equal(t, tt.why, w.last().Facts.Why)
			open, err := w.book.Open(t.Context())
			require.NoError(t, err)
			assert.Empty(t, open)
		})
	}
	t.Run("ten are always allowed", func(t *testing.T) {
		w := newTown(t, "max_percent: 1")
		w.asked(`delete id="1000 1001 1002 1003 1004 1005 1006 1007 1008 1009" reason="SEC-1"`)
	})
	t.Run("an update may name everybody", func(t *testing.T) {
		w := newTown(t, "approvals: [{up_to: 5000, need: 1}]\nmax_percent: 100")
		w.asked(`update userName~vendor set title=x reason="SEC-1"`)
	})
	t.Run("a filter that thousands fit is not read to its end", func(t *testing.T) {
		w := newTown(t)
		for i := range 6000 {
			w.qualys.users = append(w.qualys.users, qualys.SAQUser{ID: qualys.SAQUserID(5000 + i), Company: "Crowd"})
		}
		assert.Equal(t, "These are more than 5,000 SAQ users, and one request may touch 100 at most. Nothing was held.",
			w.in(alice, `delete company=Crowd reason="SEC-1"`).Text)
		w = newTown(t, "approvals: [{up_to: 1000, need: 1}]\nmax_percent: 10")
		for i := range 6000 {
			w.qualys.users = append(w.qualys.users, qualys.SAQUser{ID: qualys.SAQUserID(5000 + i), Company: "Crowd"})
		}
		assert.Contains(t, w.in(alice, `delete company=Crowd reason="SEC-1"`).Text, "may touch 640 at most", "a tenth of everybody")
	})
}

func TestProtectedUsersAreLeftOut(t *testing.T) {
	w := newTown(t)
	w.qualys.edit(withIDs(1000, 1001), func(u *qualys.SAQUser) { u.Company = "OWN corp" })
	w.qualys.edit(withIDs(1002), func(u *qualys.SAQUser) { u.UserName = "Countersign_Sub" }) // the account that the bot uses
	r := w.in(alice, newVendor)
	assert.Contains(t, r.Text, " Left out: 3 are protected by the policy.")
	p := w.held()
	assert.Equal(t, 46, p.Users)
	assert.Len(t, p.Plan.LeftOut(), 3)

	r = w.in(alice, `delete id=1000,1001 reason="SEC-1"`)
	assert.Equal(t, "Nobody is left to touch: 2 are protected by the policy. Nothing was held.", r.Text)
	assert.Equal(t, approvals.WhyProtected, w.last().Facts.Why)
}

func TestWhoIsAlreadySoIsLeftOut(t *testing.T) {
	w := newTown(t)
	w.qualys.edit(withIDs(1000), func(u *qualys.SAQUser) { u.LastName = "Left" })
	r := w.in(alice, `update id=1000,1001 set lastName=Left reason="SEC-1"`)
	assert.Contains(t, r.Text, " Left out: 1 has the new values already.")
	assert.Equal(t, 1, w.held().Users)
	r = w.in(alice, `update id=1000 set lastName=Left reason="SEC-1"`)
	assert.Equal(t, "Nobody is left to touch: 1 has the new values already. Nothing was held.", r.Text)
	assert.NotContains(t, w.kinds(), approvals.Refused, "nothing to do is no refusal")
}

// P31: a second plan for a user of an open one.
func TestOverlapNamesTheOtherRequest(t *testing.T) {
	w := newTown(t)
	p := w.asked(newVendor)
	r := w.in(max, `delete id=1002 reason="SEC-2"`)
	assert.Equal(t, "SAQ user 1002 is already part of the open request "+p.ID+", so I did not hold yours.", r.Text)
	assert.Contains(t, r.Hint, "show "+p.ID)
	assert.Equal(t, audit.WhyOverlap, w.last().Facts.Why)
	assert.Equal(t, p.ID, w.last().Facts.Detail)
}

func TestAnAddressIsSetOnOneUser(t *testing.T) {
	w := newTown(t)
	r := w.in(alice, `update id=1000,1001 set email=a@b.c reason="SEC-1"`)
	assert.Equal(t, "An e-mail address can be set on one SAQ user only.", r.Text)
	assert.Contains(t, r.Hint, "update id=1000 set emailAddress=name@example.com", "one of those who were found")
	w.asked(`update id=1000 set email=a@b.c reason="SEC-1"`)
}

func TestNobodyFound(t *testing.T) {
	w := newTown(t)
	assert.Equal(t, "No SAQ user fits these conditions. Nothing was held.", w.in(alice, `delete company=Nobody reason="SEC-1"`).Text)
	assert.Empty(t, w.events())
}

func TestIdsThatAreNobodysAreCounted(t *testing.T) {
	w := newTown(t)
	assert.Contains(t, w.in(alice, `delete id=1000,7,8 reason="SEC-1"`).Text, " 2 of the ids belong to nobody in scope.")
	assert.Contains(t, w.in(alice, "find id=1000,7").Text, " 1 of the ids belongs to nobody in scope.")
}

func TestAReasonHasAWordInIt(t *testing.T) {
	w := newTown(t)
	r := w.in(alice, `delete firstName=NewVendor reason="…"`)
	assert.Equal(t, "The reason has no word in it.", r.Text)
	assert.Empty(t, w.qualys.asked)
}

func TestTooManyOpenRequests(t *testing.T) {
	w := newTown(t, "max_open: 11")
	for i := range 10 {
		require.Contains(t, w.in(alice, fmt.Sprintf(`delete id=%d reason="SEC-1"`, 1100+i)).Text, "Held as")
	}
	assert.Equal(t, "You have 10 open requests, which is the most one person may have. Nothing was held.", w.in(alice, `delete id=1200 reason="SEC-1"`).Text)
	require.Contains(t, w.in(max, `delete id=1200 reason="SEC-1"`).Text, "Held as")
	assert.Equal(t, "As many requests are open as the policy allows, so yours was not held.", w.in(max, `delete id=1201 reason="SEC-1"`).Text)
	assert.Equal(t, audit.WhyTooMany, w.last().Facts.Why)
}

// P34: foreign text never becomes a mention, a link or markup of ours.
func TestHostileNamesStayText(t *testing.T) {
	w := newTown(t)
	hostile := "<!channel> `rm` & <@UBOB>\u202e"
	w.qualys.edit(called("NewVendor"), func(u *qualys.SAQUser) { u.Company = hostile })
	var all []string
	all = append(all, said(w.in(alice, "find company~channel")), said(w.in(alice, `find company="&lt;!channel&gt;"`)),
		said(w.in(alice, "<!channel>")), said(w.in(alice, `help &lt;!channel&gt;`)), said(w.in(alice, "show <!here|x>")))
	p := w.asked(`delete company~channel reason="&lt;!channel&gt; &lt;@UBOB&gt;"`)
	assert.Equal(t, "<!channel> <@UBOB>", p.Reason)
	all = append(all, said(w.in(alice, "requests")), said(w.in(alice, "show "+p.ID)), commands.Card(p, approvals.Freeze{}).Text.Mrkdwn())
	for _, s := range all {
		for _, bad := range []string{"<!channel", "<!here", "<@UBOB>", "\u202e", "`rm`"} {
			assert.NotContains(t, s, bad)
		}
	}
}

// Whoever changes many users is sent to the form, and the hint opens it.
func TestTooManyIDsToChangeAreForTheForm(t *testing.T) {
	ids := strings.TrimSuffix(ids301, ",")
	for text, hint := range map[string]string{
		"delete reason=x id=" + ids:                  "/qualys-users delete",
		"update id=" + ids + " set title=x reason=y": "/qualys-users update",
	} {
		_, err := commands.Parse(text)
		usage := new(commands.UsageError)
		require.ErrorAs(t, err, &usage)
		assert.Equal(t, "These are 301 numbers, and a command takes 300. The form takes a CSV of ids.", usage.Problem)
		assert.Equal(t, hint, usage.Hint)
	}
}
