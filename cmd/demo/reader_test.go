package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/approvals"
	"countersign/approvals/rules"
	"countersign/audit"
	"countersign/internal/miniqualys"
	"countersign/internal/minislack"
)

// A reader does what README.md says: what begins with go in the checkout, where
// it writes nothing, and everything else in a folder of its own. The services
// that a bot needs are simulators.
type reader struct {
	*testing.T
	dir     string
	blocks  []string // what README.md shows as output
	session string   // what the shell was told that stays
	env     []string
	listen  string

	slack  *minislack.Server
	qualys *miniqualys.Server
	redis  *miniredis.Miniredis
}

func newReader(t *testing.T, blocks []string) *reader {
	r := &reader{
		T: t, dir: t.TempDir(), blocks: blocks,
		slack: minislack.RunT(t), qualys: miniqualys.RunT(t), redis: miniredis.RunT(t),
	}
	r.slack.Example()
	r.qualys.Example()
	r.redis.ClockTTL(true)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	r.listen = l.Addr().String()
	require.NoError(t, l.Close())
	for _, v := range os.Environ() { // without the settings of the machine that runs the tests
		if !regexp.MustCompile(`^(SLACK|QUALYS|REDIS|COUNTERSIGN|POLICY|SPOOL|LISTEN|LOG)_`).MatchString(v) {
			r.env = append(r.env, v)
		}
	}
	r.env = append(r.env, "GOPROXY=off", "GOFLAGS="+strings.TrimSpace(os.Getenv("GOFLAGS")+" -buildvcs=false"), mark+"=readme")
	t.Cleanup(func() { assert.Empty(t, left("readme"), "processes that are still there") })
	return r
}

// untilLate is more than anything here takes on a slow machine.
const untilLate = 10 * time.Minute

// shell is a line for the shell, as a process group of its own, behind words of
// ours.
func (r *reader) shell(ctx context.Context, before, line string) *exec.Cmd {
	line = regexp.MustCompile(`^bot\b`).ReplaceAllString(line, "./bot")
	dir := r.dir
	if strings.HasPrefix(line, "go ") {
		dir, line = "../..", strings.Replace(line, "-o bot ", "-o '"+filepath.Join(dir, "bot")+"' ", 1)
	}
	cmd := exec.CommandContext(ctx, "sh", "-c", r.session+"\n"+before+line)
	cmd.Dir, cmd.Env = dir, r.env
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	return cmd
}

// ends runs a line that ends by itself, and wants an exit code.
func (r *reader) ends(line string, code int) string {
	r.Helper()
	ctx, cancel := context.WithTimeout(r.Context(), untilLate)
	defer cancel()
	cmd := r.shell(ctx, "", line)
	out, err := cmd.CombinedOutput()
	require.NotNil(r, cmd.ProcessState, "%s: %v", line, err)
	require.Equal(r, code, cmd.ProcessState.ExitCode(), "%s says:\n%s", line, out)
	return string(out)
}

func (r *reader) succeeds(line string) { r.ends(line, 0) }

// A running line goes on until somebody presses Ctrl-C.
type running struct {
	*reader
	cmd *exec.Cmd
	in  io.WriteCloser
	out *tape
}

// starts runs a line that goes on.
func (r *reader) starts(line string) *running {
	r.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), untilLate)
	r.Cleanup(cancel)
	cmd := r.shell(ctx, "exec ", line) // in the shell's place, so that Ctrl-C is its own affair
	in, err := cmd.StdinPipe()
	require.NoError(r, err)
	out := &tape{news: make(chan struct{}, 1)}
	cmd.Stdout, cmd.Stderr = out, out
	require.NoError(r, cmd.Start())
	return &running{r, cmd, in, out}
}

// says waits until a pattern was printed, and returns what fits it.
func (p *running) says(pattern string) string {
	p.Helper()
	look := regexp.MustCompile(pattern)
	for late := time.After(untilLate); ; {
		if found := look.FindString(p.out.String()); found != "" {
			return found
		}
		select {
		case <-p.out.news:
		case <-late:
			require.Fail(p, "it never said "+pattern, "%s", p.out)
		}
	}
}

// interrupt presses Ctrl-C: the terminal tells every process of the group. It
// returns the exit code.
func (p *running) interrupt() int {
	p.Helper()
	require.NoError(p, syscall.Kill(-p.cmd.Process.Pid, syscall.SIGINT))
	_ = p.cmd.Wait() // its exit code says it
	return p.cmd.ProcessState.ExitCode()
}

// A tape keeps what a process writes, and tells that there is more.
type tape struct {
	mu   sync.Mutex
	buf  bytes.Buffer
	news chan struct{}
}

func (t *tape) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	select {
	case t.news <- struct{}{}:
	default:
	}
	return t.buf.Write(p)
}

func (t *tape) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.buf.String()
}

// demo wants the address of a page that is there, answers to what README.md
// tells people to type in Slack, and nothing left after Ctrl-C.
func (r *reader) demo(line string) {
	p := r.starts(line)
	p.page(p.says(`http://127\.0\.0\.1:\d+/`))
	p.says(`It is your turn`)
	for _, s := range slashes {
		_, err := fmt.Fprintf(p.in, "alice> %s\n", s[0])
		require.NoError(r, err)
		p.says(s[1])
	}
	p.interrupt() // go run exits with 1 then, whatever its program does
	assert.NotContains(r, p.out.String(), "demo:", "what went wrong")
	assert.Empty(r, left("readme"), "processes of the demo that are still there")
}

func (p *running) page(url string) {
	p.Helper()
	resp, err := http.Get(url)
	require.NoError(p, err)
	require.NoError(p, resp.Body.Close())
	assert.Equal(p, http.StatusOK, resp.StatusCode, url)
}

// keygen wants a key and its public key in a file that nobody else can read. The
// other settings are filled in as README.md shows them.
func (r *reader) keygen(line string) {
	r.succeeds(line)
	path := filepath.Join(r.dir, ".env")
	about, err := os.Stat(path)
	require.NoError(r, err)
	assert.Equal(r, os.FileMode(0o600), about.Mode().Perm())
	text, err := os.ReadFile(path)
	require.NoError(r, err)
	assert.Regexp(r, `^COUNTERSIGN_KEY=\S+\n# public key.*\n$`, string(text))
	file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(r, err)
	for _, setting := range [][2]string{
		{"SLACK_BOT_TOKEN", minislack.BotToken}, {"SLACK_APP_TOKEN", minislack.AppToken}, {"SLACK_API_URL", r.slack.URL()},
		{"QUALYS_API_URL", r.qualys.URL()}, {"QUALYS_GATEWAY_URL", r.qualys.URL()},
		{"QUALYS_USERNAME", miniqualys.Username}, {"QUALYS_PASSWORD", "'" + miniqualys.Password + "'"},
		{"REDIS_URL", "redis://" + r.redis.Addr() + "/0"}, {"LISTEN_ADDR", r.listen}, {"REDIS_PASSWORD", "letters1"},
	} {
		_, err := fmt.Fprintf(file, "%s=%s\n", setting[0], setting[1])
		require.NoError(r, err)
	}
	require.NoError(r, file.Close())
}

// sample wants a policy to fill in, and fills it in.
func (r *reader) sample(line string) {
	r.ends(line, 1)
	path := filepath.Join(r.dir, "policy.yaml")
	text, err := os.ReadFile(path)
	require.NoError(r, err)
	assert.Equal(r, rules.Sample, string(text))
	ids := strings.NewReplacer("C012AB3CD", "C0QUALYSADMIN", "U012AB3CD", "U0ALICE", "U034EF5GH", "U0BOB", "U056IJ7KL", "U0CAROL")
	require.NoError(r, os.WriteFile(path, []byte(ids.Replace(string(text))), 0o600))
}

// settings are what stays in the shell.
func (r *reader) settings(line string) {
	r.session = line
	assert.Contains(r, r.ends("env", 0), "SLACK_BOT_TOKEN="+minislack.BotToken)
}

// check wants the lines that README.md shows. What is indented below them is
// advice that this Redis needs.
func (r *reader) check(line string) {
	require.Len(r, r.blocks, 1)
	want := strings.Split(r.blocks[0], "\n")
	got := strings.Split(strings.TrimSpace(r.ends(line, 0)), "\n")
	got = slices.DeleteFunc(got, func(l string) bool { return strings.HasPrefix(l, " ") })
	require.Len(r, got, len(want), "%v", got)
	for i := range want {
		assert.Regexp(r, "^"+strings.ReplaceAll(regexp.QuoteMeta(want[i]), "…", ".*")+"$", got[i])
	}
	password := filepath.Join(r.dir, "password")
	require.NoError(r, os.WriteFile(password, []byte("wrong"), 0o600))
	out := r.ends("env -u QUALYS_PASSWORD QUALYS_PASSWORD_FILE=password ./bot check", 1)
	assert.Contains(r, out, "\nFAIL  qualys ")
	assert.Contains(r, out, "\n-     saq users  not tried: see qualys\n")
}

func (r *reader) checkJSON(string) {
	r.succeeds("./bot check")
	for line := range strings.Lines(r.ends("./bot check --json", 0)) {
		assert.True(r, json.Valid([]byte(line)), line)
	}
}

// run wants a bot that says that it is ready, and ends when it is told to.
func (r *reader) run(line string) {
	p := r.starts(line)
	require.Eventually(r, func() bool {
		resp, err := http.Get("http://" + r.listen + "/readyz")
		return err == nil && resp.Body.Close() == nil && resp.StatusCode == http.StatusOK
	}, untilLate, 50*time.Millisecond, "%s", p.out)
	r.succeeds("./bot check --live")
	assert.Equal(r, 0, p.interrupt(), "%s", p.out)
	r.ends("./bot check --live", 1)
}

// verify wants its three answers.
func (r *reader) verify(string) {
	text, err := os.ReadFile(filepath.Join(r.dir, ".env"))
	require.NoError(r, err)
	secret := regexp.MustCompile(`COUNTERSIGN_KEY=(\S+)`).FindStringSubmatch(string(text))
	public := regexp.MustCompile(`# public key.*: (\S+)`).FindStringSubmatch(string(text))
	require.NotNil(r, public)
	raw, err := base64.StdEncoding.DecodeString(secret[1])
	require.NoError(r, err)
	keys, err := approvals.DeriveKeys(raw)
	require.NoError(r, err)
	trail, prev := audit.NewTrail("default", keys.Sign), ""
	var file bytes.Buffer
	require.NoError(r, audit.WriteJSONL(&file, func(yield func(audit.Line, error) bool) {
		for i := range int64(3) {
			s, err := trail.Seal(approvals.Event{Seq: i + 1, At: time.Unix(1e9, 0), Kind: approvals.Start, Policy: strings.Repeat("0", 64)}, prev)
			prev = s.Entry.Hash
			if !yield(audit.Line{Entry: s.Entry, Text: s.Text, Channel: "C1", TS: "1.1"}, err) {
				return
			}
		}
	}))
	r.write("trail.jsonl", file.String())
	r.write("edited.jsonl", strings.Replace(file.String(), "started", "stopped", 1))
	assert.Contains(r, r.ends("./bot audit verify trail.jsonl", 0), "Sound")
	r.ends("./bot audit verify --key "+public[1]+" trail.jsonl", 0)
	r.ends("./bot audit verify --key "+public[1]+" edited.jsonl", 1)
	r.ends("./bot audit verify", 2)
}

// verifyLive checks what the bots that ran before have posted.
func (r *reader) verifyLive(string) {
	assert.Contains(r, r.ends("./bot audit verify --live", 0), "Sound")
}

// export writes down what can be checked then.
func (r *reader) export(line string) {
	r.write("exported.jsonl", r.ends("./"+line, 0))
	assert.Contains(r, r.ends("./bot audit verify exported.jsonl", 0), "Sound")
}

func (r *reader) write(name, text string) {
	require.NoError(r, os.WriteFile(filepath.Join(r.dir, name), []byte(text), 0o600))
}

// docker skips what needs it where it is not.
func (r *reader) docker(parts ...string) {
	r.Helper()
	for _, part := range parts {
		if out, err := exec.Command("sh", "-c", part).CombinedOutput(); err != nil {
			r.Skipf("there is no Docker here that could run it: %s: %s", part, bytes.TrimSpace(out))
		}
	}
	copyTree(r.T, "../..", r.dir)
}

func (r *reader) image(line string) {
	r.docker("docker version")
	r.succeeds(line)
	assert.Contains(r, r.ends("docker run --rm countersign version", 0), "countersign")
}

// composeCheck wants a check that reaches its own Redis; the simulators stand
// outside the containers.
func (r *reader) composeCheck(line string) {
	r.docker("docker version", "docker compose version")
	out := r.ends(line, 1)
	assert.Contains(r, out, "ok    settings")
	assert.Contains(r, out, "ok    redis")
}

func (r *reader) composeUp(line string) {
	r.docker("docker version", "docker compose version")
	r.Cleanup(func() { r.ends("docker compose down --volumes", 0) })
	r.succeeds(line)
}
