package simulation

import (
	"context"
	"io"
	"net"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

const tenant = "sim"

const prefix = "countersign:{" + tenant + "}:"

func key(name string) string { return prefix + name }

// dial starts a Redis in memory and the one client of it. The world is a hook of
// that client: everything that an actor asks of Redis is a stand, and the call
// or its answer may get lost there.
func (w *world) dial() {
	w.m = miniredis.NewMiniRedis()
	w.m.ClockTTL(true)
	w.client = redis.NewClient(&redis.Options{
		Addr: "127.0.0.1:1", MaxRetries: -1, PoolSize: 64, Protocol: 2, DisableIdentity: true,
		Dialer:                   func(context.Context, string, string) (net.Conn, error) { return w.m.Dial() },
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	})
	w.client.AddHook(w)
}

func (w *world) DialHook(next redis.DialHook) redis.DialHook { return next }

func (w *world) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		by := called()
		return w.reach(ctx, stand{at: by.name + " pipeline", part: by.part}, func(err error) {
			for _, cmd := range cmds {
				cmd.SetErr(err)
			}
		}, func() error { return next(ctx, cmds) })
	}
}

func (w *world) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		name := cmd.Name()
		if name == "hello" || name == "time" || name == "eval" {
			// A greeting; the same for all who ask at one moment; the script of an
			// EVALSHA right before, which Redis did not know yet.
			return next(ctx, cmd)
		}
		by := called()
		s := stand{at: by.name + " " + name, about: subject(cmd, 1), part: by.part}
		if name == "evalsha" {
			s.at, s.about = by.name+" script", subject(cmd, 3)+epoch(cmd)
		}
		return w.reach(ctx, s, cmd.SetErr, func() error { return next(ctx, cmd) })
	}
}

// reach asks Redis something, unless that gets lost.
func (w *world) reach(ctx context.Context, s stand, fail func(error), ask func() error) error {
	a, ours := ctx.Value(actorKey{}).(*actor)
	if !ours {
		return ask()
	}
	if s.part == front && ctx.Done() != a.ctx.Done() { // work lives on when the process is told to stop
		s.part = work
	}
	v := a.halt(s)
	if v == loseCall || a.cut.After(time.Now()) {
		fail(io.EOF)
		return io.EOF
	}
	err := ask()
	if v == loseAnswer {
		fail(io.EOF)
		return io.EOF
	}
	return err
}

// subject is the key that a command is about.
func subject(cmd redis.Cmder, arg int) string {
	if args := cmd.Args(); len(args) > arg {
		s, _ := args[arg].(string)
		return strings.TrimPrefix(s, prefix)
	}
	return ""
}

// epoch tells two runs of one request in one process apart: the older one does
// not know yet that it lost its lease.
func epoch(cmd redis.Cmder) string {
	args := cmd.Args()
	keys, _ := args[2].(int)
	if at := 3 + keys + 4; len(args) > at {
		if s, _ := args[at].(string); len(s) > 0 && len(s) < 4 && number(s) > 0 {
			return " claimed " + s
		}
	}
	return ""
}

// A call is what the book was asked to do, such as Claim, and by whom.
type call struct {
	name string
	part part // beat, or anything else
}

// calls remembers calls: looking them up takes its time.
var calls = struct {
	sync.RWMutex
	known map[[32]uintptr]call
}{known: map[[32]uintptr]call{}}

// called is the outermost function of the book that is being called.
func called() call {
	var stack [32]uintptr
	n := runtime.Callers(3, stack[:])
	calls.RLock()
	c, known := calls.known[stack]
	calls.RUnlock()
	if known {
		return c
	}
	frames := runtime.CallersFrames(stack[:n])
	for more := true; more; {
		var f runtime.Frame
		f, more = frames.Next()
		if _, method, ok := strings.Cut(f.Function, "/approvals."); ok {
			c.name = method[strings.LastIndex(method, ".")+1:]
		}
		if strings.HasSuffix(f.Function, "/execution.(*run).heartbeat") {
			c.part = beat
		}
	}
	calls.Lock()
	defer calls.Unlock()
	calls.known[stack] = c
	return c
}
