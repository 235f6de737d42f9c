package page

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/stretchr/testify/require"

	"countersign/internal/app"
	"countersign/internal/miniqualys"
	"countersign/internal/minislack"
	"countersign/qualys"
)

// asBot makes this test binary run as a bot, so that killing one is a real kill.
const asBot = "COUNTERSIGN_PAGE_BOT"

func TestMain(m *testing.M) {
	if text := os.Getenv(asBot); text != "" {
		os.Exit(child(text))
	}
	os.Exit(m.Run())
}

// A role is what a child process is told.
type role struct{ Slack, Qualys, Redis, Policy string }

func child(text string) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	var r role
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	err := app.Run(ctx, app.Config{
		Settings: app.Settings{
			SlackBotToken: minislack.BotToken, SlackAppToken: minislack.AppToken, SlackAPIURL: r.Slack,
			QualysAPIURL: r.Qualys, QualysGatewayURL: r.Qualys,
			QualysUsername: miniqualys.Username, QualysPassword: miniqualys.Password,
			RedisURL: qualys.Secret(r.Redis), CountersignTenant: "default", PolicyFile: r.Policy,
			CountersignKey: qualys.Secret(base64.StdEncoding.EncodeToString(bytes.Repeat([]byte("k"), 32))),
		},
		Log: slog.New(slog.NewTextHandler(os.Stderr, nil)), Version: "test",
		Times: app.Times{
			Poll: 50 * time.Millisecond, Lease: 3 * time.Second, Heartbeat: 500 * time.Millisecond,
			Fresh: 1500 * time.Millisecond, Silence: 2 * time.Second, SecondSocket: time.Hour,
			Settle: func(f qualys.Fate) time.Duration { return f.Settle() / 20 },
		},
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, "bot:", err)
		return 1
	}
	return 0
}

// A town is the demo: the simulators, Redis, two bots and the page.
type town struct {
	t      *testing.T
	slack  *minislack.Server
	qualys *miniqualys.Server
	bots   *replicas
	url    string
}

const policy = `
channels: [C0QUALYSADMIN]
readers: [U0ALICE, U0BOB, U0CAROL]
requesters: [U0ALICE]
approvers: [U0BOB, U0CAROL]
cool_down: 2s
`

// channel is where everything happens.
const channel = "C0QUALYSADMIN"

// How long any single thing may take on a slow machine, and how often to look.
const (
	patience = 90 * time.Second
	tick     = 20 * time.Millisecond
)

// quietTown is a town without bots.
func quietTown(t *testing.T) *town {
	t.Parallel()
	chromium(t) // so that nothing is started for a test that is skipped
	w := &town{t: t, slack: minislack.RunT(t), qualys: miniqualys.RunT(t), bots: &replicas{t: t}}
	w.slack.Example()
	w.slack.SetProfile("bot", func(p *minislack.Person) { p.RealName = "Countersign" })
	w.qualys.Example()
	w.qualys.AddNastyUsers()
	w.serve()
	return w
}

func newTown(t *testing.T) *town {
	w := quietTown(t)
	redis := miniredis.RunT(t)
	redis.ClockTTL(true)
	file := filepath.Join(t.TempDir(), "policy.yaml")
	require.NoError(t, os.WriteFile(file, []byte(policy), 0o600))
	w.bots.role = role{w.slack.URL(), w.qualys.URL(), "redis://" + redis.Addr() + "/0", file}
	for n := range w.bots.Count() {
		require.NoError(t, w.bots.Start(t.Context(), n+1))
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	require.NoError(t, w.slack.AwaitConnected(ctx, 2), "bots: %s", &w.bots.out)
	return w
}

func (w *town) serve() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(w.t, err)
	w.url = "http://" + l.Addr().String() + "/"
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- Serve(ctx, l, Config{Slack: w.slack, Qualys: w.qualys, Bots: w.bots}) }()
	w.t.Cleanup(func() {
		stop()
		if err := <-done; err != nil && !errors.Is(err, http.ErrServerClosed) {
			w.t.Error(err)
		}
	})
}

// replicas are bots that are processes.
type replicas struct {
	t    *testing.T
	role role
	out  output

	mu  sync.Mutex
	all [2]replica
}

type replica struct {
	cmd   *exec.Cmd
	done  chan struct{}
	since time.Time
}

func (r *replicas) Count() int { return len(r.all) }

func (r *replicas) State(n int) BotState {
	r.mu.Lock()
	defer r.mu.Unlock()
	b := r.all[n-1]
	if b.cmd == nil {
		return BotState{Since: b.since}
	}
	return BotState{Running: true, Process: b.cmd.Process.Pid, Since: b.since}
}

func (r *replicas) Kill(n int) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	b := &r.all[n-1]
	if b.cmd == nil {
		return nil
	}
	err := b.cmd.Process.Kill()
	<-b.done
	*b = replica{since: time.Now()}
	return err
}

func (r *replicas) Start(_ context.Context, n int) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	text, err := json.Marshal(r.role)
	if err != nil {
		return err
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), asBot+"="+string(text))
	cmd.Stdout, cmd.Stderr = &r.out, &r.out
	if err := cmd.Start(); err != nil {
		return err
	}
	b := replica{cmd: cmd, done: make(chan struct{}), since: time.Now()}
	go func() {
		_ = cmd.Wait() // how it ended is in its output
		close(b.done)
	}()
	r.mu.Lock()
	r.all[n-1] = b
	r.mu.Unlock()
	r.t.Cleanup(func() {
		_ = r.Kill(n)
		if r.t.Failed() {
			r.t.Logf("bots:\n%s", &r.out)
		}
	})
	return nil
}

// An output is what processes wrote.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}
