package post

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/approvals"
	"countersign/slack/web"
)

// reject lets Bob say no, without Slack.
func (w *world) reject(p approvals.Pending) {
	w.t.Helper()
	_, err := w.book.Decide(w.t.Context(), approvals.Decision{Request: p.ID, By: bob, Op: "no " + p.ID, Fingerprint: p.Short()})
	require.NoError(w.t, err)
}

// Design section 11: a poster that finds the channel ahead of Redis lets the
// numbers go on behind it; what was open is left to people.
func TestAPosterMendsARedisThatWasSetBack(t *testing.T) {
	for name, stopped := range map[string]bool{"under its feet": false, "before it took over": true} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, w *world) {
				b := w.bot()
				p := w.hold("trigger", 3)
				w.pass(5 * time.Second)
				w.approve(p)
				w.pass(5 * time.Second)
				setBack := w.remember()
				w.reject(p)
				require.NoError(t, w.book.Note(t.Context(), "found", approvals.Event{Kind: approvals.Found, By: alice}))
				w.pass(5 * time.Second)
				if stopped {
					b.stop()
				}
				setBack()
				require.NoError(t, w.book.Note(t.Context(), "found too", approvals.Event{Kind: approvals.Found, By: bob}))
				if stopped {
					b = w.bot()
				}
				w.pass(15 * time.Second)
				assert.Equal(t, []string{"requested", "approved", "rejected", "found", "alarm", "found", "review"}, w.trail())
				p, err := w.book.Pending(t.Context(), p.ID)
				require.NoError(t, err)
				assert.Equal(t, approvals.NEEDS_REVIEW, p.State)
				assert.Equal(t, approvals.WhyRolledBack, p.Cause)
				assert.Contains(t, w.card().Rendered(), "Redis was set back")
				head, _ := w.shows(b.Poster, p)
				assert.EqualValues(t, 7, head)
			})
		})
	}
}

// After a loss of Redis the chain goes on from the channel, and what was open
// there is void. Also where Slack does not tell which thread was answered last.
func TestAPosterGoesOnAfterRedisIsLost(t *testing.T) {
	for _, hidden := range []bool{false, true} {
		t.Run(fmt.Sprintf("latest replies hidden=%v", hidden), func(t *testing.T) {
			inBubble(t, func(t *testing.T, w *world) {
				w.slack.HideLatestReply(hidden)
				w.losesRedis(t)
			})
		})
	}
}

// losesRedis lets a poster go on with an empty Redis.
func (w *world) losesRedis(t *testing.T) {
	b := w.bot()
	over := w.hold("over", 3)
	w.pass(5 * time.Second)
	w.reject(over)
	p := w.hold("trigger", 3)
	w.pass(5 * time.Second)
	b.stop()
	w.redis.FlushAll()
	require.NoError(t, w.book.Note(t.Context(), "found", approvals.Event{Kind: approvals.Found, By: bob}))
	w.bot()
	w.pass(15 * time.Second)
	assert.Equal(t, []string{"requested", "rejected", "requested", "continued", "found", "void"}, w.trail())
	all := w.with("countersign_entry")
	assert.Contains(t, all[3].Rendered(), "the last entry found was #3")
	assert.Contains(t, all[5].Rendered(), p.ID+" is void: its record was lost.")
	for _, card := range w.with(web.CardType) {
		assert.Empty(t, card.Buttons(), card.Rendered())
	}
}

// A poster that died between posting and noting so is no set-back, and neither
// is an entry that somebody deleted.
func TestATakeoverIsNoSetBack(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		b := w.bot()
		p := w.hold("trigger", 3)
		w.pass(5 * time.Second)
		w.approve(p)
		between := w.remember() // approved, and nobody noted that this was posted
		w.pass(5 * time.Second)
		b.stop()
		between()
		w.bot()
		w.pass(5 * time.Second)
		assert.Equal(t, []string{"requested", "approved"}, w.trail())
		w.slack.DeleteMessage(w.with("countersign_entry")[1].Ref())
		w.bot().stop()
		w.pass(20 * time.Second)
		p, err := w.book.Pending(t.Context(), p.ID)
		require.NoError(t, err)
		require.Equal(t, approvals.APPROVED, p.State)
	})
}

// Design section 11: a freeze that stands in the channel outlives Redis, however
// much was said since. One that was lifted there is over.
func TestAFreezeOutlivesRedis(t *testing.T) {
	for name, tt := range map[string]struct {
		since  int // entries after it, and then some days
		lifted bool
		lose   func(w *world) func() // before the freeze; what it returns comes after it
	}{
		"all is lost":              {1, false, func(w *world) func() { return w.redis.FlushAll }},
		"set back":                 {1, false, (*world).remember},
		"all is lost, much after":  {web.HistoryPage + 10, false, func(w *world) func() { return w.redis.FlushAll }},
		"all is lost, it was over": {1, true, func(w *world) func() { return w.redis.FlushAll }},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, w *world) {
				b := w.bot()
				lose := tt.lose(w)
				w.freeze()
				w.pass(5 * time.Second)
				before, err := w.book.Frozen(t.Context())
				require.NoError(t, err)
				if tt.lifted {
					w.thaw()
					before = approvals.Freeze{}
				}
				w.find("found", tt.since)
				b.stop()
				w.pass(72 * time.Hour)
				b = w.bot()
				w.find("found later", 1)
				b.stop()
				lose()
				last := len(w.trail())
				w.bot()
				w.until("the numbers go on", func() bool { return len(w.trail()) > last })
				after, err := w.book.Frozen(t.Context())
				require.NoError(t, err)
				assert.Equal(t, before, after)
			})
		})
	}
}

// find lets Alice find something so many times, and waits until the channel says so.
func (w *world) find(what string, n int) {
	w.t.Helper()
	for i := range n {
		require.NoError(w.t, w.book.Note(w.t.Context(), fmt.Sprint(what, i), approvals.Event{Kind: approvals.Found, By: alice}))
	}
	w.until("all of it is posted", func() bool {
		events, err := w.book.Outbox().Next(w.t.Context(), 1)
		return err == nil && len(events) == 0
	})
}
