package approvals

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
	"github.com/stretchr/testify/require"

	"countersign/approvals/rules"
	"countersign/qualys"
)

// onEveryRedis runs a test on miniredis and on a real redis-server.
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
		test(t, dial(t, server(t)))
	})
}

func dial(t *testing.T, addr string) redis.UniversalClient {
	client := redis.NewClient(&redis.Options{
		Addr: addr, MaxRetries: -1, Protocol: 2, DisableIdentity: true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	})
	t.Cleanup(func() { _ = client.Close() })
	return client
}

var shared struct {
	sync.Once
	addr string
	err  error
}

// server is the address of one redis-server for all tests; each test has a
// tenant of its own. It ends with the test process: its input is our pipe.
func server(t *testing.T) string {
	path, err := exec.LookPath("redis-server")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("redis-server is not installed; .ci/run does that")
		}
		t.Skip("redis-server is not installed")
	}
	shared.Do(func() { shared.addr, shared.err = start(path) })
	require.NoError(t, shared.err)
	return shared.addr
}

var stopServer = func() {}

func TestMain(m *testing.M) {
	code := m.Run()
	stopServer()
	os.Exit(code)
}

func start(path string) (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	addr := l.Addr().String()
	_ = l.Close()
	_, port, _ := net.SplitHostPort(addr)
	dir, err := os.MkdirTemp("", "countersign-redis")
	if err != nil {
		return "", err
	}
	cmd := exec.Command(path, "--port", port, "--bind", "127.0.0.1", "--save", "", "--dir", dir,
		"--logfile", filepath.Join(dir, "log"))
	if err := cmd.Start(); err != nil {
		return "", err
	}
	stopServer = func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		_ = os.RemoveAll(dir)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	client := redis.NewClient(&redis.Options{Addr: addr})
	defer client.Close()
	for client.Ping(ctx).Err() != nil {
		if ctx.Err() != nil {
			return "", fmt.Errorf("redis-server does not answer: %w", ctx.Err())
		}
		select {
		case <-ctx.Done():
		case <-time.After(20 * time.Millisecond):
		}
	}
	return addr, nil
}

var (
	alice = rules.Person{Team: "T1", ID: "UALICE"}
	bob   = rules.Person{Team: "T1", ID: "UBOB"}
	carol = rules.Person{Team: "T1", ID: "UCAROL"}
	dave  = rules.Person{Team: "T1", ID: "UDAVE"}
)

func testKeys(t *testing.T, seed byte) Keys {
	keys, err := DeriveKeys([]byte(strings.Repeat(string(rune('a'+seed)), KeySize)))
	require.NoError(t, err)
	return keys
}

func openBook(t *testing.T, client redis.UniversalClient) *Book {
	b, err := NewBook(Config{
		Client: client, Tenant: strings.ReplaceAll(t.Name(), "/", "-"), Keys: testKeys(t, 0),
		Policy: strings.Repeat("9", 64), Retention: time.Hour,
	})
	require.NoError(t, err)
	require.NoError(t, b.Record(t.Context(), "policy", b.Policy))
	return b
}

func users(from, n int) []qualys.SAQUser {
	var all []qualys.SAQUser
	for i := range n {
		all = append(all, qualys.SAQUser{
			ID: qualys.SAQUserID(from + i), UserName: fmt.Sprintf("user%d@acme", from+i), FirstName: "NewVendor",
			Company: "Acme", Tags: []qualys.Tag{{ID: 7, Name: "Vendors"}},
		})
	}
	return all
}

func deletion(t *testing.T, from, n int) Plan {
	p, err := NewPlan(Draft{Tenant: "test", Verb: Delete, Users: users(from, n), Scope: 1000, Filter: "firstName=NewVendor"})
	require.NoError(t, err)
	return p
}

// holding asks for the deletion of n users with quorum one.
func holding(t *testing.T, op string, from, n int) Holding {
	return Holding{
		Plan: deletion(t, from, n), By: alice, Op: op, Channel: "C1", Reason: "SEC-124", PlanSHA: "abc",
		Need: 1, Expires: time.Hour, MaxOpen: 100, MaxOpenEach: 10,
	}
}

// held holds a request and lets its card be shown.
func held(t *testing.T, b *Book, h Holding) Pending {
	p, err := b.Hold(t.Context(), h)
	require.NoError(t, err)
	show(t, b, p.ID)
	p, err = b.Pending(t.Context(), p.ID)
	require.NoError(t, err)
	return p
}

const posterName = "poster"

func show(t *testing.T, b *Book, id string) {
	ok, err := b.Outbox().Lease(t.Context(), posterName, time.Minute)
	require.NoError(t, err)
	require.True(t, ok)
	c := Card{FileID: "F1", FileShared: true, Channel: "C1", TS: "1.1"}
	require.NoError(t, b.Outbox().SetCard(t.Context(), posterName, id, c))
	require.NoError(t, b.Outbox().Shown(t.Context(), posterName, id, 1))
}

// postAll posts every event of the log, as far as the book can tell.
func postAll(t *testing.T, b *Book) []Event {
	ok, err := b.Outbox().Lease(t.Context(), posterName, time.Minute)
	require.NoError(t, err)
	require.True(t, ok)
	var all []Event
	for {
		events, err := b.Outbox().Next(t.Context(), 10)
		require.NoError(t, err)
		if len(events) == 0 {
			return all
		}
		for _, e := range events {
			require.NoError(t, b.Outbox().Posted(t.Context(), posterName, e.Seq, fmt.Sprint("hash", e.Seq)))
		}
		all = append(all, events...)
	}
}

func kinds(events []Event) []Kind {
	var all []Kind
	for _, e := range events {
		all = append(all, e.Kind)
	}
	return all
}

func yes(p Pending, by rules.Person) Decision {
	return Decision{Request: p.ID, By: by, Op: "click of " + by.ID, Yes: true, Fingerprint: p.Short()}
}

func no(p Pending, by rules.Person) Decision {
	d := yes(p, by)
	d.Op, d.Yes, d.Reason = "no of "+by.ID, false, "too many"
	return d
}

// approved holds a request that waits for its run, with its entries posted.
func approved(t *testing.T, b *Book, op string, from, n int) Pending {
	p := held(t, b, holding(t, op, from, n))
	p, err := b.Decide(t.Context(), yes(p, bob))
	require.NoError(t, err)
	require.Equal(t, APPROVED, p.State)
	postAll(t, b)
	return p
}

// loseAnswers makes the answer of every script get lost once: Redis did the
// work, and the caller hears of a broken connection.
type loseAnswers struct {
	mu   sync.Mutex
	seen map[string]bool
	lost int
}

func (l *loseAnswers) DialHook(next redis.DialHook) redis.DialHook { return next }

func (l *loseAnswers) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (l *loseAnswers) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := next(ctx, cmd)
		if err != nil || cmd.Name() != "evalsha" && cmd.Name() != "eval" {
			return err
		}
		call := fmt.Sprint(cmd.Args()[1:]...)
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.seen[call] {
			return nil
		}
		l.seen[call] = true
		l.lost++
		cmd.SetErr(io.EOF)
		return io.EOF
	}
}
