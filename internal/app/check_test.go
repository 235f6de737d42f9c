package app_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/approvals/rules"
	"countersign/internal/app"
	"countersign/internal/miniqualys"
	"countersign/internal/minislack"
)

// A setup is what a newcomer has set up so far; at first all of it is right.
type setup struct {
	*testing.T
	settings app.Settings
	slack    *minislack.Server
	qualys   *miniqualys.Server
	redis    *miniredis.Miniredis
}

func newSetup(t *testing.T) *setup {
	s := &setup{T: t, slack: minislack.RunT(t), qualys: miniqualys.RunT(t), redis: miniredis.RunT(t)}
	s.slack.Example()
	s.qualys.AddSAQUsers(3, "Acme")
	path := filepath.Join(t.TempDir(), "policy.yaml")
	s.settings = role{Slack: s.slack.URL(), Qualys: s.qualys.URL(), Redis: "redis://" + s.redis.Addr() + "/0", Policy: path}.settings()
	s.policy("", "")
	return s
}

// policy writes the policy, with one thing in place of another.
func (s *setup) policy(of, is string) {
	write(s.T, s.settings.PolicyFile, strings.Replace(defaultPolicy, of, is, 1))
}

func (s *setup) approvers(are string) { s.policy("approvers: [U0BOB, U0CAROL]", "approvers: "+are) }

func write(t *testing.T, path, text string) {
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
}

// A told is what bot check --json says about one thing.
type told struct {
	What      string
	OK, Tried bool
	Said      string
}

// check runs bot check. It wants a line about each thing, whatever is wrong.
func (s *setup) check() map[string]told {
	s.Helper()
	var out bytes.Buffer
	ok := app.Check(s.Context(), app.Config{Settings: s.settings}, app.Report{Out: &out, JSON: true})
	all, well := map[string]told{}, true
	for line := range strings.Lines(out.String()) {
		var l told
		require.NoError(s, json.Unmarshal([]byte(line), &l), line)
		require.NotContains(s, all, l.What, "said twice")
		assert.Equal(s, strings.HasPrefix(l.Said, "not tried: "), !l.Tried, line)
		all[l.What] = l
		well = well && l.OK
	}
	assert.Len(s, all, 11, out.String())
	assert.Equal(s, well, ok, out.String())
	return all
}

// What newcomers get wrong: the lines that fail and what they say, and the lines
// that cannot be tried then, each with why.
var troubles = []struct {
	name    string
	make    func(*setup)
	fails   map[string]string
	untried map[string]string
}{
	{"nothing", func(*setup) {}, nil, nil},

	{"only a key so far", func(s *setup) {
		s.settings = app.Settings{CountersignKey: s.settings.CountersignKey, CountersignTenant: "default", PolicyFile: s.settings.PolicyFile}
	}, map[string]string{"settings": "SLACK_BOT_TOKEN is not set. Slack app → OAuth & Permissions → Bot User OAuth Token (xoxb-…)\nSLACK_APP_TOKEN is not set"},
		map[string]string{
			"slack": "SLACK_BOT_TOKEN is missing", "scopes": "SLACK_BOT_TOKEN is missing", "socket": "SLACK_APP_TOKEN is missing",
			"channels": "SLACK_BOT_TOKEN is missing", "people": "SLACK_BOT_TOKEN is missing", "quorum": "SLACK_BOT_TOKEN is missing",
			"redis": "REDIS_URL is missing", "qualys": "QUALYS_USERNAME, QUALYS_PASSWORD, QUALYS_PLATFORM are missing",
			"saq users": "QUALYS_USERNAME, QUALYS_PASSWORD, QUALYS_PLATFORM are missing",
		}},
	{"Slack, and no more", func(s *setup) {
		s.settings.RedisURL, s.settings.QualysUsername, s.settings.CountersignKey = "", "", ""
		require.NoError(s, os.Remove(s.settings.PolicyFile))
	}, map[string]string{"settings": "QUALYS_USERNAME is not set", "policy": "bot > "},
		map[string]string{"channels": "see policy", "people": "see policy", "quorum": "see policy",
			"redis": "REDIS_URL is missing", "qualys": "QUALYS_USERNAME is missing", "saq users": "QUALYS_USERNAME is missing"}},
	{"Qualys and Redis, and no key", func(s *setup) {
		s.settings.SlackBotToken, s.settings.CountersignKey = "", ""
	}, map[string]string{"settings": "COUNTERSIGN_KEY is not set. Load the file that has it, or make one: bot keygen"},
		map[string]string{"slack": "SLACK_BOT_TOKEN is missing", "scopes": "SLACK_BOT_TOKEN is missing", "channels": "SLACK_BOT_TOKEN is missing",
			"people": "SLACK_BOT_TOKEN is missing", "quorum": "SLACK_BOT_TOKEN is missing"}},
	{"the tokens are swapped", func(s *setup) {
		s.settings.SlackBotToken, s.settings.SlackAppToken = s.settings.SlackAppToken, s.settings.SlackBotToken
	}, map[string]string{"settings": "SLACK_BOT_TOKEN and SLACK_APP_TOKEN are swapped. The bot token begins with xoxb-, the app-level token with xapp-"},
		map[string]string{"slack": "see settings", "scopes": "see settings", "socket": "see settings",
			"channels": "see settings", "people": "see settings", "quorum": "see settings"}},

	{"the wrong bot token", func(s *setup) { s.settings.SlackBotToken = "xoxb-wrong" },
		map[string]string{"slack": "Slack refuses the bot token: invalid_auth. Check SLACK_BOT_TOKEN"},
		map[string]string{"scopes": "see slack", "channels": "see slack", "people": "see slack", "quorum": "see slack"}},
	{"the wrong app token", func(s *setup) { s.settings.SlackAppToken = "xapp-wrong" },
		map[string]string{"socket": "Slack app → Socket Mode must be on"}, nil},
	{"no way to Slack", func(s *setup) { s.settings.SlackAPIURL = "http://127.0.0.1:" + freePort(s.T) + "/api/" },
		map[string]string{"slack": "connection refused. Can this machine reach http://127.0.0.1:"},
		map[string]string{"scopes": "see slack", "socket": "see slack", "channels": "see slack", "people": "see slack", "quorum": "see slack"}},
	{"a scope is missing", func(s *setup) {
		s.slack.SetScopes("commands", "chat:write", "files:write", "files:read", "usergroups:read", "users:read.email",
			"channels:read", "groups:read", "channels:history", "groups:history", "im:write")
	}, map[string]string{"scopes": "the bot token lacks users:read. Slack app → OAuth & Permissions"},
		map[string]string{"channels": "see scopes", "people": "see scopes", "quorum": "see scopes"}},
	{"the bot is not invited", func(s *setup) { s.slack.Leave("#qualys-admin", "bot") },
		map[string]string{"channels": "channel_not_found. Check the id, and invite the bot there: /invite @Countersign"}, nil},
	{"nobody invited the bot to the checkpoints", func(s *setup) {
		s.slack.AddChannel(minislack.Channel{ID: "C0ELSEWHERE", Name: "elsewhere"})
		s.approvers("[U0BOB]\ncheckpoint_channel: C0ELSEWHERE")
	}, map[string]string{"channels": "the bot is not in #elsewhere (C0ELSEWHERE). Type there: /invite @Countersign"}, nil},
	{"the channel is public", func(s *setup) {
		s.slack.SetChannel("#qualys-admin", func(c *minislack.Channel) { c.Private = false })
	}, map[string]string{"channels": "is public or shared, and files go to private channels only"}, nil},

	{"an approver has left", func(s *setup) {
		s.slack.SetProfile("carol", func(p *minislack.Person) { p.Deleted = true })
	}, map[string]string{"people": "person U0CAROL is a guest, a bot, deactivated"}, map[string]string{"quorum": "see people"}},
	{"groups on a free plan", func(s *setup) {
		s.slack.SetPlanWithoutGroups(true)
		s.approvers("[S0APPROVERS]")
	}, map[string]string{"people": "User groups need a paid Slack plan"}, map[string]string{"quorum": "see people"}},
	{"only the requester can approve", func(s *setup) { s.approvers("[U0ALICE]") },
		map[string]string{"quorum": "0 can approve what U0ALICE asks for"}, nil},
	{"too few can approve", func(s *setup) { s.approvers("[U0BOB]\napprovals: [{up_to: 10, need: 2}]") },
		map[string]string{"quorum": "1 can approve what U0ALICE asks for, and up to 2 are needed"}, nil},

	{"no policy at all", func(s *setup) { require.NoError(s, os.Remove(s.settings.PolicyFile)) },
		map[string]string{"policy": "Put a sample there, and then your people: bot > "}, withoutPolicy},
	{"an empty policy", func(s *setup) { write(s.T, s.settings.PolicyFile, "\n") },
		map[string]string{"policy": "Put a sample there, and then your people: bot > "}, withoutPolicy},
	{"the sample as it is", func(s *setup) { write(s.T, s.settings.PolicyFile, rules.Sample) },
		map[string]string{"channels": "channel C012AB3CD cannot be seen",
			"people": "nobody here has the id U012AB3CD. A person's id stands in their profile: ⋮ → Copy member ID\nnobody here has the id U034EF5GH"},
		map[string]string{"quorum": "see people"}},
	{"a folder in place of the policy", func(s *setup) { s.settings.PolicyFile = s.TempDir() },
		map[string]string{"policy": "is a folder. Name the file; Docker makes an empty folder"}, withoutPolicy},
	{"a name without quotes", func(s *setup) { s.approvers("[@bob, U0CAROL]") },
		map[string]string{"policy": "\n>  5 | approvers: [@bob, U0CAROL]\n                   ^\n"}, withoutPolicy},
	{"a name instead of an id", func(s *setup) { s.approvers(`["@bob", U0CAROL]`) },
		map[string]string{"policy": "\n@bob is U0BOB: write that id instead"}, withoutPolicy},
	{"a name of nobody", func(s *setup) { s.approvers(`["@bobb", U0CAROL]`) },
		map[string]string{"policy": "\nnobody here is called @bobb"}, withoutPolicy},
	{"a channel by its name", func(s *setup) { s.policy("[C0QUALYSADMIN]", `["#qualys-admin"]`) },
		map[string]string{"policy": "\n#qualys-admin is C0QUALYSADMIN: write that id instead"}, withoutPolicy},
	{"a name, and the wrong bot token", func(s *setup) {
		s.settings.SlackBotToken = "xoxb-wrong"
		s.approvers(`["@bob", U0CAROL]`)
	}, map[string]string{"slack": "invalid_auth", "policy": "\n@bob and the like are not looked up: see slack"},
		map[string]string{"scopes": "see slack", "channels": "see policy", "people": "see policy", "quorum": "see policy"}},

	{"no Redis there", func(s *setup) { s.redis.Close() },
		map[string]string{"redis": "no answer from Redis. Check REDIS_URL and that Redis runs: dial tcp"}, nil},
	{"no address of a Redis", func(s *setup) { s.settings.RedisURL = "localhost:6379" },
		map[string]string{"redis": "REDIS_URL is no Redis URL"}, nil},
	{"the wrong password", func(s *setup) { s.settings.QualysPassword = "wrong" },
		map[string]string{"qualys": "Check QUALYS_USERNAME, QUALYS_PASSWORD and whether the platform is the right one"}, withoutQualys},
	{"no permission for the API", func(s *setup) { s.qualys.DenyAPI(true) },
		map[string]string{"qualys": "The account needs the permission API ACCESS"}, withoutQualys},
	{"no way to Qualys", func(s *setup) { s.settings.QualysAPIURL = "http://127.0.0.1:" + freePort(s.T) },
		map[string]string{"qualys": "connection refused. Is QUALYS_PLATFORM the right one?"}, map[string]string{"saq users": "see qualys"}},
	{"another gateway", func(s *setup) { s.settings.QualysGatewayURL = "http://127.0.0.1:" + freePort(s.T) },
		map[string]string{"qualys": "connection refused. QUALYS_GATEWAY_URL serves /auth"}, nil},
	{"no Administration API", func(s *setup) { s.qualys.Fail(miniqualys.Download, 403, "", 1) },
		map[string]string{"qualys": "ask Qualys support to enable it"}, nil},
	{"no questionnaire module", func(s *setup) { s.qualys.Fail(miniqualys.Count, 403, "", 1) },
		map[string]string{"saq users": "The account needs the SAQ module and the permission API ACCESS"}, nil},
}

var (
	withoutPolicy = map[string]string{"channels": "see policy", "people": "see policy", "quorum": "see policy"}
	withoutQualys = map[string]string{"saq users": "see qualys"}
)

// P28, P56: what is wrong is found before anybody needs it, with where to click.
// One mistake is one failure, and what it stands in the way of says so.
func TestCheckFindsWhatNewcomersGetWrong(t *testing.T) {
	for _, tt := range troubles {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel() // where no Redis is, ten seconds pass
			s := newSetup(t)
			tt.make(s)
			for what, l := range s.check() {
				says, fails := tt.fails[what]
				why, untried := tt.untried[what]
				assert.Equal(t, !fails && !untried, l.OK, "%s: %s", what, l.Said)
				assert.Equal(t, untried, !l.Tried, "%s: %s", what, l.Said)
				if fails {
					assert.Contains(t, l.Said, says)
					assert.NotContains(t, l.Said, "..")
				}
				if untried {
					assert.Equal(t, "not tried: "+why, l.Said, what)
				}
			}
		})
	}
}

func TestCheckCountsEachPersonOnce(t *testing.T) {
	s := newSetup(t)
	assert.Equal(t, "3 people", s.check()["people"].Said)
	s.approvers("[S0APPROVERS, U0BOB]")
	assert.Equal(t, "3 people, 1 group", s.check()["people"].Said)
}

// Wrong credentials are shown to Qualys once, however often somebody checks.
func TestCheckNeverLocksTheAccount(t *testing.T) {
	s := newSetup(t)
	s.settings.QualysPassword = "wrong"
	for range 3 {
		assert.False(t, s.check()["qualys"].OK)
	}
	assert.Equal(t, 1, s.qualys.RefusedLogins())
}

// What takes more than a line is indented, and stays as it was printed.
func TestAReportIsReadByPeople(t *testing.T) {
	s := newSetup(t)
	s.settings.QualysUsername, s.settings.QualysPassword = "", ""
	s.approvers("[@bob, U0CAROL]")
	var out bytes.Buffer
	assert.False(t, app.Check(t.Context(), app.Config{Settings: s.settings}, app.Report{Out: &out}))
	for _, lines := range []string{`
FAIL  settings   QUALYS_USERNAME is not set. The login of the Qualys account with API access
                 QUALYS_PASSWORD is not set. Its password, or QUALYS_PASSWORD_FILE
`, `
ok    socket     Socket Mode is on
FAIL  policy     `, `
                 >  5 | approvers: [@bob, U0CAROL]
                                    ^
                    6 | cool_down: 0s
                 @bob is U0BOB: write that id instead
-     channels   not tried: see policy
`} {
		assert.Contains(t, "\n"+out.String(), lines)
	}
}
