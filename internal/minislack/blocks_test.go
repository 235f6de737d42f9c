package minislack_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func x(n int) string { return strings.Repeat("x", n) }

// times repeats a value n times.
func times(n int, v any) []any {
	var all []any
	for range n {
		all = append(all, v)
	}
	return all
}

func section(text obj) obj { return obj{"type": "section", "text": text} }

func button(extra obj) obj {
	b := obj{"type": "button", "action_id": "a", "text": plain("Go")}
	for k, v := range extra {
		b[k] = v
	}
	return b
}

func actions(elements ...any) obj { return obj{"type": "actions", "elements": elements} }

func option(text, value string) obj { return obj{"text": plain(text), "value": value} }

func menu(kind string, options []any) obj {
	return obj{"type": kind, "action_id": "m", "options": options}
}

func confirm(title, text, yes string) obj {
	return button(obj{"confirm": obj{"title": plain(title), "text": plain(text), "confirm": plain(yes), "deny": plain("No")}})
}

// Block Kit's limits, each at its edge and one step beyond it.
func TestBlockKitLimits(t *testing.T) {
	s, a := install(t)
	s.SetMessageRate(0, 0)
	for _, c := range []struct {
		name   string
		blocks []any
		where  string // the pointer of the first problem; empty: accepted
	}{
		{"50 blocks", times(50, obj{"type": "divider"}), ""},
		{"51 blocks", times(51, obj{"type": "divider"}), "/blocks"},
		{"3000 characters", []any{section(mrkdwn(x(3000)))}, ""},
		{"3001 characters", []any{section(mrkdwn(x(3001)))}, "/blocks/0/text/text"},
		{"1501 emoji of two units", []any{section(plain(strings.Repeat("🔒", 1501)))}, "/blocks/0/text/text"},
		{"empty text", []any{section(plain(""))}, "/blocks/0/text/text"},
		{"a section of nothing", []any{obj{"type": "section"}}, "/blocks/0"},
		{"10 fields of 2000", []any{obj{"type": "section", "fields": times(10, plain(x(2000)))}}, ""},
		{"11 fields", []any{obj{"type": "section", "fields": times(11, plain("x"))}}, "/blocks/0/fields"},
		{"a field of 2001", []any{obj{"type": "section", "fields": times(1, plain(x(2001)))}}, "/blocks/0/fields/0/text"},
		{"a header of 150", []any{obj{"type": "header", "text": plain(x(150))}}, ""},
		{"a header of 151", []any{obj{"type": "header", "text": plain(x(151))}}, "/blocks/0/text/text"},
		{"a header in mrkdwn", []any{obj{"type": "header", "text": mrkdwn("x")}}, "/blocks/0/text/type"},
		{"10 context elements", []any{obj{"type": "context", "elements": times(10, mrkdwn("x"))}}, ""},
		{"11 context elements", []any{obj{"type": "context", "elements": times(11, mrkdwn("x"))}}, "/blocks/0/elements"},
		{"26 actions", []any{actions(times(26, button(nil))...)}, "/blocks/0/elements"},
		{"no actions", []any{obj{"type": "actions", "elements": []any{}}}, "/blocks/0/elements"},
		{"an action_id twice", []any{actions(button(nil), button(nil))}, "/blocks/0/elements/1/action_id"},
		{"a block_id twice", times(2, obj{"type": "divider", "block_id": "b"}), "/blocks/1/block_id"},
		{"a block_id of 256", []any{obj{"type": "divider", "block_id": x(256)}}, "/blocks/0/block_id"},
		{"an action_id of 256", []any{actions(button(obj{"action_id": x(256)}))}, "/blocks/0/elements/0/action_id"},
		{"a label of 75", []any{actions(button(obj{"text": plain(x(75))}))}, ""},
		{"a label of 76", []any{actions(button(obj{"text": plain(x(76))}))}, "/blocks/0/elements/0/text/text"},
		{"a label in mrkdwn", []any{actions(button(obj{"text": mrkdwn("x")}))}, "/blocks/0/elements/0/text/type"},
		{"a value of 2001", []any{actions(button(obj{"value": x(2001)}))}, "/blocks/0/elements/0/value"},
		{"a value that is no string", []any{actions(button(obj{"value": 1}))}, "/blocks/0/elements/0/value"},
		{"an unknown style", []any{actions(button(obj{"style": "warning"}))}, "/blocks/0/elements/0/style"},
		{"a confirm dialog", []any{actions(confirm(x(100), x(300), x(30)))}, ""},
		{"a confirm title of 101", []any{actions(confirm(x(101), "x", "x"))}, "/blocks/0/elements/0/confirm/title/text"},
		{"a confirm text of 301", []any{actions(confirm("x", x(301), "x"))}, "/blocks/0/elements/0/confirm/text/text"},
		{"a confirm label of 31", []any{actions(confirm("x", "x", x(31)))}, "/blocks/0/elements/0/confirm/confirm/text"},
		{"100 options", []any{actions(menu("static_select", times(100, option("x", "x"))))}, ""},
		{"101 options", []any{actions(menu("static_select", times(101, option("x", "x"))))}, "/blocks/0/elements/0/options"},
		{"6 in an overflow", []any{actions(menu("overflow", times(6, option("x", "x"))))}, "/blocks/0/elements/0/options"},
		{"an option of 76", []any{actions(menu("overflow", times(1, option(x(76), "x"))))}, "/blocks/0/elements/0/options/0/text/text"},
		{"an option value of 76", []any{actions(menu("overflow", times(1, option("x", x(76)))))}, "/blocks/0/elements/0/options/0/value"},
		{"an image without words", []any{obj{"type": "image", "image_url": "https://x.example/i.png"}}, "/blocks/0"},
		{"an image", []any{obj{"type": "image", "image_url": "https://x.example/i.png", "alt_text": "x"}}, ""},
		{"rich text with an empty leaf", []any{obj{"type": "rich_text", "elements": []any{obj{"type": "rich_text_section",
			"elements": []any{obj{"type": "text", "text": ""}}}}}}, "/blocks/0/elements/0/elements/0/text"},
		{"rich text of a made-up part", []any{obj{"type": "rich_text", "elements": []any{obj{"type": "rich_text_box"}}}}, "/blocks/0/elements/0/type"},
		{"an input in a message", []any{obj{"type": "input", "label": plain("x"), "element": obj{"type": "plain_text_input"}}}, "/blocks/0/type"},
		{"a file block", []any{obj{"type": "file", "external_id": "x", "source": "remote"}}, "/blocks/0/type"},
		{"a table", []any{obj{"type": "table", "rows": []any{}}}, "/blocks/0/type"},
		{"emoji in mrkdwn", []any{section(obj{"type": "mrkdwn", "text": "x", "emoji": true})}, "/blocks/0/text/emoji"},
		{"a text input outside a form", []any{actions(obj{"type": "plain_text_input", "action_id": "p"})}, "/blocks/0/elements/0/type"},
		{"something else than an object", []any{"divider"}, "/blocks/0"},
	} {
		got := a.call("chat.postMessage", "channel", channel, "text", "x", "blocks", raw(t, c.blocks))
		if c.where == "" {
			assert.Empty(t, got.Refused, "%s: %v", c.name, got.Body)
			continue
		}
		require.Equal(t, "invalid_blocks", got.Refused, c.name)
		messages := got.Body["response_metadata"].(obj)["messages"].([]any)
		assert.True(t, strings.HasSuffix(messages[0].(string), "[json-pointer:"+c.where+"]"), "%s: %v", c.name, messages)
	}
	assert.Equal(t, "invalid_blocks_format", a.call("chat.postMessage", "channel", channel, "blocks", "{}").Refused)
}

// Younger block types pass once the workspace has them.
func TestYoungerBlocksCanBeAccepted(t *testing.T) {
	s, a := install(t)
	s.AcceptBlocks("table")
	a.post("x", "blocks", raw(t, []any{obj{"type": "table", "rows": []any{}}}))
}
