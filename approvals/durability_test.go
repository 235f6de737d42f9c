package approvals

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/qualys"
)

// A single is a redis-server of one test, which may die.
type single struct {
	*node
	path string
	args []string
}

func startSingle(t *testing.T, more ...string) *single {
	path := installed(t, "redis-server")
	n, err := start(path, more...)
	require.NoError(t, err)
	t.Cleanup(n.stop)
	return &single{n, path, append([]string{"--port", n.port()}, more...)}
}

// diesAndReturns kills it as kill -9 does and starts it again.
func (s *single) diesAndReturns(t *testing.T) {
	s.kill()
	require.NoError(t, s.begin(s.path, s.args...))
	require.NoError(t, s.until("it has loaded what it kept", func(ctx context.Context, c *redis.Client) bool {
		return strings.Contains(c.Info(ctx, "persistence").Val(), "loading:0")
	}))
}

// Reliability row 13: with an append-only file no acknowledged decision is lost
// when Redis is killed, and a run goes on.
func TestAnAppendOnlyFileKeepsDecisions(t *testing.T) {
	t.Parallel()
	s := startSingle(t, "--appendonly", "yes", "--appendfsync", "everysec")
	b := openBook(t, dial(t, s.addr))
	running := approved(t, b, "running", 1, 30)
	run, err := b.Claim(t.Context(), running.ID, "me", time.Minute)
	require.NoError(t, err)
	require.NoError(t, run.Sent(t.Context(), 0, 1, nil))
	require.NoError(t, run.Done(t.Context(), 0, map[qualys.SAQUserID]Outcome{1: {Result: ResultDone, Sent: true}}))
	require.NoError(t, run.Sent(t.Context(), 1, 1, nil))
	want := map[string]State{running.ID: RUNNING}
	for i := range 8 {
		p := held(t, b, holding(t, fmt.Sprint("decided", i), 101+10*i, 2))
		d := yes(p, bob)
		if i%2 == 0 {
			d = no(p, bob)
		}
		p, err := b.Decide(t.Context(), d)
		require.NoError(t, err)
		want[p.ID] = p.State
	}
	before := postAll(t, b)
	last, err := b.Last(t.Context())
	require.NoError(t, err)

	s.diesAndReturns(t)
	for id, state := range want {
		p, err := b.Pending(t.Context(), id)
		require.NoError(t, err)
		assert.Equal(t, state, p.State)
	}
	seq, _, err := b.Outbox().Head(t.Context())
	require.NoError(t, err)
	assert.Equal(t, before[len(before)-1].Seq, seq)
	again, err := b.Last(t.Context())
	require.NoError(t, err)
	assert.Equal(t, last, again)
	require.NoError(t, run.Renew(t.Context()), "its lease is still its own")
	chunks, err := run.Chunks(t.Context())
	require.NoError(t, err)
	assert.True(t, chunks[0].Done)
	assert.False(t, chunks[1].Sent.IsZero())
}

// Without one everything is lost, and nothing runs.
func TestWithoutAnAppendOnlyFileNothingRuns(t *testing.T) {
	t.Parallel()
	s := startSingle(t)
	b := openBook(t, dial(t, s.addr))
	running := approved(t, b, "running", 1, 30)
	run, err := b.Claim(t.Context(), running.ID, "me", time.Minute)
	require.NoError(t, err)
	waits := approved(t, b, "waits", 101, 3)
	s.diesAndReturns(t)
	for name, err := range map[string]error{
		"renew": run.Renew(t.Context()), "sent": run.Sent(t.Context(), 0, 1, nil),
		"done": run.Done(t.Context(), 0, nil), "finish": run.Finish(t.Context(), DONE, "", nil, ""),
	} {
		require.ErrorIs(t, err, ErrFenced, name)
	}
	due, err := b.Due(t.Context(), 10)
	require.NoError(t, err)
	assert.Empty(t, due)
	for _, id := range []string{running.ID, waits.ID} {
		_, err = b.Pending(t.Context(), id)
		require.ErrorIs(t, err, ErrNoRequest)
		_, err = b.Claim(t.Context(), id, "me", time.Minute)
		require.ErrorAs(t, err, new(*OverError))
		_, err = b.Decide(t.Context(), Decision{Request: id, By: bob, Op: "late", Yes: true, Seen: waits})
		require.ErrorIs(t, err, ErrNoRequest, "also where the person saw it before")
	}
	keys, err := b.Client.Keys(t.Context(), b.key("r:*")).Result()
	require.NoError(t, err)
	assert.Empty(t, keys, "nothing grows out of what is lost")
}

// full fills Redis with what may not be evicted, until it has evicted the key.
func full(t *testing.T, c redis.UniversalClient, key string) {
	filler := strings.Repeat("x", 64<<10)
	for i := 0; c.Exists(t.Context(), key).Val() == 1; i++ {
		require.Less(t, i, 1000, "%s is not evicted", key)
		err := c.Set(t.Context(), fmt.Sprint("filler", i), filler, 0).Err()
		if err != nil {
			require.ErrorContains(t, err, "OOM")
		}
	}
	for i := range 1000 { // and room again
		require.NoError(t, c.Del(t.Context(), fmt.Sprint("filler", i)).Err())
	}
}

// Reliability row 16, under volatile-lru: what is open has no expiry, so Redis
// evicts what has ended, and the run goes on.
func TestAnEvictingRedisTakesNoOpenPlan(t *testing.T) {
	t.Parallel()
	s := startSingle(t, "--maxmemory", "8mb", "--maxmemory-policy", "volatile-lru")
	c := dial(t, s.addr)
	b := openBook(t, c)
	ended := held(t, b, holding(t, "ended", 101, 100))
	_, err := b.Cancel(t.Context(), ended.ID, alice, "cancel")
	require.NoError(t, err)
	waits := approved(t, b, "waits", 201, 100)
	p := approved(t, b, "runs", 1, 100)
	run, err := b.Claim(t.Context(), p.ID, "me", time.Minute)
	require.NoError(t, err)
	require.NoError(t, run.Sent(t.Context(), 0, 1, nil))
	for _, key := range []string{"r:" + p.ID, "p:" + p.ID, "c:" + p.ID, "r:" + waits.ID, "p:" + waits.ID} {
		assert.EqualValues(t, -1, c.PTTL(t.Context(), b.key(key)).Val(), key)
	}
	full(t, c, b.key("p:"+ended.ID))
	runAll(t, run)
	next, err := b.Claim(t.Context(), waits.ID, "me", time.Minute)
	require.NoError(t, err)
	assert.Len(t, next.Pending.Plan.Users(), 100)
	assert.Positive(t, c.PTTL(t.Context(), b.key("p:"+p.ID)).Val(), "it ended")
}

// Where somebody gave an open plan an expiry all the same, and it is evicted:
// before the run it is expired, during the run people have to look.
func TestAnEvictedPlanIsNotRun(t *testing.T) {
	t.Parallel()
	s := startSingle(t, "--maxmemory", "8mb", "--maxmemory-policy", "volatile-lru")
	c := dial(t, s.addr)
	b := openBook(t, c)
	waits := approved(t, b, "waits", 101, 3)
	p := approved(t, b, "runs", 1, 30)
	run, err := b.Claim(t.Context(), p.ID, "me", time.Minute)
	require.NoError(t, err)
	require.NoError(t, run.Sent(t.Context(), 0, 1, nil))
	require.NoError(t, run.Release(t.Context(), 0))
	for _, id := range []string{waits.ID, p.ID} {
		require.NoError(t, c.Expire(t.Context(), b.key("p:"+id), time.Hour).Err())
		full(t, c, b.key("p:"+id))
	}
	run, err = b.Claim(t.Context(), p.ID, "next", time.Minute)
	require.NoError(t, err)
	require.True(t, run.Pending.Plan.IsZero(), "the executor is told")
	require.NoError(t, run.Review(t.Context(), WhyPayloadGone, Counts{"unknown": 30}))
	p, err = b.Pending(t.Context(), p.ID)
	require.NoError(t, err)
	assert.Equal(t, NEEDS_REVIEW, p.State)

	_, err = b.Claim(t.Context(), waits.ID, "me", time.Minute)
	require.ErrorIs(t, err, ErrPlanGone)
	require.NoError(t, b.Expire(t.Context(), waits.ID))
	waits, err = b.Pending(t.Context(), waits.ID)
	require.NoError(t, err)
	assert.Equal(t, EXPIRED, waits.State)
	assert.Equal(t, WhyPayloadGone, waits.Cause)
}

// A Redis that is full takes nothing, and leaves nothing half done.
func TestAFullRedisStoresNothingByHalves(t *testing.T) {
	t.Parallel()
	s := startSingle(t, "--maxmemory-policy", "noeviction")
	c := dial(t, s.addr)
	b := openBook(t, c)
	p := held(t, b, holding(t, "before", 1, 3))
	postAll(t, b)
	before := save(t, b)
	require.NoError(t, c.ConfigSet(t.Context(), "maxmemory", "1").Err())
	_, err := b.Hold(t.Context(), holding(t, "after", 11, 3))
	require.ErrorIs(t, err, ErrUnavailable)
	for name, err := range map[string]error{
		"approve": second(b.Decide(t.Context(), yes(p, bob))), "cancel": second(b.Cancel(t.Context(), p.ID, alice, "cancel")),
		"freeze": b.Freeze(t.Context(), bob, "freeze"), "note": b.Note(t.Context(), "note", Event{Kind: Found}),
	} {
		require.ErrorIs(t, err, ErrUnavailable, name)
	}
	assert.Equal(t, before, save(t, b))
	require.NoError(t, c.ConfigSet(t.Context(), "maxmemory", "0").Err())
	p, err = b.Decide(t.Context(), yes(p, bob))
	require.NoError(t, err)
	assert.Equal(t, APPROVED, p.State)
}
