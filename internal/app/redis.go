package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// A dialer opens connections; nil means the network's.
type dialer = func(ctx context.Context, network, addr string) (net.Conn, error)

// DialRedis makes a client from REDIS_URL, by way of dial unless that is nil:
// one node, Sentinel when the URL has master_name, Cluster when it has
// cluster=true; several hosts are separated by commas. The client never repeats
// a command: the book does, by operation id.
func DialRedis(raw string, dial dialer) (redis.UniversalClient, error) {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || u.Scheme != "redis" && u.Scheme != "rediss" {
		// The URL may hold a password, so its text and the parser's error stay here.
		return nil, errors.New("REDIS_URL is no Redis URL. It looks like redis://host:6379/0 or rediss://user:password@host:6379/0")
	}
	query := u.Query()
	cluster, master := query.Get("cluster") == "true", query.Get("master_name")
	query.Del("cluster")
	query.Del("master_name")
	hosts := strings.Split(u.Host, ",")
	if len(hosts) > 1 && !cluster && master == "" {
		return nil, errors.New("REDIS_URL names several hosts. Add ?master_name=… for Sentinel or ?cluster=true for Cluster")
	}
	first := *u
	first.Host, first.RawQuery = hosts[0], query.Encode()
	one, err := redis.ParseURL(first.String())
	if err != nil {
		return nil, errors.New("REDIS_URL cannot be read: " + strings.ReplaceAll(err.Error(), raw, "…"))
	}
	options := &redis.UniversalOptions{
		Addrs: hosts, MasterName: master, IsClusterMode: cluster, DB: one.DB,
		Username: one.Username, Password: one.Password, TLSConfig: one.TLSConfig,
		MaxRetries: -1, MaxRedirects: 3, ContextTimeoutEnabled: true, DialTimeout: 5 * time.Second, ReadTimeout: 5 * time.Second, WriteTimeout: 5 * time.Second,
		Protocol: 2, DisableIdentity: true, Dialer: dial, PoolSize: 20, PoolTimeout: 10 * time.Second,
		ConnMaxIdleTime:          5 * time.Minute,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}
	return redis.NewUniversalClient(options), nil
}

// LogRedis lets go-redis write to our log what it would write to standard
// error. Its logger is one for the whole process, so only main calls this.
func LogRedis(log *slog.Logger) { redis.SetLogger(redisLog{log}) }

type redisLog struct{ to *slog.Logger }

// Printf is how go-redis logs: connections that broke, pools that are dry.
func (l redisLog) Printf(ctx context.Context, format string, args ...any) {
	l.to.WarnContext(ctx, "go-redis: "+fmt.Sprintf(format, args...))
}

// checkRedis says at start what Redis would do to our plans. An evicting Redis
// is refused: it would drop the plans that wait. Warnings say what to mend.
func checkRedis(ctx context.Context, client redis.UniversalClient) (warnings []string, err error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	switch err := awaitRedis(ctx, client); {
	case refuses(err):
		return nil, fmt.Errorf("the user or the password in REDIS_URL is refused: %w", err)
	case err != nil:
		return nil, fmt.Errorf("no answer from Redis. Check REDIS_URL and that Redis runs: %w", err)
	}
	evicts, forgets := "", false
	err = eachPrimary(ctx, client, func(ctx context.Context, node redis.Cmdable) {
		switch policy := info(ctx, node, "memory")["maxmemory_policy"]; policy {
		case "noeviction":
		case "":
			evicts = cmp.Or(evicts, silent)
		default:
			evicts = policy
		}
		forgets = forgets || info(ctx, node, "persistence")["aof_enabled"] != "1"
	})
	switch {
	case err != nil:
		return nil, fmt.Errorf("not every node of the Redis cluster answers: %w", err)
	case evicts == silent:
		warnings = append(warnings, "Redis does not say its maxmemory-policy: see to it that it is noeviction")
	case evicts != "":
		return nil, fmt.Errorf("maxmemory-policy %s would let Redis evict waiting plans. Mend it with: redis-cli config set maxmemory-policy noeviction", evicts)
	}
	if forgets {
		warnings = append(warnings, "Redis keeps no append-only file, or does not say so: a restart of Redis would lose waiting plans. Mend it with: redis-cli config set appendonly yes")
	}
	return warnings, nil
}

// silent stands for a setting that Redis does not tell.
const silent = "not told"

// eachPrimary looks at every node that serves keys, one after the other.
func eachPrimary(ctx context.Context, client redis.UniversalClient, look func(context.Context, redis.Cmdable)) error {
	cluster, ok := client.(*redis.ClusterClient)
	if !ok {
		look(ctx, client)
		return nil
	}
	var one sync.Mutex // the cluster's client asks them all at once
	return cluster.ForEachMaster(ctx, func(ctx context.Context, node *redis.Client) error {
		one.Lock()
		defer one.Unlock()
		look(ctx, node)
		return nil
	})
}

// meetRedis checks Redis, and lets the book wait for its replicas where it has
// any at present; watchReplicas follows them from then on.
func (h *house) meetRedis(ctx context.Context) (replicas int, warnings []string, err error) {
	if warnings, err = checkRedis(ctx, h.book.Client); err != nil {
		return 0, nil, err
	}
	replicas, err = h.book.Replicas(ctx)
	if err != nil {
		warnings = append(warnings, "Redis does not say whether it has replicas: approvals do not wait for one")
	}
	h.book.SetReplicated(replicas > 0)
	return replicas, warnings, nil
}

// awaitRedis waits for the first answer. If none comes, its error is what went
// wrong the last time, rather than that time was up.
func awaitRedis(ctx context.Context, client redis.UniversalClient) error {
	var last error
	for {
		err := client.Ping(ctx).Err()
		if err == nil || refuses(err) {
			return err
		}
		if ctx.Err() != nil {
			return cmp.Or(last, err)
		}
		last = err
		select {
		case <-ctx.Done():
			return err
		case <-time.After(250 * time.Millisecond):
		}
	}
}

// refuses reports whether Redis does not let us in. Waiting does not mend that.
func refuses(err error) bool { return redis.IsAuthError(err) || redis.IsPermissionError(err) }

// info reads one section of INFO, as far as Redis tells it.
func info(ctx context.Context, node redis.Cmdable, section string) map[string]string {
	values := map[string]string{}
	for line := range strings.Lines(node.Info(ctx, section).Val()) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			values[name] = value
		}
	}
	return values
}
