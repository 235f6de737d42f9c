package approvals

import (
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Design section 11: where the channel knows more than Redis, the numbers go on
// behind it, and what was open is left to people.
func TestABookThatWasSetBackGoesOnBehindTheChannel(t *testing.T) {
	onEveryRedis(t, func(t *testing.T, client redis.UniversalClient) {
		b := openBook(t, client)
		over := approved(t, b, "over", 1, 1)
		_, err := b.Cancel(t.Context(), over.ID, alice, "cancel")
		require.NoError(t, err)
		open := []Pending{held(t, b, holding(t, "pending", 11, 3)), approved(t, b, "approved", 21, 3), approved(t, b, "running", 31, 3)}
		postAll(t, b)
		last, _, err := b.Outbox().Head(t.Context())
		require.NoError(t, err)
		run, err := b.Claim(t.Context(), open[2].ID, "me", time.Minute)
		require.NoError(t, err)

		require.NoError(t, b.Outbox().SetBack(t.Context(), posterName, last-1, "h", Freeze{}), "a poster that slept: others posted meanwhile")
		require.ErrorIs(t, b.Outbox().SetBack(t.Context(), "somebody else", last+5, "h", Freeze{}), ErrFenced)
		for _, p := range open {
			now, err := b.Pending(t.Context(), p.ID)
			require.NoError(t, err)
			assert.NotEqual(t, NEEDS_REVIEW, now.State, "neither has a say")
		}
		require.NoError(t, b.Outbox().SetBack(t.Context(), posterName, last+5, "h", Freeze{}))
		require.NoError(t, b.Outbox().SetBack(t.Context(), posterName, last+5, "h", Freeze{}), "its answer was lost")
		seq, hash, err := b.Outbox().Head(t.Context())
		require.NoError(t, err)
		assert.Equal(t, last+5, seq)
		assert.Equal(t, "h", hash)
		events := postAll(t, b)
		assert.Equal(t, []Kind{Alarm, Started}, kinds(events)[:2])
		assert.Equal(t, []Kind{Review, Review, Review}, kinds(events)[2:])
		for i, e := range events {
			assert.Equal(t, last+6+int64(i), e.Seq)
		}
		number, err := b.Last(t.Context())
		require.NoError(t, err)
		assert.Equal(t, events[len(events)-1].Seq, number)
		for _, p := range open {
			p, err := b.Pending(t.Context(), p.ID)
			require.NoError(t, err)
			assert.Equal(t, NEEDS_REVIEW, p.State)
			assert.Equal(t, WhyRolledBack, p.Cause)
		}
		require.ErrorIs(t, run.Sent(t.Context(), 0, 1, nil), ErrFenced)
		p, err := b.Pending(t.Context(), over.ID)
		require.NoError(t, err)
		assert.Equal(t, CANCELLED, p.State)
		p, err = b.Resume(t.Context(), open[0].ID, bob, "resume")
		require.NoError(t, err)
		assert.Equal(t, RUNNING, p.State)
	})
}

// A Redis that lost everything continues the chain of the channel.
func TestAnEmptyBookContinuesTheChannel(t *testing.T) {
	onEveryRedis(t, func(t *testing.T, client redis.UniversalClient) {
		b := openBook(t, client)
		require.NoError(t, b.Note(t.Context(), "start", Event{Kind: Start}))
		ok, err := b.Outbox().Lease(t.Context(), posterName, time.Minute)
		require.NoError(t, err)
		require.True(t, ok)
		require.NoError(t, client.Del(t.Context(), b.key("policy")).Err())
		require.NoError(t, b.Outbox().SetBack(t.Context(), posterName, 128, "h", Freeze{}))
		events := postAll(t, b)
		assert.Equal(t, []Kind{Continued, Start}, kinds(events))
		assert.EqualValues(t, 129, events[0].Seq)
		assert.Equal(t, "128", events[0].Facts.Detail)
		p := approved(t, b, "after it", 1, 3)
		_, err = b.Claim(t.Context(), p.ID, "me", time.Minute)
		require.NoError(t, err, "what is asked for now can run")
	})
}

// A request that nobody has seen is not resumed, however it came to need review.
func TestWhatNobodySawIsNotResumed(t *testing.T) {
	onEveryRedis(t, func(t *testing.T, client redis.UniversalClient) {
		b := openBook(t, client)
		p, err := b.Hold(t.Context(), holding(t, "op", 1, 3))
		require.NoError(t, err)
		ok, err := b.Outbox().Lease(t.Context(), posterName, time.Minute)
		require.NoError(t, err)
		require.True(t, ok)
		require.NoError(t, b.Outbox().SetBack(t.Context(), posterName, 128, "h", Freeze{}))
		_, err = b.Resume(t.Context(), p.ID, bob, "early")
		require.ErrorIs(t, err, ErrNotReady)
		show(t, b, p.ID)
		p, err = b.Resume(t.Context(), p.ID, bob, "resume")
		require.NoError(t, err)
		assert.Equal(t, RUNNING, p.State)
	})
}

// Design section 11: a freeze that Redis forgot is on again, by whom and since when
// it was, before anything can be claimed. What was done meanwhile stands.
func TestAForgottenFreezeIsOnAgain(t *testing.T) {
	onEveryRedis(t, func(t *testing.T, client redis.UniversalClient) {
		b := openBook(t, client)
		ok, err := b.Outbox().Lease(t.Context(), posterName, time.Minute)
		require.NoError(t, err)
		require.True(t, ok)
		now, err := b.Now(t.Context())
		require.NoError(t, err)
		in := func(d time.Duration) Freeze { return Freeze{bob, now.Add(d).Truncate(time.Millisecond)} }
		setBack := func(seq int64, f Freeze) Freeze {
			t.Helper()
			require.NoError(t, b.Outbox().SetBack(t.Context(), posterName, seq, "h", f))
			f, err := b.Frozen(t.Context())
			require.NoError(t, err)
			return f
		}
		assert.Zero(t, setBack(100, Freeze{}), "none was on")
		assert.Equal(t, in(-time.Hour), setBack(200, in(-time.Hour)))
		p := approved(t, b, "after it", 1, 3)
		_, err = b.Claim(t.Context(), p.ID, "me", time.Minute)
		require.ErrorIs(t, err, ErrFrozen)
		assert.Equal(t, in(-time.Hour), setBack(300, Freeze{}), "as far as Redis knows it is on: that is the safe side")
		assert.Equal(t, in(-time.Hour), setBack(400, in(-2*time.Hour)), "a newer one is on")
		assert.Equal(t, in(-time.Minute), setBack(500, in(-time.Minute)), "an older one is on")
		require.NoError(t, b.Unfreeze(t.Context(), carol, "thaw"))
		assert.Zero(t, setBack(600, in(-time.Minute)), "lifted since")
		assert.Equal(t, in(time.Hour), setBack(700, in(time.Hour)), "another one was lifted")
	})
}
