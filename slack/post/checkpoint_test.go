package post

import (
	"crypto/ed25519"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/approvals"
	"countersign/audit"
	"countersign/internal/minislack"
	"countersign/slack/trail"
)

// daily lets a replica post checkpoints, and look for work less often.
func daily(c *Config) {
	c.CheckpointChannel, c.Poll, c.Lease = "C0ELSEWHERE", time.Minute, 10*time.Minute
}

// elsewhere is the channel of the checkpoints.
func (w *world) elsewhere(members ...string) {
	w.slack.AddChannel(minislack.Channel{ID: "C0ELSEWHERE", Name: "elsewhere", Members: members})
}

// anchored checks the whole trail with its checkpoints.
func (w *world) anchored() audit.Report {
	w.t.Helper()
	q := w.quiet()
	require.NoError(w.t, q.Web.Hello(w.t.Context()))
	live := trail.Live{Web: q.Web, Channel: channel}
	points, err := live.Checkpoints(w.t.Context(), "C0ELSEWHERE")
	require.NoError(w.t, err)
	report, err := audit.Check{Key: w.keys.Sign.Public().(ed25519.PublicKey), Bot: minislack.BotUser, Checkpoints: points}.
		Verify(live.Lines(w.t.Context()))
	require.NoError(w.t, err)
	return report
}

// A head a day, whichever replica posts it, and an entry that says so.
func TestTheHeadIsPostedElsewhereEveryDay(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.elsewhere("bot")
		b := w.bot(daily)
		w.pass(5*time.Minute + 30*time.Second) // half-way between two looks at the head
		assert.Empty(t, w.slack.Messages("elsewhere"), "there is no trail yet")
		w.note(3)
		b.Stir() // so that the next look finds all three in the channel
		w.pass(5 * time.Minute)
		b.stop()
		w.bot(daily)
		w.pass(5 * time.Minute)
		assert.Equal(t, []string{"found", "found", "found", "checkpoint"}, w.trail())
		all := w.slack.Messages("elsewhere")
		require.Len(t, all, 1)
		assert.Regexp(t, "^countersign/test\n3\n[A-Za-z0-9+/]{43}=\n\n— countersign/test [A-Za-z0-9+/]+=*\n", all[0].Rendered())

		w.pass(24 * time.Hour)
		require.Len(t, w.slack.Messages("elsewhere"), 2)
		report := w.anchored()
		assert.Equal(t, audit.CodeSound, report.Code(), "%v", report.Problems)
		assert.Equal(t, 2, report.Anchored)

		w.slack.DeleteMessage(w.entry(4).Ref())
		w.slack.DeleteMessage(w.entry(5).Ref())
		report = w.anchored()
		require.Len(t, report.Problems, 1, "the chain itself does not show where it was cut off")
		assert.Contains(t, report.Problems[0].String(), "#4: is not there, and a checkpoint says that it was")
	})
}

// A channel that does not take the checkpoint stops nothing, and gets it later.
func TestACheckpointIsTriedAgain(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.elsewhere()
		w.slack.SetChannel("elsewhere", func(c *minislack.Channel) { c.Private = true })
		w.bot(daily)
		w.note(1)
		w.pass(15 * time.Minute)
		assert.Contains(t, w.log.String(), "today's checkpoint is not posted")
		w.slack.Join("elsewhere", "bot")
		require.NoError(t, w.book.Note(t.Context(), "later", approvals.Event{Kind: approvals.Found, By: alice}))
		w.pass(15 * time.Minute)
		assert.Len(t, w.slack.Messages("elsewhere"), 1)
		assert.Equal(t, []string{"found", "found", "checkpoint"}, w.trail())
	})
}

// A checkpoint that somebody rewrote is none.
func TestARewrittenCheckpointIsNamed(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.elsewhere("bot")
		w.bot(daily)
		w.note(2)
		w.pass(5 * time.Minute)
		w.slack.EditMessage(w.slack.Messages("elsewhere")[0].Ref(), "x", []byte(`[{"type":"section","text":{"type":"plain_text","text":"countersign/test\n1"}}]`))
		report := w.anchored()
		require.Len(t, report.Problems, 1)
		assert.Contains(t, report.Problems[0].Text, "a checkpoint is not one of this trail: malformed note")
	})
}
