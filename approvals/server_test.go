package approvals

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

// shared are the servers for all tests; each test has a tenant of its own.
var shared = servers{
	single:  lazy{begin: func(path string) (*node, error) { return start(path) }},
	cluster: lazy{begin: startCluster},
	secure:  lazy{begin: startSecure},
}

type servers struct{ single, cluster, secure lazy }

func (s *servers) stop() {
	for _, l := range []*lazy{&s.single, &s.cluster, &s.secure} {
		if l.node != nil {
			l.node.stop()
		}
	}
}

// A lazy is a server that the first test starts that needs it.
type lazy struct {
	begin func(path string) (*node, error)
	once  sync.Once
	node  *node
	err   error
}

func (l *lazy) get(t testing.TB) *node {
	path := installed(t, "redis-server")
	l.once.Do(func() { l.node, l.err = l.begin(path) })
	require.NoError(t, l.err)
	return l.node
}

// installed finds a program of Redis. On CI it has to be there.
func installed(t testing.TB, name string) string {
	path, err := exec.LookPath(name)
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(name + " is not installed; .ci/run does that")
		}
		t.Skip(name + " is not installed")
	}
	return path
}

// A node is a redis-server of ours.
type node struct {
	addr   string
	dir    string
	roots  *x509.CertPool // of a node behind TLS, or nil
	cmd    *exec.Cmd
	exited chan struct{}
}

func (n *node) stop() {
	n.kill()
	_ = os.RemoveAll(n.dir)
}

// kill ends it as kill -9 does, and leaves what it stored.
func (n *node) kill() {
	_ = n.cmd.Process.Kill()
	<-n.exited
}

func (n *node) port() string {
	_, port, _ := net.SplitHostPort(n.addr)
	return port
}

// client may do everything.
func (n *node) client() *redis.Client {
	o := &redis.Options{Addr: n.addr, Protocol: 2, DisableIdentity: true}
	if n.roots != nil {
		o.TLSConfig = &tls.Config{RootCAs: n.roots}
	}
	return redis.NewClient(o)
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
	dir, err := os.MkdirTemp("", "countersign-redis")
	if err != nil {
		return nil, err
	}
	n := &node{dir: dir}
	err = n.somewhere(func() error { return n.begin(path, append([]string{"--port", n.port()}, more...)...) })
	return n, err
}

// somewhere lets the node begin at a free port.
func (n *node) somewhere(begin func() error) (err error) {
	for range 5 { // somebody else may take the port first
		if n.addr, err = freeAddr(); err != nil {
			break
		}
		if err = begin(); err == nil {
			return nil
		}
	}
	return errors.Join(err, os.RemoveAll(n.dir))
}

// begin starts the node where it was, with what it stored.
func (n *node) begin(path string, args ...string) error {
	common := []string{"--bind", "127.0.0.1", "--save", "", "--dir", n.dir, "--logfile", filepath.Join(n.dir, "log")}
	return n.exec(exec.Command(path, append(common, args...)...))
}

// exec runs the program and waits until it answers.
func (n *node) exec(cmd *exec.Cmd) error {
	n.cmd, n.exited = cmd, make(chan struct{})
	if err := cmd.Start(); err != nil {
		return err
	}
	go func() {
		_ = cmd.Wait()
		close(n.exited)
	}()
	err := n.until("it answers", func(ctx context.Context, c *redis.Client) bool { return c.Ping(ctx).Err() == nil })
	if err != nil {
		n.kill()
	}
	return err
}

// until waits for something to be true of the node.
func (n *node) until(what string, is func(ctx context.Context, c *redis.Client) bool) error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	client := n.client()
	defer client.Close()
	for !is(ctx, client) {
		select {
		case <-ctx.Done():
			return fmt.Errorf("redis-server %s: waited in vain until %s", n.addr, what)
		case <-n.exited:
			log, _ := os.ReadFile(filepath.Join(n.dir, "log"))
			return fmt.Errorf("redis-server %s ended before %s: %s", n.addr, what, log)
		case <-time.After(20 * time.Millisecond):
		}
	}
	return nil
}

// startCluster is a cluster of one node, which has all slots.
func startCluster(path string) (*node, error) {
	n, err := start(path, "--cluster-enabled", "yes")
	if err != nil {
		return nil, err
	}
	err = n.until("the cluster is whole", func(ctx context.Context, c *redis.Client) bool {
		_ = c.Do(ctx, "CLUSTER", "ADDSLOTSRANGE", 0, 16383).Err() // an error once they are taken
		return strings.Contains(c.ClusterInfo(ctx).Val(), "cluster_state:ok")
	})
	return n, err
}
