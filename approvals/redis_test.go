package approvals

import (
	"context"
	"crypto/x509"
	"os"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
	"github.com/stretchr/testify/require"
)

// onEveryRedis runs a test on miniredis; on a redis-server; on a cluster of one
// node, which knows what may not be in one script; and on a redis-server behind
// TLS, where the book may only do what the package comment asks for.
func onEveryRedis(t *testing.T, test func(t *testing.T, client redis.UniversalClient)) {
	t.Parallel()
	t.Run("miniredis", func(t *testing.T) {
		t.Parallel()
		m := miniredis.RunT(t)
		m.ClockTTL(true)
		test(t, dial(t, m.Addr()))
	})
	t.Run("redis-server", func(t *testing.T) {
		t.Parallel()
		test(t, dial(t, shared.single.get(t).addr))
	})
	t.Run("cluster", func(t *testing.T) {
		t.Parallel()
		test(t, dialCluster(t, shared.cluster.get(t).addr))
	})
	t.Run("TLS and ACL", func(t *testing.T) {
		t.Parallel()
		n := shared.secure.get(t)
		test(t, limited{
			UniversalClient: connect(t, "rediss://"+n.addr, n.roots),
			book:            connect(t, "rediss://countersign:"+aclPassword+"@"+n.addr, n.roots),
		})
	})
}

// limited is a client that may do everything, for a test to look behind the
// book, and the one that the book has.
type limited struct {
	redis.UniversalClient
	book redis.UniversalClient
}

// bookOf is the client for the book.
func bookOf(client redis.UniversalClient) redis.UniversalClient {
	if l, ok := client.(limited); ok {
		return l.book
	}
	return client
}

func dial(t testing.TB, addr string) redis.UniversalClient {
	return connect(t, "redis://"+addr, nil)
}

func dialCluster(t testing.TB, addr string) redis.UniversalClient {
	o := like(t, "redis://"+addr, nil)
	o.IsClusterMode = true
	return universal(t, o)
}

// connect makes a client of one node.
func connect(t testing.TB, url string, roots *x509.CertPool) redis.UniversalClient {
	return universal(t, like(t, url, roots))
}

func universal(t testing.TB, o *redis.UniversalOptions) redis.UniversalClient {
	client := redis.NewUniversalClient(o)
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// like has the options that package app dials with.
func like(t testing.TB, url string, roots *x509.CertPool) *redis.UniversalOptions {
	one, err := redis.ParseURL(url)
	require.NoError(t, err)
	if roots != nil {
		one.TLSConfig.RootCAs = roots
	}
	return &redis.UniversalOptions{
		Addrs: []string{one.Addr}, DB: one.DB, Username: one.Username, Password: one.Password, TLSConfig: one.TLSConfig,
		MaxRetries: -1, MaxRedirects: 3, ContextTimeoutEnabled: true,
		DialTimeout: 5 * time.Second, ReadTimeout: 5 * time.Second, WriteTimeout: 5 * time.Second,
		Protocol: 2, DisableIdentity: true, PoolSize: 20, PoolTimeout: 10 * time.Second, ConnMaxIdleTime: 5 * time.Minute,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}
}

// hook adds a hook where the book's scripts are run: on a cluster that is a
// node.
func hook(t testing.TB, client redis.UniversalClient, h redis.Hook) {
	client = bookOf(client)
	all, ok := client.(*redis.ClusterClient)
	if !ok {
		client.AddHook(h)
		return
	}
	require.NoError(t, all.ForEachMaster(t.Context(), func(_ context.Context, node *redis.Client) error {
		node.AddHook(h)
		return nil
	}))
}

func TestMain(m *testing.M) {
	code := m.Run()
	shared.stop()
	os.Exit(code)
}
