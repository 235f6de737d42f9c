package slack

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/internal/minislack"
	"countersign/slack/web"
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

// Who cannot post the trail is not ready, and says why.
func TestReadyMeansThatTheTrailIsPosted(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		b := w.bot()
		w.slack.Leave(channel, "bot")
		w.hold("trigger", 3)
		w.pass(time.Minute)
		ok, reasons := b.Ready()
		assert.False(t, ok)
		require.Len(t, reasons, 1)
		assert.Contains(t, reasons[0], "the trail cannot be posted: ")
		w.slack.Join(channel, "bot")
		w.pass(2 * time.Minute)
		ok, reasons = b.Ready()
		assert.True(t, ok, reasons)
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
		assert.NotEmpty(t, w.with(web.CardType))
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
