package commands_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/approvals"
	"countersign/approvals/rules"
	"countersign/audit"
	"countersign/commands"
)

func TestRights(t *testing.T) {
	for _, tt := range []struct {
		who     rules.Person
		text    string
		problem string
		why     approvals.Why
	}{
		{mallory, "find", "The policy gives you no role here.", audit.WhyNoRole},
		{mallory, newVendor, "The policy gives you no role here.", audit.WhyNoRole},
		{mallory, "requests", "The policy gives you no role here.", audit.WhyNoRole},
		{bob, "find", "You may not look users up here.", audit.WhyNotReader},
		{bob, "count", "You may not look users up here.", audit.WhyNotReader},
		{bob, "download", "You may not look users up here.", audit.WhyNotReader},
		{rita, newVendor, "You may not ask for changes here.", audit.WhyNotRequester},
		{rita, "delete", "You may not ask for changes here.", audit.WhyNotRequester},
		{bob, "update", "You may not ask for changes here.", audit.WhyNotRequester},
		{bob, "retry K7F3Q", "You may not ask for changes here.", audit.WhyNotRequester},
		{bob, "undo K7F3Q", "You may not ask for changes here.", audit.WhyNotRequester},
		{rita, "stop K7F3Q", "You may not stop or freeze anything here.", audit.WhyNotStopper},
		{rita, "freeze", "You may not stop or freeze anything here.", audit.WhyNotStopper},
		{mallory, "freeze", "The policy gives you no role here.", audit.WhyNoRole},
		{rita, "unfreeze", "You may not decide requests here.", audit.WhyNotApprover},
		{alice, "unfreeze", "You may not decide requests here.", audit.WhyNotApprover},
	} {
		w := newTown(t)
		r := w.in(tt.who, tt.text)
		assert.Equal(t, tt.problem, r.Text, "%s> %s", tt.who.ID, tt.text)
		assert.NotEmpty(t, r.Hint)
		w.in(tt.who, tt.text)
		require.Len(t, w.events(), 1, "noted once")
		assert.Equal(t, tt.why, w.last().Facts.Why)
		assert.Contains(t, audit.Sentence(w.last()), "was refused: ")
		assert.Empty(t, w.qualys.asked)
	}
}

// P25: guests and strangers, even those whom the policy names.
func TestOutsidersAreRefused(t *testing.T) {
	w := newTown(t)
	p := w.asked(newVendor)
	w.office.change(bob, func(f *rules.Profile) { f.Restricted = true })
	assert.Equal(t, "I work for full members of this workspace only, and your account is not one (guest).", w.click(bob, commands.ActApprove, p).Text)
	assert.Equal(t, audit.WhyOutsider, w.last().Facts.Why)
	stranger := rules.Person{Team: "T9", ID: "UBOB"}
	assert.Contains(t, w.click(stranger, commands.ActApprove, p).Text, "(stranger)")
	assert.Contains(t, w.in(rules.Person{Team: "T1", ID: "UNOBODY"}, "find").Text, "(unknown)")
	for _, text := range []string{"freeze", "unfreeze", "stop " + p.ID, "resume " + p.ID, "retry " + p.ID, "undo " + p.ID} {
		assert.Contains(t, w.in(stranger, text).Text, "(stranger)", text)
	}
}

// P22, P23, P24: people are known by id; names and addresses allow nothing, and
// may be missing.
func TestPeopleAreKnownByTheirIdAlone(t *testing.T) {
	w := newTown(t)
	p := w.asked(`delete id=1000 reason="SEC-1"`)
	w.office.change(mallory, func(f *rules.Profile) { f.Name, f.Email = "UBOB", "UBOB@example.com" })
	assert.Contains(t, w.click(mallory, commands.ActApprove, p).Text, "no role")
	for _, who := range []rules.Person{alice, bob, carol} {
		w.office.change(who, func(f *rules.Profile) { f.Name, f.Email = "", "" })
	}
	assert.True(t, w.click(bob, commands.ActApprove, p).Silent())
	assert.Equal(t, approvals.APPROVED, w.now(p).State)
}

// P21: rights that were taken away count at once.
func TestRightsAreReadAtTheClick(t *testing.T) {
	w := newTown(t, "approvals: [{up_to: 100, need: 1}]")
	p := w.asked(`delete id=1000 reason="SEC-1"`)
	w.office.change(bob, func(f *rules.Profile) { f.Deleted = true })
	assert.Contains(t, w.click(bob, commands.ActApprove, p).Text, "(deactivated)")
	assert.Empty(t, w.now(p).Approvals)
}

// Promise 7: who cannot be looked up is refused, and nothing is stored.
func TestFailsClosedWhenRightsCannotBeRead(t *testing.T) {
	w := newTown(t)
	p := w.asked(newVendor)
	w.office.down = true
	for _, text := range []string{
		newVendor, "delete", "find", "count", "download", "requests", "show " + p.ID, "close " + p.ID, "help", "help delete", "whoami",
		"retry " + p.ID, "undo " + p.ID, "stop " + p.ID, "freeze",
	} {
		r := w.in(alice, text)
		assert.Equal(t, "I could not find out what you may do, so nothing was done and nothing was stored.", r.Text, text)
		assert.Equal(t, "Try again in a moment; if it stays like this, tell whoever runs Countersign.", r.Hint)
	}
	for _, a := range []commands.Action{commands.ActApprove, commands.ActReject} {
		assert.Contains(t, w.click(bob, a, p).Text, "I could not find out what you may do")
	}
	w.office.down = false
	assert.Equal(t, approvals.PENDING, w.now(p).State)
	assert.Len(t, w.events(), 1, "nobody was refused")
	assert.Contains(t, w.log.String(), "slack is down", "the cause is in the log")
}

func TestCommandsWorkInListedChannelsOnly(t *testing.T) {
	w := newTown(t)
	r := w.at("CELSE", alice, newVendor)
	assert.Equal(t, "I do not work in this channel.", r.Text)
	assert.Equal(t, "Go to <#CSEC> or <#CPUBLIC>.", r.Hint)
	assert.Empty(t, w.qualys.asked)
	f := w.in(alice, "delete").Form
	f.Channel = "CELSE"
	assert.Equal(t, "I do not work in this channel.", w.fill(alice, f, nil).Text)
	p := w.asked(newVendor)
	c := w.button(bob, commands.ActApprove, p)
	c.Channel = "CELSE"
	assert.Equal(t, "I do not work in this channel.", w.desk.Click(t.Context(), c).Text)
}

func TestFilesGoToPrivateChannelsOnly(t *testing.T) {
	for _, text := range []string{newVendor, "find company=Acme", "download"} {
		w := newTown(t)
		r := w.at("CPUBLIC", alice, text)
		assert.Equal(t, "I post files with users only to private channels that nobody outside shares, and <#CPUBLIC> is not one.", r.Text, text)
		assert.Contains(t, r.Hint, "`files: any_channel`")
		assert.Empty(t, w.qualys.asked, "%s: refused before anything is looked up", text)
		assert.Equal(t, audit.WhyPublic, w.last().Facts.Why)

		w = newTown(t, "files: any_channel")
		assert.NotContains(t, w.at("CPUBLIC", alice, text).Text, "private", text)
	}
	w := newTown(t)
	assert.Contains(t, w.at("CPUBLIC", rita, "count").Text, "400 SAQ users", "a count has no file")
}

// The trail names the request that somebody had no right to touch, and no request
// that they made up.
func TestARefusedCommandNamesItsRequest(t *testing.T) {
	w := newTown(t)
	p := w.asked(newVendor)
	w.in(mallory, "stop "+p.ID)
	assert.Equal(t, p.ID, w.last().Request)
	assert.Equal(t, "UMALLORY tried to stop "+p.ID+" and was refused: the policy gives them no role.", audit.Sentence(w.last()))
	w.in(mallory, "show AAAAA")
	assert.Equal(t, "UMALLORY tried to show a request and was refused: the policy gives them no role.", audit.Sentence(w.last()))
}

// Whoever has no role hears the same about a request that is not there as about
// everything else.
func TestWithoutARoleNobodyLearnsWhichRequestsThereAreNot(t *testing.T) {
	for _, verb := range []string{"cancel", "withdraw", "resume", "close"} {
		w := newTown(t)
		r := w.in(mallory, verb+" AAAAA")
		assert.Equal(t, "The policy gives you no role here.", r.Text, verb)
		assert.Contains(t, r.Hint, "whoami")
		assert.Equal(t, audit.WhyNoRole, w.last().Facts.Why)
		assert.Empty(t, w.last().Request, "what she made up is not in the trail")
		for _, who := range []rules.Person{rita, bob} {
			r = w.in(who, verb+" AAAAA")
			assert.Equal(t, "There is no request AAAAA, or it is no longer kept.", r.Text, verb)
			assert.Contains(t, r.Hint, "requests all")
		}
	}
}
