package approvals

import (
	"context"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/qualys"
)

// Wrong credentials are shown once by all replicas together, and a burst of
// calls is one attempt.
func TestCredentialsAreTriedOnce(t *testing.T) {
	onEveryRedis(t, func(t *testing.T, client redis.UniversalClient) {
		b := openBook(t, client)
		ctx := t.Context()
		require.NoError(t, b.Login(ctx, "key", qualys.LoginAttempt))
		soon, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
		defer cancel()
		require.ErrorIs(t, b.Login(soon, "key", qualys.LoginAttempt), context.DeadlineExceeded, "another replica waits")
		waits := make(chan error, 1)
		go func() { waits <- b.Login(ctx, "key", qualys.LoginAttempt) }()
		require.NoError(t, b.Login(ctx, "key", qualys.LoginRejected))
		require.ErrorIs(t, <-waits, qualys.ErrCredentials, "and hears what came of it")
		require.ErrorIs(t, b.Login(ctx, "key", qualys.LoginAttempt), qualys.ErrCredentials)

		require.NoError(t, b.Login(ctx, "changed", qualys.LoginAttempt), "other credentials have another key")
		require.NoError(t, b.Login(ctx, "changed", qualys.LoginUnclear))
		require.NoError(t, b.Login(ctx, "changed", qualys.LoginAttempt), "an unclear attempt is over")
		require.NoError(t, b.Login(ctx, "changed", qualys.LoginAccepted))
		require.NoError(t, b.Login(ctx, "changed", qualys.LoginAttempt))
		require.NoError(t, b.Login(ctx, "changed", qualys.LoginAttempt), "accepted credentials are free for all")
		assert.Positive(t, client.PTTL(ctx, b.key("login:changed")).Val())
	})
}

// Where Redis cannot be asked, nothing is shown.
func TestNobodyLogsInWithoutAsking(t *testing.T) {
	client := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1", MaxRetries: -1, DialTimeout: time.Second})
	t.Cleanup(func() { _ = client.Close() })
	b, err := NewBook(Config{Client: client, Tenant: "t", Keys: testKeys(t, 0)})
	require.NoError(t, err)
	require.ErrorIs(t, b.Login(t.Context(), "key", qualys.LoginAttempt), ErrUnavailable)
}
