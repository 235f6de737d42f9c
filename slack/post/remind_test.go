package post

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/approvals"
	"countersign/internal/minislack"
)

// reminders are the messages that call for an approval below a card.
func (w *world) reminders() (all []minislack.Message) {
	for _, m := range w.slack.Messages(channel) {
		if strings.Contains(m.Rendered(), "still waits for") {
			all = append(all, m)
		}
	}
	return all
}

// calm is a poster for tests of hours.
func calm(c *Config) {
	c.Approvers = []string{"U0ALICE", "U0BOB", "S0APPROVERS"}
	c.Poll, c.Lease = 20*time.Second, 5*time.Minute
}

// Half of the time is over: the approvers are called once more, below the card,
// whoever posts by then; and never a third time.
func TestApproversAreRemindedOnceAtHalfTime(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		first := w.bot(calm)
		p := w.hold("trigger", 3)
		w.pass(2*time.Hour - time.Minute)
		assert.Empty(t, w.reminders(), "too early")
		w.pass(2 * time.Minute)
		require.Len(t, w.reminders(), 1)
		said := w.reminders()[0]
		assert.Contains(t, said.Rendered(), p.ID+" still waits for 1 approval. Otherwise it expires")
		assert.Contains(t, said.Rendered(), "Can approve: @approvers @bob", "who asked cannot")
		card, err := w.book.Pending(t.Context(), p.ID)
		require.NoError(t, err)
		assert.Equal(t, card.Card.TS, said.Thread)

		first.stop()
		w.bot(calm)
		w.pass(time.Hour)
		assert.Len(t, w.reminders(), 1, "also after a takeover")
		w.pass(2 * time.Hour)
		assert.Len(t, w.reminders(), 1)
	})
}

// Of what is decided nobody is reminded.
func TestNobodyIsRemindedOfWhatIsDecided(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.bot(calm)
		p := w.hold("trigger", 3)
		w.pass(time.Hour)
		_, err := w.book.Decide(t.Context(), approvals.Decision{
			Request: p.ID, By: bob, Op: "no", Reason: "not theirs", Fingerprint: p.Short(),
		})
		require.NoError(t, err)
		w.pass(4 * time.Hour)
		assert.Empty(t, w.reminders())
	})
}

// A reminder that Slack did not take is tried again.
func TestAReminderSurvivesAFault(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.bot(calm)
		w.hold("trigger", 3)
		w.pass(2*time.Hour - time.Minute)
		w.slack.FailNext("chat.postMessage", "internal_error", 1)
		w.pass(5 * time.Minute)
		assert.Len(t, w.reminders(), 1)
		assert.Contains(t, w.log.String(), "approvers were not reminded; it is tried again")
	})
}
