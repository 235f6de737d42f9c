package rules_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/approvals/rules"
	"countersign/qualys"
)

func TestProtectedUsersAreLeftAlone(t *testing.T) {
	p := parse(t, least+`protected: {usernames: [ciso_ab1], companies: ["Acme  Corp", "Straße"], tags: [VIP, "7001"]}`)
	for _, tt := range []struct {
		name string
		user qualys.SAQUser
		why  string
	}{
		{"somebody else", qualys.SAQUser{ID: 1, UserName: "jdoe", Company: "Bolt", Tags: []qualys.Tag{{ID: 1, Name: "Vendors"}}}, ""},
		{"a user of whom only the id is known", qualys.SAQUser{ID: 1}, ""},
		{"a username", qualys.SAQUser{UserName: "ciso_ab1"}, `username "ciso_ab1"`},
		{"a username in another case", qualys.SAQUser{UserName: " CISO_ab1"}, `username "ciso_ab1"`},
		{"a username that only begins so", qualys.SAQUser{UserName: "ciso_ab12"}, ""},
		{"a company", qualys.SAQUser{Company: "Acme  Corp"}, `company "Acme  Corp"`},
		{"a company with other blanks and case", qualys.SAQUser{Company: "\u00a0ACME corp\t"}, `company "Acme  Corp"`},
		{"a company with an invisible character", qualys.SAQUser{Company: "Ac\u200bme Corp"}, `company "Acme  Corp"`},
		{"a company in another script's case", qualys.SAQUser{Company: "STRAßE"}, `company "Straße"`},
		{"a company that only contains it", qualys.SAQUser{Company: "Acme Corporation"}, ""},
		{"a company's name as a username", qualys.SAQUser{UserName: "Acme Corp"}, ""},
		{"a tag", qualys.SAQUser{Tags: []qualys.Tag{{ID: 1, Name: "Vendors"}, {ID: 2, Name: "vip"}}}, `tag "VIP"`},
		{"a tag by its id, its name unknown", qualys.SAQUser{Tags: []qualys.Tag{{ID: 7001}}}, `tag "7001"`},
		{"the bot's own account", qualys.SAQUser{UserName: "bot_ab1"}, "the bot's own account"},
		{"the bot's own account in another case", qualys.SAQUser{UserName: "BOT_AB1 "}, "the bot's own account"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			why, yes := p.Protected(tt.user, "bot_ab1")
			assert.Equal(t, tt.why, why)
			assert.Equal(t, tt.why != "", yes)
		})
	}
}

func TestTheBotsOwnAccountIsProtectedByEveryPolicy(t *testing.T) {
	p := parse(t, least)
	why, yes := p.Protected(qualys.SAQUser{UserName: "Bot"}, "bot")
	assert.Equal(t, "the bot's own account", why)
	assert.True(t, yes, "although the policy protects nobody")

	_, yes = p.Protected(qualys.SAQUser{}, "")
	assert.False(t, yes, "an unknown account is not the account of a user without a name")
}

// Any name that the policy takes is kept as it is, survives being written again,
// and protects who bears it, in capitals too.
func FuzzAProtectedNameIsKept(f *testing.F) {
	for _, s := range []string{"Acme, Inc.", `"quoted" \ 'too'`, "Straße", "a: b # c", "[x]", "~", "true", "日本", "\u200cنام", "<!channel>", "x\u0085y", "\u2028"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if !utf8.ValidString(name) {
			return
		}
		text, err := json.Marshal(map[string][]string{
			"channels": {"C1"}, "readers": {"U1"}, "requesters": {"U1"}, "approvers": {"U2"},
		})
		require.NoError(t, err)
		quoted, err := json.Marshal(map[string][]string{"companies": {name}})
		require.NoError(t, err)
		p, err := rules.Parse([]byte(strings.TrimSuffix(string(text), "}") + `,"protected":` + string(quoted) + "}"))
		if err != nil {
			require.Contains(t, err.Error(), "An entry of companies", "the only mistake there can be")
			return
		}
		require.Equal(t, []string{name}, p.Protect.Companies)
		again, err := rules.Parse(p.Canonical())
		require.NoError(t, err)
		require.Equal(t, p, again)
		for _, company := range []string{name, "  " + name + "\t", strings.ToUpper(name)} {
			_, yes := p.Protected(qualys.SAQUser{Company: company}, "")
			require.True(t, yes, "Protected(%q) by %q", company, name)
		}
	})
}
