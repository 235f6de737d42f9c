package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"sync"
	"time"

	"countersign/internal/app"
	"countersign/internal/stage"
	"countersign/qualys"
)

// botMark is the variable that makes this program a bot of the demo.
const botMark = "COUNTERSIGN_DEMO_BOT"

// settings are what a bot of the demo is told, on its standard input. The secrets
// are those of the simulators.
type settings struct {
	app.Settings
	Secrets [6]string // which a JSON of the settings would hide
}

// pack and unpack carry the secrets past their own care.
func pack(s app.Settings) settings {
	return settings{s, [6]string{
		s.SlackBotToken.Reveal(), s.SlackAppToken.Reveal(), s.QualysPassword.Reveal(), s.RedisURL.Reveal(),
		s.CountersignKey.Reveal(), s.CountersignKeyOld.Reveal(),
	}}
}

func (p settings) unpack() app.Settings {
	s := p.Settings
	for i, to := range []*qualys.Secret{&s.SlackBotToken, &s.SlackAppToken, &s.QualysPassword, &s.RedisURL, &s.CountersignKey, &s.CountersignKeyOld} {
		*to = qualys.Secret(p.Secrets[i])
	}
	return s
}

// times are short, so that nobody waits long for the other bot after a kill.
var times = app.Times{
	Lease: 5 * time.Second, Heartbeat: time.Second, Fresh: 2 * time.Second, Silence: 4 * time.Second,
	PosterLease: 3 * time.Second, Settle: func(f qualys.Fate) time.Duration { return f.Settle() / 5 },
}

// bot is a replica: it reads its settings and runs until the input ends. An
// interrupt at the terminal reaches it as well and is not meant for it.
func bot(in io.Reader) error {
	signal.Ignore(os.Interrupt)
	var told settings
	d := json.NewDecoder(in)
	if err := d.Decode(&told); err != nil {
		return fmt.Errorf("read the settings: %w", err)
	}
	c := app.Config{Settings: told.unpack(), Version: "demo", Times: times}
	log, err := c.Logger(os.Stderr)
	if err != nil {
		return err
	}
	c.Log = log
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() { // ends with the process
		_, _ = io.Copy(io.Discard, in)
		cancel()
	}()
	return app.Run(ctx, c)
}

// starter starts bots as children of this process.
func starter(log *tail) stage.Starter {
	return func(config app.Config) (stage.Bot, error) {
		self, err := os.Executable()
		if err != nil {
			return nil, err
		}
		cmd := exec.Command(self)
		cmd.Env = append(os.Environ(), botMark+"=1")
		cmd.Stderr = log
		pipe, err := cmd.StdinPipe()
		if err != nil {
			return nil, err
		}
		if err := cmd.Start(); err != nil {
			return nil, fmt.Errorf("start a bot: %w", err)
		}
		if err := json.NewEncoder(pipe).Encode(pack(config.Settings)); err != nil {
			return nil, errors.Join(fmt.Errorf("tell a bot its settings: %w", err), cmd.Process.Kill(), cmd.Wait())
		}
		c := &child{cmd: cmd, pipe: pipe, done: make(chan struct{})}
		go func() {
			defer close(c.done)
			c.err = cmd.Wait()
		}()
		return c, nil
	}
}

// A child is a bot in a process of its own.
type child struct {
	cmd  *exec.Cmd
	pipe io.Closer
	done chan struct{}
	err  error // how it ended, set before done is closed

	killed bool // on purpose
}

// ended reports whether the bot has ended.
func (c *child) ended() bool {
	select {
	case <-c.done:
		return true
	default:
		return false
	}
}

// Kill ends the bot with SIGKILL.
func (c *child) Kill() {
	c.killed = c.cmd.Process.Kill() == nil // otherwise it had ended already
	<-c.done
}

// Done is closed when the bot has ended.
func (c *child) Done() <-chan struct{} { return c.done }

// patience is how long a bot may take to finish what it does.
const patience = 20 * time.Second

// Stop ends the bot's input and waits for it.
func (c *child) Stop() error {
	_ = c.pipe.Close() // the bot may have ended already
	late := time.AfterFunc(patience, func() { _ = c.cmd.Process.Kill() })
	defer late.Stop()
	<-c.done
	if c.err != nil && !c.killed {
		return fmt.Errorf("a bot ended badly: %w", c.err)
	}
	return nil
}

// tail keeps the end of what the bots log, for when something goes wrong.
type tail struct {
	mu   sync.Mutex
	kept []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.kept = append(t.kept, p...)
	if over := len(t.kept) - 32<<10; over > 0 {
		t.kept = bytes.Clone(t.kept[over:])
	}
	return len(p), nil
}

// said is what the bots logged last, as an error.
func (t *tail) said() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	lines := strings.Split(strings.TrimSpace(string(t.kept)), "\n")
	return fmt.Errorf("the bots logged last:\n%s", strings.Join(lines[max(0, len(lines)-20):], "\n"))
}
