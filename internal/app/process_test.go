package app_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/internal/app"
	"countersign/internal/miniqualys"
	"countersign/internal/minislack"
	"countersign/qualys"
)

// These tests run bots as processes of their own, against a real redis-server
// and the two simulators on loopback ports. A bot is either the program that
// people run, or this test binary as a bot with short leases: its lengths are
// fields of app.Config and never environment variables of the product.

// asBot makes this binary run as a bot.
const asBot = "COUNTERSIGN_TEST_BOT"

func TestMain(m *testing.M) {
	if text := os.Getenv(asBot); text != "" {
		os.Exit(child(text))
	}
	os.Exit(m.Run())
}

// A role is what a child process is told.
type role struct {
	Slack, Qualys, Redis, Policy string
	Short                        bool // a lease of 1.5 s, and settle times to match
}

func child(text string) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	var r role
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	c := app.Config{Settings: r.settings(), Log: slog.New(slog.NewTextHandler(os.Stderr, nil)), Version: "test"}
	app.LogRedis(c.Log)
	c.Times.SecondSocket = time.Hour
	if r.Short {
		c.Times = app.Times{
			Poll: 50 * time.Millisecond, Lease: 1500 * time.Millisecond, Heartbeat: 300 * time.Millisecond,
			Fresh: 700 * time.Millisecond, Silence: time.Second, SecondSocket: time.Hour, PosterLease: 1500 * time.Millisecond,
			Settle: func(f qualys.Fate) time.Duration { return f.Settle() / 40 },
		}
	}
	if err := app.Run(ctx, c); err != nil {
		fmt.Fprintln(os.Stderr, "bot:", err)
		return 1
	}
	return 0
}

var testKey = base64.StdEncoding.EncodeToString(bytes.Repeat([]byte("k"), 32))

func (r role) settings() app.Settings {
	return app.Settings{
		SlackBotToken: minislack.BotToken, SlackAppToken: minislack.AppToken, SlackAPIURL: r.Slack,
		QualysAPIURL: r.Qualys, QualysGatewayURL: r.Qualys,
		QualysUsername: miniqualys.Username, QualysPassword: miniqualys.Password,
		RedisURL: qualys.Secret(r.Redis), CountersignKey: qualys.Secret(testKey), CountersignTenant: "default",
		PolicyFile: r.Policy, LogLevel: "info",
	}
}

func (r role) environment() []string {
	s := r.settings()
	return append(os.Environ(),
		"SLACK_BOT_TOKEN="+s.SlackBotToken.Reveal(), "SLACK_APP_TOKEN="+s.SlackAppToken.Reveal(), "SLACK_API_URL="+r.Slack,
		"QUALYS_API_URL="+r.Qualys, "QUALYS_GATEWAY_URL="+r.Qualys,
		"QUALYS_USERNAME="+s.QualysUsername, "QUALYS_PASSWORD="+s.QualysPassword.Reveal(),
		"REDIS_URL="+r.Redis, "COUNTERSIGN_KEY="+testKey, "POLICY_FILE="+r.Policy, "LISTEN_ADDR=127.0.0.1:0",
	)
}

// A town is everything around the bots: the simulators, Redis and a policy.
type town struct {
	role
	t      *testing.T
	slack  *minislack.Server
	qualys *miniqualys.Server
	redis  *redisProcess
	env    []string // of the bots, besides their role
	all    []*process
	bots   int // that are up
}

const channel = "#qualys-admin"

// defaultPolicy runs at once: no cool-down.
const defaultPolicy = `
channels: [C0QUALYSADMIN]
readers: [U0ALICE, U0BOB, U0CAROL]
requesters: [U0ALICE]
approvers: [U0BOB, U0CAROL]
cool_down: 0s
`

func newTown(t *testing.T) *town {
	w := &town{t: t, slack: minislack.RunT(t), qualys: miniqualys.RunT(t)}
	w.slack.Example()
	w.slack.SetMessageRate(0, 0)
	w.redis = redisServer(t)
	w.role = role{
		Slack: w.slack.URL(), Qualys: w.qualys.URL(), Redis: w.redis.url(),
		Policy: filepath.Join(t.TempDir(), "policy.yaml"),
	}
	w.policy(defaultPolicy)
	return w
}

func (w *town) policy(text string) {
	require.NoError(w.t, os.WriteFile(w.Policy, []byte(text), 0o600))
}

// A redisProcess is a redis-server with an append-only file, which can be
// killed and started again.
type redisProcess struct {
	*process
	path, port, dir string
}

// redisServer starts a redis-server of its own for the test.
func redisServer(t *testing.T, more ...string) *redisProcess {
	path, err := exec.LookPath("redis-server")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("redis-server is not installed; .ci/run does that")
		}
		t.Skip("redis-server is not installed")
	}
	r := &redisProcess{path: path, port: freePort(t), dir: t.TempDir()}
	r.start(t, more...)
	return r
}

func freePort(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	_, port, _ := net.SplitHostPort(l.Addr().String())
	require.NoError(t, l.Close())
	return port
}

func (r *redisProcess) start(t *testing.T, more ...string) {
	args := append([]string{"--port", r.port, "--bind", "127.0.0.1", "--appendonly", "yes", "--dir", r.dir}, more...)
	r.process = start(t, exec.Command(r.path, args...))
}

func (r *redisProcess) url() string { return "redis://127.0.0.1:" + r.port + "/0" }

// A process is a child that ends with the test, and whose output is shown when
// the test fails.
type process struct {
	*exec.Cmd
	t    *testing.T
	out  output
	done chan struct{}
}

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

func start(t *testing.T, cmd *exec.Cmd) *process {
	p := &process{Cmd: cmd, t: t, done: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = &p.out, &p.out
	require.NoError(t, cmd.Start())
	go func() {
		_ = cmd.Wait()
		close(p.done)
	}()
	t.Cleanup(func() {
		p.kill()
		if t.Failed() && !strings.Contains(cmd.Path, "redis") {
			t.Logf("output of process %d:\n%s", cmd.Process.Pid, p.out.String())
		}
	})
	return p
}

// kill is kill -9, and waits until the process is gone.
func (p *process) kill() {
	_ = p.Process.Kill()
	<-p.done
}

// bot starts this binary as a bot and waits until Slack sees it.
func (w *town) bot(short bool) *process {
	self, err := os.Executable()
	require.NoError(w.t, err)
	w.role.Short = short
	text, err := json.Marshal(w.role)
	require.NoError(w.t, err)
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), append(w.env, asBot+"="+string(text))...)
	return w.started(start(w.t, cmd))
}

// started waits until one more socket is up.
func (w *town) started(p *process) *process {
	w.bots++
	w.all = append(w.all, p)
	require.NoError(w.t, w.slack.AwaitConnected(w.patience(), w.bots), "bot: %s", p.out.String())
	return p
}

// gone tells that a bot was killed: its sockets are to go before the next one
// is awaited.
func (w *town) gone() {
	w.bots--
	require.Eventually(w.t, func() bool { return w.slack.Sockets() == w.bots }, time.Minute, 10*time.Millisecond)
}

// patience is how long any single thing may take on a slow machine.
func (w *town) patience() context.Context {
	ctx, cancel := context.WithTimeout(w.t.Context(), 90*time.Second)
	w.t.Cleanup(cancel)
	return ctx
}

// program builds cmd/bot, once for all tests.
func program(t *testing.T) string {
	build.Do(func() {
		dir, err := os.MkdirTemp("", "countersign-bot")
		if err != nil {
			build.err = err
			return
		}
		build.path = filepath.Join(dir, "bot")
		out, err := exec.Command("go", "build", "-buildvcs=false", "-o", build.path, "countersign/cmd/bot").CombinedOutput()
		if err != nil {
			build.err = fmt.Errorf("go build: %w\n%s", err, out)
		}
	})
	require.NoError(t, build.err)
	return build.path
}

var build struct {
	sync.Once
	path string
	err  error
}

// realBot starts the program that people run.
func (w *town) realBot() *process {
	cmd := exec.Command(program(w.t))
	cmd.Env = w.environment()
	return w.started(start(w.t, cmd))
}

// await waits for an event in Slack, past ones included.
func (w *town) await(what string, is func(minislack.Event) bool) minislack.Event {
	e, err := w.slack.Await(w.patience(), is)
	require.NoError(w.t, err, "waiting for %s; seen:\n%s", what, w.seen())
	return e
}

// seen is everything that happened in Slack, for a failing test.
func (w *town) seen() string {
	var lines []string
	for _, e := range w.slack.Since(0) {
		lines = append(lines, fmt.Sprintf("%s %s %s %s: %s", e.Kind, e.Channel, e.TS, e.Person, strings.ReplaceAll(e.Message.Rendered()+e.Text, "\n", " / ")))
	}
	return strings.Join(lines, "\n")
}

// card waits for the newest card with all its buttons.
func (w *town) card(title string) minislack.Message {
	e := w.await("a card "+title, func(e minislack.Event) bool {
		return (e.Kind == minislack.Posted || e.Kind == minislack.Updated) &&
			strings.Contains(e.Message.Rendered(), title) && len(e.Message.Buttons()) > 0
	})
	return e.Message
}

// says waits until a sentence stands in the channel.
func (w *town) says(text string) minislack.Event {
	return w.await(text, func(e minislack.Event) bool {
		return e.Kind == minislack.Posted && strings.Contains(e.Message.Rendered(), text)
	})
}

// whispered waits until one person is told something.
func (w *town) whispered(who, text string) {
	w.await(who+" is told "+text, func(e minislack.Event) bool {
		return e.Kind == minislack.Ephemeral && e.Person == who && strings.Contains(e.Message.Rendered(), text)
	})
}

// approve presses Approve and types what is asked for.
func (w *town) approve(who string, card minislack.Message, typed string) {
	person := w.slack.As(who)
	require.NoError(w.t, person.ClickThrough(card.Ref(), "Approve"))
	if typed == "" {
		return
	}
	w.send(person, map[string]string{"Type " + typed: typed})
}

// send waits for a form, fills it and sends it.
func (w *town) send(person *minislack.Client, fields map[string]string) {
	_, err := w.slack.Await(w.patience(), func(minislack.Event) bool { _, open := person.View(); return open })
	require.NoError(w.t, err, w.seen())
	require.NoError(w.t, person.Submit(fields))
}

// content returns the bytes of the newest file with this name.
func (w *town) content(prefix string) string {
	e := w.await("file "+prefix, func(e minislack.Event) bool {
		return e.Kind == minislack.FileShared && len(e.Message.Files) > 0 && strings.HasPrefix(e.Message.Files[0].Name, prefix)
	})
	content, ok := w.slack.FileContent(e.Message.Files[0].ID)
	require.True(w.t, ok)
	return string(content)
}
