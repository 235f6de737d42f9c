package commands_test

import (
	"context"
	"encoding/csv"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/approvals"
	"countersign/approvals/rules"
	"countersign/commands"
	"countersign/qualys"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares what people see with a file.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err, "run with -update to write it")
	assert.Equal(t, string(want), got, "%s; run with -update if it is meant", path)
}

// The people: Alice asks, Bob and Carol approve, Rita reads, Mallory is in no
// role, Max asks and approves.
var (
	alice   = rules.Person{Team: "T1", ID: "UALICE"}
	bob     = rules.Person{Team: "T1", ID: "UBOB"}
	carol   = rules.Person{Team: "T1", ID: "UCAROL"}
	rita    = rules.Person{Team: "T1", ID: "URITA"}
	mallory = rules.Person{Team: "T1", ID: "UMALLORY"}
	max     = rules.Person{Team: "T1", ID: "UMAX"}
)

const policy = `
channels: [CSEC, CPUBLIC]
audit_channel: CSEC
readers: [URITA, UALICE]
requesters: [UALICE, UMAX]
approvers: [UBOB, UCAROL, UMAX]
protected: {companies: [Own Corp]}
`

// afternoon is when everything happens: 14:00, so that requests expire at 18:00.
var afternoon = time.Date(2026, 11, 21, 14, 0, 0, 0, time.UTC)

// A town is a desk with everything around it: a book on miniredis, a Slack
// directory and a Qualys subscription.
type town struct {
	*testing.T
	desk    *commands.Desk
	book    *approvals.Book
	redis   *miniredis.Miniredis
	client  redis.UniversalClient
	office  *office
	qualys  *subscription
	private map[string]bool
	log     *strings.Builder
	ops     int
}

func newTown(t *testing.T, morePolicy ...string) *town {
	t.Helper()
	w := &town{T: t, redis: miniredis.RunT(t), office: newOffice(), qualys: newSubscription(), log: &strings.Builder{},
		private: map[string]bool{"CSEC": true}}
	w.redis.SetTime(afternoon)
	w.client = redis.NewClient(&redis.Options{
		Addr: w.redis.Addr(), MaxRetries: -1, Protocol: 2, DisableIdentity: true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	})
	t.Cleanup(func() { _ = w.client.Close() })
	rulebook, err := rules.Parse([]byte(policy + strings.Join(morePolicy, "\n")))
	require.NoError(t, err)
	keys, err := approvals.DeriveKeys(make([]byte, approvals.KeySize))
	require.NoError(t, err)
	w.book, err = approvals.NewBook(approvals.Config{Client: w.client, Tenant: "test", Keys: keys, Policy: rulebook.Hash()})
	require.NoError(t, err)
	w.desk, err = commands.New(commands.Config{
		Book: w.book, Users: w.qualys, Policy: rulebook, Directory: w.office, Tenant: "test", SpoolDir: t.TempDir(),
		Private: func(_ context.Context, channel string) (bool, error) {
			if w.office.down {
				return false, errDown
			}
			return w.private[channel], nil
		},
		Log: slog.New(slog.NewTextHandler(w.log, nil)), Now: func() time.Time { return afternoon },
	})
	require.NoError(t, err)
	return w
}

func (w *town) op() string {
	w.ops++
	return fmt.Sprintf("op%d", w.ops)
}

// in is somebody typing in the private channel; the answer is the last one.
func (w *town) in(who rules.Person, text string) commands.Reply {
	return w.at("CSEC", who, text)
}

func (w *town) at(channel string, who rules.Person, text string) commands.Reply {
	r := w.desk.Slash(w.Context(), commands.Slash{Text: text, By: who, Channel: channel, Op: w.op()})
	return w.after(r)
}

// after is what is seen when the slow work is done.
func (w *town) after(r commands.Reply) commands.Reply {
	w.Helper()
	w.read(r)
	for r.Then != nil {
		r = r.Then(w.Context())
		w.read(r)
	}
	return r
}

// command is something to type that an answer shows.
var command = regexp.MustCompile("`(/qualys-users[^`]*)`")

// usage marks what is no command yet: help shows how verbs are used.
var usage = regexp.MustCompile(`<id>|\[|…( set| reason)`)

// read sees to it that what an answer shows as a command can be typed as it is.
func (w *town) read(r commands.Reply) {
	w.Helper()
	for _, said := range []string{r.Text, r.Hint} {
		for _, m := range command.FindAllStringSubmatch(said, -1) {
			text := strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&").Replace(m[1])
			_, err := commands.Parse(strings.TrimPrefix(text, "/qualys-users"))
			if said == r.Hint || !usage.MatchString(text) {
				assert.NoError(w, err, "the answer shows %s", text)
			}
		}
	}
}

// held is the one request that waits.
func (w *town) held() approvals.Pending {
	w.Helper()
	open, err := w.book.Open(w.Context())
	require.NoError(w, err)
	require.Len(w, open, 1)
	return open[0]
}

// asked has Alice ask for something, and the card shown.
func (w *town) asked(text string) approvals.Pending {
	w.Helper()
	r := w.in(alice, text)
	require.Contains(w, r.Text, "Held as", "%s %s", r.Text, r.Hint)
	return w.shown(w.held())
}

// shown puts the card into the channel, as the poster does.
func (w *town) shown(p approvals.Pending) approvals.Pending {
	w.Helper()
	box := w.book.Outbox()
	ours, err := box.Lease(w.Context(), "poster", time.Minute)
	require.NoError(w, err)
	require.True(w, ours)
	card := approvals.Card{FileID: "F1", FileShared: true, Channel: p.Channel, TS: "100.1"}
	require.NoError(w, box.SetCard(w.Context(), "poster", p.ID, card))
	require.NoError(w, box.Shown(w.Context(), "poster", p.ID, p.Version))
	return w.now(p)
}

func (w *town) now(p approvals.Pending) approvals.Pending {
	w.Helper()
	p, err := w.book.Pending(w.Context(), p.ID)
	require.NoError(w, err)
	return p
}

// button is a click on the newest card.
func (w *town) button(who rules.Person, a commands.Action, p approvals.Pending) commands.Click {
	return commands.Click{
		Request: p.ID, Action: a, By: who, Op: w.op(), Channel: p.Channel, Message: "100.1", Fingerprint: p.Short(),
	}
}

func (w *town) click(who rules.Person, a commands.Action, p approvals.Pending) commands.Reply {
	r := w.desk.Click(w.Context(), w.button(who, a, p))
	w.read(r)
	return r
}

// fill sends a form off.
func (w *town) fill(who rules.Person, f *commands.Form, values map[string]string, file ...byte) commands.Reply {
	w.Helper()
	require.NotNil(w, f, "there is no form")
	return w.after(w.desk.Submit(w.Context(), commands.Submission{
		Form: f.ID, By: who, Op: w.op(), Channel: f.Channel, Values: values, Click: f.Click, File: file,
	}))
}

// post brings everything that happened so far into the channel.
func (w *town) post() {
	w.Helper()
	box := w.book.Outbox()
	_, err := box.Lease(w.Context(), "poster", time.Minute)
	require.NoError(w, err)
	for _, e := range w.events() {
		require.NoError(w, box.Posted(w.Context(), "poster", e.Seq, fmt.Sprint("hash", e.Seq)))
	}
}

// claimed is a run of an approved request.
func (w *town) claimed(p approvals.Pending) *approvals.Run {
	w.Helper()
	w.post()
	require.NoError(w, w.book.Record(w.Context(), "policy", w.book.Policy))
	w.redis.SetTime(must(w.book.Now(w.Context())).Add(time.Minute))
	run, err := w.book.Claim(w.Context(), p.ID, "executor", time.Hour)
	require.NoError(w, err)
	return run
}

// ran carries a plan out: what becomes of a user is what fate says, and the
// chunks that have a user without one are not run. What is done is done in
// Qualys too.
func (w *town) ran(p approvals.Pending, state approvals.State, fate func(qualys.SAQUser) approvals.Result) approvals.Pending {
	w.Helper()
	run := w.claimed(p)
	chunks, err := run.Chunks(w.Context())
	require.NoError(w, err)
	for _, c := range chunks {
		outcomes := map[qualys.SAQUserID]approvals.Outcome{}
		for _, u := range c.Users {
			if r := fate(u); r != "" {
				outcomes[u.ID] = approvals.Outcome{Result: r, Sent: r != approvals.ResultSkipped}
			}
			if outcomes[u.ID].Result == approvals.ResultDone {
				w.qualys.write(p.Plan, u.ID)
			}
		}
		if len(outcomes) == len(c.Users) {
			require.NoError(w, run.Sent(w.Context(), c.N, 1, nil))
			require.NoError(w, run.Done(w.Context(), c.N, outcomes))
		}
	}
	if state == approvals.NEEDS_REVIEW {
		require.NoError(w, run.Review(w.Context(), approvals.WhyCredentials, nil))
	} else {
		require.NoError(w, run.Finish(w.Context(), state, "", nil, "sha"))
	}
	return w.now(p)
}

// approvedBy has somebody approve.
func (w *town) approvedBy(who rules.Person, p approvals.Pending) approvals.Pending {
	w.Helper()
	r := w.click(who, commands.ActApprove, p)
	if r.Form != nil {
		r = w.fill(who, r.Form, map[string]string{"confirm": r.Form.Fields[0].Placeholder})
	}
	require.Empty(w, r.Errors)
	require.NotContains(w, r.Text, "may not")
	return w.now(p)
}

// events are what the trail will say.
func (w *town) events() []approvals.Event {
	w.Helper()
	events, err := w.book.Outbox().Next(w.Context(), 100)
	require.NoError(w, err)
	return events
}

func (w *town) kinds() []approvals.Kind {
	var kinds []approvals.Kind
	for _, e := range w.events() {
		kinds = append(kinds, e.Kind)
	}
	return kinds
}

// last is the newest event.
func (w *town) last() approvals.Event {
	w.Helper()
	events := w.events()
	require.NotEmpty(w, events)
	return events[len(events)-1]
}

// said is everything of a reply, for a look at its words.
func said(r commands.Reply) string {
	s := r.Text
	if r.Hint != "" {
		s += "\n" + r.Hint
	}
	for field, problem := range r.Errors {
		s += "\n" + field + ": " + problem
	}
	if r.File != nil {
		s += "\n[" + r.File.Name + "]\n" + r.File.Comment
	}
	return s
}

// rows reads the file of a reply and closes it.
func rows(t *testing.T, f *commands.File) [][]string {
	t.Helper()
	require.NotNil(t, f, "there is no file")
	for range 2 { // a second attempt reads the same
		r, err := f.Open()
		require.NoError(t, err)
		raw, err := io.ReadAll(r)
		require.NoError(t, err)
		require.NoError(t, r.Close())
		require.EqualValues(t, f.Size, len(raw))
	}
	r, err := f.Open()
	require.NoError(t, err)
	records, err := csv.NewReader(r).ReadAll()
	require.NoError(t, err)
	require.NoError(t, f.Close())
	return records
}
