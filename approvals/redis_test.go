package approvals

import (
	"context"
	"errors"
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

// onEveryRedis runs a test on miniredis, on a real redis-server, and on a
// cluster of one node, which knows what may not be in one script.
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
		test(t, dial(t, shared.single.addr(t)))
	})
	t.Run("cluster", func(t *testing.T) {
		t.Parallel()
		test(t, dialCluster(t, shared.cluster.addr(t)))
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

func dialCluster(t *testing.T, addr string) redis.UniversalClient {
	client := redis.NewClusterClient(&redis.ClusterOptions{
		Addrs: []string{addr}, MaxRetries: -1, Protocol: 2, DisableIdentity: true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	})
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// hook adds a hook where scripts are run: on a cluster that is a node.
func hook(t *testing.T, client redis.UniversalClient, h redis.Hook) {
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

// shared are the servers for all tests; each test has a tenant of its own.
var shared struct{ single, cluster lazy }

// A lazy is a server that the first test starts that needs it.
type lazy struct {
	once sync.Once
	node *node
	err  error
}

func (l *lazy) addr(t *testing.T) string {
	path := redisServer(t)
	l.once.Do(func() {
		if l != &shared.cluster {
			l.node, l.err = start(path)
			return
		}
		if l.node, l.err = start(path, "--cluster-enabled", "yes"); l.err == nil {
			l.err = l.node.takeAllSlots()
		}
	})
	require.NoError(t, l.err)
	return l.node.addr
}

func redisServer(t *testing.T) string {
	path, err := exec.LookPath("redis-server")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("redis-server is not installed; .ci/run does that")
		}
		t.Skip("redis-server is not installed")
	}
	return path
}

func TestMain(m *testing.M) {
	code := m.Run()
	for _, l := range []*lazy{&shared.single, &shared.cluster} {
		if l.node != nil {
			l.node.stop()
		}
	}
	os.Exit(code)
}

// A node is a redis-server of ours.
type node struct {
	addr string
	dir  string
	cmd  *exec.Cmd
}

func (n *node) stop() {
	_ = n.cmd.Process.Kill()
	_ = n.cmd.Wait()
	_ = os.RemoveAll(n.dir)
}

func (n *node) port() string {
	_, port, _ := net.SplitHostPort(n.addr)
	return port
}

// freeAddr is a port nobody uses. A cluster's node needs a second one, 10000
// above.
func freeAddr() (string, error) {
	for {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return "", err
		}
		addr := l.Addr().(*net.TCPAddr)
		_ = l.Close()
		if addr.Port <= 55000 {
			return addr.String(), nil
		}
	}
}

// start starts a redis-server and waits until it answers.
func start(path string, more ...string) (*node, error) {
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "countersign-redis")
	if err != nil {
		return nil, err
	}
	n := &node{addr: addr, dir: dir}
	args := append([]string{"--port", n.port(), "--bind", "127.0.0.1", "--save", "", "--dir", dir, "--logfile", filepath.Join(dir, "log")}, more...)
	n.cmd = exec.Command(path, args...)
	if err := n.cmd.Start(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	err = n.until("it answers", func(ctx context.Context, c *redis.Client) bool { return c.Ping(ctx).Err() == nil })
	if err != nil {
		n.stop()
		return nil, err
	}
	return n, nil
}

// until waits for something to be true of the node.
func (n *node) until(what string, is func(ctx context.Context, c *redis.Client) bool) error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	client := redis.NewClient(&redis.Options{Addr: n.addr, Protocol: 2, DisableIdentity: true})
	defer client.Close()
	for !is(ctx, client) {
		select {
		case <-ctx.Done():
			return fmt.Errorf("redis-server %s: waited in vain until %s", n.addr, what)
		case <-time.After(20 * time.Millisecond):
		}
	}
	return nil
}

func (n *node) takeAllSlots() error {
	return n.until("the cluster is whole", func(ctx context.Context, c *redis.Client) bool {
		_ = c.Do(ctx, "CLUSTER", "ADDSLOTSRANGE", 0, 16383).Err() // an error once they are taken
		return strings.Contains(c.ClusterInfo(ctx).Val(), "cluster_state:ok")
	})
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
