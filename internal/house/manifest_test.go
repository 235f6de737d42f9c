package house

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A manifest is what manifest.yaml may hold; a key that is not here fails the
// test. Slack's schema allows more. What is absent is absent on purpose: request
// URLs, events, user scopes, shortcuts.
type manifest struct {
	Metadata struct {
		Major int `yaml:"major_version"`
		Minor int `yaml:"minor_version"`
	} `yaml:"_metadata"`
	Display struct {
		Name       string `yaml:"name"`
		Short      string `yaml:"description"`
		Long       string `yaml:"long_description"`
		Background string `yaml:"background_color"`
	} `yaml:"display_information"`
	Features struct {
		Home struct {
			Home     *bool `yaml:"home_tab_enabled"`
			Messages *bool `yaml:"messages_tab_enabled"`
			ReadOnly *bool `yaml:"messages_tab_read_only_enabled"`
		} `yaml:"app_home"`
		Bot struct {
			Name   string `yaml:"display_name"`
			Online *bool  `yaml:"always_online"`
		} `yaml:"bot_user"`
		Commands []command `yaml:"slash_commands"`
	} `yaml:"features"`
	OAuth struct {
		Scopes struct {
			Bot []string `yaml:"bot"`
		} `yaml:"scopes"`
	} `yaml:"oauth_config"`
	Settings struct {
		Socket        *bool `yaml:"socket_mode_enabled"`
		Interactivity struct {
			Enabled *bool `yaml:"is_enabled"`
		} `yaml:"interactivity"`
		Organisation *bool `yaml:"org_deploy_enabled"`
		Rotation     *bool `yaml:"token_rotation_enabled"`
	} `yaml:"settings"`
}

type command struct {
	Command string `yaml:"command"`
	About   string `yaml:"description"`
	Usage   string `yaml:"usage_hint"`
	Escape  *bool  `yaml:"should_escape"`
}

// scopes are all that the bot asks for, in the order of the manifest.
var scopes = []string{
	"commands", "chat:write", "files:write", "files:read", "usergroups:read", "users:read", "users:read.email",
	"channels:read", "groups:read", "channels:history", "groups:history", "im:write",
}

// readManifest reads a manifest strictly and returns its text as well.
func readManifest(t *testing.T) (manifest, string) {
	t.Helper()
	text, err := os.ReadFile("../../manifest.yaml")
	require.NoError(t, err)
	var m manifest
	require.NoError(t, yaml.UnmarshalWithOptions(text, &m, yaml.Strict()))
	return m, string(text)
}

func TestTheManifestAsksForNoMoreThanItNeeds(t *testing.T) {
	m, _ := readManifest(t)
	assert.Equal(t, scopes, m.OAuth.Scopes.Bot)
	assert.NotContains(t, m.OAuth.Scopes.Bot, "chat:write.public", "the bot is invited to its channels")
}

func TestTheManifestSwitches(t *testing.T) {
	m, _ := readManifest(t)
	for _, row := range []struct {
		name string
		is   *bool
		want bool
	}{
		{"socket_mode_enabled", m.Settings.Socket, true},
		{"interactivity", m.Settings.Interactivity.Enabled, true},
		{"org_deploy_enabled", m.Settings.Organisation, false},
		{"token_rotation_enabled cannot be undone", m.Settings.Rotation, false},
		{"home_tab_enabled", m.Features.Home.Home, false},
		{"messages_tab_enabled, or direct messages are refused", m.Features.Home.Messages, true},
		{"messages_tab_read_only_enabled", m.Features.Home.ReadOnly, true},
		{"always_online", m.Features.Bot.Online, false},
	} {
		if assert.NotNil(t, row.is, "%s is not said", row.name) {
			assert.Equal(t, row.want, *row.is, row.name)
		}
	}
	assert.Equal(t, 2, m.Metadata.Major)
	assert.Equal(t, 0, m.Metadata.Minor)
}

func TestTheManifestHasOneCommand(t *testing.T) {
	m, _ := readManifest(t)
	require.Len(t, m.Features.Commands, 1)
	c := m.Features.Commands[0]
	assert.Equal(t, "/qualys-users", c.Command)
	require.NotNil(t, c.Escape, "should_escape is not said")
	assert.False(t, *c.Escape, "should_escape would rewrite what was typed")
	assert.Contains(t, c.Usage, "help")
}

// Slack counts the characters of what it shows and refuses what is over.
func TestTheManifestKeepsSlacksLengths(t *testing.T) {
	m, _ := readManifest(t)
	for _, row := range []struct {
		name, text string
		min, max   int
	}{
		{"name", m.Display.Name, 1, 35},
		{"description", m.Display.Short, 1, 140},
		{"long_description", m.Display.Long, 175, 4000},
		{"display_name", m.Features.Bot.Name, 1, 80},
		{"command", m.Features.Commands[0].Command, 2, 32},
		{"the command's description", m.Features.Commands[0].About, 1, 2000},
		{"usage_hint", m.Features.Commands[0].Usage, 1, 1000},
	} {
		n := utf8.RuneCountInString(row.text)
		assert.GreaterOrEqual(t, n, row.min, row.name)
		assert.LessOrEqual(t, n, row.max, row.name)
	}
	assert.Regexp(t, regexp.MustCompile(`^#[0-9a-f]{6}$`), m.Display.Background)
}

// Every scope is preceded by a comment, its own or that of the scope above it
// of the same kind (channels:read and groups:read share one).
func TestEveryScopeSaysWhy(t *testing.T) {
	_, text := readManifest(t)
	shared := map[string]string{"groups:read": "channels:read", "groups:history": "channels:history"}
	lines := strings.Split(text, "\n")
	for _, scope := range scopes {
		at := -1
		for i, line := range lines {
			if strings.TrimSpace(line) == "- "+scope {
				at = i
			}
		}
		require.Positive(t, at, scope)
		above := strings.TrimSpace(lines[at-1])
		if with, ok := shared[scope]; ok {
			assert.Equal(t, "- "+with, above, scope)
			continue
		}
		assert.True(t, strings.HasPrefix(above, "# "), "%s has no comment above it, but %q", scope, above)
	}
}

// P39, P40: no message can run a command, because no event is subscribed. What
// the manifest must not say is refused by the strict reading above.
func TestAManifestWithMoreIsRefused(t *testing.T) {
	_, text := readManifest(t)
	for name, more := range map[string]string{
		"events":        "settings:\n  event_subscriptions:\n    bot_events: [message.channels]\n",
		"a request URL": "settings:\n  interactivity:\n    is_enabled: true\n    request_url: https://example.com\n",
		"user scopes":   "oauth_config:\n  scopes:\n    user: [admin]\n",
	} {
		top, _, _ := strings.Cut(more, "\n")
		start, _, found := strings.Cut(text, "\n"+top+"\n")
		require.True(t, found, "the manifest has no %s", top)
		var m manifest
		err := yaml.UnmarshalWithOptions([]byte(start+"\n"+more), &m, yaml.Strict())
		assert.ErrorContains(t, err, "unknown field", name)
	}
}
