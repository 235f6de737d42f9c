package approvals

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/approvals/rules"
)

// A meter counts round trips to Redis: one for each command, one for each
// pipeline.
type meter struct {
	mu    sync.Mutex
	trips []string
}

func (m *meter) DialHook(next redis.DialHook) redis.DialHook { return next }

func (m *meter) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		m.count("pipeline")
		return next(ctx, cmds)
	}
}

func (m *meter) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if !slices.Contains([]string{"hello", "cluster", "command"}, cmd.Name()) {
			m.count(cmd.Name())
		}
		return next(ctx, cmd)
	}
}

func (m *meter) count(trip string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.trips = append(m.trips, trip)
}

// of is what it takes to do something.
func (m *meter) of(do func()) []string {
	m.mu.Lock()
	m.trips = nil
	m.mu.Unlock()
	do()
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.trips
}

var oneScript = []string{"evalsha"}

// What happens at a click and during a run is one round trip each.
func TestADecisionIsOneRoundTrip(t *testing.T) {
	onEveryRedis(t, func(t *testing.T, client redis.UniversalClient) {
		b := openBook(t, client)
		(&life{T: t, name: "scripts", who: func(int) *Book { return b }}).live() // Redis knows the scripts
		m := &meter{}
		hook(t, client, m)
		p := held(t, b, holding(t, "counted", 101, 30))
		d := yes(p, bob)
		assert.Equal(t, []string{"hgetall", "get", "evalsha"}, m.of(func() {
			second := d
			second.By = alice
			_, err := b.Decide(t.Context(), second)
			require.ErrorIs(t, err, ErrOwnRequest)
		}), "read first, where the caller did not")
		d.Seen = p
		assert.Equal(t, oneScript, m.of(func() {
			now, err := b.Decide(t.Context(), d)
			require.NoError(t, err)
			assert.Equal(t, APPROVED, now.State)
			assert.Len(t, now.Plan.Users(), 30)
		}))
		postAll(t, b)
		var run *Run
		assert.Equal(t, oneScript, m.of(func() {
			var err error
			run, err = b.Claim(t.Context(), p.ID, "me", time.Minute)
			require.NoError(t, err)
			assert.Len(t, run.Pending.Plan.Users(), 30)
		}))
		for name, do := range map[string]func() error{
			"renew":  func() error { return run.Renew(t.Context()) },
			"sent":   func() error { return run.Sent(t.Context(), 1, 1, nil) }, // another chunk: in any order
			"done":   func() error { return run.Done(t.Context(), 0, nil) },
			"later":  func() error { return b.Later(t.Context(), p.ID, time.Second) },
			"expire": func() error { return b.Expire(t.Context(), p.ID) },
		} {
			require.NoError(t, do())
			assert.Equal(t, oneScript, m.of(func() { require.NoError(t, do()) }), name)
		}
		assert.Equal(t, oneScript, m.of(func() { require.NoError(t, run.Finish(t.Context(), DONE, "", nil, "")) }))
		assert.Equal(t, []string{"time", "zrangebyscore"}, m.of(func() {
			_, err := b.Due(t.Context(), 10)
			require.NoError(t, err)
		}))
	})
}

// So is holding a plan, while Redis' clock shows what it should. Where it does
// not, nothing is stored, and the second try goes by what Redis said.
func TestHoldingIsOneRoundTrip(t *testing.T) {
	onEveryRedis(t, func(t *testing.T, client redis.UniversalClient) {
		b := openBook(t, client)
		held(t, b, holding(t, "first", 1, 1)) // Redis knows the script
		m := &meter{}
		hook(t, client, m)
		n := 0
		hold := func() (p Pending, trips []string) {
			n++
			h := holding(t, fmt.Sprint("hold", n), 10*n, 3)
			h.MaxOpenEach = 100
			trips = m.of(func() {
				var err error
				p, err = b.Hold(t.Context(), h)
				require.NoError(t, err)
			})
			now, err := b.Now(t.Context())
			require.NoError(t, err)
			assert.WithinDuration(t, now.Add(h.Expires), p.Deadline, 10*time.Second)
			assert.Less(t, p.Deadline.Sub(p.Created)-h.Expires, time.Second)
			return p, trips
		}
		require.Eventually(t, func() bool { // a busy machine may stand still in between
			_, trips := hold()
			return slices.Equal(oneScript, trips)
		}, 20*time.Second, time.Millisecond)
		for _, wrong := range []time.Duration{-24 * time.Hour, time.Hour} {
			b.clock.set(time.Now().Add(wrong))
			_, trips := hold()
			assert.Equal(t, []string{"evalsha", "evalsha"}, trips)
		}
	})
}

// A thousand open requests are held by Redis alone: no goroutine waits for any
// of them, and whoever looks for work looks at what is due. Nothing else runs
// meanwhile: this test is not parallel.
func TestAThousandOpenRequestsCostLittle(t *testing.T) {
	s := startSingle(t)
	c := dial(t, s.addr)
	b := openBook(t, c)
	b.Tenant = "default" // keys as long as they are
	require.NoError(t, b.Record(t.Context(), "policy", b.Policy))
	open := 0
	holdUntil := func(n int) {
		for ; open < n; open++ {
			op := fmt.Sprintf("1234567890123.1234567890123.0123456789abcdef0123456789a%05d", open)
			h := holding(t, op, 1+open, 1)
			h.MaxOpen, h.MaxOpenEach, h.CoolDown, h.Channel = 2000, 2000, 30*time.Second, "C012AB3CD"
			h.By = rules.Person{Team: "T012AB3CD", ID: "U012AB3CD"}
			h.Reason, h.PlanSHA = "SEC-123 contract ended, vendor offboarded", strings.Repeat("a", 64)
			held(t, b, h)
		}
	}
	p := approved(t, b, "runs", 5000, 3)
	holdUntil(10)
	look := func() {
		ids, err := b.Due(t.Context(), 100)
		require.NoError(t, err)
		require.Equal(t, []string{p.ID}, ids)
		run, err := b.Claim(t.Context(), p.ID, fmt.Sprint("owner", open), time.Minute)
		require.NoError(t, err)
		require.NoError(t, run.Release(t.Context(), 0))
	}
	look()
	calls := func() int64 { // of all commands, also of those in scripts
		before := commandsOf(t, c)
		look()
		return commandsOf(t, c) - before
	}
	fewCalls, fewGoroutines := calls(), runtime.NumGoroutine()
	holdUntil(1000)
	assert.Equal(t, fewCalls, calls(), "a claim does not look at the others")
	assert.LessOrEqual(t, runtime.NumGoroutine(), fewGoroutines)

	used := map[string]int64{}
	keys, err := c.Keys(t.Context(), "*").Result()
	require.NoError(t, err)
	for _, key := range keys {
		name, _, _ := strings.Cut(strings.TrimPrefix(key, b.key("")), ":")
		used[name] += c.MemoryUsage(t.Context(), key, 0).Val()
	}
	t.Logf("bytes a request: record %d, due %d, open %d; its plan %d, index of its user %d; history: all %d, log %d",
		used["r"]/1000, used["due"]/1000, used["open"]/1000, used["p"]/1000, (used["held"]+used["u"])/1000, used["all"]/1000, used["log"]/1000)
	// Being open costs the record and a place in two indexes. That there was a
	// request at all costs its place in the history, as it does when it is over.
	assert.Less(t, (used["r"]+used["due"]+used["open"])/1000, int64(1024))
}

// commandsOf counts what the server has done so far.
func commandsOf(t *testing.T, c redis.UniversalClient) int64 {
	stats, err := c.Info(t.Context(), "commandstats").Result()
	require.NoError(t, err)
	var all int64
	for line := range strings.Lines(stats) {
		_, values, _ := strings.Cut(line, ":calls=")
		var calls int64
		if _, err := fmt.Sscan(strings.SplitN(values, ",", 2)[0], &calls); err == nil {
			all += calls
		}
	}
	return all
}
