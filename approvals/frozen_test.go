package approvals

import (
	"encoding/base64"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/qualys"
)

// freeze writes what today's encoder stores to a new file. Files that are there
// are never written again: requests that old versions stored may still be open.
var freeze = flag.String("freeze", "", "write the requests of today's version to testdata/stored-NAME.json")

// stored is an installation as one version of the bot left it: every key with
// its kind and contents, and what people saw.
type stored struct {
	Hashes  map[string]map[string]string
	Strings map[string]string // base64
	Sets    map[string][]string
	Zsets   map[string]map[string]float64
	Streams map[string][]redis.XMessage
	Seen    map[string]seenThen // by the id of the request
}

// seenThen is what a request looked like.
type seenThen struct {
	State     State
	Requester string
	Reason    string
	Approvals []string
	Users     int
	Print     string
	Counts    string
	Deadline  time.Time
	Chunk     int
}

func seeNow(p Pending) seenThen {
	s := seenThen{
		State: p.State, Requester: p.Requester.String(), Reason: p.Reason, Users: len(p.Plan.Users()),
		Print: p.Plan.Fingerprint(), Counts: p.Counts.String(), Deadline: p.Deadline, Chunk: p.Chunk,
	}
	for _, a := range p.Approvals {
		s.Approvals = append(s.Approvals, a.By.String())
	}
	return s
}

const frozenTenant = "frozen"

func frozenBook(t *testing.T, client redis.UniversalClient) *Book {
	b, err := NewBook(Config{
		Client: client, Tenant: frozenTenant, Keys: testKeys(t, 0), Policy: strings.Repeat("9", 64), Retention: time.Hour,
	})
	require.NoError(t, err)
	return b
}

// Records that an older version of the bot stored are read, decided and carried
// out by this one.
func TestOlderRecordsAreUnderstood(t *testing.T) {
	if *freeze != "" {
		freezeNow(t, filepath.Join("testdata", "stored-"+*freeze+".json"))
	}
	files, err := filepath.Glob("testdata/stored-*.json")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			raw, err := os.ReadFile(file)
			require.NoError(t, err)
			var old stored
			require.NoError(t, json.Unmarshal(raw, &old))
			b := frozenBook(t, fresh(t, old.later()))
			old.load(t, b.Client)
			for id, want := range old.Seen {
				p, err := b.Pending(t.Context(), id)
				require.NoError(t, err)
				assert.Equal(t, want, seeNow(p), id)
				goOnWith(t, b, p)
			}
		})
	}
}

// goOnWith takes a stored request to an end of its own.
func goOnWith(t *testing.T, b *Book, p Pending) {
	switch p.State {
	case PENDING: // long past its deadline
		_, err := b.Decide(t.Context(), yes(p, carol))
		require.ErrorIs(t, err, ErrExpired)
	case RUNNING:
		run, err := b.Claim(t.Context(), p.ID, "a new version", time.Minute)
		require.NoError(t, err)
		chunks, err := run.Chunks(t.Context())
		require.NoError(t, err)
		require.Len(t, chunks, 3)
		assert.True(t, chunks[0].Done)
		assert.False(t, chunks[1].Sent.IsZero(), "sent, and nobody read back")
		assert.Equal(t, 1, chunks[1].Try)
		assert.True(t, chunks[2].Sent.IsZero())
		outcomes, err := b.Outcomes(t.Context(), p.ID)
		require.NoError(t, err)
		assert.Equal(t, map[qualys.SAQUserID]Outcome{101: {Result: ResultDone, Sent: true, Answer: "named", Observed: "gone"}}, outcomes)
		require.NoError(t, run.Finish(t.Context(), STOPPED, WhyFailures, nil, "sha"))
	case NEEDS_REVIEW:
		p, err := b.Close(t.Context(), p.ID, bob, "close", "looked")
		require.NoError(t, err)
		assert.Equal(t, CLOSED, p.State)
	default:
		require.Fail(t, "nothing is known to do", "%s is %s", p.ID, p.State)
	}
}

// freezeNow makes requests in the states that may be open for long.
func freezeNow(t *testing.T, file string) {
	b := frozenBook(t, fresh(t, time.Now()))
	require.NoError(t, b.Record(t.Context(), "policy", b.Policy))
	h := holding(t, "pending", 1, 3)
	h.Need, h.Expires = 2, time.Minute
	waiting := held(t, b, h)
	_, err := b.Decide(t.Context(), yes(waiting, bob))
	require.NoError(t, err)
	postAll(t, b)
	reviewed := approved(t, b, "reviewed", 11, 2)
	run, err := b.Claim(t.Context(), reviewed.ID, "old", time.Minute)
	require.NoError(t, err)
	require.NoError(t, run.Review(t.Context(), WhyUnknown, Counts{"unknown": 2}))
	running := approved(t, b, "running", 101, 30)
	run, err = b.Claim(t.Context(), running.ID, "old", time.Minute)
	require.NoError(t, err)
	require.NoError(t, run.Sent(t.Context(), 0, 1, nil))
	require.NoError(t, run.Done(t.Context(), 0, map[qualys.SAQUserID]Outcome{101: {Result: ResultDone, Sent: true, Answer: "named", Observed: "gone"}}))
	require.NoError(t, run.Sent(t.Context(), 1, 1, nil))
	require.NoError(t, run.Release(t.Context(), 0))
	postAll(t, b)
	old := save(t, b)
	raw, err := json.MarshalIndent(old, "", " ")
	require.NoError(t, err)
	_, err = os.Stat(file)
	require.ErrorIs(t, err, os.ErrNotExist, "what was frozen stays")
	require.NoError(t, os.WriteFile(file, raw, 0o644))
}

// save copies everything of the tenant.
func save(t *testing.T, b *Book) stored {
	s := stored{
		Hashes: map[string]map[string]string{}, Strings: map[string]string{}, Sets: map[string][]string{},
		Zsets: map[string]map[string]float64{}, Streams: map[string][]redis.XMessage{}, Seen: map[string]seenThen{},
	}
	ctx, c := t.Context(), b.Client
	keys, err := c.Keys(ctx, "countersign:*").Result()
	require.NoError(t, err)
	for _, key := range keys {
		switch kind := c.Type(ctx, key).Val(); kind {
		case "hash":
			s.Hashes[key] = encoded(c.HGetAll(ctx, key).Val())
		case "string":
			s.Strings[key] = base64.StdEncoding.EncodeToString([]byte(c.Get(ctx, key).Val()))
		case "set":
			s.Sets[key] = c.SMembers(ctx, key).Val()
		case "zset":
			s.Zsets[key] = map[string]float64{}
			for _, z := range c.ZRangeWithScores(ctx, key, 0, -1).Val() {
				name, _ := z.Member.(string)
				s.Zsets[key][name] = z.Score
			}
		case "stream":
			s.Streams[key] = c.XRange(ctx, key, "-", "+").Val()
		default:
			require.Fail(t, "a kind of key that nobody copies", "%s %s", key, kind)
		}
	}
	all, err := b.All(ctx, 10)
	require.NoError(t, err)
	for _, p := range all {
		s.Seen[p.ID] = seeNow(p)
	}
	return s
}

// encoded is a hash with its values in base64: some are encrypted.
func encoded(fields map[string]string) map[string]string {
	for name, value := range fields {
		fields[name] = base64.StdEncoding.EncodeToString([]byte(value))
	}
	return fields
}

// load puts everything back.
func (s stored) load(t *testing.T, c redis.UniversalClient) {
	ctx := t.Context()
	plain := func(value string) string {
		raw, err := base64.StdEncoding.DecodeString(value)
		require.NoError(t, err)
		return string(raw)
	}
	for key, fields := range s.Hashes {
		for name, value := range fields {
			require.NoError(t, c.HSet(ctx, key, name, plain(value)).Err())
		}
	}
	for key, value := range s.Strings {
		require.NoError(t, c.Set(ctx, key, plain(value), 0).Err())
	}
	for key, members := range s.Sets {
		for _, m := range members {
			require.NoError(t, c.SAdd(ctx, key, m).Err())
		}
	}
	for key, members := range s.Zsets {
		for m, score := range members {
			require.NoError(t, c.ZAdd(ctx, key, redis.Z{Member: m, Score: score}).Err())
		}
	}
	for key, messages := range s.Streams {
		for _, m := range messages {
			require.NoError(t, c.XAdd(ctx, &redis.XAddArgs{Stream: key, ID: m.ID, Values: m.Values}).Err())
		}
	}
}

// later is a moment at which everything that was stored is overdue.
func (s stored) later() time.Time {
	var last time.Time
	for _, p := range s.Seen {
		if p.Deadline.After(last) {
			last = p.Deadline
		}
	}
	return last.Add(time.Hour)
}

// fresh is an empty Redis whose clock stands still.
func fresh(t *testing.T, now time.Time) redis.UniversalClient {
	m := miniredis.RunT(t)
	m.SetTime(now)
	return dial(t, m.Addr())
}
