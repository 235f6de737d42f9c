package cards_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/slack-go/slack"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/approvals"
	"countersign/approvals/rules"
	"countersign/commands"
	"countersign/qualys"
	"countersign/slack/cards"
)

var update = flag.Bool("update", false, "rewrite the golden files")

var (
	alice = rules.Person{Team: "T012AB3CD", ID: "U0ALICE"}
	bob   = rules.Person{Team: "T012AB3CD", ID: "U0BOB"}
	until = time.Date(2026, 11, 21, 18, 0, 0, 0, time.UTC)
	call  = cards.Call{Groups: []string{"S0APPROVERS"}, People: []string{"U0BOB"}}
)

const (
	request     = "K7F3Q"
	fingerprint = "3fa9c1d2ab07"
)

// pending is the card of a request that waits for its second person.
func pending() commands.CardContent {
	return commands.CardContent{
		Request: request, State: approvals.PENDING, Version: 3, Fingerprint: fingerprint,
		Title: "Delete 49 SAQ users?",
		Text: commands.Line{
			{Text: "Delete 49 SAQ users? Request "}, {Text: request, Code: true}, {Text: ", asked by "}, {Person: alice},
			{Text: `: "SEC-124". 0 of 1 approval, until `}, {Time: until}, {Text: "."},
		},
		Facts: []commands.Fact{
			{Label: "Asked by", Value: commands.Line{{Person: alice}, {Text: " at "}, {Time: until.Add(-4 * time.Hour)}}},
			{Label: "Reason", Value: commands.Line{{Text: "SEC-124"}}},
			{Label: "Selected by", Value: commands.Line{{Text: "firstName=NewVendor", Code: true}}},
			{Label: "Until", Value: commands.Line{{Time: until}}},
			{Label: "Fingerprint", Value: commands.Line{{Text: fingerprint, Code: true}}},
		},
		Companies: []qualys.Tally{{Name: "Acme", Count: 40}, {Name: "R&D <West>", Count: 8}, {Name: "", Count: 1}},
		Sample:    []string{"1001 · vendor1 · Ann Lee · ann@acme.example · Acme", "1002 · vendor2 · Bo <b> Yu · Acme"},
		Unlisted:  47,
		Calls:     true,
		Buttons: []commands.Button{
			{Action: commands.ActApprove, Label: "Approve", Style: "primary", Confirm: &commands.Confirm{
				Title: "Delete 49 SAQ users?", Text: "I will delete 49 SAQ users, fingerprint " + fingerprint + ".",
				Yes: "Approve", No: "Not yet",
			}},
			{Action: commands.ActReject, Label: "Reject"},
			{Action: commands.ActCancel, Label: "Cancel"},
		},
	}
}

// bare is the card of the same request later: without a call.
func bare(state approvals.State, title string, next ...commands.Span) commands.CardContent {
	c := pending()
	c.State, c.Title, c.Next, c.Calls, c.Buttons = state, title, next, false, nil
	c.Text = append(commands.Line{{Text: title + ". Request "}, {Text: request, Code: true}, {Text: ". "}}, next...)
	return c
}

// gallery is one card of every kind.
func gallery() map[string]cards.Message {
	approved := bare(approvals.APPROVED, "Approved: delete 49 SAQ users",
		commands.Span{Text: "Starts at "}, commands.Span{Time: until, Clock: true}, commands.Span{Text: "."})
	approved.Buttons = append(pending().Buttons[1:], commands.Button{Action: commands.ActWithdraw, Label: "Withdraw"})
	frozen := approved
	frozen.Still = commands.Line{
		{Text: "Everything stands still since "}, {Time: until.Add(-time.Hour)}, {Text: ": "}, {Person: bob},
		{Text: " froze it. An approver other than them lifts it with "}, {Text: "/qualys-users unfreeze", Code: true}, {Text: "."},
	}
	frozen.Next = commands.Line{{Text: "Starts when the freeze is lifted."}}
	running := bare(approvals.RUNNING, "Deleting 49 SAQ users", commands.Span{Text: "Running. Every chunk is read back."})
	running.Progress = &commands.Progress{Done: 26, Total: 49, Left: 150 * time.Second}
	running.Buttons = []commands.Button{{Action: commands.ActStop, Label: "Stop", Style: "danger", Confirm: &commands.Confirm{
		Title: "Stop K7F3Q?", Text: "It ends before its next chunk. What was done stays done.", Yes: "Stop it", No: "Let it run",
	}}}
	long := pending()
	long.Title = "Update 260 SAQ users?"
	long.Companies = nil
	for range 10 {
		long.Companies = append(long.Companies, qualys.Tally{Name: "Vendor", Count: 26})
		long.Sample = append(long.Sample, "1003 · vendor3 · lastName: \"Lee\" → \"Left\"")
	}
	long.More, long.Unlisted = 3, 250
	long.LeftOut = []string{"7 · qualys_api · protected", "8 · already · already so"}
	long.LeftOutMore = 4
	return map[string]cards.Message{
		"pending":  cards.Card(pending(), call),
		"updated":  cards.Card(pending(), cards.Call{}),
		"long":     cards.Card(long, call),
		"approved": cards.Card(approved, cards.Call{}),
		"frozen":   cards.Card(frozen, cards.Call{}),
		"running":  cards.Card(running, cards.Call{}),
		"done": cards.Card(bare(approvals.DONE_WITH_ERRORS, "Deleted 47 of 49 SAQ users",
			commands.Span{Text: "1 was already gone · 1 changed since approval, skipped"}), cards.Call{}),
		"rejected": cards.Card(bare(approvals.REJECTED, "Rejected: delete 49 SAQ users",
			commands.Span{Text: "Rejected by "}, commands.Span{Person: bob}, commands.Span{Text: `. "Ask <!channel> first"`}), cards.Call{}),
		"expired": cards.Card(bare(approvals.EXPIRED, "Expired: delete 49 SAQ users",
			commands.Span{Text: "K7F3Q expired: nobody approved it in time. No user was touched."}), cards.Call{}),
		"review": cards.Card(bare(approvals.NEEDS_REVIEW, "Needs review: delete 49 SAQ users",
			commands.Span{Text: "To end it: "}, commands.Span{Text: "/qualys-users close K7F3Q", Code: true}), cards.Call{}),
		"reminder": cards.Reminder(commands.Line{
			{Text: "K7F3Q still waits for 1 approval. Otherwise it expires "}, {Time: until}, {Text: ", and no user is touched."},
		}, call),
		"reply": cards.Reply("Held as *K7F3Q*. <@U0BOB> can approve until <!date^1763748000^{time}|18:00 UTC>.",
			"`/qualys-users show K7F3Q` shows it."),
		"entry": cards.Entry(`U0BOB rejected K7F3Q. Reason: "R&D <!channel>". No user was touched.`, "#128 9f3ac1 ← 77b0de"),
	}
}

// golden compares JSON with a file, or writes it.
func golden(t *testing.T, name string, v any) {
	t.Helper()
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	require.NoError(t, e.Encode(v))
	path := filepath.Join("testdata", name+".golden.json")
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(b.String()), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), b.String(), "see the wording; -update rewrites it")
}

func TestEveryKindOfCardLooksAsItShould(t *testing.T) {
	for name, m := range gallery() {
		t.Run(name, func(t *testing.T) {
			withinLimits(t, m)
			golden(t, name, map[string]any{"text": m.Text, "blocks": m.Blocks})
		})
	}
}

// buttonsOf are the action_ids of a message's buttons.
func buttonsOf(m cards.Message) []string {
	var ids []string
	for _, b := range m.Blocks {
		if row, ok := b.(*slack.ActionBlock); ok {
			for _, e := range row.Elements.ElementSet {
				ids = append(ids, e.(*slack.ButtonBlockElement).ActionID)
			}
		}
	}
	return ids
}

// P36: whatever the content says, nothing can be pressed when it is over.
func TestACardThatIsOverHasNoButtons(t *testing.T) {
	open := []approvals.State{approvals.PENDING, approvals.APPROVED, approvals.RUNNING, approvals.NEEDS_REVIEW}
	over := []approvals.State{
		approvals.DONE, approvals.DONE_WITH_ERRORS, approvals.STOPPED, approvals.REJECTED, approvals.CANCELLED,
		approvals.EXPIRED, approvals.CLOSED, "", "SOMETHING_NEW",
	}
	for _, state := range append(open, over...) {
		c := pending()
		c.State = state
		m := cards.Card(c, cards.Call{})
		require.NotEmpty(t, m.Blocks, "an update without blocks would keep the old buttons")
		if len(over) > 0 && !state.Open() {
			assert.Empty(t, buttonsOf(m), "in state %q", state)
		} else {
			assert.Equal(t, []string{"approve", "reject", "cancel"}, buttonsOf(m), "in state %q", state)
		}
	}
}

func TestApproversAreMentionedByTheCallAlone(t *testing.T) {
	c := pending()
	assert.ElementsMatch(t, []string{"U0ALICE", "S0APPROVERS", "U0BOB", "U0ALICE"}, mentions(t, cards.Card(c, call)))
	assert.ElementsMatch(t, []string{"U0ALICE", "U0ALICE"}, mentions(t, cards.Card(c, cards.Call{})))
	c.Calls = false
	assert.ElementsMatch(t, []string{"U0ALICE", "U0ALICE"}, mentions(t, cards.Card(c, call)))
}

func TestIDsThatAreNoneMentionNobody(t *testing.T) {
	c := pending()
	c.Text = commands.Line{{Person: rules.Person{ID: "!channel"}}, {Person: rules.Person{ID: "U1><!here"}}}
	c.Facts = []commands.Fact{{Label: "Asked by", Value: c.Text}}
	hostile := cards.Call{People: []string{"!here", "S0GROUP", ""}, Groups: []string{"U0BOB", "S1|x", "!subteam^S1"}}
	assert.Empty(t, mentions(t, cards.Card(c, hostile)))
}

func TestTheTextCarriesTheWholeMeaning(t *testing.T) {
	m := cards.Card(pending(), cards.Call{})
	for _, part := range []string{"Delete 49 SAQ users?", "K7F3Q", "<@U0ALICE>", "SEC-124", "0 of 1 approval", "<!date^1795284000^"} {
		assert.Contains(t, m.Text, part)
	}
	c := pending()
	c.Text = nil
	assert.Equal(t, "Request K7F3Q. Delete 49 SAQ users?", cards.Card(c, cards.Call{}).Text)
}

func TestProgressIsABarWithNumbers(t *testing.T) {
	for _, p := range []struct {
		done, total int
		left        time.Duration
		want        string
	}{
		{0, 49, 0, "░░░░░░░░░░░░░░░░░░░░ 0 of 49 SAQ users"},
		{26, 49, 150 * time.Second, "██████████░░░░░░░░░░ 26 of 49 SAQ users, about 3 minutes of work left"},
		{48, 49, time.Second, "███████████████████░ 48 of 49 SAQ users, about 1 second of work left"},
		{48, 49, time.Millisecond, "███████████████████░ 48 of 49 SAQ users, about 1 second of work left"},
		{1, 1, time.Hour, "████████████████████ 1 of 1 SAQ user"},
		{1250, 2500, 3 * time.Hour, "██████████░░░░░░░░░░ 1,250 of 2,500 SAQ users, about 3 hours of work left"},
		{7, 3, 0, "████████████████████ 3 of 3 SAQ users"},
		{-1, 0, 0, "░░░░░░░░░░░░░░░░░░░░ 0 of 0 SAQ users"},
	} {
		c := bare(approvals.RUNNING, "Deleting")
		c.Facts, c.Companies, c.Sample = nil, nil, nil
		c.Progress = &commands.Progress{Done: p.done, Total: p.total, Left: p.left}
		var said string
		for _, b := range cards.Card(c, cards.Call{}).Blocks {
			if rich, ok := b.(*slack.RichTextBlock); ok {
				for _, e := range rich.Elements[0].(*slack.RichTextSection).Elements {
					said += e.(*slack.RichTextSectionTextElement).Text
				}
			}
		}
		assert.Equal(t, p.want, said)
	}
}

func TestAButtonsValueComesBack(t *testing.T) {
	gotRequest, gotFingerprint, err := cards.ParseValue(cards.Value(request, fingerprint))
	require.NoError(t, err)
	require.Equal(t, request, gotRequest)
	require.Equal(t, fingerprint, gotFingerprint)
	for _, forged := range []string{
		"", ":", "K7F3Q", "K7F3Q:", ":3fa9c1d2ab07", "k7f3q:3fa9c1d2ab07", "K7F3Q:3FA9C1D2AB07", "K7F3Q:3fa9c1d2ab0",
		"K7F3Q:3fa9c1d2ab07\n", "K7F3Q:3fa9c1d2ab07:x", "K7F3:3fa9c1d2ab07", "K7F1Q:3fa9c1d2ab07",
		strings.Repeat("A", 27) + ":3fa9c1d2ab07", strings.Repeat("x", 5000),
	} {
		_, _, err := cards.ParseValue(forged)
		assert.ErrorContains(t, err, "no value of a button", "ParseValue(%.40q)", forged)
		if err != nil {
			assert.Less(t, len(err.Error()), 200)
		}
	}
}

// A card whose buttons could not be read again has none.
func TestAButtonIsOnlyMadeWhenItsValueCanBeRead(t *testing.T) {
	c := pending()
	c.Fingerprint = ""
	assert.Empty(t, buttonsOf(cards.Card(c, cards.Call{})))
	c = pending()
	c.Request = "../x"
	assert.Empty(t, buttonsOf(cards.Card(c, cards.Call{})))
}

func TestAtMostOneButtonIsPrimaryAndEachActionIsThereOnce(t *testing.T) {
	c := pending()
	c.Buttons = append(c.Buttons, c.Buttons...)
	c.Buttons = append(c.Buttons, commands.Button{Action: "resume", Label: "Resume", Style: "primary"},
		commands.Button{Action: "stop", Label: "Stop", Style: "danger"}, commands.Button{Action: "odd", Label: "Odd", Style: "rainbow"})
	m := cards.Card(c, cards.Call{})
	withinLimits(t, m)
	assert.Equal(t, []string{"approve", "reject", "cancel", "resume", "stop"}, buttonsOf(m))
}
