package minislack_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"strconv"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"countersign/internal/minislack"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const channel = "C0QUALYSADMIN"

// answer is what a call came back with.
type answer struct {
	Status  int
	Header  http.Header
	Body    map[string]any
	Refused string // the error of ok:false, or empty
}

func (a answer) str(key string) string { text, _ := a.Body[key].(string); return text }

// An app is the least an app can be: it calls the API and answers envelopes.
type app struct {
	t     testing.TB
	slack *minislack.Server
	http  *http.Client
}

// install runs the example workspace with an app that has no socket yet.
func install(t testing.TB) (*minislack.Server, *app) {
	s := minislack.RunT(t)
	s.Example()
	return s, appOn(t, s)
}

func appOn(t testing.TB, s *minislack.Server) *app {
	a := &app{t: t, slack: s, http: s.HTTPClient()}
	t.Cleanup(a.http.CloseIdleConnections)
	return a
}

// call calls a method with key, value, key, value … as a form.
func (a *app) call(method string, pairs ...string) answer {
	a.t.Helper()
	form := url.Values{"token": {minislack.BotToken}}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	resp, err := a.http.PostForm(a.slack.URL()+method, form)
	require.NoError(a.t, err)
	return a.read(resp)
}

// callJSON calls a method with a JSON body and a token in the header.
func (a *app) callJSON(method, token string, body any) answer {
	a.t.Helper()
	raw, err := json.Marshal(body)
	require.NoError(a.t, err)
	req, err := http.NewRequest(http.MethodPost, a.slack.URL()+method, bytes.NewReader(raw))
	require.NoError(a.t, err)
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := a.http.Do(req)
	require.NoError(a.t, err)
	return a.read(resp)
}

func (a *app) read(resp *http.Response) answer {
	a.t.Helper()
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	require.NoError(a.t, err)
	got := answer{Status: resp.StatusCode, Header: resp.Header}
	if json.Unmarshal(raw, &got.Body) == nil && got.Body["ok"] == false {
		got.Refused = got.str("error")
	}
	return got
}

// post posts text and answers with its ts.
func (a *app) post(text string, pairs ...string) string {
	a.t.Helper()
	got := a.call("chat.postMessage", append([]string{"channel", channel, "text", text}, pairs...)...)
	require.Empty(a.t, got.Refused)
	return got.str("ts")
}

// upload does the first two steps and answers with the file's id.
func (a *app) upload(name, content string) string {
	a.t.Helper()
	step := a.call("files.getUploadURLExternal", "filename", name, "length", strconv.Itoa(len(content)))
	require.Empty(a.t, step.Refused)
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile("file", name)
	require.NoError(a.t, err)
	_, _ = part.Write([]byte(content))
	require.NoError(a.t, form.Close())
	// A reader of unknown length makes the client send chunks, as slack-go does.
	resp, err := a.http.Post(step.str("upload_url"), form.FormDataContentType(), io.MultiReader(&body))
	require.NoError(a.t, err)
	defer resp.Body.Close()
	require.Equal(a.t, http.StatusOK, resp.StatusCode)
	return step.str("file_id")
}

// An envelope is a frame from Slack.
type envelope struct {
	Type    string         `json:"type"`
	ID      string         `json:"envelope_id"`
	Reason  string         `json:"reason"`
	Count   int            `json:"num_connections"`
	Attempt int            `json:"retry_attempt"`
	Payload map[string]any `json:"payload"`
}

// A line is one open socket of the app.
type line struct {
	t      testing.TB
	conn   *websocket.Conn
	frames chan envelope // closed when the socket ends
}

// ticket asks for the URL of a socket.
func (a *app) ticket() string {
	a.t.Helper()
	got := a.callJSON("apps.connections.open", minislack.AppToken, map[string]any{})
	require.Empty(a.t, got.Refused)
	return got.str("url")
}

func (a *app) dial(ticket string) (*websocket.Conn, error) {
	conn, resp, err := websocket.Dial(context.Background(), ticket, &websocket.DialOptions{
		HTTPClient: a.http, HTTPHeader: http.Header{"Origin": {"https://api.slack.com"}},
	})
	if err != nil && resp != nil && resp.Body != nil {
		_ = resp.Body.Close()
	}
	return conn, err
}

// connect opens a socket. Its first frame has not been read.
func (a *app) connect() *line {
	a.t.Helper()
	conn, err := a.dial(a.ticket())
	require.NoError(a.t, err)
	l := &line{t: a.t, conn: conn, frames: make(chan envelope, 100)}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		defer close(l.frames)
		for {
			_, raw, err := conn.Read(context.Background())
			if err != nil {
				return
			}
			var e envelope
			if json.Unmarshal(raw, &e) == nil {
				l.frames <- e
			}
		}
	}()
	a.t.Cleanup(func() { _ = conn.CloseNow(); <-ended })
	return l
}

// open opens a socket that has been greeted.
func (a *app) open() *line {
	a.t.Helper()
	l := a.connect()
	require.Equal(a.t, "hello", l.next().Type)
	return l
}

// next waits for the next frame.
func (l *line) next() envelope {
	l.t.Helper()
	select {
	case e, ok := <-l.frames:
		require.True(l.t, ok, "the socket ended while a frame was awaited")
		return e
	case <-time.After(20 * time.Second):
		l.t.Fatal("no frame came")
		return envelope{}
	}
}

func (l *line) ack(id string, payload any) {
	l.t.Helper()
	frame := map[string]any{"envelope_id": id}
	if payload != nil {
		frame["payload"] = payload
	}
	raw, err := json.Marshal(frame)
	require.NoError(l.t, err)
	require.NoError(l.t, l.conn.Write(context.Background(), websocket.MessageText, raw))
}

// answer acknowledges every envelope with what f says, until the socket ends.
func (l *line) answer(f func(envelope) any) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		for e := range l.frames {
			if e.ID != "" {
				frame, _ := json.Marshal(map[string]any{"envelope_id": e.ID, "payload": f(e)})
				_ = l.conn.Write(context.Background(), websocket.MessageText, frame)
			}
		}
	}()
	l.t.Cleanup(func() { _ = l.conn.CloseNow(); <-done })
}

func quiet(envelope) any { return nil }

// raw is JSON of anything.
func raw(t testing.TB, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	require.NoError(t, err)
	return string(text)
}

type obj = map[string]any

func plain(text string) obj  { return obj{"type": "plain_text", "text": text} }
func mrkdwn(text string) obj { return obj{"type": "mrkdwn", "text": text} }

// card is a message with two buttons, the first of which asks first.
func card() []any {
	return []any{
		obj{"type": "section", "text": plain("Delete 49 SAQ users?")},
		obj{"type": "actions", "block_id": "decide", "elements": []any{
			obj{
				"type": "button", "action_id": "approve", "value": "K7F3Q", "text": plain("Approve"), "style": "danger",
				"confirm": obj{"title": plain("Sure?"), "text": plain("49 users go."), "confirm": plain("Yes"), "deny": plain("No")},
			},
			obj{"type": "button", "action_id": "reject", "value": "K7F3Q", "text": plain("Reject & close")},
		}},
	}
}
