package trail

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/slack-go/slack"
	"github.com/stretchr/testify/require"

	"countersign/approvals"
	"countersign/approvals/rules"
	"countersign/audit"
	"countersign/internal/minislack"
	"countersign/slack/cards"
	"countersign/slack/web"
)

const channel = "C0QUALYSADMIN"

var (
	signer = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, 32))
	public = signer.Public().(ed25519.PublicKey)
	alice  = rules.Person{Team: "T0EXAMPLE", ID: "U0ALICE"}
)

// A town is a workspace in which a bot keeps a trail.
type town struct {
	t     *testing.T
	slack *minislack.Server
	web   *web.Client
	trail *audit.Trail
	log   *bytes.Buffer

	seq  int64
	prev string
}

// inTown runs a test in a bubble where time costs nothing.
func inTown(t *testing.T, test func(t *testing.T, w *town)) {
	synctest.Test(t, func(t *testing.T) {
		w := &town{t: t, slack: minislack.RunInMemoryT(t), trail: audit.NewTrail("test", signer), log: &bytes.Buffer{}}
		w.slack.Example()
		w.slack.SetMessageRate(0, 0)
		var err error
		w.web, err = web.New(web.Config{
			BotToken: minislack.BotToken, AppToken: minislack.AppToken, APIURL: w.slack.URL(), Dial: w.slack.Dial,
			CallTime: 15 * time.Second, ShareWait: 30 * time.Second, Log: slog.New(slog.NewTextHandler(w.log, nil)), Point: func(string) {},
		})
		require.NoError(t, err)
		t.Cleanup(w.web.Close)
		require.NoError(t, w.web.Hello(t.Context()))
		test(t, w)
	})
}

func (w *town) live() Live { return Live{Web: w.web, Channel: channel} }

// verify checks what stands in the channel.
func (w *town) verify(l Live) audit.Report {
	report, _ := audit.Check{Key: public, Bot: minislack.BotUser}.Verify(l.Lines(w.t.Context()))
	return report
}

func texts(found []audit.Finding) []string {
	var all []string
	for _, f := range found {
		all = append(all, f.String())
	}
	return all
}

// card posts a card, in whose thread entries may stand.
func (w *town) card(request string) string {
	w.t.Helper()
	ts, err := w.web.Post(w.t.Context(), channel, cards.Reply("Delete 3 SAQ users?", "").Options(web.About(web.CardType, request))...)
	require.NoError(w.t, err)
	return ts
}

// seal makes the next entry.
func (w *town) seal(e approvals.Event) audit.Sealed {
	w.t.Helper()
	w.seq++
	e.Seq, e.At = w.seq, time.Now()
	sealed, err := w.trail.Seal(e, w.prev)
	require.NoError(w.t, err)
	w.prev = sealed.Entry.Hash
	return sealed
}

// post posts an entry as the poster does.
func (w *town) post(sealed audit.Sealed, thread string) minislack.Ref {
	w.t.Helper()
	options := cards.Entry(sealed.Text, sealed.Entry.Line()).Options(slack.MsgOptionMetadata(slack.SlackMetadata{
		EventType: audit.EventType, EventPayload: sealed.Entry.Payload(),
	}))
	if thread != "" {
		options = append(options, slack.MsgOptionTS(thread))
	}
	ts, err := w.web.Post(w.t.Context(), channel, options...)
	require.NoError(w.t, err)
	return minislack.Ref{Channel: channel, TS: ts}
}

// entries posts n entries at the same place.
func (w *town) entries(n int, thread string) (refs []minislack.Ref) {
	w.t.Helper()
	for range n {
		refs = append(refs, w.post(w.seal(approvals.Event{Kind: approvals.Frozen, By: alice, Facts: approvals.Facts{Reason: "a <b> & c"}}), thread))
	}
	return refs
}

// message is a message as everybody may copy it.
func (w *town) message(ref minislack.Ref) minislack.Message {
	w.t.Helper()
	m, ok := w.slack.Message(ref)
	require.True(w.t, ok)
	return m
}

// changed is the message with another value in its metadata.
func changed(t *testing.T, m minislack.Message, name string, value any) minislack.Message {
	t.Helper()
	var payload map[string]any
	require.NoError(t, json.Unmarshal(m.Metadata.Payload, &payload))
	payload[name] = value
	raw, err := json.Marshal(payload)
	require.NoError(t, err)
	m.Metadata = &minislack.Metadata{Type: m.Metadata.Type, Payload: raw}
	return m
}

// csv posts a file of the bot's.
func (w *town) csv(name, content, thread string) minislack.File {
	w.t.Helper()
	_, err := w.web.Upload(w.t.Context(), web.Upload{
		Name: name, Title: name, Size: int64(len(content)), Open: opening(content), Channel: channel, Thread: thread,
	})
	require.NoError(w.t, err)
	all := w.slack.Files(channel)
	return all[len(all)-1]
}

// sha is the file_sha of a CSV.
func sha(content string) string {
	h := audit.SHA(&bytes.Buffer{})
	fmt.Fprint(h, content)
	return h.Sum()
}

// chatter lets people talk.
func (w *town) chatter(n int) {
	w.t.Helper()
	for i := range n {
		_, err := w.slack.As("bob").Say(channel, fmt.Sprint("bla ", i))
		require.NoError(w.t, err)
	}
}

func nobody(context.Context) ([]string, error) { return nil, nil }

var print3 = strings.Repeat("3fa9c1d2ab07", 5) + "beef"
