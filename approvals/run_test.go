package approvals

import (
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/qualys"
)

func TestChunksStartWithACanary(t *testing.T) {
	for n, want := range map[int][]int{
		1: {1}, 2: {1, 1}, 26: {1, 25}, 27: {1, 25, 1}, 49: {1, 25, 23}, 51: {1, 25, 25}, 52: {1, 25, 25, 1},
	} {
		var sizes []int
		next := qualys.SAQUserID(1)
		for _, c := range deletion(t, 1, n).Chunks() {
			sizes = append(sizes, len(c))
			for _, u := range c {
				assert.Equal(t, next, u.ID)
				next++
			}
		}
		assert.Equal(t, want, sizes, "chunks of %d", n)
	}
}

// A plan that restores writes one change at a time.
func TestAChunkHasOneChange(t *testing.T) {
	restore := map[qualys.SAQUserID]qualys.Change{}
	for i := range 60 {
		name := []string{"Smith", "Jones", ""}[i%3]
		restore[qualys.SAQUserID(i+1)] = qualys.NewChange(qualys.Set{Field: qualys.Title, Value: "x"}, qualys.Set{Field: qualys.LastName, Value: name})
	}
	d := Draft{Tenant: "test", Verb: Update, Users: users(1, 60), Restore: restore}
	p, err := NewPlan(d)
	require.NoError(t, err)
	assert.Equal(t, []qualys.Field{qualys.LastName, qualys.Title}, p.Fields())
	seen := map[qualys.SAQUserID]bool{}
	for i, c := range p.Chunks() {
		assert.LessOrEqual(t, len(c), ChunkSize)
		assert.True(t, i > 0 || len(c) == 1, "a canary first")
		for _, u := range c {
			assert.Equal(t, p.ChangeFor(c[0].ID), p.ChangeFor(u.ID))
			assert.False(t, seen[u.ID])
			seen[u.ID] = true
		}
	}
	assert.Len(t, seen, 60)

	raw := mustPayload(t, p)
	again, err := openPlan(raw, p.Fingerprint())
	require.NoError(t, err)
	assert.Equal(t, p, again)
	restore[7] = qualys.NewChange(qualys.Set{Field: qualys.LastName, Value: "Mallory"}, qualys.Set{Field: qualys.Title, Value: "x"})
	other, err := NewPlan(d)
	require.NoError(t, err)
	assert.NotEqual(t, p.Fingerprint(), other.Fingerprint(), "each user's change is sealed")

	delete(restore, 8)
	_, err = NewPlan(d)
	require.ErrorIs(t, err, ErrNoChange)
	restore[8] = qualys.NewChange(qualys.Set{Field: qualys.Company, Value: "Acme"})
	_, err = NewPlan(d)
	require.ErrorIs(t, err, errDraft)
}

// Only after the cool-down, with the approval in the channel, under the newest
// policy, and one at a time.
func TestAClaimHasConditions(t *testing.T) {
	onEveryRedis(t, func(t *testing.T, client redis.UniversalClient) {
		b := openBook(t, client)
		h := holding(t, "cool", 1, 2)
		h.CoolDown = time.Hour
		p := held(t, b, h)
		p, err := b.Decide(t.Context(), yes(p, bob))
		require.NoError(t, err)
		assert.Equal(t, time.Hour, p.Starts.Sub(p.Approvals[0].At))
		_, err = b.Claim(t.Context(), p.ID, "me", time.Minute)
		require.ErrorIs(t, err, ErrWait)
		due, err := b.Due(t.Context(), 10)
		require.NoError(t, err)
		assert.Empty(t, due)

		second := held(t, b, holding(t, "trail", 11, 2))
		second, err = b.Decide(t.Context(), yes(second, bob))
		require.NoError(t, err)
		_, err = b.Claim(t.Context(), second.ID, "me", time.Minute)
		require.ErrorIs(t, err, ErrTrail)
		postAll(t, b)

		require.NoError(t, b.Record(t.Context(), "policy", "newer"))
		_, err = b.Claim(t.Context(), second.ID, "me", time.Minute)
		require.ErrorIs(t, err, ErrPolicy)
		newest, err := b.Recorded(t.Context(), "policy")
		require.NoError(t, err)
		assert.Equal(t, "newer", newest)
		require.NoError(t, b.Record(t.Context(), "policy", b.Policy))

		run, err := b.Claim(t.Context(), second.ID, "me", time.Minute)
		require.NoError(t, err)
		third := approved(t, b, "third", 21, 2)
		_, err = b.Claim(t.Context(), third.ID, "me", time.Minute)
		require.ErrorIs(t, err, ErrBusy)
		_, err = b.Claim(t.Context(), second.ID, "another", time.Minute)
		require.ErrorIs(t, err, ErrHeld)
		runAll(t, run)
		_, err = b.Claim(t.Context(), second.ID, "me", time.Minute)
		require.ErrorAs(t, err, new(*OverError))
		_, err = b.Claim(t.Context(), third.ID, "me", time.Minute)
		require.NoError(t, err)
	})
}

// Reliability row 11: whoever lost the lease writes nothing any more.
func TestAStaleOwnerIsFenced(t *testing.T) {
	onEveryRedis(t, func(t *testing.T, client redis.UniversalClient) {
		b := openBook(t, client)
		p := approved(t, b, "op", 1, 30)
		stale, err := b.Claim(t.Context(), p.ID, "stale", time.Millisecond)
		require.NoError(t, err)
		var fresh *Run
		require.Eventually(t, func() bool {
			fresh, err = b.Claim(t.Context(), p.ID, "fresh", time.Minute)
			return err == nil
		}, 20*time.Second, time.Millisecond)
		assert.EqualValues(t, 2, fresh.Pending.Epoch)
		for name, err := range map[string]error{
			"renew":   stale.Renew(t.Context()),
			"sent":    stale.Sent(t.Context(), 0, 1, nil),
			"unsent":  stale.Unsent(t.Context(), 0, 1, false),
			"done":    stale.Done(t.Context(), 0, nil),
			"finish":  stale.Finish(t.Context(), DONE, "", nil, ""),
			"review":  stale.Review(t.Context(), WhyUnknown, nil),
			"release": stale.Release(t.Context(), 0),
		} {
			assert.ErrorIs(t, err, ErrFenced, name)
		}
		runAll(t, fresh)
		assert.Equal(t, []Kind{Started, Finished}, kinds(postAll(t, b)))
	})
}

// P42: what an owner marked is found by the next one.
func TestTheLedgerOutlivesItsOwner(t *testing.T) {
	onEveryRedis(t, func(t *testing.T, client redis.UniversalClient) {
		b := openBook(t, client)
		p := approved(t, b, "op", 1, 30)
		run, err := b.Claim(t.Context(), p.ID, "first", time.Minute)
		require.NoError(t, err)
		done := map[qualys.SAQUserID]Outcome{1: {Result: ResultDone, Sent: true, Answer: "named", Observed: "gone"}}
		require.NoError(t, run.Sent(t.Context(), 0, 1, nil))
		require.NoError(t, run.Done(t.Context(), 0, done))
		require.NoError(t, run.Done(t.Context(), 0, done))
		require.NoError(t, run.Sent(t.Context(), 1, 1, nil))
		require.NoError(t, run.Unsent(t.Context(), 1, 1, false), "turned away")
		chunks, err := run.Chunks(t.Context())
		require.NoError(t, err)
		assert.Zero(t, chunks[1].Sent)
		require.NoError(t, run.Sent(t.Context(), 1, 1, nil))
		require.NoError(t, run.Sent(t.Context(), 1, 2, nil))
		require.NoError(t, run.Unsent(t.Context(), 1, 2, false), "the first try still stands")
		require.NoError(t, run.Sent(t.Context(), 2, 1, nil))
		require.NoError(t, run.Unsent(t.Context(), 2, 1, true), "what was sent before people resumed it")
		require.NoError(t, run.Release(t.Context(), 0))

		run, err = b.Claim(t.Context(), p.ID, "second", time.Minute)
		require.NoError(t, err)
		chunks, err = run.Chunks(t.Context())
		require.NoError(t, err)
		require.Len(t, chunks, 3)
		assert.True(t, chunks[0].Done)
		assert.False(t, chunks[1].Done)
		assert.NotZero(t, chunks[1].Sent)
		assert.Equal(t, 1, chunks[1].Try)
		assert.Len(t, chunks[1].Users, 25)
		assert.NotZero(t, chunks[2].Sent, "is read back")
		assert.Zero(t, chunks[2].Try)
		outcomes, err := b.Outcomes(t.Context(), p.ID)
		require.NoError(t, err)
		assert.Equal(t, done, outcomes)
		p, err = b.Pending(t.Context(), p.ID)
		require.NoError(t, err)
		assert.Equal(t, Counts{"done": 1}, p.Counts, "done twice counts once")
		assert.Equal(t, 1, p.Chunk)
	})
}

// A request that needs review keeps its users, and people close it.
func TestReviewHoldsTheUsersUntilClosed(t *testing.T) {
	onEveryRedis(t, func(t *testing.T, client redis.UniversalClient) {
		b := openBook(t, client)
		p := approved(t, b, "op", 1, 30)
		_, err := b.Close(t.Context(), p.ID, bob, "early", "")
		require.ErrorAs(t, err, new(*OverError))
		run, err := b.Claim(t.Context(), p.ID, "me", time.Minute)
		require.NoError(t, err)
		counts := Counts{"done": 1, "unknown": 25, "not-run": 4}
		require.NoError(t, run.Review(t.Context(), WhyUnknown, counts))
		require.NoError(t, run.Review(t.Context(), WhyUnknown, counts), "again")
		p, err = b.Pending(t.Context(), p.ID)
		require.NoError(t, err)
		assert.Equal(t, NEEDS_REVIEW, p.State)
		assert.Equal(t, WhyUnknown, p.Cause)
		assert.Empty(t, p.Approvals, "earlier approvals count no more")
		assert.Equal(t, counts, p.Counts, "the card says what the trail says")
		_, err = b.Hold(t.Context(), holding(t, "overlap", 30, 1))
		require.ErrorAs(t, err, new(*OverlapError))

		other := approved(t, b, "other", 101, 2)
		_, err = b.Claim(t.Context(), other.ID, "me", time.Minute)
		require.NoError(t, err, "the running slot is free")

		p, err = b.Close(t.Context(), p.ID, bob, "close", "looked at it")
		require.NoError(t, err)
		assert.Equal(t, CLOSED, p.State)
		assert.Equal(t, bob, p.EndedBy)
		assert.Equal(t, counts, p.Counts)
		_, err = b.Hold(t.Context(), holding(t, "overlap", 30, 1))
		require.NoError(t, err)
	})
}

// P54, reliability row 16: a plan that is gone means expired before the run.
func TestAPlanThatIsGoneIsNeverRun(t *testing.T) {
	onEveryRedis(t, func(t *testing.T, client redis.UniversalClient) {
		b := openBook(t, client)
		p := approved(t, b, "op", 1, 3)
		assert.EqualValues(t, -1, client.PTTL(t.Context(), b.key("p:"+p.ID)).Val(), "an open plan has no expiry")
		require.NoError(t, client.Del(t.Context(), b.key("p:"+p.ID)).Err())
		_, err := b.Claim(t.Context(), p.ID, "me", time.Minute)
		require.ErrorIs(t, err, ErrPlanGone)
		require.NoError(t, b.Expire(t.Context(), p.ID))
		p, err = b.Pending(t.Context(), p.ID)
		require.NoError(t, err)
		assert.Equal(t, EXPIRED, p.State)
		assert.Equal(t, WhyPayloadGone, p.Cause)
		assert.Greater(t, client.PTTL(t.Context(), b.key("r:"+p.ID)).Val(), 50*time.Minute)
	})
}
