package execution_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"

	"countersign/approvals"
	"countersign/execution"
)

// A follower is a replica of Redis that has everything, or nothing while it is away.
type follower struct{ away atomic.Bool }

func (f *follower) DialHook(next redis.DialHook) redis.DialHook          { return next }
func (f *follower) ProcessHook(next redis.ProcessHook) redis.ProcessHook { return next }

func (f *follower) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		last, ok := cmds[len(cmds)-1].(*redis.Cmd)
		if !ok || !strings.EqualFold(last.Name(), "wait") {
			return next(ctx, cmds)
		}
		err := next(ctx, cmds[:len(cmds)-1])
		last.SetVal(int64(1))
		if f.away.Load() {
			last.SetVal(int64(0))
		}
		return err
	}
}

// Reliability row 14: no write leaves before a replica of Redis has its mark.
// Whoever goes on after a failover would not know that there is something to
// wait for.
func TestAWriteWaitsForAReplicaOfRedis(t *testing.T) {
	inHouse(t, 27, func(h *house) {
		p := h.approved(h.plan())
		policy, other := h.parse(policyText), &follower{}
		chunks := 0
		point := func(name string) {
			if name == "chunk.begin" {
				if chunks++; chunks == 2 {
					other.away.Store(true)
				}
			}
		}
		book := h.open(policy, &link{}, nil)
		book.Client.AddHook(other)
		book.SetReplicated(true)
		ctx, stop := context.WithCancel(h.Context())
		ended := make(chan struct{})
		e := execution.New(execution.Config{Book: book, Users: h.client, Policy: policy, Directory: h.people, Accounts: h.client.Logins, Point: point})
		go func() {
			defer close(ended)
			assert.NoError(h, e.Run(ctx))
		}()
		defer func() {
			stop()
			<-ended
		}()
		time.Sleep(5 * time.Minute)
		assert.Len(t, h.writes(), 1, "the canary's")
		assert.Equal(t, approvals.RUNNING, h.read(p).State)
		chunk, err := book.Fates(h.Context(), h.read(p))
		assert.NoError(t, err)
		assert.Equal(t, approvals.ResultNotRun, chunk[h.users()[0].ID].Result, "nothing is said to have been sent")
		other.away.Store(false)
		p = h.await(p, time.Minute, approvals.DONE)
		assert.Equal(t, "done=27", h.event(p, approvals.Finished).Counts.String())
		assert.Len(t, h.writes(), 3)
	})
}
