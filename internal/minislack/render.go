package minislack

import (
	"strconv"
	"strings"
)

// message renders what a person reads of a message.
func (r reader) message(m *message) string {
	if m.gone {
		return ""
	}
	var lines []string
	if len(m.blocks) > 0 {
		lines = r.blocks(m.blocks)
	} else if m.text != "" {
		lines = append(lines, r.markup(m.text))
	}
	for _, f := range m.files {
		lines = append(lines, "["+f.Name+"]")
	}
	return strings.Join(lines, "\n")
}

// blocks renders each block to a line or several.
func (r reader) blocks(blocks []any) []string {
	var lines []string
	for _, b := range blocks {
		if block, ok := b.(object); ok {
			if line := r.block(block); line != "" {
				lines = append(lines, line)
			}
		}
	}
	return lines
}

func (r reader) block(b object) string {
	switch str(b, "type") {
	case "divider":
		return ""
	case "section":
		parts := []string{r.textOf(b["text"])}
		for _, f := range items(b["fields"]) {
			parts = append(parts, r.textOf(f))
		}
		return joined(" ", joined("\n", parts...), r.element(b["accessory"]))
	case "actions", "context":
		var parts []string
		for _, e := range items(b["elements"]) {
			parts = append(parts, r.element(e))
		}
		return joined(" ", parts...)
	case "rich_text":
		var parts []string
		for _, e := range items(b["elements"]) {
			parts = append(parts, r.rich(e))
		}
		return joined("\n", parts...)
	case "image":
		return joined(" ", r.textOf(b["title"]), "["+str(b, "alt_text")+"]")
	case "input":
		e, _ := b["element"].(object)
		return joined("\n", joined(" ", r.textOf(b["label"])+":", r.initial(e)), r.textOf(b["hint"]))
	}
	return r.textOf(b["text"])
}

// element renders what stands in actions, in context or beside a section.
func (r reader) element(v any) string {
	e, _ := v.(object)
	switch str(e, "type") {
	case "":
		return ""
	case "plain_text", "mrkdwn":
		return r.textOf(e)
	case "button":
		return "[" + r.textOf(e["text"]) + "]"
	case "image":
		return "[" + str(e, "alt_text") + "]"
	case "overflow":
		return "[…]"
	}
	return "[" + joined(" ", r.textOf(e["placeholder"]), r.initial(e)) + "]"
}

// initial is what a field of a form shows before anybody touches it.
func (r reader) initial(e object) string {
	if o, ok := e["initial_option"].(object); ok {
		return r.textOf(o["text"])
	}
	for _, key := range []string{"initial_value", "initial_date", "initial_time", "initial_user"} {
		if text := str(e, key); text != "" {
			return text
		}
	}
	return ""
}

// textOf renders a text object.
func (r reader) textOf(v any) string {
	t, _ := v.(object)
	if str(t, "type") == "mrkdwn" {
		return r.markup(str(t, "text"))
	}
	return r.plain(str(t, "text"))
}

// rich renders a part of a rich_text block.
func (r reader) rich(v any) string {
	part, _ := v.(object)
	var parts []string
	for _, e := range items(part["elements"]) {
		if str(part, "type") == "rich_text_list" {
			parts = append(parts, "• "+r.rich(e))
		} else {
			parts = append(parts, r.leaf(e))
		}
	}
	switch str(part, "type") {
	case "rich_text_list":
		return strings.Join(parts, "\n")
	case "rich_text_quote":
		return "> " + strings.Join(parts, "")
	}
	return strings.TrimSuffix(strings.Join(parts, ""), "\n")
}

func (r reader) leaf(v any) string {
	e, _ := v.(object)
	switch str(e, "type") {
	case "text":
		return r.plain(str(e, "text"))
	case "link":
		if label := str(e, "text"); label != "" {
			return r.plain(label)
		}
		return str(e, "url")
	case "user":
		return r.token("@" + str(e, "user_id"))
	case "usergroup":
		return r.token("!subteam^" + str(e, "usergroup_id"))
	case "channel":
		return r.token("#" + str(e, "channel_id"))
	case "broadcast":
		return "@" + str(e, "range")
	case "emoji":
		return ":" + str(e, "name") + ":"
	case "date":
		if unix, ok := whole(e["timestamp"]); ok {
			return r.date("!date^"+strconv.Itoa(unix)+"^"+str(e, "format"), str(e, "fallback"))
		}
		return str(e, "fallback")
	}
	return ""
}

// buttons lists what can be pressed in blocks; the options of a menu are buttons too.
func (r reader) buttons(blocks []any) []Button {
	var all []Button
	for _, p := range pressables(blocks) {
		b := Button{
			ActionID: str(p.element, "action_id"), BlockID: str(p.block, "block_id"),
			Confirms: p.element["confirm"] != nil,
		}
		if p.option != nil {
			b.Label, b.Value = r.textOf(p.option["text"]), str(p.option, "value")
		} else {
			b.Label, b.Value = r.textOf(p.element["text"]), str(p.element, "value")
			b.Style = str(p.element, "style")
		}
		all = append(all, b)
	}
	return all
}

// A pressable is a button, or one option of a menu, and the block it stands in.
type pressable struct{ block, element, option object }

func pressables(blocks []any) []pressable {
	var all []pressable
	for _, v := range blocks {
		block, _ := v.(object)
		elements := items(block["elements"])
		if block["accessory"] != nil {
			elements = append(elements, block["accessory"])
		}
		if str(block, "type") != "actions" && str(block, "type") != "section" {
			continue
		}
		for _, v := range elements {
			e, _ := v.(object)
			if str(e, "type") == "button" {
				all = append(all, pressable{block, e, nil})
			}
			for _, o := range options(e) {
				all = append(all, pressable{block, e, o})
			}
		}
	}
	return all
}

// options lists the options of a menu, grouped or not.
func options(e object) []object {
	var all []object
	for _, v := range items(e["options"]) {
		if o, ok := v.(object); ok {
			all = append(all, o)
		}
	}
	for _, v := range items(e["option_groups"]) {
		if g, ok := v.(object); ok {
			all = append(all, options(g)...)
		}
	}
	return all
}

// items reads an array; anything else has none.
func items(v any) []any {
	list, _ := v.([]any)
	return list
}

// joined joins what is not empty.
func joined(by string, parts ...string) string {
	var full []string
	for _, p := range parts {
		if p != "" {
			full = append(full, p)
		}
	}
	return strings.Join(full, by)
}
