package approvals

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/qualys"
)

// selfSigned writes a certificate for 127.0.0.1 and its key, and returns who
// believes in it.
func selfSigned(dir string) (certificate, key string, roots *x509.CertPool, err error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return "", "", nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err1 := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	secret, err2 := x509.MarshalPKCS8PrivateKey(private)
	if err := errors.Join(err1, err2); err != nil {
		return "", "", nil, err
	}
	certificate, key, roots = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"), x509.NewCertPool()
	public := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	roots.AppendCertsFromPEM(public)
	return certificate, key, roots, errors.Join(
		os.WriteFile(certificate, public, 0o600),
		os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), 0o600),
	)
}

// startSecure is a redis-server behind TLS, with the user of the package comment.
func startSecure(path string) (*node, error) {
	dir, err := os.MkdirTemp("", "countersign-redis")
	if err != nil {
		return nil, err
	}
	certificate, key, roots, err := selfSigned(dir)
	if err != nil {
		return nil, err
	}
	n := &node{dir: dir, roots: roots}
	err = n.somewhere(func() error {
		return n.begin(path, "--port", "0", "--tls-port", n.port(), "--tls-cert-file", certificate, "--tls-key-file", key,
			"--tls-ca-cert-file", certificate, "--tls-auth-clients", "no")
	})
	if err != nil {
		return nil, err
	}
	return n, n.admit()
}

const aclPassword = "a-password-of-this-test"

// asked is the user that the package comment asks for, as the words of ACL
// SETUSER.
func asked() (words []string, err error) {
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		return nil, err
	}
	command := regexp.MustCompile(`(?m)^//\tACL SETUSER (.*(?:\n//\t .*)*)`).FindSubmatch(doc)
	if command == nil {
		return nil, errors.New("doc.go has no ACL SETUSER")
	}
	text := strings.ReplaceAll(string(command[1]), "\n//", " ")
	return strings.Fields(strings.Replace(text, ">PASSWORD", ">"+aclPassword, 1)), nil
}

// admit makes the user, with a few more rights where they are asked for.
func (n *node) admit(more ...string) error {
	words, err := asked()
	if err != nil {
		return err
	}
	args := []any{"ACL", "SETUSER"}
	for _, w := range append(words, more...) {
		args = append(args, w)
	}
	c := n.client()
	defer c.Close()
	return c.Do(context.Background(), args...).Err()
}

// everyCall calls everything of the book that talks to Redis.
func everyCall(t *testing.T, b *Book) {
	ctx := t.Context()
	l := &life{T: t, name: "every call", who: func(int) *Book { return b }}
	l.live()
	first, err := b.Ask(ctx, Asked{Op: "asked", By: alice})
	require.NoError(t, err)
	require.True(t, first)
	require.NoError(t, b.StillAsked(ctx, "asked"))
	require.NoError(t, b.Answered(ctx, "asked"))
	_, err = b.Ask(ctx, Asked{Op: "lost", By: alice})
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		lost, err := b.Abandoned(ctx, time.Millisecond)
		return err == nil && len(lost) == 1
	}, 20*time.Second, time.Millisecond)
	require.NoError(t, b.Announce(ctx, "version", "1", func(string) (Event, bool) { return Event{Kind: Start}, true }))
	require.NoError(t, b.Note(ctx, "note", Event{Kind: Found}))
	_, err = b.Outbox().Seal(ctx, posterName, 100, []byte("sealed"))
	require.NoError(t, err)
	require.NoError(t, b.Freeze(ctx, bob, "freeze"))
	_, err = b.Frozen(ctx)
	require.NoError(t, err)
	require.NoError(t, b.Unfreeze(ctx, carol, "unfreeze"))
	for _, step := range []qualys.LoginStep{qualys.LoginAttempt, qualys.LoginUnclear, qualys.LoginAttempt, qualys.LoginAccepted} {
		require.NoError(t, b.Login(ctx, "key", step))
	}
	_, err = b.Once(ctx, "once", time.Minute)
	require.NoError(t, err)
	p := held(t, b, holding(t, "another", 101, 1))
	h := holding(t, "of somebody else", 201, 1)
	h.By, h.MaxOpenEach = bob, 1 // it is asked whose the open ones are
	held(t, b, h)
	_, err = b.Open(ctx)
	require.NoError(t, err)
	_, err = b.All(ctx, 10)
	require.NoError(t, err)
	_, err = b.Due(ctx, 10)
	require.NoError(t, err)
	_, err = b.Last(ctx)
	require.NoError(t, err)
	require.NoError(t, b.Expire(ctx, p.ID))
	require.NoError(t, b.Expire(ctx, "NOONE"))
	_, err = b.Replicas(ctx)
	require.NoError(t, err)
	_, err = b.copied(ctx)
	require.NoError(t, err)
}

// used are the commands that the server was asked for, also by scripts.
func (n *node) used(t *testing.T) []string {
	c := n.client()
	defer c.Close()
	stats, err := c.Info(t.Context(), "commandstats").Result()
	require.NoError(t, err)
	var all []string
	for line := range strings.Lines(stats) {
		name, _, _ := strings.Cut(line, ":")
		if command, ok := strings.CutPrefix(name, "cmdstat_"); ok && !slices.Contains([]string{"acl|setuser", "hello"}, command) {
			all = append(all, command)
		}
	}
	slices.Sort(all)
	return all
}

// The user of the package comment may do exactly what the book and its start-up
// checks need, and nothing outside of its keys.
func TestTheBookAsksForNoMoreThanItNeeds(t *testing.T) {
	t.Parallel()
	n, err := start(installed(t, "redis-server"))
	require.NoError(t, err)
	t.Cleanup(n.stop)
	require.NoError(t, n.admit())
	client := connect(t, "redis://countersign:"+aclPassword+"@"+n.addr+"/1", nil)
	require.NoError(t, client.Ping(t.Context()).Err())
	everyCall(t, openBook(t, client))
	words, err := asked()
	require.NoError(t, err)
	var commands []string
	for _, w := range words {
		if command, ok := strings.CutPrefix(w, "+"); ok {
			commands = append(commands, command)
		}
	}
	assert.True(t, slices.IsSorted(commands))
	assert.Equal(t, n.used(t), commands)
	for name, err := range map[string]error{
		"somebody else's key": client.Get(t.Context(), "other").Err(),
		"every key":           client.Keys(t.Context(), "*").Err(),
		"everything gone":     client.FlushAll(t.Context()).Err(),
		"its own rights":      client.ACLWhoAmI(t.Context()).Err(),
		"a script's way out":  client.Eval(t.Context(), "return redis.call('GET', KEYS[1])", []string{"other"}).Err(),
	} {
		assert.ErrorContains(t, err, "NOPERM", name)
	}
}

// On a cluster the client of Redis asks for two commands more.
func TestTheBookIsLetIntoACluster(t *testing.T) {
	t.Parallel()
	n, err := startCluster(installed(t, "redis-server"))
	require.NoError(t, err)
	t.Cleanup(n.stop)
	require.NoError(t, n.admit(clusterToo()...))
	o := like(t, "redis://countersign:"+aclPassword+"@"+n.addr, nil)
	o.IsClusterMode = true
	everyCall(t, openBook(t, universal(t, o)))
	for _, word := range clusterToo() {
		assert.Contains(t, n.used(t), strings.TrimPrefix(word, "+"))
	}
}

// clusterToo is what the package comment says that a cluster needs besides.
func clusterToo() []string { return []string{"+cluster|slots", "+command"} }
