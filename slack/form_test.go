package slack

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/approvals"
	"countersign/internal/minislack"
)

// P14: a form survives the restart of the bot, and two forms that are open at
// once do not mix.
func TestFormsLiveInSlackAlone(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		first := w.bot()
		p, card := w.shownCard(3)
		require.NoError(t, w.slack.As("bob").ClickThrough(card.Ref(), "Reject"))
		require.NoError(t, w.slack.As("carol").ClickThrough(card.Ref(), "Reject"))
		w.pass(time.Second)
		first.stop()
		w.bot()
		w.pass(10 * time.Second)
		require.NoError(t, w.slack.As("carol").Submit(map[string]string{"reason": "Carol says no"}))
		require.NoError(t, w.slack.As("bob").Submit(map[string]string{"reason": "Bob says no"}))
		w.pass(5 * time.Second)
		now, err := w.book.Pending(t.Context(), p.ID)
		require.NoError(t, err)
		assert.Equal(t, approvals.REJECTED, now.State)
		assert.Equal(t, "Carol says no", now.Why)
		assert.Equal(t, "U0CAROL", now.EndedBy.ID)
		require.Len(t, w.told("bob"), 1)
		assert.Contains(t, w.told("bob")[0], "was rejected by @carol")
	})
}

// P15: whoever sends a form acts, whatever rode in it.
func TestWhoeverSendsAFormActs(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.bot()
		p, card := w.shownCard(20)
		require.NoError(t, w.slack.As("bob").ClickThrough(card.Ref(), "Approve"))
		w.pass(time.Second)
		view, ok := w.slack.As("bob").View()
		require.True(t, ok, "a form opens above ten users")
		forged := map[string]any{
			"type": "view_submission", "team": map[string]any{"id": team}, "user": map[string]any{"id": "U0ALICE", "team_id": team},
			"api_app_id": minislack.AppID,
			"view": map[string]any{
				"id": view.ID, "type": "modal", "callback_id": view.CallbackID, "private_metadata": view.Metadata,
				"state": map[string]any{"values": map[string]any{"confirm": map[string]any{"confirm": map[string]any{
					"type": "plain_text_input", "value": "DELETE 20",
				}}}},
			},
		}
		w.raw("interactive", forged)
		w.pass(3 * time.Second)
		assert.Equal(t, approvals.PENDING, w.state(p))
		assert.Contains(t, w.told("alice")[0], "You asked for this one")

		require.Error(t, w.slack.As("bob").Submit(map[string]string{"confirm": "DELETE 19"}))
		require.NoError(t, w.slack.As("bob").Submit(map[string]string{"confirm": "DELETE 20"}))
		assert.Equal(t, approvals.APPROVED, w.state(p))
	})
}

// Design section 3: the form of delete takes a CSV of ids.
func TestAFormTakesAFile(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.bot()
		_, err := w.slack.As("alice").Slash(channel, "/qualys-users", "delete")
		require.NoError(t, err)
		w.pass(time.Second)
		_, ok := w.slack.As("alice").View()
		require.True(t, ok)
		file := w.slack.As("alice").Upload("ids.csv", make([]byte, 2<<20))
		err = w.slack.As("alice").Submit(map[string]string{"file": file.ID, "reason": "SEC-124"})
		require.ErrorContains(t, err, "I could not read the file")
		file = w.slack.As("alice").Upload("ids.csv", []byte("id\n1000\n1001\n"))
		require.NoError(t, w.slack.As("alice").Submit(map[string]string{"file": file.ID, "reason": "SEC-124"}))
		w.pass(5 * time.Second)
		assert.NotEmpty(t, w.told("alice"))
		assert.Equal(t, 1, w.slack.Calls("download"), "the first was too big to be read at all")
	})
}

// P02: a form that cannot be taken in time stays open, with what was typed.
func TestAFormThatTakesTooLongStaysOpen(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.bot()
		p, card := w.shownCard(20)
		require.NoError(t, w.slack.As("bob").ClickThrough(card.Ref(), "Approve"))
		w.pass(10 * time.Second)
		w.slack.Delay("usergroups.users.list", 4*time.Second, 1)
		err := w.slack.As("bob").Submit(map[string]string{"confirm": "DELETE 20"})
		require.ErrorContains(t, err, "Send it again")
		assert.Equal(t, approvals.PENDING, w.state(p))
		w.pass(5 * time.Second)
		require.NoError(t, w.slack.As("bob").Submit(map[string]string{"confirm": "DELETE 20"}))
		assert.Equal(t, approvals.APPROVED, w.state(p))
	})
}
