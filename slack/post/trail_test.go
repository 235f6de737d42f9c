package post

import (
	"crypto/ed25519"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/slack-go/slack"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/approvals"
	"countersign/approvals/rules"
	"countersign/audit"
	"countersign/internal/minislack"
	"countersign/slack/web"
)

// remember keeps what Redis holds now and returns what sets Redis back to it.
func (w *world) remember() (setBack func()) {
	var again []func()
	lives := map[string]time.Duration{}
	for _, key := range w.redis.Keys() {
		if life := w.redis.TTL(key); life > 0 {
			lives[key] = life
		}
		switch w.redis.Type(key) {
		case "string":
			value, err := w.redis.Get(key)
			require.NoError(w.t, err)
			again = append(again, func() { require.NoError(w.t, w.redis.Set(key, value)) })
		case "hash":
			var fields []string
			names, err := w.redis.HKeys(key)
			require.NoError(w.t, err)
			for _, name := range names {
				fields = append(fields, name, w.redis.HGet(key, name))
			}
			again = append(again, func() { w.redis.HSet(key, fields...) })
		case "set":
			members, err := w.redis.Members(key)
			require.NoError(w.t, err)
			again = append(again, func() { _, err := w.redis.SetAdd(key, members...); require.NoError(w.t, err) })
		case "zset":
			all, err := w.redis.SortedSet(key)
			require.NoError(w.t, err)
			again = append(again, func() {
				for member, score := range all {
					_, err := w.redis.ZAdd(key, score, member)
					require.NoError(w.t, err)
				}
			})
		case "stream":
			all, err := w.redis.Stream(key)
			require.NoError(w.t, err)
			again = append(again, func() {
				for _, e := range all {
					_, err := w.redis.XAdd(key, e.ID, e.Values)
					require.NoError(w.t, err)
				}
			})
		}
	}
	return func() {
		w.redis.FlushAll()
		for _, f := range again {
			f()
		}
		for key, life := range lives {
			w.redis.SetTTL(key, life)
		}
	}
}

// shows reads the trail back, and returns its newest number and the kinds about
// the request.
func (w *world) shows(by *Poster, p approvals.Pending) (head uint64, kinds []approvals.Kind) {
	w.t.Helper()
	head, entries, err := by.Entries(w.t.Context(), p.ID)
	require.NoError(w.t, err)
	for _, e := range entries {
		assert.Equal(w.t, p.ID, e.Request)
		kinds = append(kinds, e.Kind)
	}
	return head, kinds
}

// Reliability row 14: the channel shows what Redis forgot of a request, where
// its entries stand in the thread of its card.
func TestTheChannelShowsWhatRedisForgot(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		b := w.bot()
		p := w.hold("trigger", 3)
		w.pass(20 * time.Minute)
		w.approve(p)
		w.pass(5 * time.Second)
		setBack := w.remember()
		head, kinds := w.shows(b.Poster, p)
		assert.EqualValues(t, 2, head)
		assert.Equal(t, []approvals.Kind{approvals.Approved}, kinds)

		_, err := w.book.Decide(t.Context(), approvals.Decision{Request: p.ID, By: bob, Op: "no", Fingerprint: p.Short()})
		require.NoError(t, err)
		w.pass(5 * time.Second)
		b.stop()
		setBack()
		last, err := w.book.Last(t.Context())
		require.NoError(t, err)
		require.EqualValues(t, 2, last)
		head, kinds = w.shows(w.quiet(), p)
		assert.EqualValues(t, 3, head)
		assert.Equal(t, []approvals.Kind{approvals.Approved, approvals.Rejected}, kinds)
	})
}

// An approval that was withdrawn and that somebody put back into Redis is older
// than what was approved since, and its withdrawal is read all the same.
func TestAnOldWithdrawalIsRead(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		b := w.bot()
		p := w.hold("trigger", 3)
		w.pass(20 * time.Minute)
		w.approve(p)
		w.pass(20 * time.Minute)
		key, field := "countersign:{test}:r:"+p.ID, "a:"+bob.String()
		approval := w.redis.HGet(key, field)
		require.NotEmpty(t, approval)
		_, err := w.book.Withdraw(t.Context(), p.ID, bob, "withdraw")
		require.NoError(t, err)
		w.pass(20 * time.Minute)
		_, err = w.book.Decide(t.Context(), approvals.Decision{Request: p.ID, By: rules.Person{Team: team, ID: "U0CAROL"}, Op: "yes", Yes: true, Fingerprint: p.Short()})
		require.NoError(t, err)
		w.redis.HSet(key, field, approval)
		w.pass(5 * time.Second)
		_, kinds := w.shows(b.Poster, p)
		assert.Equal(t, []approvals.Kind{approvals.Approved, approvals.Withdrawn, approvals.Approved}, kinds)
	})
}

// The newest number may stand in the thread of another request, whose card is
// older than anything that is read for this one.
func TestTheNewestNumberMayStandInAnotherThread(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		b := w.bot()
		other := w.hold("other", 3)
		w.pass(20 * time.Minute)
		plan, err := approvals.NewPlan(approvals.Draft{Tenant: "test", Verb: approvals.Delete, Users: w.users[10:12], Scope: len(w.users)})
		require.NoError(t, err)
		p := w.holdPlan("trigger", plan)
		w.pass(20 * time.Minute)
		w.approve(p)
		w.pass(5 * time.Second)
		setBack := w.remember()
		_, err = w.book.Cancel(t.Context(), other.ID, alice, "cancel")
		require.NoError(t, err)
		w.pass(5 * time.Second)
		b.stop()
		setBack()
		head, kinds := w.shows(w.quiet(), p)
		assert.EqualValues(t, 4, head)
		assert.Equal(t, []approvals.Kind{approvals.Approved}, kinds)
	})
}

// Where the trail has a channel of its own, its entries stand there top-level,
// among whatever else is said.
func TestATrailInAnotherChannelIsReadThere(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		trail := w.slack.AddChannel(minislack.Channel{Name: "trail", Private: true, Members: []string{"bot", "bob"}})
		b := w.bot(func(c *Config) { c.AuditChannel = trail.ID })
		p := w.hold("trigger", 3)
		w.pass(5 * time.Second)
		w.approve(p)
		for range 3 * web.HistoryPage { // more than a page
			w.slack.As("bob").Say("trail", "bla")
		}
		_, err := w.book.Decide(t.Context(), approvals.Decision{Request: p.ID, By: bob, Op: "no", Fingerprint: p.Short()})
		require.NoError(t, err)
		w.pass(10 * time.Second)
		before := w.slack.Calls("conversations.history") + w.slack.Calls("conversations.replies")
		head, kinds := w.shows(b.Poster, p)
		assert.EqualValues(t, 3, head)
		assert.Equal(t, []approvals.Kind{approvals.Requested, approvals.Approved, approvals.Rejected}, kinds)
		assert.LessOrEqual(t, w.slack.Calls("conversations.history")+w.slack.Calls("conversations.replies")-before, 4)
	})
}

// A card that was deleted leaves its thread, and its entries count.
func TestADeletedCardsThreadIsRead(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		b := w.bot()
		p := w.hold("trigger", 3)
		w.pass(5 * time.Second)
		w.approve(p)
		w.pass(5 * time.Second)
		w.slack.DeleteMessage(w.card().Ref())
		head, kinds := w.shows(b.Poster, p)
		assert.EqualValues(t, 2, head)
		assert.Equal(t, []approvals.Kind{approvals.Requested, approvals.Approved}, kinds)
	})
}

// A rate limit is waited out for a bounded time; then reading is an error.
func TestReadingTheTrailObeysALimit(t *testing.T) {
	for _, tt := range []struct {
		name     string
		wait     time.Duration
		readable bool
	}{
		{"a short one", 10 * time.Second, true},
		{"a long one", time.Minute, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, w *world) {
				b := w.bot()
				p := w.hold("trigger", 3)
				w.pass(5 * time.Second)
				w.slack.RateLimit("conversations.history", tt.wait, 1)
				asked := time.Now()
				head, _, err := b.Entries(t.Context(), p.ID)
				assert.LessOrEqual(t, time.Since(asked), trailTime)
				if tt.readable {
					require.NoError(t, err)
					assert.EqualValues(t, 1, head)
					return
				}
				require.ErrorContains(t, err, "no more of these calls are taken for")
			})
		})
	}
}

// found is a message as Slack returns it.
func found(sealed audit.Sealed) slack.Message {
	m := slack.Message{}
	m.User, m.Timestamp = minislack.BotUser, "1700000000.000100"
	m.Metadata = slack.SlackMetadata{EventType: audit.EventType, EventPayload: sealed.Entry.Payload()}
	text := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(sealed.Text)
	m.Blocks.BlockSet = []slack.Block{slack.NewSectionBlock(slack.NewTextBlockObject(slack.PlainTextType, text, false, false), nil, nil)}
	return m
}

// sealedBy says with whose key, and for which installation, an entry is sealed.
type sealedBy struct{ chain, secret string }

var (
	ours   = sealedBy{"test", "0"}
	before = sealedBy{"test", "x"} // the former key
)

func (b sealedBy) key(t *testing.T) ed25519.PrivateKey {
	keys, err := approvals.DeriveKeys([]byte(strings.Repeat(b.secret, approvals.KeySize)))
	require.NoError(t, err)
	return keys.Sign
}

func (b sealedBy) trail(t *testing.T) *audit.Trail { return audit.NewTrail(b.chain, b.key(t)) }

var forgeries = []struct {
	name   string
	counts bool
	by     sealedBy
	change func(*slack.Message)
}{
	{"as it was sealed", true, ours, nil},
	{"sealed with the former key", true, before, nil},
	{"sealed with somebody's key", false, sealedBy{"test", "y"}, nil},
	{"of another installation", false, sealedBy{"prod", "0"}, nil},
	{"posted by somebody else", false, ours, func(m *slack.Message) { m.User = "U0MALLORY" }},
	{"of another type", false, ours, func(m *slack.Message) { m.Metadata.EventType = "entry" }},
	{"with another sentence", false, ours, func(m *slack.Message) {
		m.Blocks.BlockSet = []slack.Block{slack.NewSectionBlock(slack.NewTextBlockObject("plain_text", "approved", false, false), nil, nil)}
	}},
	{"without a sentence", false, ours, func(m *slack.Message) { m.Blocks.BlockSet = nil }},
	{"with another kind", false, ours, func(m *slack.Message) { m.Metadata.EventPayload["kind"] = "finished" }},
	{"with a higher number", false, ours, func(m *slack.Message) { m.Metadata.EventPayload["seq"] = int64(999) }},
	{"with a signature of nonsense", false, ours, func(m *slack.Message) { m.Metadata.EventPayload["sig"] = "!" }},
	{"without a number", false, ours, func(m *slack.Message) { delete(m.Metadata.EventPayload, "seq") }},
}

// Only what this trail sealed, as it was sealed, and posted by ourselves counts.
func TestWhatWasForgedDoesNotCount(t *testing.T) {
	rejected := approvals.Event{
		Seq: 7, At: time.Now(), Kind: approvals.Rejected, Request: "K7F3Q", By: bob,
		Facts: approvals.Facts{Verb: "delete", Users: 3, Asked: alice, Reason: "a <b> & c"},
	}
	inBubble(t, func(t *testing.T, w *world) {
		p := w.quiet()
		require.NoError(t, p.Web.Hello(t.Context()))
		p.Trail = ours.trail(t)
		p.Trail.Former = before.key(t)
		for _, tt := range forgeries {
			sealed, err := tt.by.trail(t).Seal(rejected, "")
			require.NoError(t, err)
			m := found(sealed)
			if tt.change != nil {
				tt.change(&m)
			}
			r, err := p.newReader("K7F3Q")
			require.NoError(t, err)
			r.entry(t.Context(), m)
			entries := slices.Collect(maps.Values(r.entries))
			if !tt.counts {
				assert.Empty(t, entries, tt.name)
				assert.Zero(t, r.head.Seq, tt.name)
				continue
			}
			require.Len(t, entries, 1, tt.name)
			assert.Equal(t, approvals.Rejected, entries[0].Kind)
			assert.EqualValues(t, 7, r.head.Seq)
		}
	})
}
