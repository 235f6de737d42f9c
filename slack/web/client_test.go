package web

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/slack-go/slack"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/internal/minislack"
)

const channel = "C0QUALYSADMIN"

// inBubble runs a test against a small workspace, in a bubble where time costs
// nothing and no goroutine may be left.
func inBubble(t *testing.T, test func(t *testing.T, workspace *minislack.Server, c *Client)) {
	synctest.Test(t, func(t *testing.T) {
		workspace := minislack.RunInMemoryT(t)
		workspace.Example()
		test(t, workspace, calling(t, Config{
			BotToken: minislack.BotToken, AppToken: minislack.AppToken, APIURL: workspace.URL(), Dial: workspace.Dial,
		}))
	})
}

// Nothing of ours is sent to addresses inside, whatever a name resolves to.
func TestOnlyPublicAddressesAreDialled(t *testing.T) {
	for address, ok := range map[string]bool{
		"3.65.102.105:443": true, "[2600:1f18::1]:443": true,
		"127.0.0.1:443": false, "10.1.2.3:443": false, "169.254.169.254:80": false, "192.168.0.1:443": false,
		"[::1]:443": false, "[fe80::1]:443": false, "[fd00::1]:443": false, "0.0.0.0:443": false, "[::ffff:10.0.0.1]:443": false,
		"slack.com:443": false,
	} {
		err := publicOnly("tcp", address, nil)
		assert.Equal(t, ok, err == nil, "dial %s: %v", address, err)
	}
}

// A redirect to another host is not followed: it would carry the token there.
func TestARedirectToAnotherHostIsNotFollowed(t *testing.T) {
	client, err := newHTTPClient(Config{APIURL: slack.APIURL})
	require.NoError(t, err)
	from := httptest.NewRequest(http.MethodGet, "https://files.slack.com/a", nil)
	for to, ok := range map[string]bool{
		"https://files.slack.com/b": true, "https://slack.com/a": false, "http://files.slack.com/a": false,
		"https://files.slack.com.example.com/a": false,
	} {
		err := client.CheckRedirect(httptest.NewRequest(http.MethodGet, to, nil), []*http.Request{from})
		assert.Equal(t, ok, err == nil, "redirect to %s: %v", to, err)
	}
}

// Whether a post may be in the channel although it failed decides what happens next.
func TestWhatMayHaveHappened(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want bool
	}{
		{nil, false},
		{slack.SlackErrorResponse{Err: "not_in_channel"}, false},
		{slack.SlackErrorResponse{Err: "internal_error"}, true},
		{slack.SlackErrorResponse{Err: "fatal_error"}, true},
		{slack.SlackErrorResponse{Err: "rate_limited"}, false},
		{&slack.RateLimitedError{RetryAfter: time.Second}, false},
		{slack.StatusCodeError{Code: 503}, true},
		{slack.StatusCodeError{Code: 408}, true},
		{slack.StatusCodeError{Code: 404}, false},
		{slack.StatusCodeError{Code: 429}, false},
		{context.DeadlineExceeded, true},
		{errors.New("connection reset by peer"), true},
	} {
		assert.Equal(t, tt.want, Ambiguous(tt.err), "%v", tt.err)
		_, limited := tooFast(tt.err)
		assert.Equal(t, tt.want || limited, Passing(tt.err), "%v", tt.err)
	}
	assert.True(t, Passing(&slack.RateLimitedError{RetryAfter: time.Minute}))
}

// Slack says how long to wait, and is obeyed; who has no time hears at once.
func TestRetryAfterIsObeyed(t *testing.T) {
	inBubble(t, func(t *testing.T, workspace *minislack.Server, c *Client) {
		workspace.RateLimit("conversations.info", 20*time.Second, 1)
		began := time.Now()
		_, err := c.Private(t.Context(), channel)
		require.NoError(t, err)
		assert.Equal(t, 20*time.Second, time.Since(began))

		workspace.RateLimit("conversations.info", 20*time.Second, 1)
		soon, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		began = time.Now()
		_, err = c.Private(soon, channel)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Zero(t, time.Since(began))
	})
}

// A channel is judged anew each time.
func TestPrivateIsAskedEveryTime(t *testing.T) {
	inBubble(t, func(t *testing.T, workspace *minislack.Server, c *Client) {
		private, err := c.Private(t.Context(), channel)
		require.NoError(t, err)
		assert.True(t, private)
		workspace.SetChannel(channel, func(is *minislack.Channel) { is.ExtShared = true })
		private, err = c.Private(t.Context(), channel)
		require.NoError(t, err)
		assert.False(t, private)
		_, err = c.Private(t.Context(), "C0NOWHERE")
		require.ErrorContains(t, err, "channel_not_found")
	})
}
