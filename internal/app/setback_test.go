package app_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/internal/minislack"
)

// client speaks to the town's Redis, past the bots.
func (w *town) client() *redis.Client {
	options, err := redis.ParseURL(w.Redis)
	require.NoError(w.t, err)
	client := redis.NewClient(options)
	w.t.Cleanup(func() { _ = client.Close() })
	return client
}

// remember keeps what Redis holds now and returns what sets Redis back to it,
// all at once.
func (w *town) remember() (setBack func()) {
	client, ctx := w.client(), context.Background()
	keys, err := client.Keys(ctx, "*").Result()
	require.NoError(w.t, err)
	dumps, lives := map[string]string{}, map[string]time.Duration{}
	for _, key := range keys {
		dump, err := client.Dump(ctx, key).Result()
		if errors.Is(err, redis.Nil) {
			continue // it expired meanwhile
		}
		require.NoError(w.t, err)
		dumps[key] = dump
		lives[key] = max(0, client.PTTL(ctx, key).Val())
	}
	return func() {
		_, err := client.TxPipelined(ctx, func(p redis.Pipeliner) error {
			p.FlushAll(ctx)
			for key, dump := range dumps {
				p.Restore(ctx, key, lives[key], dump)
			}
			return nil
		})
		require.NoError(w.t, err)
	}
}

// Reliability row 14: a Redis that is set back to where a request was approved
// has forgotten that it was rejected since. The channel has not.
func TestARejectedRequestDoesNotRunFromAnOldRedis(t *testing.T) {
	w := newTown(t)
	w.qualys.AddSAQUsers(60, "Acme")
	w.policy(strings.Replace(defaultPolicy, "cool_down: 0s", "cool_down: 8s", 1))
	w.bot(true)
	_, err := w.slack.As("alice").Slash(channel, "/qualys-users", fmt.Sprintf(`delete id=%d reason="SEC-127"`, w.qualys.SAQUsers()[0].ID))
	require.NoError(t, err)
	card := w.card("Delete ")
	w.approve("bob", card, "")
	w.says("U0BOB approved")
	setBack := w.remember()
	carol := w.slack.As("carol")
	require.NoError(t, carol.ClickThrough(card.Ref(), "Reject"))
	w.send(carol, nil)
	w.says("U0CAROL rejected")
	setBack()
	w.await("the review", func(e minislack.Event) bool {
		said := e.Message.Rendered()
		return e.Kind == minislack.Posted && strings.Contains(said, "Redis was set back") && strings.Contains(said, "A person has to look at it")
	})
	assert.Len(t, w.users(), 60, "nobody was deleted")
	assert.Zero(t, w.qualys.Calls("delete"))
}
