package approvals

import (
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Who stopped a resumed run need not wait for the plan that runs meanwhile, and
// the end of the one is not the end of the other.
func TestAStoppedRunEndsWhileAnotherRuns(t *testing.T) {
	onEveryRedis(t, func(t *testing.T, client redis.UniversalClient) {
		b := openBook(t, client)
		p := approved(t, b, "resumed", 1, 3)
		run, err := b.Claim(t.Context(), p.ID, "me", time.Minute)
		require.NoError(t, err)
		require.NoError(t, run.Review(t.Context(), WhyCredentials, Counts{"not-run": 3}))
		other := approved(t, b, "runs", 11, 3)
		_, err = b.Claim(t.Context(), other.ID, "me", time.Minute)
		require.NoError(t, err)
		_, err = b.Resume(t.Context(), p.ID, carol, "resume")
		require.NoError(t, err)
		postAll(t, b)
		_, err = b.Claim(t.Context(), p.ID, "goes on", time.Minute)
		require.ErrorIs(t, err, ErrBusy)
		_, err = b.Stop(t.Context(), p.ID, bob, "stop")
		require.NoError(t, err)
		run, err = b.Claim(t.Context(), p.ID, "ends", time.Minute)
		require.NoError(t, err)
		require.ErrorAs(t, run.Sent(t.Context(), 0, 1, nil), new(*StoppedError), "it writes nothing")
		require.NoError(t, run.Finish(t.Context(), STOPPED, WhyStopped, Counts{"not-run": 3}, ""))
		third := approved(t, b, "third", 21, 3)
		_, err = b.Claim(t.Context(), third.ID, "me", time.Minute)
		require.ErrorIs(t, err, ErrBusy, "the other one still runs")
	})
}

// A stop that came too late ended nothing, and nobody is said to have.
func TestAStopThatCameTooLate(t *testing.T) {
	onEveryRedis(t, func(t *testing.T, client redis.UniversalClient) {
		b := openBook(t, client)
		for i, c := range []struct {
			state State
			cause Why
			by    string
		}{{DONE, "", ""}, {STOPPED, WhyFailures, ""}, {STOPPED, WhyStopped, bob.ID}} {
			p := approved(t, b, string(c.state+State(c.cause)), 1+10*i, 1)
			run, err := b.Claim(t.Context(), p.ID, "me", time.Minute)
			require.NoError(t, err)
			_, err = b.Stop(t.Context(), p.ID, bob, "stop "+p.ID)
			require.NoError(t, err)
			require.NoError(t, run.Finish(t.Context(), c.state, c.cause, nil, ""))
			p, err = b.Pending(t.Context(), p.ID)
			require.NoError(t, err)
			assert.Equal(t, c.by, p.EndedBy.ID, "%s %s", c.state, c.cause)
			events := postAll(t, b)
			assert.Equal(t, c.by, events[len(events)-1].By.ID)
		}
	})
}

// Design section 8: what ended is kept for its retention, and longer while the
// channel does not have it all.
func TestWhatEndedIsKeptUntilItIsPosted(t *testing.T) {
	onEveryRedis(t, func(t *testing.T, client redis.UniversalClient) {
		b := openBook(t, client)
		p := held(t, b, holding(t, "op", 1, 3))
		p, err := b.Cancel(t.Context(), p.ID, alice, "cancel")
		require.NoError(t, err)
		keys := []string{b.key("r:" + p.ID), b.key("p:" + p.ID)}
		for _, key := range keys {
			assert.Greater(t, client.PTTL(t.Context(), key).Val(), 24*b.Retention, key)
		}
		require.NoError(t, b.Outbox().Shown(t.Context(), posterName, p.ID, p.Version-1))
		assert.Greater(t, client.PTTL(t.Context(), keys[0]).Val(), 24*b.Retention, "an older version is not all")
		require.NoError(t, b.Outbox().Shown(t.Context(), posterName, p.ID, p.Version))
		for _, key := range keys {
			assert.InDelta(t, b.Retention, client.PTTL(t.Context(), key).Val(), float64(time.Minute), key)
		}
	})
}
