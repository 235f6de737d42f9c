package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strings"
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
	if err := awaitRedis(ctx, client); err != nil {
		return nil, fmt.Errorf("no answer from Redis. Check REDIS_URL and that Redis runs: %w", err)
	}
	memory, err := info(ctx, client, "memory")
	switch policy := memory["maxmemory_policy"]; {
	case err != nil || policy == "":
		warnings = append(warnings, "Redis does not say its maxmemory-policy: see to it that it is noeviction")
	case policy != "noeviction":
		return nil, fmt.Errorf("maxmemory-policy %s would let Redis evict waiting plans. Mend it with: redis-cli config set maxmemory-policy noeviction", policy)
	}
	persistence, err := info(ctx, client, "persistence")
	if err != nil || persistence["aof_enabled"] != "1" {
		warnings = append(warnings, "Redis keeps no append-only file, or does not say so: a restart of Redis would lose waiting plans. Mend it with: redis-cli config set appendonly yes")
	}
	return warnings, nil
}

// awaitRedis waits for the first answer.
func awaitRedis(ctx context.Context, client redis.UniversalClient) error {
	for {
		err := client.Ping(ctx).Err()
		if err == nil || ctx.Err() != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(250 * time.Millisecond):
		}
	}
}

// info reads one section of INFO.
func info(ctx context.Context, client redis.UniversalClient, section string) (map[string]string, error) {
	text, err := client.Info(ctx, section).Result()
	values := map[string]string{}
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			values[name] = value
		}
	}
	return values, err
}
