package slack

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/slack-go/slack"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/internal/minislack"
)

// A refusal of the token says what mends it.
func TestARefusedTokenSaysWhatMendsIt(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		c := w.config()
		c.BotToken = "xoxb-somebody-else"
		s, err := New(c)
		require.NoError(t, err)
		defer s.Close()
		err = s.Hello(t.Context())
		var refused *TokenError
		require.ErrorAs(t, err, &refused)
		assert.Equal(t, "Slack refuses the bot token: invalid_auth. Check SLACK_BOT_TOKEN; a caller outside the app's IP allow-list gets the same answer.", err.Error())
		require.ErrorAs(t, s.Post(t.Context()), &refused)
		require.ErrorAs(t, s.Receive(t.Context(), nil), &refused)
		ok, reasons := s.Ready()
		assert.False(t, ok)
		assert.Equal(t, []string{"no socket to Slack is open"}, reasons)
	})
}

// Settings that cannot work are refused before anything is sent.
func TestSettingsThatCannotWork(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		for name, edit := range map[string]func(*Config){
			"no token":            func(c *Config) { c.BotToken = "" },
			"no book":             func(c *Config) { c.Book = nil },
			"no audit channel":    func(c *Config) { c.AuditChannel = "" },
			"plain http":          func(c *Config) { c.APIURL = "http://slack.example.com/api/" },
			"no slash at the end": func(c *Config) { c.APIURL = "https://slack.example.com/api" },
			"no address":          func(c *Config) { c.APIURL = "slack/" },
		} {
			c := w.config()
			edit(&c)
			_, err := New(c)
			assert.Error(t, err, name)
		}
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
		assert.Equal(t, tt.want, ambiguous(tt.err), "%v", tt.err)
	}
}

// Slack says how long to wait, and is obeyed; who has no time hears at once.
func TestRetryAfterIsObeyed(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		s := w.quiet()
		w.slack.RateLimit("conversations.info", 20*time.Second, 1)
		began := time.Now()
		_, err := s.Private(t.Context(), channel)
		require.NoError(t, err)
		assert.Equal(t, 20*time.Second, time.Since(began))

		w.slack.RateLimit("conversations.info", 20*time.Second, 1)
		soon, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		began = time.Now()
		_, err = s.Private(soon, channel)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Zero(t, time.Since(began))
	})
}

// P62: no token and no ticket stands in the log.
func TestTheLogHoldsNoSecrets(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.bot()
		w.slack.LoseAnswer("*", 3)
		w.slack.LoseAnswer("upload", 2)
		w.hold("trigger", 3)
		w.pass(time.Minute)
		assert.NotEmpty(t, w.with(cardType))
		for _, secret := range []string{minislack.BotToken, minislack.AppToken, "/upload/v1/", "ticket"} {
			assert.NotContains(t, w.log.String(), secret)
		}
	})
}

// What works in memory works over real sockets too.
func TestItWorksOverRealSockets(t *testing.T) {
	w := newWorld(t, minislack.RunT(t))
	w.bot(func(c *Config) { c.Dial = nil })
	ack, err := w.slack.As("alice").Slash(channel, "/qualys-users", "help")
	require.NoError(t, err)
	assert.Contains(t, ack.Text, "delete")
}
