package minislack_test

import (
	"net/http"
	"net/url"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/internal/minislack"
)

// bubble runs a test in memory, inside a synctest bubble.
func bubble(t *testing.T, f func(t *testing.T, s *minislack.Server, a *app)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := minislack.RunInMemoryT(t)
		s.Example()
		f(t, s, appOn(t, s))
	})
}

// A token is read from the header, a form or the query, and its kind must fit the method.
func TestTokensOpenWhatTheyAreFor(t *testing.T) {
	s, a := install(t)
	get := func(address string) answer {
		resp, err := a.http.Get(address)
		require.NoError(t, err)
		return a.read(resp)
	}
	assert.Empty(t, get(s.URL()+"auth.test?token="+minislack.BotToken).Refused)
	assert.Equal(t, "not_authed", get(s.URL()+"auth.test").Refused)
	assert.Equal(t, "invalid_auth", get(s.URL()+"auth.test?token=xoxb-other").Refused)
	assert.Equal(t, "not_allowed_token_type", get(s.URL()+"auth.test?token="+minislack.AppToken).Refused)
	assert.Equal(t, "insecure_request", get(s.URL()+"apps.connections.open?token="+minislack.AppToken).Refused)
	assert.Equal(t, "missing_args", a.call("apps.connections.open").Refused)
	assert.Equal(t, "not_allowed_token_type", a.callJSON("apps.connections.open", minislack.BotToken, obj{}).Refused)

	got := a.callJSON("auth.test", minislack.BotToken, obj{})
	assert.Equal(t, minislack.BotUser, got.str("user_id"))
	assert.Equal(t, "T0EXAMPLE", got.str("team_id"))
	assert.Contains(t, got.Header.Get("X-OAuth-Scopes"), "chat:write,files:write")

	s.RevokeTokens(true)
	assert.Equal(t, "token_revoked", a.call("auth.test").Refused)
	assert.Equal(t, http.StatusOK, a.call("auth.test").Status, "refusals are HTTP 200")
}

// A call that is not simulated is answered with its name.
func TestUnknownMethodsSaySo(t *testing.T) {
	_, a := install(t)
	got := a.call("reactions.add")
	assert.Equal(t, "unknown_method", got.Refused)
	assert.Equal(t, "minislack does not simulate reactions.add", got.str("minislack"))
}

// Every method needs the scope the documentation names.
func TestEveryMethodNeedsItsScope(t *testing.T) {
	s, a := install(t)
	s.SetScopes()
	for method, scope := range map[string]string{
		"chat.postMessage": "chat:write", "chat.update": "chat:write", "chat.postEphemeral": "chat:write",
		"chat.delete": "chat:write", "files.getUploadURLExternal": "files:write",
		"files.completeUploadExternal": "files:write", "files.info": "files:read", "users.info": "users:read",
		"users.list": "users:read", "usergroups.list": "usergroups:read", "usergroups.users.list": "usergroups:read",
		"conversations.open": "im:write", "conversations.info": "groups:read", "conversations.history": "groups:history",
		"conversations.replies": "groups:history", "conversations.list": "channels:read",
	} {
		got := a.call(method, "channel", channel)
		assert.Equal(t, "missing_scope", got.Refused, method)
		assert.Equal(t, scope, got.str("needed"), method)
		assert.Contains(t, got.Body, "provided", method)
	}
	s.SetChannel(channel, func(c *minislack.Channel) { c.Private = false })
	assert.Equal(t, "channels:history", a.call("conversations.history", "channel", channel).str("needed"))
}

// The knobs for failing calls do what they say, so often and no longer.
func TestCallsFailWhenToldTo(t *testing.T) {
	s, a := install(t)
	s.FailNext("auth.test", "internal_error", 2)
	assert.Equal(t, "internal_error", a.call("auth.test").Refused)
	assert.Equal(t, "internal_error", a.call("auth.test").Refused)
	assert.Empty(t, a.call("auth.test").Refused)

	s.HTTPFail("*", http.StatusBadGateway, 1)
	assert.Equal(t, http.StatusBadGateway, a.call("users.list").Status)

	s.RateLimit("auth.test", 7*time.Second, 1)
	limited := a.call("auth.test")
	assert.Equal(t, http.StatusTooManyRequests, limited.Status)
	assert.Equal(t, "7", limited.Header.Get("Retry-After"))
	assert.Equal(t, "ratelimited", limited.Refused)
	assert.Equal(t, 4, s.Calls("auth.test"))
}

// A lost answer is the worst case: the work is done and the caller cannot know.
func TestALostAnswerDidTheWork(t *testing.T) {
	s, a := install(t)
	s.LoseAnswer("chat.postMessage", 1)
	_, err := a.http.PostForm(s.URL()+"chat.postMessage", url.Values{
		"token": {minislack.BotToken}, "channel": {channel}, "text": {"posted all the same"},
	})
	require.Error(t, err)
	require.Len(t, s.Messages(channel), 1)
	assert.Equal(t, "posted all the same", s.Messages(channel)[0].Text)
}

// An answer can be late.
func TestAnAnswerCanBeLate(t *testing.T) {
	bubble(t, func(t *testing.T, s *minislack.Server, a *app) {
		s.Delay("auth.test", 9*time.Second, 1)
		began := time.Now()
		a.call("auth.test")
		assert.Equal(t, 9*time.Second, time.Since(began))
	})
}

// An outage cuts everything, and ends.
func TestAnOutageCutsEverything(t *testing.T) {
	bubble(t, func(t *testing.T, s *minislack.Server, a *app) {
		a.open()
		s.Outage(true)
		synctest.Wait()
		assert.Zero(t, s.Sockets())
		_, err := a.http.PostForm(s.URL()+"auth.test", url.Values{"token": {minislack.BotToken}})
		require.Error(t, err)
		s.Outage(false)
		assert.Empty(t, a.call("auth.test").Refused)
	})
}

// OnCall sees what the app sent, without its token.
func TestOnCallSeesEveryCall(t *testing.T) {
	s := minislack.New()
	var seen []string
	s.OnCall = func(method string, form url.Values) { seen = append(seen, method+" "+form.Encode()) }
	require.NoError(t, s.Start("127.0.0.1:0"))
	defer s.Close()
	a := appOn(t, s)
	a.call("users.info", "user", "U1")
	a.callJSON("views.open", minislack.BotToken, obj{"trigger_id": "1.2", "view": obj{"type": "modal"}})
	assert.Equal(t, []string{"users.info user=U1", `views.open trigger_id=1.2&view=%7B%22type%22%3A%22modal%22%7D`}, seen)
}

// A channel takes a burst and then about one message a second.
func TestAChannelTakesOneMessageASecond(t *testing.T) {
	bubble(t, func(t *testing.T, s *minislack.Server, a *app) {
		for range 5 {
			a.post("burst")
		}
		got := a.call("chat.postMessage", "channel", channel, "text", "one too many")
		assert.Equal(t, http.StatusTooManyRequests, got.Status)
		assert.Equal(t, "rate_limited", got.Refused)
		assert.Equal(t, "1", got.Header.Get("Retry-After"))
		time.Sleep(time.Second)
		a.post("a second later")
		s.SetMessageRate(0, 0)
		for range 50 {
			a.post("no limit")
		}
	})
}

// User groups may be looked up twenty times a minute, other methods by the documented tiers.
func TestUserGroupsAreLookedUpTwentyTimesAMinute(t *testing.T) {
	bubble(t, func(t *testing.T, s *minislack.Server, a *app) {
		for range 20 {
			require.Empty(t, a.call("usergroups.users.list", "usergroup", "S0APPROVERS").Refused)
			time.Sleep(time.Second)
		}
		got := a.call("usergroups.users.list", "usergroup", "S0APPROVERS")
		assert.Equal(t, http.StatusTooManyRequests, got.Status)
		assert.Equal(t, "40", got.Header.Get("Retry-After"))
		time.Sleep(40 * time.Second)
		assert.Empty(t, a.call("usergroups.users.list", "usergroup", "S0APPROVERS").Refused)

		for range 60 {
			require.Empty(t, a.call("conversations.info", "channel", channel).Refused)
		}
		s.EnforceTiers()
		for range 50 {
			require.Empty(t, a.call("conversations.info", "channel", channel).Refused)
		}
		assert.Equal(t, "ratelimited", a.call("conversations.info", "channel", channel).Refused)
	})
}

// People, groups and channels are shown as they are, and only what the app may see.
func TestPeopleGroupsAndChannels(t *testing.T) {
	s, a := install(t)
	gus := a.call("users.info", "user", "U0GUS").Body["user"].(obj)
	assert.Equal(t, true, gus["is_restricted"])
	assert.Equal(t, "gus@example.com", gus["profile"].(obj)["email"])
	s.SetScopes("users:read", "usergroups:read", "channels:read", "groups:read")
	gus = a.call("users.info", "user", "U0GUS").Body["user"].(obj)
	assert.NotContains(t, gus["profile"], "email", "that needs users:read.email")
	assert.Equal(t, "user_not_found", a.call("users.info", "user", "gus").Refused, "names are no ids")
	s.SetProfile("gus", func(p *minislack.Person) { p.Deleted, p.Stranger, p.Enterprise = true, true, "W0GUS" })
	gus = a.call("users.info", "user", "U0GUS").Body["user"].(obj)
	assert.Equal(t, true, gus["deleted"])
	assert.Equal(t, true, gus["is_stranger"])
	assert.NotContains(t, gus, "is_restricted", "Slack says less about who left")

	s.SetGroup("approvers", "carol")
	assert.Equal(t, []any{"U0CAROL"}, a.call("usergroups.users.list", "usergroup", "S0APPROVERS").Body["users"])
	assert.Equal(t, "no_such_subteam", a.call("usergroups.users.list", "usergroup", "approvers").Refused)
	assert.Len(t, a.call("usergroups.list").Body["usergroups"], 2)
	s.SetPlanWithoutGroups(true)
	assert.Equal(t, "plan_upgrade_required", a.call("usergroups.users.list", "usergroup", "S0APPROVERS").Refused)

	s.AddChannel(minislack.Channel{Name: "board", Private: true, Members: []string{"alice"}})
	s.AddChannel(minislack.Channel{Name: "lobby", ExtShared: true, Members: []string{"alice"}})
	assert.Equal(t, "channel_not_found", a.call("conversations.info", "channel", "C0BOARD").Refused)
	assert.Equal(t, "channel_not_found", a.call("conversations.info", "channel", "qualys-admin").Refused)
	lobby := a.call("conversations.info", "channel", "C0LOBBY", "include_num_members", "true").Body["channel"].(obj)
	assert.Equal(t, true, lobby["is_ext_shared"])
	assert.Equal(t, false, lobby["is_member"])
	assert.EqualValues(t, 1, lobby["num_members"])
	assert.Len(t, a.call("conversations.list", "types", "public_channel,private_channel").Body["channels"], 2)
}

// A direct conversation is opened by a person's id.
func TestDirectMessagesReachOnePerson(t *testing.T) {
	s, a := install(t)
	dm := a.call("conversations.open", "users", "U0ALICE").Body["channel"].(obj)["id"].(string)
	require.Empty(t, a.call("chat.postMessage", "channel", dm, "text", "approved").Refused)
	require.Empty(t, a.call("chat.postMessage", "channel", "U0ALICE", "text", "by user id").Refused)
	require.Len(t, s.As("alice").DM(), 2)
	assert.Equal(t, "approved", s.As("alice").DM()[0].Rendered())
	assert.Empty(t, s.As("bob").DM())
	s.SetProfile("bob", func(p *minislack.Person) { p.Deleted = true })
	assert.Equal(t, "user_disabled", a.call("conversations.open", "users", "U0BOB").Refused)
	assert.Equal(t, "missing_scope", a.call("conversations.history", "channel", dm).Refused, "im:history was not granted")
}

// Long lists come in pages.
func TestListsComeInPages(t *testing.T) {
	s, a := install(t)
	for n := range 30 {
		s.AddPerson(minislack.Person{Name: "p" + strconv.Itoa(n)})
	}
	var names []string
	cursor := ""
	for {
		got := a.call("users.list", "limit", "10", "cursor", cursor)
		require.Empty(t, got.Refused)
		for _, m := range got.Body["members"].([]any) {
			names = append(names, m.(obj)["name"].(string))
		}
		cursor = got.Body["response_metadata"].(obj)["next_cursor"].(string)
		if cursor == "" {
			break
		}
	}
	assert.Len(t, names, 36)
	assert.Equal(t, "invalid_cursor", a.call("users.list", "cursor", "nonsense").Refused)
}
