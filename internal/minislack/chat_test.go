package minislack_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/internal/minislack"
)

// The bot posts where it is a member, and learns no more of a private channel
// than that it does not exist.
func TestPostingNeedsMembership(t *testing.T) {
	s, a := install(t)
	s.AddChannel(minislack.Channel{Name: "open"})
	s.AddChannel(minislack.Channel{Name: "closed", Private: true})
	s.AddChannel(minislack.Channel{Name: "old", Archived: true, Members: []string{"bot"}})
	post := func(id string) string { return a.call("chat.postMessage", "channel", id, "text", "hi").Refused }
	assert.Equal(t, "not_in_channel", post("C0OPEN"))
	assert.Equal(t, "channel_not_found", post("C0CLOSED"))
	assert.Equal(t, "is_archived", post("C0OLD"))
	assert.Equal(t, "channel_not_found", post("C0NOWHERE"))
	s.SetScopes("chat:write", "chat:write.public")
	assert.Empty(t, post("C0OPEN"), "chat:write.public allows it")
	s.Leave(channel, "bot")
	assert.Equal(t, "channel_not_found", post(channel))
}

// What comes back is not what was sent: encoded, links wrapped, emoji spelled.
func TestTextComesBackChanged(t *testing.T) {
	s, a := install(t)
	s.SetMessageRate(0, 0)
	for _, c := range []struct{ name, sent, stored, parse string }{
		{"bare characters are encoded", "a & b < c > d", "a &amp; b &lt; c &gt; d", ""},
		{"encoded ones stay", "a &amp; &lt;b&gt;", "a &amp; &lt;b&gt;", ""},
		{"URLs are wrapped", "see https://x.example/a.", "see <https://x.example/a>.", ""},
		{"unless parse is none", "see https://x.example/a.", "see https://x.example/a.", "none"},
		{"emoji get names", "done ✅", "done :white_check_mark:", ""},
		{"mentions stay", "<@U0BOB> and <!subteam^S0APPROVERS>", "<@U0BOB> and <!subteam^S0APPROVERS>", ""},
		{"what looks like markup and is none", "<b> <script>", "&lt;b&gt; &lt;script&gt;", ""},
	} {
		got := a.call("chat.postMessage", "channel", channel, "text", c.sent, "parse", c.parse)
		require.Empty(t, got.Refused, c.name)
		assert.Equal(t, c.stored, got.Body["message"].(obj)["text"], c.name)
	}
}

// plain_text without emoji survives exactly one decoding, whatever it says.
func TestPlainTextSurvivesOneDecoding(t *testing.T) {
	s, a := install(t)
	sentence := `A&amp;B <!channel> & "C" ✅ @here https://x.example`
	a.post("x", "blocks", raw(t, []any{obj{"type": "section", "text": plain(sentence)}}))
	history := a.call("conversations.history", "channel", channel)
	block := history.Body["messages"].([]any)[0].(obj)["blocks"].([]any)[0].(obj)
	stored := block["text"].(obj)["text"].(string)
	assert.NotEqual(t, sentence, stored)
	decoded := strings.NewReplacer("&amp;", "&", "&lt;", "<", "&gt;", ">").Replace(stored)
	assert.Equal(t, sentence, decoded)
	assert.NotEmpty(t, block["block_id"], "Slack names every block")
	assert.Equal(t, sentence, s.Messages(channel)[0].Rendered(), "a person reads what was meant")
	assert.Empty(t, s.Pings())
}

// Untrusted text that reaches a whole channel is on record.
func TestChannelWideMentionsAreOnRecord(t *testing.T) {
	section := func(text obj) []any { return []any{obj{"type": "section", "text": text}} }
	free := mrkdwn("hello @here")
	still := obj{"type": "mrkdwn", "text": "hello @here", "verbatim": true}
	marked := obj{"type": "mrkdwn", "text": "hello <!channel|x>", "verbatim": true}
	escaped := obj{"type": "mrkdwn", "text": "hello &lt;!channel&gt;", "verbatim": true}
	broadcast := []any{obj{"type": "rich_text", "elements": []any{
		obj{"type": "rich_text_section", "elements": []any{obj{"type": "broadcast", "range": "everyone"}}}}}}
	for _, c := range []struct {
		name  string
		pairs []string
		word  string // empty: no ping
	}{
		{"markup in the text", []string{"text", "<!channel> hello"}, "channel"},
		{"a bare word in the text", []string{"text", "@here hello"}, ""},
		{"a bare word with link_names", []string{"text", "@here hello", "link_names", "1"}, "here"},
		{"a bare word in mrkdwn", []string{"text", "x", "blocks", raw(t, section(free))}, "here"},
		{"a bare word in verbatim mrkdwn", []string{"text", "x", "blocks", raw(t, section(still))}, ""},
		{"markup in verbatim mrkdwn", []string{"text", "x", "blocks", raw(t, section(marked))}, "channel"},
		{"escaped markup", []string{"text", "x", "blocks", raw(t, section(escaped))}, ""},
		{"plain_text", []string{"text", "x", "blocks", raw(t, section(plain("<!channel> @here")))}, ""},
		{"an address", []string{"text", "x", "blocks", raw(t, section(mrkdwn("bob@here.example")))}, ""},
		{"a broadcast element", []string{"text", "x", "blocks", raw(t, broadcast)}, "everyone"},
	} {
		s, a := install(t)
		require.Empty(t, a.call("chat.postMessage", append(c.pairs, "channel", channel)...).Refused, c.name)
		if c.word == "" {
			assert.Empty(t, s.Pings(), c.name)
		} else if assert.Len(t, s.Pings(), 1, c.name) {
			assert.Equal(t, c.word, s.Pings()[0].Word, c.name)
		}
	}
}

// An update parses names unless told not to; a post does not.
func TestAnUpdateNeedsParseNone(t *testing.T) {
	s, a := install(t)
	ts := a.post("x")
	require.Empty(t, a.call("chat.update", "channel", channel, "ts", ts, "text", "@channel", "parse", "none").Refused)
	assert.Empty(t, s.Pings())
	require.Empty(t, a.call("chat.update", "channel", channel, "ts", ts, "text", "@channel").Refused)
	assert.Len(t, s.Pings(), 1)
}

// Text alone takes the buttons away, blocks alone leave the text, metadata stays until it is cleared.
func TestWhatAnUpdateKeeps(t *testing.T) {
	s, a := install(t)
	meta := raw(t, obj{"event_type": "e", "event_payload": obj{"n": 1}})
	ts := a.post("asked", "blocks", raw(t, card()), "metadata", meta)
	update := func(pairs ...string) minislack.Message {
		t.Helper()
		require.Empty(t, a.call("chat.update", append([]string{"channel", channel, "ts", ts}, pairs...)...).Refused)
		return s.Messages(channel)[0]
	}
	m := update("text", "asked", "blocks", raw(t, card()[:1]))
	assert.Empty(t, m.Buttons())
	assert.Equal(t, "Delete 49 SAQ users?", m.Rendered())
	m = update("metadata", raw(t, obj{"event_type": "f", "event_payload": obj{}}))
	assert.Equal(t, "Delete 49 SAQ users?", m.Rendered(), "metadata alone keeps text and blocks")
	m = update("text", "done")
	assert.Equal(t, "done", m.Rendered())
	assert.Equal(t, "f", m.Metadata.Type)
	m = update("text", "done", "metadata", "{}")
	assert.Nil(t, m.Metadata)
	update("text", "done", "blocks", raw(t, card()))
	m = update("blocks", "[]")
	assert.Empty(t, m.Buttons())
	require.Len(t, m.Edited, 6)
	assert.Equal(t, "asked", m.Edited[0].Text)
	assert.Contains(t, string(m.Edited[0].Blocks), "approve")
}

// Only the app's own messages can be changed, and not every length fits.
func TestUpdateAndDeleteTouchOwnMessagesOnly(t *testing.T) {
	s, a := install(t)
	bobs, err := s.As("bob").Say(channel, "mine")
	require.NoError(t, err)
	ts := a.post("ours")
	change := func(method, ts, text string) string {
		return a.call(method, "channel", channel, "ts", ts, "text", text).Refused
	}
	assert.Equal(t, "cant_update_message", change("chat.update", bobs.TS, "x"))
	assert.Equal(t, "cant_delete_message", change("chat.delete", bobs.TS, ""))
	assert.Equal(t, "message_not_found", change("chat.update", "1.2", "x"))
	assert.Equal(t, "msg_too_long", change("chat.update", ts, strings.Repeat("x", 4001)))
	assert.Empty(t, change("chat.update", ts, strings.Repeat("x", 4000)))
	whisper := a.call("chat.postEphemeral", "channel", channel, "user", "U0BOB", "text", "psst").str("message_ts")
	assert.Equal(t, "message_not_found", change("chat.update", whisper, "x"), "ephemeral messages cannot change")
	assert.Empty(t, change("chat.delete", ts, ""))
	assert.Equal(t, "message_not_found", change("chat.delete", ts, ""))
	assert.Equal(t, "no_text", a.call("chat.postMessage", "channel", channel).Refused)
}

// Very long text is cut, not refused, when it is posted.
func TestAPostIsCutAt40000Characters(t *testing.T) {
	s, a := install(t)
	a.post(strings.Repeat("ä", 40001))
	assert.Len(t, []rune(s.Messages(channel)[0].Text), 40000)
}

// Ephemeral messages go to members and are nowhere in the history.
func TestEphemeralMessagesAreForOnePerson(t *testing.T) {
	s, a := install(t)
	s.AddPerson(minislack.Person{Name: "eve"})
	whisper := func(to string) string {
		return a.call("chat.postEphemeral", "channel", channel, "user", to, "text", "only you").Refused
	}
	assert.Empty(t, whisper("U0ALICE"))
	assert.Equal(t, "user_not_in_channel", whisper("U0EVE"))
	assert.Equal(t, "user_not_found", whisper("U0NOBODY"))
	require.Len(t, s.As("alice").Read(channel), 1)
	assert.Equal(t, "alice", s.As("alice").Read(channel)[0].EphemeralTo)
	assert.Empty(t, s.As("bob").Read(channel))
	assert.Empty(t, a.call("conversations.history", "channel", channel).Body["messages"])
}

// Metadata has a shape and a size, and comes back in another order, or only its type.
func TestMetadataHasAShape(t *testing.T) {
	s, a := install(t)
	s.SetMetadataLimit(300)
	for _, c := range []struct{ name, meta, refused string }{
		{"scalars", `{"event_type":"e","event_payload":{"a":"x","b":1,"c":true}}`, ""},
		{"an object of scalars", `{"event_type":"e","event_payload":{"a":{"b":"x"}}}`, ""},
		{"an array of objects", `{"event_type":"e","event_payload":{"a":[{"b":"x"}]}}`, ""},
		{"no type", `{"event_payload":{"a":"x"}}`, "invalid_metadata_format"},
		{"no payload", `{"event_type":"e"}`, "invalid_metadata_format"},
		{"no JSON", `event`, "invalid_metadata_format"},
		{"null", `{"event_type":"e","event_payload":{"a":null}}`, "invalid_metadata_schema"},
		{"an array of strings", `{"event_type":"e","event_payload":{"a":["x"]}}`, "invalid_metadata_schema"},
		{"two levels", `{"event_type":"e","event_payload":{"a":{"b":{"c":1}}}}`, "invalid_metadata_schema"},
		{"too much", `{"event_type":"e","event_payload":{"a":"` + strings.Repeat("x", 300) + `"}}`, "metadata_too_large"},
	} {
		s.SetMessageRate(0, 0)
		got := a.call("chat.postMessage", "channel", channel, "text", "x", "metadata", c.meta)
		assert.Equal(t, c.refused, got.Refused, c.name)
	}
	first := s.Messages(channel)[0]
	assert.Equal(t, `{"c":true,"b":1,"a":"x"}`, string(first.Metadata.Payload))
	short := a.call("conversations.history", "channel", channel, "oldest", first.TS, "inclusive", "true", "latest", first.TS)
	assert.Equal(t, obj{"event_type": "e"}, short.Body["messages"].([]any)[0].(obj)["metadata"])
	full := a.call("conversations.history", "channel", channel, "include_all_metadata", "1", "latest", first.TS, "inclusive", "1")
	assert.Contains(t, full.Body["messages"].([]any)[0].(obj)["metadata"], "event_payload")
}

// Threads hang on parents only; history shows parents, replies show threads.
func TestThreadsAndHistory(t *testing.T) {
	s, a := install(t)
	s.SetMessageRate(0, 0)
	parent := a.post("parent")
	one := a.post("one", "thread_ts", parent)
	a.post("two", "thread_ts", parent, "reply_broadcast", "true")
	last := a.post("last")
	refusedAt := func(ts string) string {
		return a.call("chat.postMessage", "channel", channel, "text", "x", "thread_ts", ts).Refused
	}
	assert.Equal(t, "cannot_reply_to_message", refusedAt(one))
	assert.Equal(t, "cannot_reply_to_message", refusedAt("1.000000"))

	texts := func(method string, pairs ...string) []string {
		t.Helper()
		got := a.call(method, append([]string{"channel", channel}, pairs...)...)
		require.Empty(t, got.Refused)
		var all []string
		for _, m := range got.Body["messages"].([]any) {
			all = append(all, m.(obj)["text"].(string))
		}
		return all
	}
	assert.Equal(t, []string{"last", "two", "parent"}, texts("conversations.history"))
	assert.Equal(t, []string{"last", "two"}, texts("conversations.history", "oldest", parent))
	assert.Equal(t, []string{"last", "two", "parent"}, texts("conversations.history", "oldest", parent, "inclusive", "true"))
	assert.Equal(t, []string{"two", "parent"}, texts("conversations.history", "latest", last))
	assert.Equal(t, []string{"parent", "one", "two"}, texts("conversations.replies", "ts", parent))
	assert.Equal(t, []string{"parent", "one", "two"}, texts("conversations.replies", "ts", one))
	assert.Equal(t, "thread_not_found", a.call("conversations.replies", "channel", channel, "ts", "1.0").Refused)

	page := a.call("conversations.history", "channel", channel, "limit", "2")
	assert.Equal(t, true, page.Body["has_more"])
	next := page.Body["response_metadata"].(obj)["next_cursor"].(string)
	assert.Equal(t, []string{"parent"}, texts("conversations.history", "limit", "2", "cursor", next))

	require.Empty(t, a.call("chat.delete", "channel", channel, "ts", parent).Refused)
	assert.Equal(t, []string{"last", "two", "This message was deleted."}, texts("conversations.history"))
	require.Empty(t, a.call("chat.delete", "channel", channel, "ts", last).Refused)
	assert.NotContains(t, texts("conversations.history"), "last")
}

// A permalink names the message and its thread.
func TestPermalinks(t *testing.T) {
	_, a := install(t)
	parent := a.post("parent")
	reply := a.post("reply", "thread_ts", parent)
	got := a.call("chat.getPermalink", "channel", channel, "message_ts", reply).str("permalink")
	want := "https://example.slack.com/archives/" + channel + "/p" + strings.ReplaceAll(reply, ".", "") +
		"?thread_ts=" + parent + "&cid=" + channel
	assert.Equal(t, want, got)
	assert.Equal(t, "message_not_found", a.call("chat.getPermalink", "channel", channel, "message_ts", "1.0").Refused)
}

// Timestamps have sixteen digits, grow and are unique, even when time stands still.
func TestTimestampsGrow(t *testing.T) {
	bubble(t, func(t *testing.T, s *minislack.Server, a *app) {
		s.SetMessageRate(0, 0)
		before := ""
		for range 20 {
			ts := a.post("x")
			assert.Regexp(t, `^\d{10}\.\d{6}$`, ts)
			assert.Greater(t, ts, before)
			before = ts
		}
	})
}

// An administrator can rewrite and remove what the app said; the app's metadata stays.
func TestMessagesCanBeTamperedWith(t *testing.T) {
	s, a := install(t)
	ts := a.post("entry 1", "metadata", raw(t, obj{"event_type": "e", "event_payload": obj{"n": 1}}))
	ref := minislack.Ref{Channel: channel, TS: ts}
	s.EditMessage(ref, "entry 1, forged", json.RawMessage(raw(t, []any{obj{"type": "section", "text": plain("forged")}})))
	m, ok := s.Message(ref)
	require.True(t, ok)
	assert.Equal(t, "forged", m.Rendered())
	assert.Equal(t, "e", m.Metadata.Type)
	assert.Equal(t, "an administrator", m.Edited[0].By)
	s.DeleteMessage(ref)
	assert.Empty(t, a.call("conversations.history", "channel", channel).Body["messages"])
	m, _ = s.Message(ref)
	assert.True(t, m.Deleted, "the test still sees it")
}

// People read names, labels and local times instead of markup.
func TestPeopleReadPlainWords(t *testing.T) {
	s, a := install(t)
	ts := time.Date(2026, 3, 4, 12, 30, 0, 0, time.UTC)
	unix := raw(t, ts.Unix())
	a.post("x", "blocks", raw(t, []any{
		obj{"type": "header", "text": plain("Delete 49 users")},
		obj{"type": "divider"},
		obj{"type": "section", "text": mrkdwn("*Asked* by <@U0ALICE> in <#" + channel + "> for <!subteam^S0APPROVERS>, see <https://x.example|SEC-1>"),
			"accessory": obj{"type": "button", "action_id": "why", "text": plain("Why?")}},
		obj{"type": "section", "fields": []any{mrkdwn("Until <!date^" + unix + "^{date_num} {time}|soon>"), plain("a *b*")}},
		obj{"type": "context", "elements": []any{mrkdwn("`#128`"), plain("x &amp; y")}},
		obj{"type": "rich_text", "elements": []any{
			obj{"type": "rich_text_section", "elements": []any{
				obj{"type": "text", "text": "Hi "}, obj{"type": "user", "user_id": "U0BOB"}, obj{"type": "text", "text": " <b>"}}},
			obj{"type": "rich_text_list", "style": "bullet", "elements": []any{
				obj{"type": "rich_text_section", "elements": []any{obj{"type": "text", "text": "Acme 12"}}}}},
		}},
		obj{"type": "actions", "elements": []any{
			obj{"type": "button", "action_id": "a", "text": plain("Approve")},
			obj{"type": "overflow", "action_id": "more", "options": []any{obj{"text": plain("Cancel"), "value": "c"}}}}},
	}))
	want := strings.Join([]string{
		"Delete 49 users",
		"Asked by @alice in #qualys-admin for @approvers, see SEC-1 [Why?]",
		"Until 2026-03-04 18:00\na *b*",
		"#128 x &amp; y",
		"Hi @bob <b>\n• Acme 12",
		"[Approve] […]",
	}, "\n")
	carol := s.As("carol").Read(channel)[0] // her clock is five and a half hours ahead
	assert.Equal(t, want, carol.Rendered())
	assert.ElementsMatch(t, []string{"U0ALICE", "S0APPROVERS", "U0BOB"}, carol.Mentions)
	var labels []string
	for _, b := range carol.Buttons() {
		labels = append(labels, b.Label)
	}
	assert.Equal(t, []string{"Why?", "Approve", "Cancel"}, labels)
}
