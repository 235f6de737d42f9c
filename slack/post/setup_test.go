package post

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
	"github.com/stretchr/testify/require"

	"countersign/approvals"
	"countersign/approvals/rules"
	"countersign/audit"
	"countersign/internal/minislack"
	"countersign/qualys"
	"countersign/slack/web"
)

const (
	channel = "C0QUALYSADMIN"
	team    = "T0EXAMPLE"
)

var (
	alice = rules.Person{Team: team, ID: "U0ALICE"}
	bob   = rules.Person{Team: team, ID: "U0BOB"}
)

// A world is a workspace, a Redis and what Qualys would hold, in a bubble of time.
type world struct {
	t     *testing.T
	slack *minislack.Server
	redis *miniredis.Miniredis
	book  *approvals.Book
	keys  approvals.Keys
	log   *logbook
	users []qualys.SAQUser
	names int
}

// inBubble runs a test in a bubble where time costs nothing and no goroutine
// may be left.
func inBubble(t *testing.T, test func(t *testing.T, w *world)) {
	synctest.Test(t, func(t *testing.T) { test(t, newWorld(t, minislack.RunInMemoryT(t))) })
}

func newWorld(t *testing.T, server *minislack.Server) *world {
	w := &world{t: t, slack: server, redis: miniredis.NewMiniRedis(), log: &logbook{}}
	w.slack.Example()
	w.redis.ClockTTL(true)
	t.Cleanup(w.redis.Close)
	client := redis.NewClient(&redis.Options{
		Addr: "127.0.0.1:1", MaxRetries: -1, Protocol: 2, DisableIdentity: true, PoolSize: 8, ContextTimeoutEnabled: true,
		Dialer:                   func(context.Context, string, string) (net.Conn, error) { return w.redis.Dial() },
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	})
	t.Cleanup(func() { _ = client.Close() })
	var err error
	w.keys, err = approvals.DeriveKeys(make([]byte, approvals.KeySize))
	require.NoError(t, err)
	w.book, err = approvals.NewBook(approvals.Config{Client: client, Tenant: "test", Keys: w.keys})
	require.NoError(t, err)
	for i := range 49 {
		w.users = append(w.users, qualys.SAQUser{
			ID: qualys.SAQUserID(1000 + i), UserName: fmt.Sprintf("user%d", i), FirstName: "NewVendor", Company: "Acme",
		})
	}
	for i := range 400 {
		w.users = append(w.users, qualys.SAQUser{ID: qualys.SAQUserID(5000 + i), FirstName: "Other"})
	}
	return w
}

// A bot is one replica.
type bot struct {
	*Poster
	cancel context.CancelFunc
	stop   func() // and wait until it has ended
}

func (w *world) config() Config {
	w.t.Helper()
	log := slog.New(slog.NewTextHandler(w.log, nil))
	client, err := web.New(web.Config{
		BotToken: minislack.BotToken, AppToken: minislack.AppToken, APIURL: w.slack.URL(), Dial: w.slack.Dial,
		CallTime: 15 * time.Second, ShareWait: 30 * time.Second, Log: log, Point: func(string) {},
	})
	require.NoError(w.t, err)
	return Config{
		Web: client, Book: w.book, Trail: audit.NewTrail("test", w.keys.Sign), AuditChannel: channel,
		Approvers: []string{"S0APPROVERS"}, Command: "/qualys-users", Replica: fmt.Sprintf("bot%d", w.names),
		Log: log, Poll: time.Second, Lease: 10 * time.Second, CardWait: 30 * time.Second,
	}
}

// bot starts a replica.
func (w *world) bot(edit ...func(*Config)) *bot {
	w.t.Helper()
	w.names++
	c := w.config()
	for _, e := range edit {
		e(&c)
	}
	p := New(c)
	ctx, cancel := context.WithCancel(w.t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		if err := p.Run(ctx); err != nil {
			w.t.Errorf("Run: %v", err)
		}
	})
	stop := sync.OnceFunc(func() {
		cancel()
		running.Wait()
		c.Web.Close()
	})
	w.t.Cleanup(stop)
	return &bot{p, cancel, stop}
}

// quiet is a poster that does not run.
func (w *world) quiet() *Poster {
	w.t.Helper()
	c := w.config()
	w.t.Cleanup(c.Web.Close)
	return New(c)
}

// hold holds a request of Alice's for n users, as her command would.
func (w *world) hold(op string, n int) approvals.Pending {
	w.t.Helper()
	plan, err := approvals.NewPlan(approvals.Draft{
		Tenant: "test", Verb: approvals.Delete, Users: w.users[:n], Scope: len(w.users), Filter: "firstName=NewVendor",
	})
	require.NoError(w.t, err)
	return w.holdPlan(op, plan)
}

func (w *world) holdPlan(op string, plan approvals.Plan) approvals.Pending {
	w.t.Helper()
	sum := audit.SHA(io.Discard)
	require.NoError(w.t, audit.PlanCSV(sum, plan))
	p, err := w.book.Hold(w.t.Context(), approvals.Holding{
		Plan: plan, By: alice, Op: op, Channel: channel, Reason: "SEC-124", PlanSHA: sum.Sum(),
		Need: 1, Expires: 4 * time.Hour, CoolDown: 30 * time.Second, MaxOpen: 100, MaxOpenEach: 100,
	})
	require.NoError(w.t, err)
	return p
}

// approve lets Bob approve it, without Slack.
func (w *world) approve(p approvals.Pending) {
	w.t.Helper()
	_, err := w.book.Decide(w.t.Context(), approvals.Decision{
		Request: p.ID, By: bob, Op: "approve " + p.ID, Yes: true, Fingerprint: p.Short(),
	})
	require.NoError(w.t, err)
}

// run carries an approved request out, on paper: every user is gone.
func (w *world) run(p approvals.Pending) {
	w.t.Helper()
	run, err := w.book.Claim(w.t.Context(), p.ID, "executor", 30*time.Second)
	require.NoError(w.t, err)
	chunks, err := run.Chunks(w.t.Context())
	require.NoError(w.t, err)
	all := map[qualys.SAQUserID]approvals.Outcome{}
	for _, c := range chunks {
		some := map[qualys.SAQUserID]approvals.Outcome{}
		for _, u := range c.Users {
			o := approvals.Outcome{Result: approvals.ResultDone, Sent: true, Observed: "gone"}
			some[u.ID], all[u.ID] = o, o
		}
		require.NoError(w.t, run.Done(w.t.Context(), c.N, some))
		time.Sleep(2 * time.Second)
	}
	sum := audit.SHA(io.Discard)
	require.NoError(w.t, audit.ResultCSV(sum, p.Plan, all))
	require.NoError(w.t, run.Finish(w.t.Context(), approvals.DONE, "", approvals.Counts{"done": len(all)}, sum.Sum()))
}

// pass lets time pass and everything settle.
func (w *world) pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// said lists what stands in the channel: everything that everybody sees.
func (w *world) said() []minislack.Message {
	var all []minislack.Message
	for _, m := range w.slack.Messages(channel) {
		if m.EphemeralTo == "" && !m.Deleted {
			all = append(all, m)
		}
	}
	return all
}

// with are the messages of one type of metadata.
func (w *world) with(eventType string) []minislack.Message {
	var all []minislack.Message
	for _, m := range w.said() {
		if m.Metadata != nil && m.Metadata.Type == eventType {
			all = append(all, m)
		}
	}
	return all
}

// card is the one card in the channel.
func (w *world) card() minislack.Message {
	w.t.Helper()
	all := w.with(web.CardType)
	require.Len(w.t, all, 1, "cards in the channel")
	return all[0]
}

// trail checks that the entries in the channel are whole and in order, and
// returns their kinds.
func (w *world) trail() (kinds []string) {
	w.t.Helper()
	prev := strings.Repeat("0", 64)
	for i, m := range w.with(audit.EventType) {
		var e audit.Entry
		require.NoError(w.t, e.UnmarshalJSON(m.Metadata.Payload))
		require.EqualValues(w.t, i+1, e.Seq, "numbers stand in order, each once: %s", m.Rendered())
		require.Equal(w.t, prev, e.Prev)
		prev = e.Hash
		kinds = append(kinds, string(e.Kind))
	}
	return kinds
}

// A logbook keeps what was logged.
type logbook struct {
	mu    sync.Mutex
	lines strings.Builder
}

func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lines.Write(p)
}

func (l *logbook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lines.String()
}
