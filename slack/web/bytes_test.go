package web

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// reaching is a client of a Web API that is served by a handler.
func reaching(t *testing.T, api http.HandlerFunc) *Client {
	t.Helper()
	server := httptest.NewServer(api)
	t.Cleanup(server.Close)
	return calling(t, Config{BotToken: "xoxb-ours", AppToken: "xapp-ours", APIURL: server.URL + "/api/"})
}

// calling is a client with the times of the product.
func calling(t *testing.T, c Config) *Client {
	t.Helper()
	c.CallTime, c.ShareWait = 15*time.Second, 30*time.Second
	c.Log, c.Point = slog.New(slog.DiscardHandler), func(string) {}
	client, err := New(c)
	require.NoError(t, err)
	t.Cleanup(client.Close)
	return client
}

// reading lets the same bytes be read again and again.
func reading(b []byte) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b)), nil }
}

// A Slack that looks for tokens in the header alone finds each where it belongs.
func TestTokensTravelInTheHeader(t *testing.T) {
	c := reaching(t, func(w http.ResponseWriter, r *http.Request) {
		want := "Bearer xoxb-ours"
		if strings.HasSuffix(r.URL.Path, "/apps.connections.open") {
			want = "Bearer xapp-ours"
		}
		if got := r.Header.Values("Authorization"); len(got) != 1 || got[0] != want {
			_, _ = io.WriteString(w, `{"ok":false,"error":"not_authed"}`)
			return
		}
		_, _ = io.WriteString(w, `{"ok":true,"team_id":"T1","user_id":"U1","url":"wss://localhost/"}`)
	})
	require.NoError(t, c.Hello(t.Context()))
	assert.Equal(t, "T1", c.Identity().Team)
	require.NoError(t, c.Call(t.Context(), "apps.connections.open", "", func(ctx context.Context) error {
		_, _, err := c.API.StartSocketModeContext(ctx)
		return err
	}))
}

// The bytes of a file may go to another place than the Web API. They come there
// as they are, with their length, and without a token.
func TestAnUploadGoesWhereSlackSaysWithoutAToken(t *testing.T) {
	content := []byte("id,userName\n1,jo\n")
	var got []byte
	var header http.Header
	var length int64
	storage := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		header, length = r.Header, r.ContentLength
		got, _ = io.ReadAll(r.Body)
	}))
	defer storage.Close()
	c := reaching(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprintf(w, `{"ok":true,"upload_url":%q,"file_id":"F1"}`, storage.URL+"/bucket?signature=1")
	})
	id, err := c.send(t.Context(), Upload{Name: "a.csv", Size: int64(len(content)), Open: reading(content)})
	require.NoError(t, err)
	assert.Equal(t, "F1", id)
	assert.Equal(t, string(content), string(got))
	assert.EqualValues(t, len(content), length)
	assert.Empty(t, header.Get("Authorization"))
	assert.Equal(t, "application/octet-stream", header.Get("Content-Type"))
}

// What storage refuses is told apart: a limit is waited for, the rest is an error
// that shows nothing of the address.
func TestARefusedUploadShowsNothingOfItsAddress(t *testing.T) {
	var answers []int
	storage := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(answers[0])
		answers = answers[1:]
	}))
	defer storage.Close()
	address := storage.URL + "/bucket?signature=1"
	c := reaching(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprintf(w, `{"ok":true,"upload_url":%q,"file_id":"F1"}`, address)
	})
	u := Upload{Name: "a.csv", Size: 1, Open: reading([]byte("x"))}
	answers = []int{http.StatusTooManyRequests, http.StatusCreated}
	_, err := c.send(t.Context(), u)
	require.NoError(t, err)
	answers = []int{http.StatusForbidden}
	_, err = c.send(t.Context(), u)
	require.ErrorContains(t, err, "403")
	assert.NotContains(t, err.Error(), "signature")
	assert.False(t, Ambiguous(err))
	for _, address = range []string{"http://storage.example.com/b?signature=1", "ftp://127.0.0.1/?signature=1", "signature", ""} {
		_, err = c.send(t.Context(), u)
		require.ErrorContains(t, err, "address", address)
		assert.NotContains(t, err.Error(), "signature=1")
	}
}

// The token goes to Slack and to where the Web API is, and nowhere else.
func TestTheTokenGoesToSlackAlone(t *testing.T) {
	slacks := &Client{Config: Config{APIURL: "https://slack.com/api/"}}
	inside := &Client{Config: Config{APIURL: "https://chat.example.com:8443/api/"}}
	here := &Client{Config: Config{APIURL: "http://127.0.0.1:4000/api/"}}
	for _, tt := range []struct {
		c    *Client
		to   string
		want bool
	}{
		{slacks, "https://files.slack.com/files-pri/T1-F1/a.csv", true},
		{slacks, "https://files.slack-gov.com/a.csv", true},
		{slacks, "http://files.slack.com/a.csv", false},
		{slacks, "https://slack.com.example.com/a.csv", false},
		{slacks, "https://notslack.com/a.csv", false},
		{slacks, "http://127.0.0.1:9/a.csv", false},
		{slacks, "https://storage.example.com/a.csv", false},
		{inside, "https://CHAT.example.com:8443/files/a.csv", true},
		{inside, "http://chat.example.com:8443/files/a.csv", false},
		{inside, "https://chat.example.com/files/a.csv", false},
		{here, "http://127.0.0.1:4001/files/a.csv", true},
		{here, "http://localhost:4000/files/a.csv", true},
		{here, "https://storage.example.com/a.csv", false},
	} {
		u, err := url.Parse(tt.to)
		require.NoError(t, err)
		assert.Equal(t, tt.want, tt.c.mayHaveToken(u), "the token of %s to %s", tt.c.APIURL, tt.to)
	}
}

// A file of a form is read from wherever Slack keeps it; a page to sign in is no file.
func TestAFileIsReadFromWhereSlackKeepsIt(t *testing.T) {
	content := "id\n1\n"
	files := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer xoxb-ours" || r.URL.Path != "/ids.csv" {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			_, _ = io.WriteString(w, "<!DOCTYPE html>Sign in")
			return
		}
		_, _ = io.WriteString(w, content)
	}))
	defer files.Close()
	file, external := "", false
	c := reaching(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprintf(w, `{"ok":true,"file":{"id":"F1","size":5,"url_private":%q,"is_external":%t}}`, files.URL+file, external)
	})
	file = "/ids.csv"
	got, err := c.Read(t.Context(), "F1")
	require.NoError(t, err)
	assert.True(t, bytes.Equal([]byte("id\n1\n"), got), "%q", got)
	content = ""
	got, err = c.Read(t.Context(), "F1")
	require.NoError(t, err)
	assert.NotNil(t, got, "an empty file is not the same as none")
	file = "/other"
	_, err = c.Read(t.Context(), "F1")
	require.ErrorIs(t, err, errSignIn)
	external = true
	_, err = c.Read(t.Context(), "F1")
	require.ErrorContains(t, err, "not in Slack")
}
