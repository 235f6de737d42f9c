package main

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/approvals"
	"countersign/approvals/rules"
	"countersign/audit"
	"countersign/internal/app"
)

func call(t *testing.T, args ...string) (string, error) {
	var out bytes.Buffer
	err := run(t.Context(), args, &out)
	return out.String(), err
}

// clear takes the settings of the machine that runs the tests away.
func clear(t *testing.T) {
	for _, name := range append(slices.Clone(app.Secrets),
		"QUALYS_PLATFORM", "QUALYS_API_URL", "QUALYS_GATEWAY_URL", "QUALYS_USERNAME", "POLICY_FILE", "SLACK_API_URL") {
		t.Setenv(name, "") // puts it back afterwards
		require.NoError(t, os.Unsetenv(name))
	}
}

func TestVersionIsPrinted(t *testing.T) {
	out, err := call(t, "version")
	require.NoError(t, err)
	assert.Regexp(t, `^countersign \S+\n$`, out)
}

// The public key that keygen prints is the one that verifies what the key signs.
func TestKeygenPrintsAPair(t *testing.T) {
	out, err := call(t, "keygen")
	require.NoError(t, err)
	found := regexp.MustCompile(`^COUNTERSIGN_KEY=(\S+)\n# public key.*: (\S+)\n$`).FindStringSubmatch(out)
	require.NotNil(t, found, out)
	secret, err := base64.StdEncoding.DecodeString(found[1])
	require.NoError(t, err)
	keys, err := approvals.DeriveKeys(secret)
	require.NoError(t, err)
	assert.Equal(t, base64.StdEncoding.EncodeToString(keys.Sign.Public().(ed25519.PublicKey)), found[2])
	again, err := call(t, "keygen")
	require.NoError(t, err)
	assert.NotEqual(t, out, again)
}

// Exit codes: 0 sound, 1 broken, 2 could not check everything or makes no sense.
func TestVerifyExits(t *testing.T) {
	keys, err := approvals.DeriveKeys(bytes.Repeat([]byte("k"), approvals.KeySize))
	require.NoError(t, err)
	public := base64.StdEncoding.EncodeToString(keys.Sign.Public().(ed25519.PublicKey))
	trail, prev := audit.NewTrail("default", keys.Sign), ""
	var lines []audit.Line
	for i := range int64(3) {
		s, err := trail.Seal(approvals.Event{Seq: i + 1, At: time.Unix(1e9, 0), Kind: approvals.Start, Policy: strings.Repeat("0", 64)}, prev)
		require.NoError(t, err)
		prev = s.Entry.Hash
		lines = append(lines, audit.Line{Entry: s.Entry, Text: s.Text, Channel: "C1", TS: "1.1"})
	}
	write := func(lines []audit.Line) string {
		path := filepath.Join(t.TempDir(), "trail.jsonl")
		f, err := os.Create(path)
		require.NoError(t, err)
		require.NoError(t, audit.WriteJSONL(f, func(yield func(audit.Line, error) bool) {
			for _, l := range lines {
				if !yield(l, nil) {
					return
				}
			}
		}))
		require.NoError(t, f.Close())
		return path
	}
	out, err := call(t, "audit", "verify", "--key", public, write(lines))
	require.NoError(t, err, out)

	edited := slices.Clone(lines)
	edited[1].Text = "Nothing happened."
	out, err = call(t, "audit", "verify", "--key", public, write(edited))
	assert.ErrorIs(t, err, exit(1), out)

	out, err = call(t, "audit", "verify", "--key", public, write(lines[1:]))
	assert.ErrorIs(t, err, exit(1), out)

	t.Setenv("COUNTERSIGN_KEY", base64.StdEncoding.EncodeToString(bytes.Repeat([]byte("k"), approvals.KeySize)))
	out, err = call(t, "audit", "verify", write(lines))
	require.NoError(t, err, out)

	for _, args := range [][]string{
		{"--key", "abc", write(lines)}, {"--key", public, filepath.Join(t.TempDir(), "absent")}, {"--key", public, t.TempDir()},
	} {
		_, err = call(t, append([]string{"audit", "verify"}, args...)...)
		assert.ErrorIs(t, err, usage, "%v", args)
	}
	t.Setenv("COUNTERSIGN_KEY", "")
	_, err = call(t, "audit", "verify", write(lines))
	assert.ErrorIs(t, err, usage)
}

func TestAWrongCommandLineExitsWithTwo(t *testing.T) {
	for _, args := range [][]string{{"fly"}, {"run", "--wings"}, {"audit", "verify"}} {
		_, err := call(t, args...)
		assert.ErrorIs(t, err, usage, "%v", args)
	}
	out, err := call(t, "--help")
	require.NoError(t, err)
	assert.Contains(t, out, "--redis-url")
}

func TestMissingSettingsAreSaidByRunAndCheck(t *testing.T) {
	clear(t)
	out, err := call(t, "run")
	assert.ErrorIs(t, err, exit(1))
	assert.Contains(t, out, "approvers:", "the policy is missing too: here is a sample")
	policy := filepath.Join(t.TempDir(), "policy.yaml")
	require.NoError(t, os.WriteFile(policy, []byte("channels: [C1]\nreaders: [U1]\nrequesters: [U1]\napprovers: [U2]\n"), 0o600))
	_, err = call(t, "run", "--policy-file", policy)
	require.ErrorContains(t, err, "REDIS_URL is not set")
	require.ErrorContains(t, err, "SLACK_BOT_TOKEN is not set")
	out, err = call(t, "check")
	assert.ErrorIs(t, err, exit(1))
	assert.Contains(t, out, "FAIL  settings")
	out, err = call(t, "check", "--json")
	assert.ErrorIs(t, err, exit(1))
	assert.Contains(t, out, `"what":"settings","ok":false`)
}

// A missing policy is met with one to fill in.
func TestAMissingPolicyPrintsASample(t *testing.T) {
	clear(t)
	policy := filepath.Join(t.TempDir(), "policy.yaml")
	for range 2 { // the second time it is there, and empty: the shell makes it before the bot looks
		out, err := call(t, "run", "--slack-bot-token=xoxb-1", "--slack-app-token=xapp-1", "--qualys-platform=US1",
			"--qualys-username=u", "--qualys-password=p", "--redis-url=redis://127.0.0.1:1/0",
			"--countersign-key="+base64.StdEncoding.EncodeToString(make([]byte, 32)), "--policy-file="+policy)
		assert.ErrorIs(t, err, exit(1))
		assert.Equal(t, rules.Sample, out)
		require.NoError(t, os.WriteFile(policy, nil, 0o600))
	}
}
