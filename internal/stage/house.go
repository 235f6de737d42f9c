package stage

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/alicebob/miniredis/v2"

	"countersign/approvals"
	"countersign/internal/app"
	"countersign/internal/chat"
	"countersign/internal/miniqualys"
	"countersign/internal/minislack"
	"countersign/qualys"
)

// A House is a stage with everything on it: bots that talk to a Slack, a Qualys
// and a Redis in a box.
type House struct {
	Config
	*world
	wall
	redis *miniredis.Miniredis
	start Starter

	open     bool
	unfolded bool
	again    bool                         // somebody typed retry or undo
	newest   int64                        // the newest event of Slack that was looked at
	dialogs  map[string]*minislack.Dialog // open for a person, by name
	acts     sync.WaitGroup               // what people do at this moment
	inMemory bool
	started  int // bots so far

	mu     sync.Mutex // guards the rest, which bots and pages look at
	bots   []Bot
	graves []Bot  // those that were killed
	trap   string // the point at which the next bot dies, or empty
	runner Bot    // who began a chunk last
}

// A Bot is a replica that runs.
type Bot interface {
	Kill()       // ends it at once: nothing that it would still do happens
	Stop() error // lets it finish what it does, and waits; also for one that was killed

	Done() <-chan struct{} // closed when it has ended
}

// A Starter starts a replica. What it does until it is stopped or killed
// belongs to the caller, who always ends it.
type Starter func(c app.Config) (Bot, error)

// NewHouse sets up a house in memory, for a synctest bubble. Close takes it down.
func NewHouse(c Config) *House {
	h := newHouse(c, minislack.NewInMemory(), miniqualys.NewInMemory())
	h.populate()
	h.inMemory = true
	h.start = func(c app.Config) (Bot, error) { return startHere(c, h.passes), nil }
	return h
}

// NewLoopback sets up a house on ports of the loopback, in real time, with the
// example of package miniqualys: 2,500 platform users and 1,200 SAQ users. Its bots
// are started by the caller, such as in processes of their own. Close takes it down.
func NewLoopback(c Config, start Starter) (*House, error) {
	h := newHouse(c, minislack.New(), miniqualys.New())
	h.qualys.Example()
	h.start = start
	const anyPort = "127.0.0.1:0"
	err := errors.Join(h.slack.Start(anyPort), h.qualys.Start(anyPort), h.redis.StartAddr(anyPort))
	if err != nil {
		return nil, errors.Join(err, h.Close())
	}
	return h, nil
}

func newHouse(c Config, slack *minislack.Server, qualys *miniqualys.Server) *House {
	h := &House{
		Config: c.withDefaults(), world: newWorld(slack, qualys), wall: newWall(), redis: miniredis.NewMiniRedis(),
		dialogs: map[string]*minislack.Dialog{},
	}
	h.redis.ClockTTL(true)
	h.policy.coolDown = h.CoolDown
	return h
}

// Close ends everything that runs, and says what went wrong with the bots.
func (h *House) Close() error {
	err := h.stop()
	h.acts.Wait()
	h.slack.Close()
	h.qualys.Close()
	h.redis.Close()
	return err
}

// Slack is the workspace on the stage.
func (h *House) Slack() *minislack.Server { return h.slack }

// Qualys is the subscription on the stage.
func (h *House) Qualys() *miniqualys.Server { return h.qualys }

// Open starts the bots, unless they run already.
func (h *House) Open(ctx context.Context) error { return h.begin(ctx) }

// Add starts one more bot and waits until it can hear.
func (h *House) Add(ctx context.Context) error { return h.add(ctx) }

// begin starts the bots under the policy as it is now, and forgets what they say
// while they start.
func (h *House) begin(ctx context.Context) error {
	if h.open {
		return nil
	}
	h.open = true
	for range h.Bots {
		if err := h.add(ctx); err != nil {
			return err
		}
	}
	if err := h.settle(ctx); err != nil {
		return err
	}
	h.look()
	_, err := h.take()
	return err
}

// add starts one bot and waits until it can hear.
func (h *House) add(ctx context.Context) error {
	path := filepath.Join(h.Dir, "policy.yaml")
	if err := os.WriteFile(path, h.policy.yaml(), 0o600); err != nil {
		return err
	}
	before := h.slack.Now()
	bot, err := h.start(h.config(path))
	if err != nil {
		return err
	}
	h.join(bot)
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	go func() {
		select {
		case <-bot.Done():
			cancel()
		case <-ctx.Done():
		}
	}()
	_, err = h.slack.AwaitAfter(ctx, before, func(e minislack.Event) bool { return e.Kind == minislack.Connected })
	if err != nil {
		return errors.Join(fmt.Errorf("a bot did not come up: %w", err), h.stop())
	}
	return nil
}

// join counts a bot among those that run.
func (h *House) join(b Bot) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.bots = append(h.bots, b)
}

// stop ends all bots.
func (h *House) stop() error {
	h.mu.Lock()
	all := slices.Concat(h.bots, h.graves)
	h.bots, h.graves = nil, nil
	h.mu.Unlock()
	var errs []error
	for _, b := range all {
		errs = append(errs, b.Stop())
	}
	return errors.Join(errs...)
}

// renew starts the bots anew, under a changed policy.
func (h *House) renew(ctx context.Context) error {
	if !h.open {
		return nil
	}
	h.mu.Lock()
	n := len(h.bots)
	h.mu.Unlock()
	if err := h.stop(); err != nil {
		return err
	}
	for range n {
		if err := h.add(ctx); err != nil {
			return err
		}
	}
	return nil
}

// secret is COUNTERSIGN_KEY on every stage, before its encoding.
var secret = strings.Repeat("k", approvals.KeySize)

// config is what a bot runs with.
func (h *House) config(policy string) app.Config {
	h.started++
	c := app.Config{
		Settings: app.Settings{
			SlackBotToken: minislack.BotToken, SlackAppToken: minislack.AppToken, SlackAPIURL: h.slack.URL(),
			QualysAPIURL: h.qualys.URL(), QualysGatewayURL: h.qualys.URL(),
			QualysUsername: miniqualys.Username, QualysPassword: miniqualys.Password,
			RedisURL:          "redis://127.0.0.1:1/0",
			CountersignKey:    qualys.Secret(base64.StdEncoding.EncodeToString([]byte(secret))),
			CountersignTenant: "default", PolicyFile: policy, SpoolDir: h.Dir,
		},
		Log: h.Log.With("bot", h.started), Version: "on stage",
	}
	if !h.inMemory {
		c.RedisURL = qualys.Secret("redis://" + h.redis.Addr() + "/0")
		return c
	}
	c.DialSlack, c.DialQualys = h.slack.Dial, h.qualys.Dial
	c.DialRedis = func(context.Context, string, string) (net.Conn, error) { return h.redis.Dial() }
	return c
}

// Pass makes a house a [chat.Stage].
func (h *House) Pass(ctx context.Context, d time.Duration) error {
	if err := h.begin(ctx); err != nil {
		return err
	}
	err := sleep(ctx, d)
	h.Rest()
	return err
}

// Direct makes a house a [chat.Stage].
func (h *House) Direct(ctx context.Context, text string) error {
	all := h.world.directions(h.renew)
	for pattern, f := range h.directions() {
		all[pattern] = f
	}
	return all.Direct(ctx, text)
}

// directions are those that only a whole house can follow.
func (h *House) directions() chat.Directions {
	do := func(f func(ctx context.Context) error) follow {
		return func(ctx context.Context, _ []string) error { return f(ctx) }
	}
	now := func(f func()) follow {
		return do(func(context.Context) error {
			f()
			return nil
		})
	}
	return chat.Directions{
		"the thread is open": now(func() { h.unfolded = true }),
		"* has * open requests": func(ctx context.Context, words []string) error {
			return h.occupy(ctx, h, words)
		},
		"the plan of * is changed in Redis": func(_ context.Context, words []string) error {
			return tamper(h.redis, words[0])
		},
		"a bot starts":                                   do(h.add),
		"a bot is killed":                                do(func(context.Context) error { return h.kill(0) }),
		"a bot stops":                                    do(func(context.Context) error { return h.leave(0) }),
		"the bot that runs it is killed":                 do(func(context.Context) error { return h.kill(h.running()) }),
		"the bot that runs it stops":                     do(func(context.Context) error { return h.leave(h.running()) }),
		"there is one bot alone":                         now(func() { h.Bots = 1 }),
		"the bot dies behind its next change":            now(func() { h.ambush("qualys.after") }),
		"the bot dies before its next change":            now(func() { h.ambush("qualys.before") }),
		"Slack delivers the next click twice":            now(func() { h.slack.DuplicateNext(true) }),
		"Slack repeats the next click in a new envelope": now(func() { h.slack.DuplicateNext(false) }),
		"Slack loses the next click":                     now(func() { h.slack.LoseNext(1) }),
		"Slack drops every connection":                   now(h.slack.DropSockets),
		"Slack is slow to show files":                    now(func() { h.slack.LateShares(5 * time.Second) }),
		"Slack turns posts away for * seconds": func(_ context.Context, words []string) error {
			var n int
			_, err := fmt.Sscan(words[0], &n)
			h.slack.RateLimit("chat.postMessage", time.Duration(n)*time.Second, 1)
			return err
		},
	}
}

// remove takes a bot away from those that run. A killed one is remembered.
func (h *House) remove(n int, killed bool) (Bot, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if n >= len(h.bots) {
		return nil, errors.New("there is no bot left")
	}
	b := h.bots[n]
	h.bots = append(h.bots[:n:n], h.bots[n+1:]...)
	if killed {
		h.graves = append(h.graves, b)
	}
	return b, nil
}

// kill ends a bot at once.
func (h *House) kill(n int) error {
	b, err := h.remove(n, true)
	if err == nil {
		b.Kill()
	}
	return err
}

// leave lets a bot finish what it does.
func (h *House) leave(n int) error {
	b, err := h.remove(n, false)
	if err == nil {
		err = b.Stop()
	}
	return err
}

// ambush lets the next bot that comes to a point die there.
func (h *House) ambush(point string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.trap = point
}

// passes is told by a bot at which point it is.
func (h *House) passes(b *here, point string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if point == "chunk.begin" {
		h.runner = b
	}
	if h.trap == point {
		h.trap = ""
		b.cut()
	}
}

// running is the place of the bot that began a chunk last.
func (h *House) running() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return max(0, slices.Index(h.bots, h.runner))
}
