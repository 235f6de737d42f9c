package cards_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/slack-go/slack"
	"github.com/stretchr/testify/require"

	"countersign/slack/cards"
)

// An object is JSON as Slack gets it.
type object = map[string]any

// A judge holds what was built against Slack's documented limits. It was written
// from the documentation and knows nothing of the builder.
type judge struct{ faults []string }

func (j *judge) say(format string, args ...any) {
	j.faults = append(j.faults, fmt.Sprintf(format, args...))
}

// long is the length of a text in the reading that is worst for us.
func long(text string) int {
	escaped := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(text)
	return len(utf16.Encode([]rune(escaped)))
}

func (j *judge) atMost(what, text string, least, most int) {
	if n := long(text); n < least || n > most {
		j.say("%s has %d characters, want %d to %d", what, n, least, most)
	}
}

// text checks a text object; kind may be empty.
func (j *judge) text(what string, v any, kind string, most int) {
	o, _ := v.(object)
	is, _ := o["type"].(string)
	if kind != "" && is != kind {
		j.say("%s is %q, want %s", what, is, kind)
	}
	said, _ := o["text"].(string)
	switch is {
	case "plain_text":
		if o["emoji"] != false {
			j.say("%s turns :names: into emoji", what)
		}
		j.atMost(what, said, 1, most)
	case "mrkdwn":
		if o["verbatim"] != true {
			j.say("%s is not verbatim", what)
		}
		if n := len(utf16.Encode([]rune(said))); n < 1 || n > most { // escaped already
			j.say("%s has %d characters, want 1 to %d", what, n, most)
		}
	default:
		j.say("%s is no text: %v", what, v)
	}
}

func list(v any) []any {
	items, _ := v.([]any)
	return items
}

func (j *judge) blocks(blocks []any, most int) {
	if len(blocks) < 1 || len(blocks) > most {
		j.say("%d blocks, want 1 to %d", len(blocks), most)
	}
	ids, total := map[any]bool{}, 0
	for i, b := range blocks {
		block, _ := b.(object)
		if id := block["block_id"]; id != nil {
			if ids[id] {
				j.say("block_id %v is there twice", id)
			}
			ids[id] = true
		}
		j.block(fmt.Sprintf("block %d (%v)", i, block["type"]), block)
		raw, _ := json.Marshal(block)
		total += len(raw)
	}
	if total > 100_000 {
		j.say("the blocks have %d bytes", total)
	}
}

func (j *judge) block(at string, b object) {
	switch b["type"] {
	case "header":
		j.text(at, b["text"], "plain_text", 150)
	case "section":
		j.text(at, b["text"], "", 3000)
	case "divider":
	case "context":
		items := list(b["elements"])
		if len(items) < 1 || len(items) > 10 {
			j.say("%s has %d elements", at, len(items))
		}
		for _, e := range items {
			j.text(at, e, "", 3000)
		}
	case "actions":
		j.actions(at, list(b["elements"]))
	case "rich_text":
		for _, part := range list(b["elements"]) {
			j.rich(at, part)
		}
		if size := richSize(b); size > 3600 {
			j.say("%s has %d characters of rich text", at, size)
		}
	case "input":
		j.text(at+" label", b["label"], "plain_text", 2000)
		if b["hint"] != nil {
			j.text(at+" hint", b["hint"], "plain_text", 2000)
		}
		element, _ := b["element"].(object)
		j.element(at, element)
	default:
		j.say("%s: a block that not every client knows", at)
	}
}

func (j *judge) actions(at string, buttons []any) {
	if len(buttons) < 1 || len(buttons) > 25 {
		j.say("%s has %d buttons", at, len(buttons))
	}
	primary, ids := 0, map[any]bool{}
	for _, b := range buttons {
		button, _ := b.(object)
		j.element(at, button)
		if button["style"] == "primary" {
			primary++
		}
		if ids[button["action_id"]] {
			j.say("%s: action_id %v is there twice", at, button["action_id"])
		}
		ids[button["action_id"]] = true
	}
	if primary > 1 {
		j.say("%s has %d primary buttons", at, primary)
	}
}

func (j *judge) element(at string, e object) {
	id, _ := e["action_id"].(string)
	j.atMost(at+" action_id", id, 1, 255)
	if p := e["placeholder"]; p != nil {
		j.text(at+" placeholder", p, "plain_text", 150)
	}
	switch e["type"] {
	case "button":
		j.text(at+" label", e["text"], "plain_text", 75)
		value, _ := e["value"].(string)
		j.atMost(at+" value", value, 1, 2000)
		if s := e["style"]; s != nil && s != "primary" && s != "danger" {
			j.say("%s has style %v", at, s)
		}
		if c, ok := e["confirm"].(object); ok {
			j.text(at+" confirm title", c["title"], "plain_text", 100)
			j.text(at+" confirm text", c["text"], "", 300)
			j.text(at+" confirm yes", c["confirm"], "plain_text", 30)
			j.text(at+" confirm no", c["deny"], "plain_text", 30)
		}
	case "plain_text_input":
		most, _ := e["max_length"].(float64)
		if most < 1 || most > 3000 {
			j.say("%s takes %v characters", at, most)
		}
		value, _ := e["initial_value"].(string)
		j.atMost(at+" value", value, 0, int(most))
	case "static_select":
		options := list(e["options"])
		if len(options) < 1 || len(options) > 100 {
			j.say("%s has %d options", at, len(options))
		}
		for _, o := range options {
			option, _ := o.(object)
			j.text(at+" option", option["text"], "plain_text", 75)
			value, _ := option["value"].(string)
			j.atMost(at+" option value", value, 1, 75)
		}
		if first := e["initial_option"]; first != nil && !slices.ContainsFunc(options, func(o any) bool {
			return fmt.Sprint(o) == fmt.Sprint(first)
		}) {
			j.say("%s begins with an option it does not offer", at)
		}
	case "file_input":
	default:
		j.say("%s: an element %v", at, e["type"])
	}
}

func (j *judge) rich(at string, v any) {
	part, _ := v.(object)
	items := list(part["elements"])
	if len(items) == 0 {
		j.say("%s: an empty %v", at, part["type"])
	}
	for _, item := range items {
		leaf, _ := item.(object)
		switch part["type"] {
		case "rich_text_list":
			j.rich(at, leaf)
			continue
		case "rich_text_section", "rich_text_preformatted":
		default:
			j.say("%s: a %v", at, part["type"])
		}
		switch leaf["type"] {
		case "text":
			if leaf["text"] == "" {
				j.say("%s: an empty text", at)
			}
		case "user", "usergroup", "date":
		default:
			j.say("%s: an element %v", at, leaf["type"])
		}
	}
}

// richSize is how much text a part of a rich text holds.
func richSize(v any) int {
	size := 0
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			size += richSize(item)
		}
	case object:
		if text, ok := v["text"].(string); ok {
			size += long(text)
		}
		size += richSize(v["elements"])
	}
	return size
}

// asJSON is a value as Slack gets it.
func asJSON(t testing.TB, v any) any {
	t.Helper()
	raw, err := json.Marshal(v)
	require.NoError(t, err)
	var out any
	require.NoError(t, json.Unmarshal(raw, &out))
	return out
}

// withinLimits holds a message against the limits.
func withinLimits(t testing.TB, m cards.Message) {
	t.Helper()
	j := &judge{}
	blocks, _ := asJSON(t, m.Blocks).([]any)
	j.blocks(blocks, 50)
	if n := len(utf16.Encode([]rune(m.Text))); n < 1 || n > 4000 {
		j.say("the text has %d characters", n)
	}
	require.Empty(t, j.faults)
}

// viewWithinLimits holds a dialog against the limits.
func viewWithinLimits(t testing.TB, v slack.ModalViewRequest) {
	t.Helper()
	j := &judge{}
	view, _ := asJSON(t, v).(object)
	j.blocks(list(view["blocks"]), 100)
	for _, key := range []string{"title", "submit", "close"} {
		j.text(key, view[key], "plain_text", 24)
	}
	j.atMost("private_metadata", v.PrivateMetadata, 0, 3000)
	j.atMost("callback_id", v.CallbackID, 0, 255)
	require.Empty(t, j.faults)
}

// mentions are the people, groups and channels that a message names to Slack.
func mentions(t testing.TB, m cards.Message) []string {
	t.Helper()
	var found []string
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, item := range v {
				walk(item)
			}
		case object:
			switch v["type"] {
			case "user":
				found = append(found, fmt.Sprint(v["user_id"]))
			case "usergroup":
				found = append(found, fmt.Sprint(v["usergroup_id"]))
			case "channel", "broadcast", "link", "emoji":
				found = append(found, fmt.Sprint(v))
			case "mrkdwn":
				found = append(found, marked(fmt.Sprint(v["text"]))...)
			}
			for _, item := range v {
				walk(item)
			}
		}
	}
	walk(asJSON(t, m.Blocks))
	return append(found, marked(m.Text)...)
}

var token = regexp.MustCompile(`<([^>]*)>?`)

// marked is what stands between < and > in mrkdwn, without dates.
func marked(text string) []string {
	var found []string
	for _, m := range token.FindAllStringSubmatch(text, -1) {
		if !strings.HasPrefix(m[1], "!date^") {
			found = append(found, strings.TrimPrefix(m[1], "@"))
		}
	}
	return found
}
