package app_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/internal/app"
)

// do sends a command to a redis-server, and again until its answer is right.
func (r *redisProcess) do(t *testing.T, right func(answer any, err error) bool, command ...any) {
	client := redis.NewClient(&redis.Options{Addr: "127.0.0.1:" + r.port})
	defer func() { _ = client.Close() }()
	require.Eventually(t, func() bool { return right(client.Do(context.Background(), command...).Result()) },
		30*time.Second, 20*time.Millisecond, "%s", command)
}

func done(_ any, err error) bool { return err == nil }

func says(text string) func(any, error) bool {
	return func(answer any, _ error) bool { return strings.Contains(fmt.Sprint(answer), text) }
}

// withoutInfo makes a user who may do all that the bot does, but not read INFO.
func withoutInfo(t *testing.T, r *redisProcess) {
	r.do(t, done, "acl", "setuser", "bot", "on", ">secret", "~countersign:*", "+@all", "-@dangerous")
}

// What bot check says about a Redis, and whether the bot would start on it.
var redises = []struct {
	name, says string
	refused    bool
	make       func(t *testing.T, r *redisProcess) (url string)
}{
	{"as it should be", "ok    redis      answers\n", false, func(_ *testing.T, r *redisProcess) string { return r.url() }},
	{"it evicts", "maxmemory-policy volatile-lru would let Redis evict waiting plans. Mend it with: redis-cli config set maxmemory-policy noeviction", true,
		func(t *testing.T, r *redisProcess) string {
			r.do(t, done, "config", "set", "maxmemory-policy", "volatile-lru")
			return r.url()
		}},
	{"it keeps no file", "Mend it with: redis-cli config set appendonly yes", false, func(t *testing.T, r *redisProcess) string {
		r.do(t, done, "config", "set", "appendonly", "no")
		return r.url()
	}},
	{"it tells nothing", "Redis does not say its maxmemory-policy: see to it that it is noeviction", false, func(t *testing.T, r *redisProcess) string {
		withoutInfo(t, r)
		return "redis://bot:secret@127.0.0.1:" + r.port
	}},
	{"the wrong password", "the user or the password in REDIS_URL is refused", true, func(t *testing.T, r *redisProcess) string {
		withoutInfo(t, r)
		return "redis://bot:hunter2@127.0.0.1:" + r.port
	}},
	{"a replica follows", "answers. 1 replica, and approvals wait for one", false, func(t *testing.T, r *redisProcess) string {
		redisServer(t, "--replicaof", "127.0.0.1 "+r.port)
		r.do(t, says("connected_slaves:1"), "info", "replication")
		return r.url()
	}},
}

// Reliability row 16, design section 8: Redis is looked at before anything is
// entrusted to it.
func TestRedisIsLookedAtBeforeTheStart(t *testing.T) {
	for _, tt := range redises {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newTown(t)
			w.Redis = tt.make(t, w.redis)
			var out bytes.Buffer
			c := app.Config{Settings: w.settings()}
			app.Check(t.Context(), c, app.Report{Out: &out})
			assert.Contains(t, out.String(), tt.says)
			assert.NotContains(t, out.String(), "hunter2")
			assert.Equal(t, tt.refused, strings.Contains(out.String(), "FAIL  redis"), out.String())
			if tt.refused {
				require.ErrorContains(t, app.Run(t.Context(), c), tt.says)
			}
		})
	}
}

// A Redis that is not there ends the start after ten seconds.
func TestWithoutRedisNothingStarts(t *testing.T) {
	policy := filepath.Join(t.TempDir(), "policy.yaml")
	write(t, policy, defaultPolicy)
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		r := role{Slack: "http://127.0.0.1:1/api/", Qualys: "http://127.0.0.1:1", Redis: "redis://127.0.0.1:1/0", Policy: policy}
		err := app.Run(t.Context(), app.Config{Settings: r.settings(), DialRedis: func(context.Context, string, string) (net.Conn, error) {
			return nil, errors.New("nobody listens")
		}})
		require.ErrorContains(t, err, "no answer from Redis. Check REDIS_URL and that Redis runs")
		assert.WithinDuration(t, began.Add(10*time.Second), time.Now(), time.Second)
		time.Sleep(time.Minute) // the client still dials a while
	})
}

// Each kind of Redis that REDIS_URL can name.
var kinds = map[string]func(t *testing.T, w *town) (url string){
	"TLS and a user of its own": func(t *testing.T, w *town) string {
		cert, key := certificate(t)
		port := freePort(t)
		r := redisServer(t, "--tls-port", port, "--tls-cert-file", cert, "--tls-key-file", key,
			"--tls-ca-cert-file", cert, "--tls-auth-clients", "no")
		r.do(t, done, "acl", "setuser", "bot", "on", ">secret", "~countersign:{default}:*", "+@all", "-@dangerous", "+info")
		w.env = append(w.env, "SSL_CERT_FILE="+cert)
		return "rediss://bot:secret@127.0.0.1:" + port
	},
	"a cluster": func(t *testing.T, _ *town) string {
		r := redisServer(t, "--cluster-enabled", "yes")
		r.do(t, done, "cluster", "addslotsrange", 0, 16383)
		r.do(t, says("cluster_state:ok"), "cluster", "info")
		return r.url() + "?cluster=true"
	},
	"Sentinel": func(t *testing.T, w *town) string {
		conf, port := filepath.Join(t.TempDir(), "sentinel.conf"), freePort(t)
		write(t, conf, "sentinel monitor main 127.0.0.1 "+w.redis.port+" 1\n")
		start(t, exec.Command(w.redis.path, conf, "--sentinel", "--port", port, "--bind", "127.0.0.1"))
		s := &redisProcess{port: port}
		s.do(t, says(w.redis.port), "sentinel", "get-master-addr-by-name", "main")
		return "redis://127.0.0.1:" + port + "/0?master_name=main"
	},
}

// A request goes from its command to its end on every kind of Redis.
func TestARequestRunsOnEveryKindOfRedis(t *testing.T) {
	for name, redisURL := range kinds {
		t.Run(name, func(t *testing.T) {
			w := newTown(t)
			w.qualys.AddSAQUsers(60, "Acme")
			w.Redis = redisURL(t, w)
			w.bot(true)
			_, err := w.slack.As("alice").Slash(channel, "/qualys-users", fmt.Sprintf(`delete id=%d reason="SEC-128"`, w.qualys.SAQUsers()[0].ID))
			require.NoError(t, err)
			w.approve("bob", w.card("Delete 1 SAQ user"), "")
			w.says("Deleted 1 of 1 SAQ user")
			assert.Len(t, w.users(), 59)
		})
	}
}

// certificate writes a certificate for the loopback that is its own authority.
func certificate(t *testing.T) (cert, key string) {
	secret, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	name := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "redis"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, name, name, &secret.PublicKey, secret)
	require.NoError(t, err)
	private, err := x509.MarshalPKCS8PrivateKey(secret)
	require.NoError(t, err)
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	write(t, cert, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	write(t, key, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})))
	return cert, key
}
