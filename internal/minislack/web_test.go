package minislack_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/internal/minislack"
)

// A tab is the page in somebody's browser, as far as HTTP is concerned.
type tab struct {
	t   *testing.T
	url string
}

func openTab(t *testing.T, s *minislack.Server, p minislack.Page) tab {
	server := httptest.NewServer(s.Web(p))
	t.Cleanup(server.Close)
	return tab{t, server.URL}
}

func (b tab) get(path string, header ...string) (*http.Response, string) {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), http.MethodGet, b.url+path, nil)
	require.NoError(b.t, err)
	return b.send(r, header)
}

func (b tab) post(path string, body any, header ...string) (*http.Response, string) {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost, b.url+path, strings.NewReader(raw(b.t, body)))
	require.NoError(b.t, err)
	return b.send(r, header)
}

func (b tab) send(r *http.Request, header []string) (*http.Response, string) {
	b.t.Helper()
	for i := 0; i+1 < len(header); i += 2 {
		if header[i] == "Host" {
			r.Host = header[i+1]
		}
		r.Header.Set(header[i], header[i+1])
	}
	answer, err := http.DefaultClient.Do(r)
	require.NoError(b.t, err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	require.NoError(b.t, err)
	return answer, string(text)
}

// does calls what a person does, and returns the answer.
func (b tab) does(what string, call obj) obj {
	b.t.Helper()
	r, text := b.post("/web/"+what, call)
	require.Equal(b.t, http.StatusOK, r.StatusCode, text)
	var answer obj
	require.NoError(b.t, json.Unmarshal([]byte(text), &answer))
	return answer
}

// sees is what somebody's screen shows.
func (b tab) sees(who string) string {
	b.t.Helper()
	r, text := b.get("/web/state?as=" + who)
	require.Equal(b.t, http.StatusOK, r.StatusCode, text)
	return text
}

// feed follows what somebody is told, until wanted is.
func (b tab) feed(who, wanted string) string {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), 30*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, b.url+"/web/feed?as="+who, nil)
	require.NoError(b.t, err)
	answer, err := http.DefaultClient.Do(r)
	require.NoError(b.t, err)
	defer answer.Body.Close()
	assert.Equal(b.t, "text/event-stream", answer.Header.Get("Content-Type"))
	var all strings.Builder
	for lines := bufio.NewScanner(answer.Body); lines.Scan(); {
		all.WriteString(lines.Text() + "\n")
		if strings.Contains(lines.Text(), wanted) {
			return all.String()
		}
	}
	require.Fail(b.t, "never told", "%q; told: %s", wanted, all.String())
	return ""
}

// The page is a keyboard without a password, so nobody else may reach for it.
func TestOtherSitesCannotUseThePage(t *testing.T) {
	s, _ := install(t)
	b := openTab(t, s, minislack.Page{})
	say := obj{"as": "alice", "channel": channel, "text": "hello"}
	r, _ := b.post("/web/say", say, "Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site")
	assert.Equal(t, http.StatusForbidden, r.StatusCode)
	r, text := b.get("/web/state", "Host", "evil.example:80")
	assert.Equal(t, http.StatusMisdirectedRequest, r.StatusCode)
	assert.Contains(t, text, "answers at 127.0.0.1 or localhost")
	assert.Empty(t, s.As("alice").Read(channel))
	b.does("say", say)
	assert.Len(t, s.As("alice").Read(channel), 1)

	r, _ = b.get("/")
	policy := r.Header.Get("Content-Security-Policy")
	assert.Contains(t, policy, "default-src 'none'; script-src 'self'")
	assert.NotContains(t, policy, "unsafe")
	assert.Equal(t, "nosniff", r.Header.Get("X-Content-Type-Options"))
}

// A person sees on the page what they see in the channel, and nothing else.
func TestThePageShowsAPersonWhatIsTheirs(t *testing.T) {
	s, a := install(t)
	a.open().answer(func(envelope) any { return obj{"text": "for alice alone"} })
	s.AddPerson(minislack.Person{Name: "eve"})
	b := openTab(t, s, minislack.Page{Roles: map[string]string{"alice": "asks"}})
	assert.Empty(t, b.does("slash", obj{"as": "alice", "channel": channel, "command": "/qualys-users", "text": "help"}))
	a.post("for everybody here")

	assert.Contains(t, b.sees("alice"), "for alice alone")
	assert.Contains(t, b.sees("alice"), `"role":"asks"`)
	assert.NotContains(t, b.sees("bob"), "for alice alone")
	assert.Contains(t, b.sees("bob"), "for everybody here")
	assert.NotContains(t, b.sees("eve"), "for everybody here", "the channel is private")

	assert.Contains(t, b.feed("alice", "for everybody here"), "for alice alone")
	assert.NotContains(t, b.feed("bob", "for everybody here"), "for alice alone")
	_, err := s.As("eve").Say(openRoom(s), "in the open")
	require.NoError(t, err)
	assert.NotContains(t, b.feed("eve", "in the open"), "for everybody here")
}

func openRoom(s *minislack.Server) string {
	return s.AddChannel(minislack.Channel{Name: "open", Members: []string{"eve"}}).ID
}

// What Slack says about a failure comes with its kind; a call about nobody, or
// about a place that does not exist, is a mistake of the page.
func TestThePageTellsFailuresApart(t *testing.T) {
	s, a := install(t)
	b := openTab(t, s, minislack.Page{})
	slash := obj{"as": "alice", "channel": channel, "command": "/qualys-users", "text": "help"}
	answer := b.does("slash", slash)
	assert.Equal(t, "dispatch_failed", answer["kind"])
	assert.Contains(t, answer["error"], "/qualys-users failed")
	a.open().answer(quiet)
	s.IgnoreAcks(1)
	assert.Equal(t, "operation_timeout", b.does("slash", slash)["kind"])
	assert.Equal(t, "not_there", b.does("submit", obj{"as": "alice"})["kind"])
	assert.Equal(t, "not_there", b.does("click", obj{"as": "alice", "channel": channel, "ts": "1.1"})["kind"])

	for path, body := range map[string]obj{
		"/web/slash": {"as": "nobody"}, "/web/say": {"as": "alice", "channel": "C404"}, "/web/lever/none?as=alice": {},
	} {
		r, _ := b.post(path, body)
		assert.Equal(t, http.StatusNotFound, r.StatusCode, path)
	}
	r, _ := b.post("/web/say", "no object")
	assert.Equal(t, http.StatusBadRequest, r.StatusCode)
}

// A button is named by its block, its action and its option, and a click on
// anything else is none.
func TestThePageClicksWhatItShows(t *testing.T) {
	s, a := install(t)
	var clicks []envelope
	a.open().answer(func(e envelope) any { clicks = append(clicks, e); return nil })
	ts := a.post("49 users", "blocks", raw(t, card()))
	b := openTab(t, s, minislack.Page{})
	click := obj{"as": "bob", "channel": channel, "ts": ts, "block": "decide", "action": "approve"}
	assert.Empty(t, b.does("click", click))
	require.Len(t, clicks, 1)
	assert.Equal(t, "U0BOB", clicks[0].Payload["user"].(obj)["id"])
	click["action"] = "no such"
	assert.Equal(t, "not_there", b.does("click", click)["kind"])
	assert.Len(t, clicks, 1)
}

// A file goes to those who can see it, and never runs.
func TestThePageHandsOutFiles(t *testing.T) {
	s, a := install(t)
	a.open().answer(quiet)
	b := openTab(t, s, minislack.Page{})
	r, text := b.post("/web/upload?as=alice&name="+url.QueryEscape("a\"b.csv"), "id\n1\n")
	require.Equal(t, http.StatusOK, r.StatusCode)
	var answer struct{ ID string }
	require.NoError(t, json.Unmarshal([]byte(text), &answer))
	r, text = b.get("/web/file/" + answer.ID + "?as=alice")
	assert.Equal(t, raw(t, "id\n1\n"), text)
	assert.True(t, strings.HasPrefix(r.Header.Get("Content-Disposition"), "attachment;"), r.Header.Get("Content-Disposition"))
	r, _ = b.get("/web/file/" + answer.ID + "?as=bob")
	assert.Equal(t, http.StatusNotFound, r.StatusCode)
}

// Levers are pulled by name, and the tour ticks when its things happened in
// their order.
func TestLeversAndTour(t *testing.T) {
	s, _ := install(t)
	var pulls atomic.Int32
	is := func(kind minislack.Kind) func(minislack.Event) bool {
		return func(e minislack.Event) bool { return e.Kind == kind }
	}
	b := openTab(t, s, minislack.Page{
		Levers: []minislack.Lever{{
			Name: "break", State: func() minislack.LeverState { return minislack.LeverState{Broken: pulls.Load() > 0} },
			Pull: func(context.Context) error { pulls.Add(1); return errors.New("it would not break") },
		}},
		Tour: []minislack.Step{{Title: "first pull, then look", Needs: []func(minislack.Event) bool{is(minislack.Pulled), is(minislack.Opened)}}},
	})
	look := obj{"as": "alice", "channel": channel, "ts": "1.1", "text": "thread"}
	b.does("opened", look)
	assert.Contains(t, b.sees("alice"), `"done":false`)
	assert.Equal(t, "it would not break", b.does("lever/break?as=alice", nil)["error"])
	assert.Contains(t, b.sees("alice"), `"broken":true`)
	b.does("opened", look)
	assert.Contains(t, b.sees("bob"), `"done":true`)
	b.does("tour", obj{"as": "bob"})
	assert.Contains(t, b.sees("bob"), `"done":false`)
}

// What Slack would refuse is not shown either.
func TestWhatIsShownWithoutBeingPosted(t *testing.T) {
	s, _ := install(t)
	shown, err := s.ShownMessage("a & b", json.RawMessage(raw(t, card())))
	require.NoError(t, err)
	assert.Contains(t, string(shown), `Reject \u0026amp; close`)
	_, err = s.ShownMessage("", json.RawMessage(`[{"type":"table"}]`))
	assert.ErrorContains(t, err, "a message that Slack would refuse")
	_, err = s.ShownView(json.RawMessage(`{"type":"modal"}`))
	assert.ErrorContains(t, err, "a form that Slack would refuse")
	assert.Empty(t, s.As("alice").Read(channel))
}
