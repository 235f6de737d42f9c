package slack

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/internal/minislack"
)

// Words about work that goes on reach their person alone, and hold nothing up.
func TestWhoWaitsIsTold(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		s, began := w.quiet(), time.Now()
		s.Tell(t.Context(), channel, alice, "Reading them takes 6 calls.")
		assert.Zero(t, time.Since(began))
		w.pass(time.Second)
		assert.Equal(t, []string{"Reading them takes 6 calls."}, w.told("alice"))
		assert.Empty(t, w.said(), "nobody else sees it")
	})
}

// Words that cannot be said soon are given up, and the log says so.
func TestWordsThatComeTooLateAreGivenUp(t *testing.T) {
	for name, trouble := range map[string]func(*minislack.Server){
		"Slack hangs":            func(s *minislack.Server) { s.Delay("chat.postEphemeral", time.Hour, 1) },
		"Slack wants us to wait": func(s *minislack.Server) { s.RateLimit("chat.postEphemeral", time.Minute, 1) },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, w *world) {
				trouble(w.slack)
				s, began := w.quiet(), time.Now()
				s.Tell(t.Context(), channel, alice, "Reading them takes 6 calls.")
				require.Zero(t, time.Since(began))
				s.Close()
				assert.LessOrEqual(t, time.Since(began), tellTime)
				assert.Contains(t, w.log.String(), "words did not reach their person")
			})
		})
	}
}

// A CSV that was asked for comes to the channel, complete, with its counts.
func TestAFoundFileIsPosted(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.bot()
		w.slack.LoseAnswer("files.completeUploadExternal", 1)
		_, err := w.slack.As("alice").Slash(channel, "/qualys-users", "find firstName=NewVendor")
		require.NoError(t, err)
		w.pass(10 * time.Second)
		files := w.slack.Files(channel)
		require.Len(t, files, 1)
		content, ok := w.slack.FileContent(files[0].ID)
		require.True(t, ok)
		assert.Contains(t, string(content), "\n1048,user48,NewVendor,")
		assert.Equal(t, []string{"found"}, w.trail())
	})
}

// Promise 8: a file that cannot be posted is not lost silently.
func TestAFileThatCannotBePostedIsSaid(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.bot()
		w.slack.FailNext("files.completeUploadExternal", "storage_limit_reached", 1)
		_, err := w.slack.As("alice").Slash(channel, "/qualys-users", "find firstName=NewVendor")
		require.NoError(t, err)
		w.pass(10 * time.Second)
		told := w.told("alice")
		assert.Contains(t, told[len(told)-1], "Slack says storage_limit_reached")
	})
}

// A file that Slack took and does not show is not called lost.
func TestAFileThatSlackShowsLateIsNotCalledLost(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.bot()
		w.slack.LateShares(2 * time.Minute)
		_, err := w.slack.As("alice").Slash(channel, "/qualys-users", "find firstName=NewVendor")
		require.NoError(t, err)
		w.pass(time.Minute)
		told := w.told("alice")
		assert.Contains(t, told[len(told)-1], "It may still appear")
		w.pass(2 * time.Minute)
		assert.Len(t, w.slack.Files(channel), 1)
	})
}
