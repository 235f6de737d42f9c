package app

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/approvals"
)

// A replica that comes is waited for within a minute. One that is away for a few
// minutes, or not known to be, is waited for all the same; one that is gone is not.
func TestTheBookFollowsTheReplicasOfRedis(t *testing.T) {
	const unknown = -1
	for name, tt := range map[string]struct {
		atStart bool
		answers []int // one a minute
		want    []bool
	}{
		"it was away at the start":    {false, []int{0, 1, 1}, []bool{false, true, true}},
		"there never was one":         {false, []int{0, 0, 0, 0, 0, 0}, make([]bool, 6)},
		"it restarts":                 {true, []int{0, 0, 0, 0, 1, 0, 0, 0, 0}, []bool{true, true, true, true, true, true, true, true, true}},
		"it is gone, and comes again": {true, []int{2, 0, 0, 0, 0, 0, 0, 1}, []bool{true, true, true, true, true, false, false, true}},
		"Redis does not answer":       {true, []int{0, 0, 0, 0, unknown, 0, 0, 0, 0, 0}, []bool{true, true, true, true, true, true, true, true, true, false}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := &house{Config: Config{Log: slog.New(slog.DiscardHandler)}, book: idleBook(t)}
				h.book.SetReplicated(tt.atStart)
				ctx, stop := context.WithCancel(t.Context())
				answers, ended := make(chan int, len(tt.answers)), make(chan error, 1)
				for _, n := range tt.answers {
					answers <- n
				}
				go func() {
					ended <- h.watchReplicas(ctx, func(context.Context) (int, error) {
						n := <-answers
						if n == unknown {
							return 0, errors.New("no answer")
						}
						return n, nil
					})
				}()
				for minute, want := range tt.want {
					time.Sleep(time.Minute)
					synctest.Wait()
					require.Len(t, answers, len(tt.answers)-minute-1)
					assert.Equal(t, want, h.book.Replicated(), "minute %d", minute+1)
				}
				stop()
				require.NoError(t, <-ended)
			})
		})
	}
}

// idleBook is a book that nobody asks Redis about.
func idleBook(t *testing.T) *approvals.Book {
	keys, err := approvals.DeriveKeys(make([]byte, approvals.KeySize))
	require.NoError(t, err)
	client := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1", MaxRetries: -1})
	t.Cleanup(func() { _ = client.Close() })
	b, err := approvals.NewBook(approvals.Config{Client: client, Tenant: "test", Keys: keys})
	require.NoError(t, err)
	return b
}
