package post

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2/server"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/approvals"
	"countersign/approvals/rules"
	"countersign/slack/web"
)

var carol = rules.Person{Team: team, ID: "U0CAROL"}

// What a card says under a freeze, and an approved one without.
const (
	standsStill = "Everything stands still since"
	starts      = "Starts at "
)

// freeze lets Carol freeze everything, and thaw lets Bob lift it, without Slack.
func (w *world) freeze() {
	w.t.Helper()
	w.names++
	require.NoError(w.t, w.book.Freeze(w.t.Context(), carol, fmt.Sprint("freeze", w.names)))
}

func (w *world) thaw() {
	w.t.Helper()
	w.names++
	require.NoError(w.t, w.book.Unfreeze(w.t.Context(), bob, fmt.Sprint("thaw", w.names)))
}

// holdSome holds n requests for a user each, the same ones each time, and waits for
// their cards.
func (w *world) holdSome(n int) (all []approvals.Pending) {
	w.t.Helper()
	for i := range n {
		plan, err := approvals.NewPlan(approvals.Draft{
			Tenant: "test", Verb: approvals.Delete, Users: w.users[i : i+1], Scope: len(w.users),
		})
		require.NoError(w.t, err)
		all = append(all, w.holdPlan(fmt.Sprint("trigger", i), plan))
	}
	w.until("all cards are shown", func() bool {
		ids, err := w.book.Outbox().Dirty(w.t.Context())
		require.NoError(w.t, err)
		return len(ids) == 0
	})
	return all
}

// cardOf is what everybody sees of a request.
func (w *world) cardOf(p approvals.Pending) string {
	w.t.Helper()
	for _, m := range w.with(web.CardType) {
		if r := m.Rendered(); strings.Contains(r, "Request "+p.ID) {
			return r
		}
	}
	w.t.Fatalf("%s has no card", p.ID)
	return ""
}

// still counts the cards that say that everything stands still.
func (w *world) still() (n int) {
	for _, m := range w.with(web.CardType) {
		if strings.Contains(m.Rendered(), standsStill) {
			n++
		}
	}
	return n
}

// While everything stands still every open card says so, and an approved one
// promises no start; then they are what they were. What is over never changes.
func TestCardsFollowAFreezeAndItsEnd(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.bot()
		all := w.holdSome(3)
		waiting, approved, over := all[0], all[1], all[2]
		w.approve(approved)
		w.reject(over)
		w.pass(5 * time.Second)
		before := []string{w.cardOf(waiting), w.cardOf(approved), w.cardOf(over)}
		require.Contains(t, before[0], "Can approve: @approvers")
		require.Contains(t, before[1], starts)
		calls := w.slack.Calls("chat.update")

		w.freeze()
		w.pass(3 * time.Second)
		assert.Contains(t, w.cardOf(waiting), standsStill)
		assert.Contains(t, w.cardOf(waiting), "@carol froze it")
		assert.Contains(t, w.cardOf(waiting), "Can approve: @approvers")
		assert.Contains(t, w.cardOf(approved), standsStill)
		assert.Contains(t, w.cardOf(approved), "Starts when the freeze is lifted, not before")
		assert.NotContains(t, w.cardOf(approved), starts)
		assert.Equal(t, before[2], w.cardOf(over))
		assert.Equal(t, calls+2, w.slack.Calls("chat.update"))
		w.pass(time.Minute)
		assert.Equal(t, calls+2, w.slack.Calls("chat.update"), "once is enough")

		w.thaw()
		w.pass(3 * time.Second)
		assert.Equal(t, before, []string{w.cardOf(waiting), w.cardOf(approved), w.cardOf(over)})
		assert.Equal(t, calls+4, w.slack.Calls("chat.update"))
	})
}

// A run that pauses says so, too, and a card that comes meanwhile from the first.
func TestWhatIsDrawnUnderAFreezeSaysSo(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.bot()
		running := w.holdSome(1)[0]
		w.approve(running)
		w.pass(31 * time.Second)
		_, err := w.book.Claim(t.Context(), running.ID, "executor", time.Hour)
		require.NoError(t, err)
		w.pass(3 * time.Second)
		w.freeze()
		w.pass(3 * time.Second)
		assert.Contains(t, w.cardOf(running), "The run pauses before its next chunk")
		calls := w.slack.Calls("chat.update")
		late := w.holdSome(2)[1]
		w.pass(5 * time.Second)
		assert.Contains(t, w.cardOf(late), standsStill)
		assert.Contains(t, w.cardOf(late), "Can approve: @approvers")
		assert.Equal(t, calls, w.slack.Calls("chat.update"))
		w.thaw()
		w.pass(3 * time.Second)
		assert.Zero(t, w.still())
		assert.Contains(t, w.cardOf(running), "Running.")
	})
}

// Whenever a poster dies, the next one mends the cards; and draws none where there
// is nothing to mend.
func TestAnotherPosterMendsWhatAFreezeLeft(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		b := w.bot()
		all := w.holdSome(3)
		w.approve(all[1])
		w.pass(5 * time.Second)
		calls := w.slack.Calls("chat.update")
		next := func(change func()) {
			b.stop()
			change()
			b = w.bot()
			w.pass(5 * time.Second)
		}
		next(func() {})
		assert.Equal(t, calls, w.slack.Calls("chat.update"), "nothing has changed")
		next(w.freeze)
		assert.Equal(t, 3, w.still())
		next(w.thaw)
		assert.Zero(t, w.still())
		next(func() { w.freeze(); w.thaw() })
		next(w.freeze)
		next(func() { w.thaw(); w.freeze() })
		assert.Equal(t, 3, w.still())

		w.slack.Delay("chat.update", 2*time.Second, 3)
		w.thaw()
		w.until("some cards are behind", func() bool { return w.still() == 2 })
		next(func() { require.NotZero(t, w.still(), "it died in the middle") })
		assert.Zero(t, w.still())
		assert.Contains(t, w.cardOf(all[1]), starts)
		calls = w.slack.Calls("chat.update")
		next(func() {})
		assert.Equal(t, calls, w.slack.Calls("chat.update"), "all is mended")
	})
}

// One freeze after another is another one: somebody else froze.
func TestASecondFreezeIsNotTheFirst(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.bot()
		p := w.holdSome(1)[0]
		w.freeze()
		w.pass(5 * time.Second)
		w.thaw()
		require.NoError(t, w.book.Freeze(t.Context(), alice, "alice freezes"))
		w.pass(5 * time.Second)
		assert.Contains(t, w.cardOf(p), "@alice froze it")
	})
}

// What is over is not drawn again for a freeze, even while its result is still to come.
func TestAFreezeDrawsNothingThatIsOver(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.bot()
		p := w.holdSome(1)[0]
		w.approve(p)
		w.pass(31 * time.Second)
		w.slack.HTTPFail("upload", 500, 3)
		w.run(p)
		w.until("the card says what was done", func() bool { return strings.Contains(w.cardOf(p), "Deleted 1 of 1") })
		calls := w.slack.Calls("chat.update")
		w.freeze()
		w.until("the result is there", func() bool { return len(w.with(web.SummaryType)) == 1 })
		assert.Equal(t, calls, w.slack.Calls("chat.update"))
	})
}

// A card of which nobody knows whether it was drawn is drawn again.
func TestALostAnswerLeavesNoFreezeOnACard(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.bot()
		w.holdSome(1)
		w.slack.LoseAnswer("chat.update", 1)
		w.freeze()
		w.until("the card says so", func() bool { return w.still() == 1 })
		w.thaw()
		w.until("the card says so no more", func() bool { return w.still() == 0 })
	})
}

// A Redis that does not tell changes nothing: cards say what was known last.
func TestWhatIsNotKnownOfAFreezeStaysAsItWas(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.bot()
		all := w.holdSome(2)
		w.freeze()
		w.pass(5 * time.Second)
		require.Equal(t, 2, w.still())
		w.redis.Server().SetPreHook(func(c *server.Peer, cmd string, args ...string) bool {
			silent := cmd == "HGETALL" && strings.HasSuffix(args[0], ":freeze")
			if silent {
				c.WriteError("LOADING")
			}
			return silent
		})
		w.thaw()
		w.approve(all[0])
		w.pass(5 * time.Second)
		assert.Equal(t, 2, w.still())
		assert.Contains(t, w.cardOf(all[0]), "Approved")
		assert.Contains(t, w.log.String(), "whether everything stands still cannot be read")
		w.redis.Server().SetPreHook(nil)
		w.pass(5 * time.Second)
		assert.Zero(t, w.still())
		assert.Contains(t, w.cardOf(all[0]), starts)
	})
}

// P38: a freeze of many requests stays inside what Slack allows, and holds up no decision.
func TestAFreezeOfManyRequestsHoldsUpNoDecision(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.bot()
		all := w.holdSome(40)
		w.slack.EnforceTiers()
		w.pass(time.Minute)
		w.approve(all[17])
		w.pass(3 * time.Second)
		w.freeze()
		w.pass(2 * time.Second)
		assert.Contains(t, w.cardOf(all[17]), standsStill, "what promises a start comes first")
		for i := range 10 {
			w.approve(all[i])
			w.pass(3 * time.Second)
			assert.Contains(t, w.cardOf(all[i]), "Approved")
		}
		w.until("all cards say so", func() bool { return w.still() == len(all) })
		assert.NotContains(t, w.log.String(), "method=chat.update")
	})
}
