package approvals

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/qualys"
)

// programs are the scripts about a request, by the names that files of older
// versions have for them.
var programs = map[string]*program{
	"hold": hold, "decide": decide, "resume": resume, "withdraw": withdraw, "stop": stop, "cancel": cancel,
	"close": closeIt, "expire": expireNow, "review": review, "claim": claim, "renew": renew, "sent": markSent,
	"done": markDone, "unsent": unsent, "finish": finish, "release": release, "unreplicated": unreplicated,
	"unclaimed": unclaimed, "later": later, "card": setCard, "shown": shown,
}

// scriptsOf reads the scripts of an older version: parts that begin with a line
// "-- name --", of which the first is the prelude of all others. What it returns
// makes an old script of today's.
func scriptsOf(t *testing.T, file string) func(text string) string {
	raw, err := os.ReadFile(file)
	require.NoError(t, err)
	parts, name := map[string]string{}, ""
	for line := range strings.Lines(string(raw)) {
		if head, ok := strings.CutPrefix(line, "-- "); ok && strings.HasSuffix(head, " --\n") {
			name = strings.TrimSuffix(head, " --\n")
			continue
		}
		parts[name] += line
	}
	// Today's book hands two more arguments to hold, before the users.
	parts["hold"] = strings.ReplaceAll(parts["hold"], "for i = 22, #ARGV do", "for i = 24, #ARGV do")
	old := map[string]string{}
	for name, p := range programs {
		require.NotEmpty(t, parts[name], name)
		old[p.text] = parts["prelude"] + parts[name]
	}
	return func(text string) string {
		if was, known := old[text]; known {
			return was
		}
		return text
	}
}

// Replicas of an older version and of this one work on the same request, a step
// each: that is a rolling upgrade.
func TestOldAndNewReplicasShareARequest(t *testing.T) {
	files, err := filepath.Glob("testdata/scripts-*.txt")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	onEveryRedis(t, func(t *testing.T, client redis.UniversalClient) {
		var ours []Kind
		for _, file := range files {
			older := scriptsOf(t, file)
			for name, isOld := range map[string]func(step int) bool{
				"new alone":             func(int) bool { return false },
				"old alone":             func(int) bool { return true },
				"old and new":           func(step int) bool { return step%2 == 0 },
				"new and old":           func(step int) bool { return step%2 == 1 },
				"upgraded in the midst": func(step int) bool { return step < 8 },
				"set back in the midst": func(step int) bool { return step >= 8 },
			} {
				c := openBook(t, client).Config
				c.Client = client // an older version needs other rights
				c.Tenant += strings.ReplaceAll(name, " ", "-")
				replicas := map[bool]*Book{}
				for _, old := range []bool{true, false} {
					c.Script = nil
					if old {
						c.Script = older
					}
					replicas[old], err = NewBook(c)
					require.NoError(t, err)
				}
				require.NoError(t, replicas[true].Record(t.Context(), "policy", c.Policy))
				l := &life{T: t, name: name, who: func(step int) *Book { return replicas[isOld(step)] }}
				events := l.live()
				if ours == nil {
					ours = events
				}
				assert.Equal(t, ours, events, name)
			}
		}
	})
}

// A life is a request from its beginning to its end, step by step, each by a
// replica of its own.
type life struct {
	*testing.T
	name  string
	who   func(step int) *Book
	steps int
}

// next is the replica for the next step.
func (l *life) next() *Book {
	l.steps++
	return l.who(l.steps - 1)
}

func (l *life) must(p Pending, err error) Pending {
	l.Helper()
	require.NoError(l, err, "%s, step %d", l.name, l.steps)
	return p
}

func (l *life) live() []Kind {
	ctx := l.Context()
	h := holding(l.T, "op", 1, 30)
	h.Need = 2
	p := l.must(l.next().Hold(ctx, h))
	show(l.T, l.next(), p.ID)
	click := func(d Decision, op string) Decision {
		d.Op = op
		return d
	}
	l.must(l.next().Decide(ctx, yes(p, bob)))
	p = l.must(l.next().Decide(ctx, yes(p, carol)))
	require.Equal(l, APPROVED, p.State)
	p = l.must(l.next().Withdraw(ctx, p.ID, carol, "withdraw"))
	require.Equal(l, PENDING, p.State)
	l.must(l.next().Decide(ctx, yes(p, dave)))
	events := postAll(l.T, l.next())

	run := l.claim(p.ID)
	l.chunk(run, 0)
	require.NoError(l, run.Sent(ctx, 1, 1, nil))
	require.NoError(l, run.Release(ctx, 0))
	run = l.claim(p.ID) // another one takes over, and gives it up
	chunks, err := run.Chunks(ctx)
	require.NoError(l, err)
	require.True(l, chunks[0].Done)
	require.Equal(l, 1, chunks[1].Try)
	require.NoError(l, run.Review(ctx, WhyUnknown, Counts{"done": 1, "unknown": 25, "not-run": 4}))
	l.must(l.next().Resume(ctx, p.ID, bob, "resume"))
	p = l.must(l.next().Decide(ctx, click(yes(p, carol), "again")))
	require.Equal(l, RUNNING, p.State)
	events = append(events, postAll(l.T, l.next())...)
	run = l.claim(p.ID)
	l.chunk(run, 1)
	require.NoError(l, run.Release(ctx, 0))
	run = l.claim(p.ID)
	l.chunk(run, 2)
	require.NoError(l, run.Finish(ctx, DONE, "", Counts{"done": 30}, "sha"))
	for range 2 {
		p = l.must(l.next().Pending(ctx, p.ID))
		assert.Equal(l, DONE, p.State, l.name)
		assert.Equal(l, Counts{"done": 30}, p.Counts, l.name)
	}
	return kinds(append(events, postAll(l.T, l.next())...))
}

func (l *life) claim(id string) *Run {
	run, err := l.next().Claim(l.Context(), id, fmt.Sprint("owner", l.steps), time.Minute)
	require.NoError(l, err, "%s, step %d", l.name, l.steps)
	require.False(l, run.Pending.Plan.IsZero())
	return run
}

func (l *life) chunk(run *Run, n int) {
	require.NoError(l, run.Sent(l.Context(), n, 2, nil))
	outcomes := map[qualys.SAQUserID]Outcome{}
	for _, u := range run.Pending.Plan.Chunks()[n] {
		outcomes[u.ID] = Outcome{Result: ResultDone, Sent: true}
	}
	require.NoError(l, run.Done(l.Context(), n, outcomes))
}

// What a newer version adds is passed over, and stays: a field of the record, of
// an event, of the plan, of an outcome.
func TestWhatANewerVersionAddsStays(t *testing.T) {
	onEveryRedis(t, func(t *testing.T, client redis.UniversalClient) {
		b := openBook(t, client)
		p := held(t, b, holding(t, "op", 1, 2))
		record, payload := b.key("r:"+p.ID), b.key("p:"+p.ID)
		require.NoError(t, client.HSet(t.Context(), record, "later", "x|y", "card_later", "1").Err())
		more := map[string]any{}
		require.NoError(t, json.Unmarshal(mustPayload(t, p.Plan), &more))
		more["later"] = map[string]any{"x": 1}
		raw, err := json.Marshal(more)
		require.NoError(t, err)
		require.NoError(t, client.Set(t.Context(), payload, b.Keys.encrypt(raw, b.label(p.ID)), 0).Err())
		box := client.Get(t.Context(), payload).Val()
		postAll(t, b)
		last, err := b.Last(t.Context())
		require.NoError(t, err)
		require.NoError(t, client.XAdd(t.Context(), &redis.XAddArgs{
			Stream: b.key("log"), ID: fmt.Sprint(last+1, "-0"),
			Values: map[string]string{"kind": "later", "at": "1700000000000", "later": "x", "facts": `{"later":1}`},
		}).Err())
		require.NoError(t, client.Incr(t.Context(), b.key("seq")).Err())

		p, err = b.Decide(t.Context(), yes(p, bob))
		require.NoError(t, err)
		assert.Equal(t, []Kind{"later", Approved}, kinds(postAll(t, b)))
		run, err := b.Claim(t.Context(), p.ID, "me", time.Minute)
		require.NoError(t, err)
		require.NoError(t, client.HSet(t.Context(), b.key("c:"+p.ID), "0", "done|1|1700000000000", "later", "x",
			"o:0", b.Keys.encrypt([]byte(`{"1":{"result":"done","sent":true,"later":1}}`), "outcome "+p.ID+" 0")).Err())
		outcomes, err := b.Outcomes(t.Context(), p.ID)
		require.NoError(t, err)
		assert.Equal(t, map[qualys.SAQUserID]Outcome{1: {Result: ResultDone, Sent: true}}, outcomes)
		(&life{T: t}).chunk(run, 1)
		require.NoError(t, run.Finish(t.Context(), DONE, "", Counts{"done": 2}, "sha"))
		p, err = b.Pending(t.Context(), p.ID)
		require.NoError(t, err)
		assert.Equal(t, DONE, p.State)
		assert.Equal(t, "x|y", client.HGet(t.Context(), record, "later").Val())
		assert.Equal(t, "1", client.HGet(t.Context(), record, "card_later").Val())
		assert.Equal(t, "x", client.HGet(t.Context(), b.key("c:"+p.ID), "later").Val())
		assert.Equal(t, box, client.Get(t.Context(), payload).Val(), "what was sealed is never written anew")
	})
}
