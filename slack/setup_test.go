package slack

import (
	"context"
	"fmt"
	"io"
	"iter"
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
	"countersign/commands"
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

const policyText = `
channels: [C0QUALYSADMIN]
readers: [S0REQUESTERS]
requesters: [S0REQUESTERS]
approvers: [S0APPROVERS]
cool_down: 30s
`

// A world is a workspace, a Redis and a directory of users, in a bubble of time.
type world struct {
	t     *testing.T
	slack *minislack.Server
	redis *miniredis.Miniredis
	book  *approvals.Book
	keys  approvals.Keys
	log   *logbook
	users []qualys.SAQUser
	names int

	deskWith func(Desk) Desk // wraps the desk of the next bots, or nil
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
	*Slack
	cancel context.CancelFunc
	stop   func() // and wait until it has ended
}

func (w *world) config() Config {
	return Config{
		BotToken: minislack.BotToken, AppToken: minislack.AppToken, APIURL: w.slack.URL(), Dial: w.slack.Dial,
		Book: w.book, Trail: audit.NewTrail("test", w.keys.Sign), AuditChannel: channel,
		Approvers: []string{"S0APPROVERS"}, Replica: fmt.Sprintf("bot%d", w.names), Log: slog.New(slog.NewTextHandler(w.log, nil)),
	}
}

// bot starts a replica: receiving, posting, or both.
func (w *world) bot(edit ...func(*Config)) *bot {
	w.t.Helper()
	w.names++
	c := w.config()
	for _, e := range edit {
		e(&c)
	}
	s, err := New(c)
	require.NoError(w.t, err)
	ctx, cancel := context.WithCancel(w.t.Context())
	require.NoError(w.t, s.Hello(ctx))
	desk := w.desk(s)
	if w.deskWith != nil {
		desk = w.deskWith(desk)
	}
	var running sync.WaitGroup
	running.Go(func() {
		if err := s.Receive(ctx, desk); err != nil {
			w.t.Errorf("Receive: %v", err)
		}
	})
	running.Go(func() {
		if err := s.Post(ctx); err != nil {
			w.t.Errorf("Post: %v", err)
		}
	})
	stop := sync.OnceFunc(func() {
		cancel()
		running.Wait()
		s.Close()
	})
	w.t.Cleanup(stop)
	require.NoError(w.t, w.slack.AwaitConnected(ctx, 1))
	return &bot{s, cancel, stop}
}

// desk is the real desk over the world's users.
func (w *world) desk(s *Slack) Desk {
	w.t.Helper()
	policy, err := rules.Parse([]byte(policyText))
	require.NoError(w.t, err)
	d, err := commands.New(commands.Config{
		Book: w.book, Users: directoryOf(w.users), Policy: policy, Directory: s.Directory(5 * time.Second),
		Reads: s.Directory(time.Minute), Private: s.Private, Tenant: "test", SpoolDir: w.t.TempDir(), Log: s.Log,
	})
	require.NoError(w.t, err)
	return d
}

// directoryOf is a Qualys of these users, who match when their first name does.
type directoryOf []qualys.SAQUser

func (d directoryOf) Count(_ context.Context, f qualys.Filter) (int, error) {
	n := 0
	for range d.matching(f) {
		n++
	}
	return n, nil
}

func (d directoryOf) Search(_ context.Context, f qualys.Filter) iter.Seq2[qualys.SAQUser, error] {
	return d.matching(f)
}

func (d directoryOf) matching(f qualys.Filter) iter.Seq2[qualys.SAQUser, error] {
	return func(yield func(qualys.SAQUser, error) bool) {
		for _, u := range d {
			if (len(f) == 0 || f[0].Values[0] == u.FirstName) && !yield(u, nil) {
				return
			}
		}
	}
}

func (d directoryOf) Download(context.Context, qualys.DownloadQuery, io.Writer) (qualys.Download, error) {
	return qualys.Download{}, qualys.ErrNotEnabled
}

func (d directoryOf) Logins() []string { return nil }

// hold holds a request of Alice's for n users, as her command would.
func (w *world) hold(op string, n int) approvals.Pending {
	w.t.Helper()
	plan, err := approvals.NewPlan(approvals.Draft{
		Tenant: "test", Verb: approvals.Delete, Users: w.users[:n], Scope: len(w.users), Filter: "firstName=NewVendor",
	})
	require.NoError(w.t, err)
	sum := audit.SHA(io.Discard)
	require.NoError(w.t, audit.PlanCSV(sum, plan))
	p, err := w.book.Hold(w.t.Context(), approvals.Holding{
		Plan: plan, By: alice, Op: op, Channel: channel, Reason: "SEC-124", PlanSHA: sum.Sum(),
		Need: 1, Expires: 4 * time.Hour, CoolDown: 30 * time.Second, MaxOpen: 100, MaxOpenEach: 10,
	})
	require.NoError(w.t, err)
	return p
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

// told are the words that only this person sees.
func (w *world) told(person string) []string {
	var all []string
	for _, m := range w.slack.Messages(channel) {
		if m.EphemeralTo == person {
			all = append(all, m.Rendered())
		}
	}
	return all
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
