package app_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/internal/app"
	"countersign/internal/miniqualys"
	"countersign/internal/minislack"
)

// What newcomers get wrong, and what bot check says about it.
var troubles = []struct {
	name, line, says string
	make             func(*testing.T, *minislack.Server, *miniqualys.Server, string)
}{
	{"nothing", "", "", func(*testing.T, *minislack.Server, *miniqualys.Server, string) {}},
	{"a scope is missing", "scopes", "lacks im:write. Slack app → OAuth & Permissions", func(_ *testing.T, s *minislack.Server, _ *miniqualys.Server, _ string) {
		s.SetScopes("commands", "chat:write", "files:write", "files:read", "usergroups:read", "users:read", "users:read.email",
			"channels:read", "groups:read", "channels:history", "groups:history")
	}},
	{"the bot is not invited", "channels", "cannot be seen", func(_ *testing.T, s *minislack.Server, _ *miniqualys.Server, _ string) {
		s.Leave("#qualys-admin", "bot")
	}},
	{"the channel is public", "channels", "is public or shared, and files go to private channels only", func(_ *testing.T, s *minislack.Server, _ *miniqualys.Server, _ string) {
		s.SetChannel("#qualys-admin", func(c *minislack.Channel) { c.Private = false })
	}},
	{"an approver has left", "people", "person U0CAROL is a guest, a bot, deactivated", func(_ *testing.T, s *minislack.Server, _ *miniqualys.Server, _ string) {
		s.SetProfile("carol", func(p *minislack.Person) { p.Deleted = true })
	}},
	{"groups on a free plan", "people", "User groups need a paid Slack plan", func(t *testing.T, s *minislack.Server, _ *miniqualys.Server, policy string) {
		s.SetPlanWithoutGroups(true)
		write(t, policy, strings.ReplaceAll(defaultPolicy, "[U0BOB, U0CAROL]", "[S0APPROVERS]"))
	}},
	{"a name without quotes", "policy", "@bob is U0BOB: write that id instead", func(t *testing.T, _ *minislack.Server, _ *miniqualys.Server, policy string) {
		write(t, policy, strings.ReplaceAll(defaultPolicy, "approvers: [U0BOB, U0CAROL]", `approvers: [@bob, U0CAROL]`))
	}},
	{"only the requester can approve", "quorum", "0 can approve what U0ALICE asks for", func(t *testing.T, _ *minislack.Server, _ *miniqualys.Server, policy string) {
		write(t, policy, strings.ReplaceAll(defaultPolicy, "approvers: [U0BOB, U0CAROL]", "approvers: [U0ALICE]"))
	}},
	{"no policy at all", "policy", "Run bot without it: it prints a sample", func(t *testing.T, _ *minislack.Server, _ *miniqualys.Server, policy string) {
		require.NoError(t, os.Remove(policy))
	}},
	{"nobody can approve", "quorum", "1 can approve what U0ALICE asks for, and up to 2 are needed", func(t *testing.T, s *minislack.Server, _ *miniqualys.Server, policy string) {
		write(t, policy, strings.ReplaceAll(defaultPolicy, "approvers: [U0BOB, U0CAROL]", "approvers: [U0BOB]\napprovals: [{up_to: 10, need: 2}]"))
	}},
	{"a name instead of an id", "policy", "@bob is U0BOB: write that id instead", func(t *testing.T, _ *minislack.Server, _ *miniqualys.Server, policy string) {
		write(t, policy, strings.ReplaceAll(defaultPolicy, "approvers: [U0BOB, U0CAROL]", `approvers: ["@bob", U0CAROL]`))
	}},
	{"a channel by its name", "policy", "#qualys-admin is C0QUALYSADMIN: write that id instead", func(t *testing.T, _ *minislack.Server, _ *miniqualys.Server, policy string) {
		write(t, policy, strings.ReplaceAll(defaultPolicy, "[C0QUALYSADMIN]", `["#qualys-admin"]`))
	}},
	{"the wrong password", "qualys", "Check QUALYS_USERNAME, QUALYS_PASSWORD and whether the platform is the right one", func(_ *testing.T, _ *minislack.Server, q *miniqualys.Server, _ string) {
		q.RevokeCredentials()
	}},
	{"no questionnaire module", "saq users", "needs the SAQ module and API access", func(_ *testing.T, _ *minislack.Server, q *miniqualys.Server, _ string) {
		q.DenyAPI(true)
	}},
}

func write(t *testing.T, path, text string) {
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
}

// P28, P56: what is wrong is found before anybody needs it, with where to click.
func TestCheckFindsWhatNewcomersGetWrong(t *testing.T) {
	for _, tt := range troubles {
		t.Run(tt.name, func(t *testing.T) {
			slack, api, memory := minislack.RunT(t), miniqualys.RunT(t), miniredis.RunT(t)
			slack.Example()
			api.AddSAQUsers(3, "Acme")
			policy := filepath.Join(t.TempDir(), "policy.yaml")
			write(t, policy, defaultPolicy)
			tt.make(t, slack, api, policy)
			r := role{Slack: slack.URL(), Qualys: api.URL(), Redis: "redis://" + memory.Addr() + "/0", Policy: policy}
			var out bytes.Buffer
			ok := app.Check(context.Background(), app.Config{Settings: r.settings()}, app.Report{Out: &out})
			if tt.line == "" {
				assert.True(t, ok, out.String())
				assert.NotContains(t, out.String(), "FAIL")
				return
			}
			assert.False(t, ok, out.String())
			for line := range strings.Lines(out.String()) {
				if strings.HasPrefix(line, "FAIL  "+tt.line) {
					assert.Contains(t, line, tt.says)
					return
				}
			}
			t.Errorf("no line FAIL %s in\n%s", tt.line, out.String())
		})
	}
}
