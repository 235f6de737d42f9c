package approvals

import (
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Promise 7: whoever could not claim anyway needs no look-up of rights.
func TestWhatCannotBeClaimedIsBlocked(t *testing.T) {
	onEveryRedis(t, func(t *testing.T, client redis.UniversalClient) {
		b := openBook(t, client)
		one, two := approved(t, b, "one", 1, 1), approved(t, b, "two", 11, 1)
		blocked := func(p Pending) bool {
			yes, err := b.Blocked(t.Context(), p)
			require.NoError(t, err)
			return yes
		}
		assert.False(t, blocked(one))

		require.NoError(t, b.Freeze(t.Context(), bob, "freeze"))
		assert.True(t, blocked(one))
		require.NoError(t, b.Unfreeze(t.Context(), carol, "unfreeze"))
		assert.False(t, blocked(one))

		postAll(t, b)
		_, err := b.Claim(t.Context(), one.ID, "me", time.Minute)
		require.NoError(t, err)
		assert.True(t, blocked(two), "another one runs")
		assert.False(t, blocked(one), "it is the one that runs")
	})
}
