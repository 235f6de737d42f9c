package minislack_test

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/internal/minislack"
)

// complete shares an upload in the example channel.
func (a *app) complete(id string, pairs ...string) answer {
	a.t.Helper()
	return a.call("files.completeUploadExternal",
		append([]string{"files", `[{"id":"` + id + `","title":"Plan"}]`, "channel_id", channel}, pairs...)...)
}

// An upload is announced, sent and completed; its share appears later, and only
// files.info tells where.
func TestAnUploadAppearsLate(t *testing.T) {
	bubble(t, func(t *testing.T, s *minislack.Server, a *app) {
		parent := a.post("the card")
		id := a.upload("plan.csv", "id\n1\n")
		assert.Equal(t, "file_not_found", a.call("files.info", "file", id).Refused, "not completed")
		done := a.complete(id, "thread_ts", parent, "initial_comment", "49 users & <!channel>")
		require.Empty(t, done.Refused)
		assert.Equal(t, []any{obj{"id": id, "title": "Plan"}}, done.Body["files"])

		shares := func() obj {
			return a.call("files.info", "file", id).Body["file"].(obj)["shares"].(obj)["private"].(obj)
		}
		assert.Empty(t, shares())
		time.Sleep(300 * time.Millisecond)
		synctest.Wait()
		require.Contains(t, shares(), channel)
		share := shares()[channel].([]any)[0].(obj)
		assert.Equal(t, parent, share["thread_ts"])

		m, ok := s.Message(minislack.Ref{Channel: channel, TS: share["ts"].(string)})
		require.True(t, ok)
		assert.Equal(t, "49 users & @channel\n[plan.csv]", m.Rendered())
		assert.Len(t, s.Pings(), 1, "a comment is message text")
		require.Len(t, m.Files, 1)
		content, ok := s.FileContent(m.Files[0].ID)
		require.True(t, ok)
		assert.Equal(t, "id\n1\n", string(content))
		assert.Equal(t, []minislack.File{{ID: id, Name: "plan.csv", Title: "Plan", Size: 5, By: minislack.BotUser}}, s.Files(channel))
	})
}

// A completion happens once, for bytes that arrived, in a channel the bot is in.
func TestAnUploadIsCompletedOnce(t *testing.T) {
	s, a := install(t)
	s.AddChannel(minislack.Channel{Name: "open"})
	id := a.upload("plan.csv", "id\n1\n")
	assert.Equal(t, "not_in_channel", a.complete(id, "channel_id", "C0OPEN").Refused)
	assert.Equal(t, "invalid_thread_ts", a.complete(id, "thread_ts", "1.0").Refused)
	assert.Empty(t, a.complete(id).Refused)
	assert.Equal(t, "file_not_found", a.complete(id).Refused)
	assert.Equal(t, "file_not_found", a.complete("F0NONE").Refused)

	step := a.call("files.getUploadURLExternal", "filename", "x.csv", "length", "5")
	assert.Equal(t, "file_not_found", a.complete(step.str("file_id")).Refused, "no bytes yet")
	assert.Equal(t, "missing_argument", a.call("files.getUploadURLExternal", "filename", "x.csv", "length", "0").Refused)
	for body, status := range map[string]int{"1234": http.StatusBadRequest, "12345": http.StatusOK} {
		resp, err := a.http.Post(step.str("upload_url"), "application/octet-stream", strings.NewReader(body))
		require.NoError(t, err)
		resp.Body.Close()
		assert.Equal(t, status, resp.StatusCode, "a raw body of %d bytes", len(body))
	}
	resp, err := a.http.Post(strings.TrimSuffix(s.URL(), "api/")+"upload/v1/nothing", "text/plain", strings.NewReader("x"))
	require.NoError(t, err)
	resp.Body.Close()
	assert.Equal(t, http.StatusBadRequest, resp.StatusCode)
}

// The bytes can be refused, and the answer to them lost after they arrived.
func TestAnUploadCanBeRefusedOrItsAnswerLost(t *testing.T) {
	s, a := install(t)
	step := a.call("files.getUploadURLExternal", "filename", "x.csv", "length", "3")
	s.FailNext("upload", "no room", 1)
	resp, err := a.http.Post(step.str("upload_url"), "text/csv", strings.NewReader("a,b"))
	require.NoError(t, err)
	resp.Body.Close()
	assert.Equal(t, http.StatusBadRequest, resp.StatusCode)
	s.LoseAnswer("upload", 1)
	_, err = a.http.Post(step.str("upload_url"), "text/csv", strings.NewReader("a,b"))
	require.Error(t, err)
	assert.Empty(t, a.complete(step.str("file_id")).Refused)
}

// A file that was never shared stays private, and none is shared without a channel.
func TestWithoutAChannelAFileStaysPrivate(t *testing.T) {
	bubble(t, func(t *testing.T, s *minislack.Server, a *app) {
		id := a.upload("x.csv", "a")
		require.Empty(t, a.call("files.completeUploadExternal", "files", `[{"id":"`+id+`"}]`).Refused)
		time.Sleep(time.Minute)
		assert.Empty(t, s.Messages(channel))
		_, err := s.As("alice").Download(minislack.File{ID: id})
		assert.ErrorIs(t, err, minislack.ErrNotThere)
	})
}

// Bytes go to the bot token; anybody else gets a sign-in page and HTTP 200.
func TestFilesAreReadWithTheToken(t *testing.T) {
	s, a := install(t)
	s.LateShares(0)
	id := a.upload("plan.csv", "id\n1\n")
	require.Empty(t, a.complete(id).Refused)
	_, err := s.Await(t.Context(), func(e minislack.Event) bool { return e.Kind == minislack.FileShared })
	require.NoError(t, err)
	link := a.call("files.info", "file", id).Body["file"].(obj)["url_private_download"].(string)
	get := func(token string) (string, string) {
		req, err := http.NewRequest(http.MethodGet, link, nil)
		require.NoError(t, err)
		req.Header.Set("Authorization", "Bearer "+token)
		resp, err := a.http.Do(req)
		require.NoError(t, err)
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		return resp.Header.Get("Content-Type"), string(body)
	}
	kind, body := get(minislack.BotToken)
	assert.Equal(t, "text/csv", kind)
	assert.Equal(t, "id\n1\n", body)
	kind, body = get("xoxb-other")
	assert.Equal(t, "text/html; charset=utf-8", kind)
	assert.Contains(t, body, "Sign in")

	read, err := s.As("bob").Download(s.As("bob").Files(channel)[0])
	require.NoError(t, err)
	assert.Equal(t, "id\n1\n", string(read))
	s.Leave(channel, "bob")
	_, err = s.As("bob").Download(minislack.File{ID: id})
	assert.ErrorIs(t, err, minislack.ErrNotThere)
}

// What is nowhere is explained.
func TestResponseURLsAreExplained(t *testing.T) {
	s, a := install(t)
	base, err := url.Parse(s.URL())
	require.NoError(t, err)
	resp, err := a.http.Get(base.ResolveReference(&url.URL{Path: "/commands/T0EXAMPLE/1"}).String())
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	assert.Equal(t, http.StatusNotFound, resp.StatusCode)
	assert.Contains(t, string(body), "response URLs are not simulated")
}
