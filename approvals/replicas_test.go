package approvals

import (
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/qualys"
)

// A pair is a primary and its replica.
type pair struct{ primary, replica *node }

func startPair(t *testing.T) pair {
	primary, err := start(installed(t, "redis-server"), "--repl-timeout", "60")
	require.NoError(t, err)
	t.Cleanup(primary.stop)
	p := pair{primary: primary}
	p.replica = p.follow(t)
	return p
}

// follow starts another replica of the primary.
func (p pair) follow(t *testing.T) *node {
	before := p.copies(t)
	replica, err := start(installed(t, "redis-server"), "--replicaof", "127.0.0.1 "+p.primary.port())
	require.NoError(t, err)
	t.Cleanup(replica.stop)
	require.NoError(t, p.primary.until("its replica follows", func(context.Context, *redis.Client) bool { return p.copies(t) > before }))
	return replica
}

// copies is how many replicas have what is written now.
func (p pair) copies(t *testing.T) int64 {
	c := p.primary.client()
	defer c.Close()
	conn := c.Conn()
	defer conn.Close()
	require.NoError(t, conn.Set(t.Context(), "follows", "1", 0).Err())
	n, err := conn.Wait(t.Context(), 9, 100*time.Millisecond).Result()
	require.NoError(t, err)
	return n
}

// deaf makes the replica hear nothing, as when its link is cut.
func (p pair) deaf(t *testing.T) {
	require.NoError(t, p.replica.cmd.Process.Signal(syscall.SIGSTOP))
}

func (p pair) hears(t *testing.T) {
	require.NoError(t, p.replica.cmd.Process.Signal(syscall.SIGCONT))
}

func (p pair) book(t *testing.T) *Book {
	b := openBook(t, dial(t, p.primary.addr))
	n, err := b.Replicas(t.Context())
	require.NoError(t, err)
	require.Equal(t, 1, n)
	b.SetReplicated(true)
	return b
}

// Reliability row 14: an approval that no replica of Redis has stands, and
// nothing starts from it before one has it.
func TestAnUnreplicatedApprovalDoesNotStart(t *testing.T) {
	t.Parallel()
	redises := startPair(t)
	b := redises.book(t)
	first := approved(t, b, "replicated", 1, 3)
	assert.False(t, first.Unreplicated)
	p := held(t, b, holding(t, "not replicated", 11, 3))

	redises.deaf(t)
	p, err := b.Decide(t.Context(), yes(p, bob))
	require.NoError(t, err)
	assert.Equal(t, APPROVED, p.State, "the decision stands")
	assert.True(t, p.Unreplicated)
	dirty, err := b.Outbox().Dirty(t.Context())
	require.NoError(t, err)
	assert.Contains(t, dirty, p.ID, "the card is to say so")
	postAll(t, b)
	run, err := b.Claim(t.Context(), p.ID, "me", time.Minute)
	require.ErrorIs(t, err, ErrUnreplicated)
	assert.Nil(t, run)
	p, err = b.Pending(t.Context(), p.ID)
	require.NoError(t, err)
	assert.Equal(t, APPROVED, p.State)
	assert.Zero(t, p.Epoch)
	due, err := b.Client.ZScore(t.Context(), b.key("due"), p.ID).Result()
	require.NoError(t, err)
	now, err := b.Now(t.Context())
	require.NoError(t, err)
	assert.InDelta(t, 5000, due-float64(now.UnixMilli()), 2000, "due again in 5 s")

	redises.hears(t)
	run, err = b.Claim(t.Context(), p.ID, "me", time.Minute)
	require.NoError(t, err)
	assert.False(t, run.Pending.Unreplicated)
}

// A freeze waits for a replica as approvals do; without one it is on all the same.
func TestAFreezeWaitsForAReplica(t *testing.T) {
	t.Parallel()
	redises := startPair(t)
	b := redises.book(t)
	c := redises.primary.client()
	defer c.Close()
	require.NoError(t, c.ConfigResetStat(t.Context()).Err())
	require.NoError(t, b.Freeze(t.Context(), bob, "freeze"))
	assert.Contains(t, redises.primary.used(t), "wait")
	require.NoError(t, b.Unfreeze(t.Context(), carol, "thaw"))
	redises.deaf(t)
	require.NoError(t, b.Freeze(t.Context(), bob, "again"))
	on, err := b.Frozen(t.Context())
	require.NoError(t, err)
	assert.Equal(t, bob, on.By)
}

// Past its deadline a request that no replica has is over.
func TestAnUnreplicatedApprovalExpires(t *testing.T) {
	t.Parallel()
	redises := startPair(t)
	b := redises.book(t)
	h := holding(t, "op", 1, 3)
	h.Expires = 3 * time.Second
	p := held(t, b, h)
	redises.deaf(t)
	p, err := b.Decide(t.Context(), yes(p, bob))
	require.NoError(t, err)
	postAll(t, b)
	awaitRedis(t, b, p.Deadline)
	_, err = b.Claim(t.Context(), p.ID, "me", time.Minute)
	require.ErrorIs(t, err, ErrUnreplicated)
	p, err = b.Pending(t.Context(), p.ID)
	require.NoError(t, err)
	assert.Equal(t, EXPIRED, p.State)
	assert.Equal(t, WhyUnreplicated, p.Cause)
}

// A claim that no replica has is given back before anything is sent.
func TestAnUnreplicatedClaimIsGivenBack(t *testing.T) {
	t.Parallel()
	redises := startPair(t)
	b := redises.book(t)
	p := approved(t, b, "op", 1, 3)
	b.Client.AddHook(&before{name: "evalsha", do: func() { redises.deaf(t) }})
	_, err := b.Claim(t.Context(), p.ID, "me", time.Minute)
	require.ErrorIs(t, err, ErrUnreplicated)
	p, err = b.Pending(t.Context(), p.ID)
	require.NoError(t, err)
	assert.Equal(t, RUNNING, p.State)
	redises.hears(t)
	run, err := b.Claim(t.Context(), p.ID, "somebody else", time.Minute)
	require.NoError(t, err, "the lease is free")
	assert.EqualValues(t, 2, run.Pending.Epoch)
	require.NoError(t, run.Release(t.Context(), 0))
}

// Past its deadline people have to look: whether the claim was lost on the way,
// or nobody could be shown to have what it would rest on.
func TestAnUnreplicatedClaimIsForPeopleAfterItsDeadline(t *testing.T) {
	t.Parallel()
	redises := startPair(t)
	b := redises.book(t)
	for _, op := range []string{"after the claim", "before the claim"} {
		h := holding(t, op, 1, 3)
		h.Expires = 5 * time.Second
		p := held(t, b, h)
		p, err := b.Decide(t.Context(), yes(p, bob))
		require.NoError(t, err)
		postAll(t, b)
		run, err := b.Claim(t.Context(), p.ID, "me", time.Minute)
		require.NoError(t, err)
		require.NoError(t, run.Done(t.Context(), 0, map[qualys.SAQUserID]Outcome{1: {Result: ResultDone}}))
		require.NoError(t, run.Sent(t.Context(), 1, 1, nil))
		require.NoError(t, run.Release(t.Context(), 0))
		awaitRedis(t, b, p.Deadline)
		if op == "before the claim" {
			redises.deaf(t)
		} else {
			b.Client.AddHook(&before{name: "evalsha", do: func() { redises.deaf(t) }})
		}
		run, err = b.Claim(t.Context(), p.ID, "next", time.Minute)
		require.ErrorIs(t, err, ErrUnreplicated)
		assert.Nil(t, run, "so nothing can be sent")
		redises.hears(t)
		p, err = b.Pending(t.Context(), p.ID)
		require.NoError(t, err)
		assert.Equal(t, NEEDS_REVIEW, p.State)
		assert.Equal(t, WhyUnreplicated, p.Cause)
		assert.Equal(t, Counts{"done": 1, "unknown": 2}, p.Counts, "everybody is counted")
		_, err = b.Close(t.Context(), p.ID, bob, "close "+op, "looked")
		require.NoError(t, err)
	}
}

// Reliability row 14: the tail that no replica had is lost with the primary. An
// approval that is lost runs nothing, and where nobody has a copy nothing runs
// either.
func TestALostTailRunsNothing(t *testing.T) {
	t.Parallel()
	redises := startPair(t)
	b := redises.book(t)
	kept := approved(t, b, "kept", 1, 3)
	p := held(t, b, holding(t, "lost", 11, 3))
	require.Positive(t, redises.copies(t))
	replica := redises.replica.client()
	defer replica.Close()
	nowhere, err := freeAddr()
	require.NoError(t, err)
	_, port, err := net.SplitHostPort(nowhere)
	require.NoError(t, err)
	require.NoError(t, replica.ReplicaOf(t.Context(), "127.0.0.1", port).Err(), "the link is cut")
	p, err = b.Decide(t.Context(), yes(p, bob))
	require.NoError(t, err)
	require.Equal(t, APPROVED, p.State)
	require.True(t, p.Unreplicated)
	postAll(t, b)

	redises.primary.kill()
	require.NoError(t, replica.ReplicaOf(t.Context(), "NO", "ONE").Err(), "promoted")
	c := b.Config
	c.Client = dial(t, redises.replica.addr)
	b, err = NewBook(c)
	require.NoError(t, err)
	b.SetReplicated(true)
	p, err = b.Pending(t.Context(), p.ID)
	require.NoError(t, err)
	assert.Equal(t, PENDING, p.State, "the approval is lost")
	_, err = b.Claim(t.Context(), kept.ID, "me", time.Minute)
	require.ErrorIs(t, err, ErrUnreplicated, "and nobody has a copy of the rest")
	b.SetReplicated(false)
	_, err = b.Claim(t.Context(), p.ID, "me", time.Minute)
	require.ErrorAs(t, err, new(*OverError))
	again := yes(p, bob)
	p, err = b.Decide(t.Context(), again)
	require.NoError(t, err, "the same click, repeated, counts again")
	assert.Equal(t, APPROVED, p.State)
}

// before does something before the first command of a name.
type before struct {
	name string
	do   func()
}

func (b *before) DialHook(next redis.DialHook) redis.DialHook { return next }

func (b *before) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (b *before) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if cmd.Name() == b.name && b.do != nil {
			do := b.do
			b.do = nil
			do()
		}
		return next(ctx, cmd)
	}
}

// startSentinel watches a primary, and is ready once it knows so many replicas.
func startSentinel(t *testing.T, primary *node, replicas int) *node {
	path := installed(t, "redis-server")
	n := &node{dir: t.TempDir()}
	conf := filepath.Join(n.dir, "sentinel.conf")
	require.NoError(t, n.somewhere(func() error {
		rules := "sentinel monitor main 127.0.0.1 " + primary.port() + " 1\n" +
			"sentinel down-after-milliseconds main 500\nsentinel failover-timeout main 5000\n"
		if err := os.WriteFile(conf, []byte(rules), 0o600); err != nil {
			return err
		}
		return n.exec(exec.Command(path, conf, "--sentinel", "--port", n.port(), "--bind", "127.0.0.1", "--logfile", filepath.Join(n.dir, "log")))
	}))
	t.Cleanup(n.stop)
	require.NoError(t, n.until("it knows the replicas", func(ctx context.Context, _ *redis.Client) bool {
		s := redis.NewSentinelClient(&redis.Options{Addr: n.addr})
		defer s.Close()
		known, err := s.Replicas(ctx, "main").Result()
		return err == nil && len(known) == replicas
	}))
	return n
}

// The primary dies, Sentinel makes another one, and the book goes on where it
// was, without being told.
func TestTheBookSurvivesAFailover(t *testing.T) {
	t.Parallel()
	redises := startPair(t)
	third := redises.follow(t)
	sentinel := startSentinel(t, redises.primary, 2)
	o := like(t, "redis://"+sentinel.addr, nil)
	o.MasterName = "main"
	b := openBook(t, universal(t, o))
	b.SetReplicated(true)
	p := approved(t, b, "approved", 1, 3)
	require.False(t, p.Unreplicated)
	waits := held(t, b, holding(t, "waits", 11, 3))
	require.NoError(t, third.until("it has everything", func(ctx context.Context, c *redis.Client) bool {
		return c.Exists(ctx, b.key("r:"+waits.ID)).Val() == 1
	}))

	redises.primary.kill()
	await := func(what string, works func() error) {
		var err error
		require.Eventually(t, func() bool {
			if err = works(); err != nil && !errors.Is(err, ErrUnreplicated) {
				assert.ErrorIs(t, err, ErrUnavailable, what)
			}
			return err == nil
		}, time.Minute, 50*time.Millisecond, "%s: %v", what, err)
	}
	await("a claim of what was approved before", func() error {
		run, err := b.Claim(t.Context(), p.ID, "me", time.Minute)
		if err == nil {
			runAll(t, run)
		}
		return err
	})
	await("a decision", func() error { return second(b.Decide(t.Context(), yes(waits, bob))) })
	n, err := b.Replicas(t.Context())
	require.NoError(t, err)
	assert.Equal(t, 1, n, "the other replica follows the new primary")
	for id, want := range map[string]State{p.ID: DONE, waits.ID: APPROVED} {
		now, err := b.Pending(t.Context(), id)
		require.NoError(t, err)
		assert.Equal(t, want, now.State)
	}
}
