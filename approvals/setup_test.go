package approvals

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"countersign/approvals/rules"
	"countersign/qualys"
)

var (
	alice = rules.Person{Team: "T1", ID: "UALICE"}
	bob   = rules.Person{Team: "T1", ID: "UBOB"}
	carol = rules.Person{Team: "T1", ID: "UCAROL"}
	dave  = rules.Person{Team: "T1", ID: "UDAVE"}
)

func testKeys(t testing.TB, seed byte) Keys {
	keys, err := DeriveKeys([]byte(strings.Repeat(string(rune('a'+seed)), KeySize)))
	require.NoError(t, err)
	return keys
}

// openBook opens a book of the test's own tenant: the servers are shared, and keep
// what an earlier round of the same test stored.
func openBook(t testing.TB, client redis.UniversalClient) *Book {
	round := filepath.Base(filepath.Dir(t.TempDir()))
	b, err := NewBook(Config{
		Client: bookOf(client), Tenant: round, Keys: testKeys(t, 0),
		Policy: strings.Repeat("9", 64), Retention: time.Hour,
	})
	require.NoError(t, err)
	require.NoError(t, b.Record(t.Context(), "policy", b.Policy))
	return b
}

// of is a book of another tenant, beside this one.
func (b *Book) of(t *testing.T, name string) *Book {
	c := b.Config
	c.Tenant += "-" + name
	other, err := NewBook(c)
	require.NoError(t, err)
	require.NoError(t, other.Record(t.Context(), "policy", c.Policy))
	return other
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

func deletion(t testing.TB, from, n int) Plan {
	p, err := NewPlan(Draft{Tenant: "test", Verb: Delete, Users: users(from, n), Scope: 1000, Filter: "firstName=NewVendor"})
	require.NoError(t, err)
	return p
}

// holding asks for the deletion of n users with quorum one.
func holding(t testing.TB, op string, from, n int) Holding {
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
