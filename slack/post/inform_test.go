package post

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/approvals"
	"countersign/approvals/rules"
)

// What the requester hears by direct message: decisions, once each.
func TestTheRequesterHearsOfDecisions(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.bot()
		p := w.hold("trigger", 3)
		w.pass(5 * time.Second)
		_, err := w.book.Decide(t.Context(), approvals.Decision{
			Request: p.ID, By: bob, Op: "no", Reason: "not <!channel> theirs", Fingerprint: p.Short(),
		})
		require.NoError(t, err)
		w.pass(5 * time.Second)
		dms := w.slack.As("alice").DM()
		require.Len(t, dms, 1)
		assert.Contains(t, dms[0].Rendered(), "@bob rejected "+p.ID)
		assert.Empty(t, w.slack.Pings())
	})
}

// A direct message outlasts a limit of minutes, and is sent once.
func TestADirectMessageOutlastsALimit(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		s := w.quiet().newShift()
		w.slack.RateLimit("conversations.open", 5*time.Minute, 1)
		closing := approvals.Event{
			Seq: 7, Kind: approvals.Closed, Request: "K7F3Q", By: bob,
			Facts: approvals.Facts{Verb: "delete", Users: 49, Asked: alice, Reason: "done by hand"},
		}
		s.inform(t.Context(), closing, place{})
		s.work.Wait()
		s.inform(t.Context(), closing, place{})
		s.work.Wait()
		dms := w.slack.As("alice").DM()
		require.Len(t, dms, 1, "closed by somebody else, told once")
		assert.Contains(t, dms[0].Rendered(), "@bob closed K7F3Q")

		own := closing
		own.Seq, own.By = 8, rules.Person{Team: team, ID: "U0ALICE", Enterprise: "W1"}
		s.inform(t.Context(), own, place{})
		s.work.Wait()
		assert.Len(t, w.slack.As("alice").DM(), 1, "nobody is told what they did themselves")
	})
}

// What is still to be told when the poster ends gets the time of one call.
func TestDirectMessagesEndWithThePoster(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		s := w.quiet().newShift()
		w.slack.RateLimit("conversations.open", 5*time.Minute, 1)
		ctx, cancel := context.WithCancel(t.Context())
		s.inform(ctx, approvals.Event{Seq: 7, Kind: approvals.Rejected, By: bob, Facts: approvals.Facts{Asked: alice}}, place{})
		w.pass(time.Second)
		cancel()
		ended := time.Now()
		s.work.Wait()
		assert.Equal(t, s.Web.CallTime, time.Since(ended))
		assert.Contains(t, w.log.String(), "a requester was not told of a decision")
	})
}

// Direct messages about a request come in the order of the trail, however long one of
// them takes, and the trail does not wait for them.
func TestDirectMessagesComeInTheOrderOfTheTrail(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.bot()
		p := w.hold("trigger", 3)
		w.pass(5 * time.Second)
		w.slack.Delay("conversations.open", 10*time.Second, 1) // the first message takes long, those behind it would not
		for _, by := range []rules.Person{bob, {Team: team, ID: "U0CAROL"}} {
			_, err := w.book.Decide(t.Context(), approvals.Decision{Request: p.ID, By: by, Op: "yes " + by.ID, Yes: true, Fingerprint: p.Short()})
			require.NoError(t, err)
			_, err = w.book.Withdraw(t.Context(), p.ID, by, "back "+by.ID)
			require.NoError(t, err)
		}
		w.pass(8 * time.Second)
		assert.Equal(t, []string{"requested", "approved", "withdrawn", "approved", "withdrawn"}, w.trail())
		assert.Empty(t, w.slack.As("alice").DM())
		w.pass(20 * time.Second)
		var heard []string
		for _, m := range w.slack.As("alice").DM() {
			heard = append(heard, strings.Join(strings.Fields(m.Rendered())[:2], " "))
		}
		assert.Equal(t, []string{"@bob approved", "@bob withdrew", "@carol approved", "@carol withdrew"}, heard)
	})
}

// Who is to repeat a command hears it from the next poster, where one dies over it.
func TestAnInterruptedCommandOutlivesItsPoster(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		_, err := w.book.Ask(t.Context(), approvals.Asked{Op: "left", By: alice, Channel: channel, Text: "find company=`Acme`"})
		require.NoError(t, err)
		w.slack.RateLimit("chat.postEphemeral", 5*time.Minute, 1)
		dying := w.bot()
		w.pass(time.Minute)
		dying.stop()
		w.bot()
		w.pass(10 * time.Minute)
		var told []string
		for _, m := range w.slack.Messages(channel) {
			if m.EphemeralTo == "alice" {
				told = append(told, m.Rendered())
			}
		}
		require.Len(t, told, 1)
		assert.Contains(t, told[0], "/qualys-users find company='Acme'")
	})
}
