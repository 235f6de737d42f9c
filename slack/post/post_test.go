package post

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/approvals"
	"countersign/internal/minislack"
	"countersign/qualys"
	"countersign/slack/web"
)

// Promise 6: a request is in the channel from its first moment to its result.
func TestARequestIsShownFromItsFirstMomentToItsResult(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.bot()
		p := w.hold("trigger", 49)
		w.pass(5 * time.Second)
		card := w.card()
		assert.Contains(t, card.Rendered(), "Delete 49 SAQ users?")
		assert.Contains(t, card.Mentions, "S0APPROVERS")
		require.Len(t, w.slack.Files(channel), 1)
		assert.Equal(t, p.PlanFile(), w.slack.Files(channel)[0].Name)
		assert.Equal(t, []string{"requested"}, w.trail())
		assert.Equal(t, card.TS, w.with("countersign_entry")[0].Thread)

		w.approve(p)
		w.pass(31 * time.Second)
		w.run(p)
		w.pass(10 * time.Second)
		assert.Equal(t, []string{"requested", "approved", "started", "finished"}, w.trail())
		card = w.card()
		assert.Contains(t, card.Rendered(), "Deleted 49 of 49 SAQ users")
		assert.Empty(t, card.Buttons())
		assert.NotContains(t, card.Mentions, "S0APPROVERS")
		require.Len(t, w.slack.Files(channel), 2)
		assert.Equal(t, p.ResultFile(), w.slack.Files(channel)[1].Name)
		summary := w.with(web.SummaryType)
		require.Len(t, summary, 1)
		assert.Contains(t, summary[0].Rendered(), "Deleted 49 of 49 SAQ users · @alice")
		assert.Empty(t, summary[0].Thread)
		assert.Empty(t, w.slack.Pings())
		r, err := w.book.Pending(t.Context(), p.ID)
		require.NoError(t, err)
		assert.True(t, r.Card.ResultDone)
		assert.Equal(t, approvals.DONE, r.State)
	})
}

// P38: a rate limit delays entries and drops none, and their order stays.
func TestNumbersStandInOrderUnderARateLimit(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.bot()
		w.slack.SetMessageRate(0.2, 1) // Slack is stricter than it says
		w.slack.RateLimit("chat.postMessage", 40*time.Second, 2)
		p := w.hold("trigger", 3)
		for i := range 12 {
			require.NoError(t, w.book.Note(t.Context(), fmt.Sprint("found", i), approvals.Event{
				Kind: approvals.Found, By: alice, Facts: approvals.Facts{Verb: "find", Users: i},
			}))
		}
		w.pass(10 * time.Minute)
		kinds := w.trail()
		require.Len(t, kinds, 13)
		assert.Equal(t, "requested", kinds[0])
		assert.Contains(t, w.card().Rendered(), p.ID)
	})
}

// P29: a card that cannot be posted is tried again, and the requester and the log hear of it.
func TestACardThatCannotBePostedIsNotForgotten(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.bot()
		w.slack.Leave(channel, "bot")
		p := w.hold("trigger", 3)
		w.pass(time.Minute)
		dms := w.slack.As("alice").DM()
		require.Len(t, dms, 1)
		assert.Contains(t, dms[0].Rendered(), "I cannot show your request "+p.ID)
		assert.Contains(t, w.log.String(), "the card of a request cannot be posted")
		_, err := w.book.Decide(t.Context(), approvals.Decision{Request: p.ID, By: bob, Op: "click", Yes: true, Fingerprint: p.Short()})
		require.ErrorIs(t, err, approvals.ErrNotReady)

		w.slack.Join(channel, "bot")
		w.pass(2 * time.Minute)
		assert.Contains(t, w.card().Rendered(), "Delete 3 SAQ users?")
		assert.Equal(t, []string{"requested"}, w.trail())
		assert.Len(t, w.slack.As("alice").DM(), 1, "told once")
	})
}

// P29: what was never shown expires.
func TestWhatWasNeverShownExpires(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		b := w.bot()
		w.pass(time.Second)
		w.slack.Leave(channel, "bot")
		p := w.hold("trigger", 3)
		w.pass(time.Minute)
		require.ErrorContains(t, b.Trouble(), "channel_not_found")
		w.pass(4 * time.Hour)
		require.NoError(t, w.book.Expire(t.Context(), p.ID))
		w.slack.Join(channel, "bot")
		w.pass(3 * time.Minute)
		assert.Empty(t, w.with(web.CardType))
		assert.Equal(t, []string{"requested", "expired"}, w.trail())
		require.NoError(t, b.Trouble())
	})
}

// P32: no button before the CSV of the plan is in the channel.
func TestNoButtonsBeforeThePlanIsInTheChannel(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.slack.LateShares(20 * time.Second)
		w.bot()
		p := w.hold("trigger", 3)
		w.pass(15 * time.Second)
		assert.Empty(t, w.with(web.CardType))
		_, err := w.book.Decide(t.Context(), approvals.Decision{Request: p.ID, By: bob, Op: "early", Yes: true, Fingerprint: p.Short()})
		require.ErrorIs(t, err, approvals.ErrNotReady)
		w.pass(10 * time.Second)
		assert.NotEmpty(t, w.card().Buttons())
		require.Len(t, w.slack.Files(channel), 1)
		w.approve(p)
	})
}

// P36: a card that is decided has no buttons, also when nobody was there to see it.
func TestADecidedCardHasNoButtonsAfterARestart(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		b := w.bot()
		p := w.hold("trigger", 3)
		w.pass(5 * time.Second)
		assert.NotEmpty(t, w.card().Buttons())
		b.stop()
		_, err := w.book.Cancel(t.Context(), p.ID, alice, "cancel")
		require.NoError(t, err)
		w.bot()
		w.pass(5 * time.Second)
		assert.Empty(t, w.card().Buttons())
		assert.Contains(t, w.card().Rendered(), "Cancelled")
		assert.Equal(t, []string{"requested", "cancelled"}, w.trail())
	})
}

// Design section 11: an entry never waits longer than half a minute for its card.
func TestAnEntryDoesNotWaitForeverForItsCard(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.bot()
		w.slack.HTTPFail("upload", 500, 6)
		w.hold("trigger", 3)
		require.NoError(t, w.book.Note(t.Context(), "found", approvals.Event{Kind: approvals.Found, By: alice}))
		w.pass(29 * time.Second)
		assert.Empty(t, w.trail(), "the next number waits too")
		w.pass(3 * time.Second)
		assert.Equal(t, []string{"requested", "found"}, w.trail())
		assert.Empty(t, w.with("countersign_entry")[0].Thread)
		w.until("the card comes all the same", func() bool { return len(w.with(web.CardType)) == 1 })
		require.Len(t, w.slack.Files(channel), 1)
	})
}

// Design section 11: where card and trail do not share a channel, the entry links the card.
func TestATrailInAnotherChannelLinksTheCard(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.slack.AddChannel(minislack.Channel{Name: "trail", ID: "C0TRAIL", Private: true, Members: []string{"bot"}})
		w.bot(func(c *Config) { c.AuditChannel = "C0TRAIL" })
		p := w.wholeStory()
		assert.Empty(t, w.with("countersign_entry"))
		entries := w.slack.Messages("C0TRAIL")
		require.Len(t, entries, 4)
		for _, m := range entries {
			assert.Empty(t, m.Thread)
			assert.Contains(t, m.Rendered(), "Card of "+p.ID)
		}
		assert.Len(t, w.with(web.SummaryType), 1)
	})
}

// A card that an administrator deleted while it is of use is posted again, and
// the entries go on.
func TestADeletedCardComesBack(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.bot()
		p := w.hold("trigger", 3)
		w.pass(5 * time.Second)
		old := w.card()
		w.slack.DeleteMessage(old.Ref())
		w.approve(p)
		w.pass(10 * time.Second)
		assert.NotEqual(t, old.TS, w.card().TS)
		assert.NotContains(t, w.card().Mentions, "S0APPROVERS", "they were called once")
		assert.Equal(t, []string{"requested", "approved"}, w.trail())
	})
}

// A file goes to a private channel only, judged anew before each upload.
func TestAPlanIsNotPostedToAPublicChannel(t *testing.T) {
	for _, change := range []func(*minislack.Channel){
		func(c *minislack.Channel) { c.Private = false },
		func(c *minislack.Channel) { c.ExtShared = true },
	} {
		inBubble(t, func(t *testing.T, w *world) {
			w.slack.SetChannel(channel, change)
			w.bot()
			w.hold("trigger", 3)
			w.pass(time.Minute)
			assert.Empty(t, w.with(web.CardType))
			assert.Zero(t, w.slack.Calls("files.getUploadURLExternal"))
			require.Len(t, w.slack.As("alice").DM(), 1)
			assert.Contains(t, w.slack.As("alice").DM()[0].Rendered(), "private channels only")
		})
	}
	inBubble(t, func(t *testing.T, w *world) {
		w.slack.SetChannel(channel, func(c *minislack.Channel) { c.Private = false })
		w.bot(func(c *Config) { c.Web.AnyFiles = true })
		w.hold("trigger", 3)
		w.pass(time.Minute)
		assert.Len(t, w.slack.Files(channel), 1)
	})
}

// Progress is merged: the card shows the latest, about once a second.
func TestProgressIsMerged(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.bot()
		p := w.hold("trigger", 49)
		w.pass(5 * time.Second)
		before := w.slack.Calls("chat.update")
		for i := range 50 {
			_, err := w.book.Decide(t.Context(), approvals.Decision{Request: p.ID, By: bob, Op: fmt.Sprint("wrong", i), Yes: true, Fingerprint: "000000000000"})
			require.ErrorIs(t, err, approvals.ErrFingerprint)
		}
		w.approve(p)
		w.pass(30 * time.Second)
		run, err := w.book.Claim(t.Context(), p.ID, "executor", time.Minute)
		require.NoError(t, err)
		for n := range 3 {
			require.NoError(t, run.Done(t.Context(), n, map[qualys.SAQUserID]approvals.Outcome{
				qualys.SAQUserID(1000 + n): {Result: approvals.ResultDone},
			}))
		}
		w.pass(3 * time.Second)
		assert.LessOrEqual(t, w.slack.Calls("chat.update")-before, 4)
		assert.Contains(t, w.card().Rendered(), "Deleting 49 SAQ users")
	})
}

// One replica posts, and another takes over when it stops, or dies.
func TestOneReplicaPosts(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		first := w.bot()
		w.pass(2 * time.Second)
		w.bot()
		w.hold("one", 3)
		w.pass(5 * time.Second)
		first.stop()
		require.NoError(t, w.book.Note(t.Context(), "found", approvals.Event{Kind: approvals.Found, By: alice}))
		w.pass(2 * time.Second)
		assert.Equal(t, []string{"requested", "found"}, w.trail())
		assert.Contains(t, w.log.String(), `owner="bot2 `)
	})
}

// Whoever asked is named by the policy, and not called to approve.
func TestTheRequesterIsNotCalled(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.bot(func(c *Config) { c.Approvers = []string{"U0ALICE", "U0BOB"} })
		w.hold("trigger", 3)
		w.pass(5 * time.Second)
		assert.Contains(t, w.card().Rendered(), "Can approve: @bob\n")
	})
}

// P38: several requests at once stay inside everything that Slack allows.
func TestManyRequestsStayInsideSlacksLimits(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.slack.EnforceTiers()
		w.bot()
		var all []approvals.Pending
		for i := range 8 {
			plan, err := approvals.NewPlan(approvals.Draft{
				Tenant: "test", Verb: approvals.Delete, Users: w.users[i*5 : i*5+5], Scope: len(w.users),
			})
			require.NoError(t, err)
			all = append(all, w.holdPlan(fmt.Sprint("trigger", i), plan))
		}
		w.until("all cards are shown", func() bool { return len(w.with(web.CardType)) == len(all) })
		w.until("all can be decided", func() bool {
			ids, err := w.book.Outbox().Dirty(t.Context())
			require.NoError(t, err)
			return len(ids) == 0
		})
		for _, p := range all {
			w.approve(p)
		}
		w.pass(2 * time.Minute)
		assert.Len(t, w.trail(), 2*len(all))
		assert.Len(t, w.with(web.CardType), len(all))
		assert.Len(t, w.slack.Files(channel), len(all))
		assert.Len(t, w.slack.As("alice").DM(), len(all))
	})
}

// A record that somebody changed in Redis is never shown with buttons.
func TestAForgedRecordLosesItsButtons(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.bot()
		p := w.hold("trigger", 3)
		w.pass(5 * time.Second)
		require.NotEmpty(t, w.card().Buttons())
		w.redis.HSet("countersign:{test}:r:"+p.ID, "by", "T0EXAMPLE/U0BOB", "version", "7")
		_, err := w.redis.SetAdd("countersign:{test}:dirty", p.ID)
		require.NoError(t, err)
		w.pass(5 * time.Second)
		assert.Empty(t, w.card().Buttons())
	})
}

// An entry whose thread is gone stands in the channel itself.
func TestAnEntryOutlivesItsThread(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.bot()
		p := w.hold("trigger", 3)
		w.pass(5 * time.Second)
		w.slack.DeleteMessage(w.with("countersign_entry")[0].Ref())
		w.slack.DeleteMessage(w.card().Ref())
		_, err := w.book.Cancel(t.Context(), p.ID, alice, "cancel")
		require.NoError(t, err)
		w.pass(10 * time.Second)
		entries := w.with("countersign_entry")
		require.Len(t, entries, 1)
		assert.Contains(t, entries[0].Rendered(), "U0ALICE cancelled "+p.ID)
		assert.Empty(t, entries[0].Thread)
		assert.Empty(t, w.with(web.CardType), "a card of no use does not come back")
	})
}
