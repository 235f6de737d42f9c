package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// complete are settings with nothing wrong.
func complete() Settings {
	return Settings{
		SlackBotToken: "xoxb-1", SlackAppToken: "xapp-1", SlackAPIURL: "https://slack.com/api/",
		QualysPlatform: "EU1", QualysUsername: "acme_ab1", QualysPassword: "secret",
		RedisURL: "redis://localhost:6379/0", CountersignTenant: "default", LogLevel: "info", LogFormat: "text",
		CountersignKey: "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=",
	}
}

func TestAPlatformStandsForItsURLs(t *testing.T) {
	s := complete()
	require.NoError(t, s.Check())
	assert.Equal(t, "https://qualysapi.qualys.eu", s.QualysAPIURL)
	assert.Equal(t, "https://gateway.qg1.apps.qualys.eu", s.QualysGatewayURL)

	s = complete()
	s.QualysAPIURL = "https://qualysapi.example.com"
	require.NoError(t, s.Check())
	assert.Equal(t, "https://qualysapi.example.com", s.QualysAPIURL, "an explicit URL wins")
}

// Everything that is missing is said at once, each with where to find it.
func TestEverythingMissingIsSaidAtOnce(t *testing.T) {
	err := (&Settings{CountersignTenant: "default"}).Check()
	require.Error(t, err)
	for _, name := range []string{
		"SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "QUALYS_USERNAME", "QUALYS_PASSWORD", "REDIS_URL", "COUNTERSIGN_KEY", "QUALYS_PLATFORM",
	} {
		assert.Contains(t, err.Error(), name+" is not set")
	}
}

var wrong = []struct {
	name, says string
	set        func(*Settings)
}{
	{"a platform nobody knows", "QUALYS_PLATFORM \"MARS1\" is not known", func(s *Settings) { s.QualysPlatform = "MARS1" }},
	{"plain http to the world", "QUALYS_API_URL is not https", func(s *Settings) { s.QualysAPIURL = "http://qualysapi.example.com" }},
	{"no URL at all", "SLACK_API_URL is no URL", func(s *Settings) { s.SlackAPIURL = "slack" }},
	{"a password in a URL", "QUALYS_GATEWAY_URL holds a password", func(s *Settings) { s.QualysGatewayURL = "https://u:p@gateway.example.com" }},
	{"tokens the wrong way round", "SLACK_BOT_TOKEN is not a bot token", func(s *Settings) { s.SlackBotToken = "xapp-1" }},
	{"swapped tokens", "SLACK_BOT_TOKEN and SLACK_APP_TOKEN are swapped", func(s *Settings) { s.SlackBotToken, s.SlackAppToken = s.SlackAppToken, s.SlackBotToken }},
	{"the other token", "SLACK_APP_TOKEN is not an app-level token", func(s *Settings) { s.SlackAppToken = "xoxb-1" }},
	{"a short key", "COUNTERSIGN_KEY is not 32 bytes in base64", func(s *Settings) { s.CountersignKey = "a2V5" }},
	{"a broken former key", "COUNTERSIGN_KEY_OLD is not 32 bytes in base64", func(s *Settings) { s.CountersignKeyOld = "!" }},
	{"a tenant with braces", "COUNTERSIGN_TENANT \"{a}\" is no name", func(s *Settings) { s.CountersignTenant = "{a}" }},
	{"a level nobody knows", "LOG_LEVEL \"loud\" is not known", func(s *Settings) { s.LogLevel = "loud" }},
	{"a folder for CSVs that is not there", "SPOOL_DIR /no/such/folder cannot be written to", func(s *Settings) { s.SpoolDir = "/no/such/folder" }},
	{"a format nobody knows", "LOG_FORMAT \"xml\" is not known", func(s *Settings) { s.LogFormat = "xml" }},
}

func TestWrongSettingsAreNamed(t *testing.T) {
	for _, tt := range wrong {
		t.Run(tt.name, func(t *testing.T) {
			s := complete()
			tt.set(&s)
			err := s.Check()
			require.Error(t, err)
			assert.Contains(t, err.Error(), tt.says)
			assert.NotContains(t, err.Error(), "secret")
		})
	}
}

func TestASecretMayComeFromAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(path, []byte("xoxb-from-file\n"), 0o600))
	t.Setenv("SLACK_BOT_TOKEN", "")
	t.Setenv("SLACK_BOT_TOKEN_FILE", path)
	require.NoError(t, ReadSecretFiles())
	assert.Equal(t, "xoxb-from-file", os.Getenv("SLACK_BOT_TOKEN"))
	require.ErrorContains(t, ReadSecretFiles(), "SLACK_BOT_TOKEN and SLACK_BOT_TOKEN_FILE are both set")
	t.Setenv("SLACK_BOT_TOKEN", "")
	t.Setenv("SLACK_BOT_TOKEN_FILE", path+"-absent")
	require.ErrorContains(t, ReadSecretFiles(), "SLACK_BOT_TOKEN_FILE")
}

// P56: a key that would do nothing stops the start; a missing file is met with
// a sample.
func TestThePolicyIsReadStrictly(t *testing.T) {
	none := filepath.Join(t.TempDir(), "policy.yaml")
	_, err := loadPolicy(none)
	require.ErrorIs(t, err, ErrNoPolicy)
	require.NoError(t, os.WriteFile(none, nil, 0o600)) // what "bot > policy.yaml" makes of it first
	_, err = loadPolicy(none)
	require.ErrorIs(t, err, ErrNoPolicy)
	const good = "channels: [C1]\nreaders: [U1]\nrequesters: [U1]\napprovers: [U2, U3, U4, S1]\n"
	for _, tt := range []struct{ more, says string }{
		{"", ""},
		{"approvers_wait: 1h\n", "approvers_wait"},
		{"checkpoint_channel: C2\n", ""},
		{"policy_changes: two_people\n", "policy_changes: two_people has no effect in this version"},
		{"new_approvers_wait: 1h\n", "new_approvers_wait has no effect in this version"},
	} {
		path := filepath.Join(t.TempDir(), "policy.yaml")
		require.NoError(t, os.WriteFile(path, []byte(good+tt.more), 0o600))
		_, err := loadPolicy(path)
		if tt.says == "" {
			require.NoError(t, err)
			continue
		}
		require.ErrorContains(t, err, tt.says)
	}
}

func TestRedisURLsAreRead(t *testing.T) {
	for _, raw := range []string{
		"redis://localhost:6379/0", "rediss://user:pass@redis.example.com:6380/1",
		"redis://s1:26379,s2:26379/0?master_name=main", "redis://n1:7000,n2:7001?cluster=true",
	} {
		client, err := DialRedis(raw, nil)
		require.NoError(t, err, raw)
		require.NoError(t, client.Close())
	}
	for raw, says := range map[string]string{
		"":                               "REDIS_URL is no Redis URL",
		"http://localhost":               "REDIS_URL is no Redis URL",
		"redis://hunter2@%zz":            "REDIS_URL is no Redis URL",
		"redis://a:1,b:2":                "names several hosts",
		"redis://user:hunter2@host/nine": "REDIS_URL cannot be read",
	} {
		_, err := DialRedis(raw, nil)
		require.ErrorContains(t, err, says)
		assert.False(t, strings.Contains(err.Error(), "hunter2"), "a password in %q", err)
	}
}
