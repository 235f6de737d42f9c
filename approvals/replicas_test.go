package approvals

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A pair is a primary and its replica.
type pair struct{ primary, replica *node }

func startPair(t *testing.T) pair {
	path := redisServer(t)
	primary, err := start(path, "--repl-timeout", "60")
	require.NoError(t, err)
	t.Cleanup(primary.stop)
	replica, err := start(path, "--replicaof", "127.0.0.1 "+primary.port())
	require.NoError(t, err)
	t.Cleanup(replica.stop)
	require.NoError(t, primary.until("its replica follows", func(ctx context.Context, c *redis.Client) bool {
		have, err := c.Wait(ctx, 1, time.Second).Result()
		return err == nil && have == 1
	}))
	return pair{primary, replica}
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
	b.Replicated = true
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

func sentinelOf(path, conf, port string) *exec.Cmd {
	return exec.Command(path, conf, "--sentinel", "--port", port, "--bind", "127.0.0.1", "--logfile", conf+".log")
}

// A failover by Sentinel: what a replica had goes on there.
func TestTheBookSurvivesAFailover(t *testing.T) {
	t.Parallel()
	redises := startPair(t)
	conf := filepath.Join(t.TempDir(), "sentinel.conf")
	require.NoError(t, os.WriteFile(conf, []byte("sentinel monitor main 127.0.0.1 "+redises.primary.port()+" 1\n"+
		"sentinel down-after-milliseconds main 500\nsentinel failover-timeout main 5000\n"), 0o600))
	addr, err := freeAddr()
	require.NoError(t, err)
	sentinel := &node{addr: addr, dir: filepath.Dir(conf)}
	sentinel.cmd = sentinelOf(redisServer(t), conf, sentinel.port())
	require.NoError(t, sentinel.cmd.Start())
	t.Cleanup(sentinel.stop)
	require.NoError(t, sentinel.until("it knows the replica", func(ctx context.Context, c *redis.Client) bool {
		s := redis.NewSentinelClient(&redis.Options{Addr: addr})
		defer s.Close()
		replicas, err := s.Replicas(ctx, "main").Result()
		return err == nil && len(replicas) == 1
	}))
	client := redis.NewFailoverClient(&redis.FailoverOptions{
		MasterName: "main", SentinelAddrs: []string{addr}, MaxRetries: -1, Protocol: 2, DisableIdentity: true,
	})
	t.Cleanup(func() { _ = client.Close() })
	b := openBook(t, client)
	b.Replicated = true
	p := approved(t, b, "op", 1, 3)
	require.False(t, p.Unreplicated)

	require.NoError(t, redises.primary.cmd.Process.Kill())
	require.Eventually(t, func() bool {
		now, err := b.Pending(t.Context(), p.ID)
		return err == nil && now.State == APPROVED
	}, time.Minute, 50*time.Millisecond, "the replica took over, and has the approval")
	b.Replicated = false // there is none any more: people say so at the start
	require.Eventually(t, func() bool {
		run, err := b.Claim(t.Context(), p.ID, "me", time.Minute)
		return err == nil && run.Pending.State == RUNNING
	}, time.Minute, 50*time.Millisecond)
}
