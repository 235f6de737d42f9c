package approvals

import (
	"fmt"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestEventsAreNumberedWithoutGaps(t *testing.T) {
	onEveryRedis(t, func(t *testing.T, client redis.UniversalClient) {
		b := openBook(t, client)
		for i := range 25 {
			require.NoError(t, b.Note(t.Context(), fmt.Sprint("op", i/2), Event{
				Kind: Downloaded, By: alice, Counts: Counts{"users": i}, FileSHA: "f",
				Facts: Facts{Verb: "download", File: "users.csv", Users: i},
			}), "every second one is a repetition")
		}
		events := postAll(t, b)
		require.Len(t, events, 13)
		for i, e := range events {
			assert.EqualValues(t, i+1, e.Seq)
		}
		e := events[1]
		assert.Equal(t, Counts{"users": 2}, e.Counts)
		assert.Equal(t, Facts{Verb: "download", File: "users.csv", Users: 2}, e.Facts)
		assert.Equal(t, b.Policy, e.Policy)
		assert.Equal(t, alice, e.By)
		seq, hash, err := b.Outbox().Head(t.Context())
		require.NoError(t, err)
		assert.EqualValues(t, 13, seq)
		assert.Equal(t, "hash13", hash)
	})
}

// An entry is sealed once, whoever posts it, and only the lease's owner posts.
func TestAnEntryIsSealedOnce(t *testing.T) {
	onEveryRedis(t, func(t *testing.T, client redis.UniversalClient) {
		b := openBook(t, client)
		o := b.Outbox()
		require.NoError(t, b.Note(t.Context(), "op", Event{Kind: Start}))
		ok, err := o.Lease(t.Context(), "one", time.Minute)
		require.NoError(t, err)
		require.True(t, ok)
		sealed, err := o.Seal(t.Context(), "one", 1, []byte("first"))
		require.NoError(t, err)
		assert.Equal(t, "first", string(sealed))
		sealed, err = o.Seal(t.Context(), "one", 1, []byte("second"))
		require.NoError(t, err)
		assert.Equal(t, "first", string(sealed))

		ok, err = o.Lease(t.Context(), "two", time.Minute)
		require.NoError(t, err)
		assert.False(t, ok)
		_, err = o.Seal(t.Context(), "two", 1, []byte("x"))
		require.ErrorIs(t, err, ErrFenced)
		require.ErrorIs(t, o.Posted(t.Context(), "two", 1, "h"), ErrFenced)
		require.ErrorIs(t, o.Shown(t.Context(), "two", "X", 1), ErrFenced)
		require.NoError(t, o.Posted(t.Context(), "one", 1, "h"))
		require.NoError(t, o.Posted(t.Context(), "one", 1, "other"), "posted is posted")
		_, hash, err := o.Head(t.Context())
		require.NoError(t, err)
		assert.Equal(t, "h", hash)
	})
}

// The card is rendered again until it shows the record's version.
func TestACardIsDirtyUntilItShowsTheRecord(t *testing.T) {
	onEveryRedis(t, func(t *testing.T, client redis.UniversalClient) {
		b := openBook(t, client)
		p := held(t, b, holding(t, "op", 1, 3))
		dirty := func() []string {
			ids, err := b.Outbox().Dirty(t.Context())
			require.NoError(t, err)
			return ids
		}
		assert.Empty(t, dirty())
		now, err := b.Decide(t.Context(), yes(p, bob))
		require.NoError(t, err)
		assert.Equal(t, p.Version+1, now.Version)
		assert.Equal(t, []string{p.ID}, dirty())
		require.NoError(t, b.Outbox().Shown(t.Context(), posterName, p.ID, p.Version))
		assert.Equal(t, []string{p.ID}, dirty(), "an older version was shown")
		require.NoError(t, b.Outbox().Shown(t.Context(), posterName, p.ID, now.Version))
		assert.Empty(t, dirty())
		require.NoError(t, b.Outbox().Shown(t.Context(), posterName, "NOONE", 1), "a record that is gone")
	})
}

// P01: a command whose replica died is reported once, a repeated one not run.
func TestAbandonedCommandsAreNoticedOnce(t *testing.T) {
	onEveryRedis(t, func(t *testing.T, client redis.UniversalClient) {
		b := openBook(t, client)
		for _, op := range []string{"answered", "lost"} {
			first, err := b.Ask(t.Context(), Asked{Op: op, By: alice, Channel: "C1", Text: "download"})
			require.NoError(t, err)
			assert.True(t, first)
			first, err = b.Ask(t.Context(), Asked{Op: op, By: alice, Channel: "C1", Text: "download"})
			require.NoError(t, err)
			assert.False(t, first)
		}
		require.NoError(t, b.StillAsked(t.Context(), "lost"))
		require.NoError(t, b.Answered(t.Context(), "answered"))
		none, err := b.Abandoned(t.Context(), time.Hour)
		require.NoError(t, err)
		assert.Empty(t, none)
		hook(t, b.Client, &loseAnswers{seen: map[string]bool{}})
		var lost []Asked
		require.Eventually(t, func() bool {
			lost, err = b.Abandoned(t.Context(), time.Millisecond)
			return err == nil && len(lost) > 0
		}, 20*time.Second, time.Millisecond)
		assert.Equal(t, []Asked{{Op: "lost", By: alice, Channel: "C1", Text: "download"}}, lost)
		again, err := b.Abandoned(t.Context(), 0)
		require.NoError(t, err)
		assert.Equal(t, lost, again, "until its person was told")
		none, err = b.Abandoned(t.Context(), time.Hour)
		require.NoError(t, err)
		assert.Empty(t, none, "somebody was just about to tell them")
		require.NoError(t, b.Answered(t.Context(), "lost"))
		none, err = b.Abandoned(t.Context(), 0)
		require.NoError(t, err)
		assert.Empty(t, none)
	})
}

// A command that cannot be read, whoever wrote it, hides none that can.
func TestACommandThatCannotBeReadHidesNone(t *testing.T) {
	onEveryRedis(t, func(t *testing.T, client redis.UniversalClient) {
		b := openBook(t, client)
		_, err := b.Ask(t.Context(), Asked{Op: "a", By: alice})
		require.NoError(t, err)
		_, err = b.Ask(t.Context(), Asked{Op: "b", By: alice})
		require.NoError(t, err)
		require.NoError(t, client.HSet(t.Context(), b.key("asked"), "a", "no JSON").Err())
		lost, err := b.Abandoned(t.Context(), 0)
		require.ErrorContains(t, err, "a command being worked on")
		assert.Equal(t, []Asked{{Op: "b", By: alice}}, lost)
		again, err := b.Abandoned(t.Context(), 0)
		require.NoError(t, err, "said once")
		assert.Equal(t, lost, again)
	})
}

func TestOnceIsOnce(t *testing.T) {
	onEveryRedis(t, func(t *testing.T, client redis.UniversalClient) {
		b := openBook(t, client)
		for i := range 3 {
			first, err := b.Once(t.Context(), "dm", time.Hour)
			require.NoError(t, err)
			assert.Equal(t, i == 0, first)
		}
	})
}

// What somebody wrote into a record by hand does not stop the trail: an entry goes
// without counts that are none.
func TestCountsThatAreNoneDoNotStopTheTrail(t *testing.T) {
	onEveryRedis(t, func(t *testing.T, client redis.UniversalClient) {
		b := openBook(t, client)
		p := approved(t, b, "op", 1, 3)
		require.NoError(t, b.Review(t.Context(), p.ID, WhyQuorum))
		require.NoError(t, client.HSet(t.Context(), b.key("r:"+p.ID), "counted", "x").Err())
		_, err := b.Close(t.Context(), p.ID, bob, "close", "looked")
		require.NoError(t, err)
		all := postAll(t, b)
		last := all[len(all)-1]
		assert.Equal(t, Closed, last.Kind)
		assert.Empty(t, last.Counts)
	})
}
