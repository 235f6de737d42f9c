package main

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/slack-go/slack"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/approvals"
	"countersign/audit"
	"countersign/internal/minislack"
	"countersign/slack/cards"
	"countersign/slack/web"
)

// A channel is an audit channel with three entries, and what is needed to read it:
// a token, an address and a policy.
type auditChannel struct {
	slack   *minislack.Server
	entries []minislack.Ref
	public  string
}

func newAuditChannel(t *testing.T) *auditChannel {
	t.Helper()
	clear(t)
	c := &auditChannel{slack: minislack.RunT(t)}
	c.slack.Example()
	policy := filepath.Join(t.TempDir(), "policy.yaml")
	require.NoError(t, os.WriteFile(policy, []byte("channels: [C0QUALYSADMIN]\nreaders: [U0ALICE]\nrequesters: [U0ALICE]\napprovers: [U0BOB]\n"), 0o600))
	t.Setenv("SLACK_BOT_TOKEN", minislack.BotToken)
	t.Setenv("SLACK_API_URL", c.slack.URL())
	t.Setenv("POLICY_FILE", policy)

	keys, err := approvals.DeriveKeys(bytes.Repeat([]byte("k"), approvals.KeySize))
	require.NoError(t, err)
	c.public = base64.StdEncoding.EncodeToString(keys.Sign.Public().(ed25519.PublicKey))
	client, err := web.New(web.Config{
		BotToken: minislack.BotToken, AppToken: minislack.AppToken, APIURL: c.slack.URL(),
		CallTime: 15 * time.Second, Log: slog.New(slog.DiscardHandler), Point: func(string) {},
	})
	require.NoError(t, err)
	defer client.Close()
	trail, prev := audit.NewTrail("default", keys.Sign), ""
	for i := range int64(3) {
		s, err := trail.Seal(approvals.Event{Seq: i + 1, At: time.Now(), Kind: approvals.Start, Policy: strings.Repeat("0", 64)}, prev)
		require.NoError(t, err)
		prev = s.Entry.Hash
		ts, err := client.Post(t.Context(), "C0QUALYSADMIN", cards.Entry(s.Text, s.Entry.Line()).Options(slack.MsgOptionMetadata(
			slack.SlackMetadata{EventType: audit.EventType, EventPayload: s.Entry.Payload()}))...)
		require.NoError(t, err)
		c.entries = append(c.entries, minislack.Ref{Channel: "C0QUALYSADMIN", TS: ts})
	}
	return c
}

// Nothing but Slack is asked, and no setting but Slack's and the policy is wanted.
func TestTheTrailIsExportedFromItsChannel(t *testing.T) {
	c := newAuditChannel(t)
	m, ok := c.slack.Message(c.entries[0])
	require.True(t, ok)
	c.slack.Forge("mallory", m)
	out, err := call(t, "audit", "export")
	require.NoError(t, err)
	assert.Equal(t, 3, strings.Count(out, "\n"), out)
	assert.True(t, strings.HasPrefix(out, `{"channel":"C0QUALYSADMIN","entry":{"at":"`), out)

	path := filepath.Join(t.TempDir(), "trail.jsonl")
	require.NoError(t, os.WriteFile(path, []byte(out), 0o600))
	out, err = call(t, "audit", "verify", "--key", c.public, path)
	require.NoError(t, err, out)
	assert.Contains(t, out, "3 entries of chain default, #1 to #3.\nSound.")

	c.slack.StripMetadata(c.entries[1])
	out, err = call(t, "audit", "export")
	require.ErrorContains(t, err, "has no metadata")
	assert.Equal(t, 2, strings.Count(out, "\n"), "what can be written is written")

	clear(t)
	t.Setenv("POLICY_FILE", filepath.Join(t.TempDir(), "none.yaml"))
	_, err = call(t, "audit", "export")
	require.ErrorContains(t, err, "SLACK_BOT_TOKEN is not set")
	require.ErrorContains(t, err, "there is no policy file")
	for _, unneeded := range []string{"REDIS_URL", "QUALYS", "COUNTERSIGN_KEY", "SLACK_APP_TOKEN"} {
		assert.NotContains(t, err.Error(), unneeded)
	}
}

// Exit codes of the channel itself: 0 sound, 1 broken, 2 for whatever could not be
// checked, and for a command line that makes no sense.
func TestTheChannelIsVerified(t *testing.T) {
	c := newAuditChannel(t)
	live := []string{"audit", "verify", "--live", "--key", c.public}
	out, err := call(t, live...)
	require.NoError(t, err, out)
	assert.Contains(t, out, "Sound. The head is #3 ")

	for _, args := range [][]string{append(live, t.TempDir()), {"audit", "verify", "--key", c.public}, {"audit", "verify", "--live"}} {
		_, err := call(t, args...)
		assert.ErrorIs(t, err, usage, "%v", args)
	}
	t.Setenv("COUNTERSIGN_KEY", base64.StdEncoding.EncodeToString(bytes.Repeat([]byte("k"), approvals.KeySize)))
	out, err = call(t, "audit", "verify", "--live")
	require.NoError(t, err, out)

	c.slack.EditMessage(c.entries[1], "Nothing happened.", nil)
	c.slack.DeleteMessage(c.entries[0])
	out, err = call(t, live...)
	assert.ErrorIs(t, err, exit(audit.CodeBroken))
	assert.Contains(t, out, "BROKEN #1: the first entry is missing\nBROKEN #2: Slack marks the message as edited by ")
	assert.Contains(t, out, "Broken: 2 problems.\n")

	policy := os.Getenv("POLICY_FILE")
	text, err := os.ReadFile(policy)
	require.NoError(t, err)
	for _, trouble := range []func(){
		func() {
			c.slack.DeleteMessage(c.entries[1])
			c.slack.DeleteMessage(c.entries[2])
			require.NoError(t, os.WriteFile(policy, append(text, "checkpoint_channel: C0NOWHERE\n"...), 0o600))
		},
		func() { c.slack.Leave("C0QUALYSADMIN", "bot") },
		func() { t.Setenv("SLACK_API_URL", "http://127.0.0.1:1/") },
		func() { t.Setenv("SLACK_BOT_TOKEN", "") },
	} {
		trouble()
		out, err = call(t, live...)
		assert.ErrorIs(t, err, exit(audit.CodePartial), out)
		assert.Contains(t, out, "Reading ended early: ")
		assert.Contains(t, out, "Not everything could be checked.")
	}
}
