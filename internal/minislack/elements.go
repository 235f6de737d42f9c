package minislack

import (
	"fmt"
	"slices"
)

// inputOnly are the elements that stand in input blocks alone.
var inputOnly = []string{"plain_text_input", "file_input", "email_text_input", "url_text_input", "number_input"}

// choosers are the elements that offer options, and how many.
var choosers = map[string]int{
	"static_select": 100, "multi_static_select": 100, "overflow": 5, "checkboxes": 10, "radio_buttons": 10,
}

// pickers are the elements that need no options.
var pickers = []string{
	"users_select", "multi_users_select", "conversations_select", "multi_conversations_select",
	"channels_select", "multi_channels_select", "datepicker", "timepicker", "datetimepicker",
}

// element checks what people press or fill.
func (c *checker) element(path string, v any, inInput bool) {
	e, ok := v.(object)
	if !ok {
		c.wrong(path, "must provide an object")
		return
	}
	kind := str(e, "type")
	c.short(path, e, "action_id", 255)
	if e["placeholder"] != nil {
		c.text(path, e, "placeholder", 150, "plain_text")
	}
	if e["confirm"] != nil {
		c.confirm(path+"/confirm", e["confirm"])
	}
	switch {
	case slices.Contains(inputOnly, kind) && !inInput:
		c.wrong(path+"/type", "unsupported type: %s", kind)
	case inInput && (kind == "button" || kind == "image" || kind == "overflow"):
		c.wrong(path+"/type", "unsupported type: %s", kind)
	case kind == "button":
		c.button(path, e)
	case kind == "image":
		c.image(path, e)
	case choosers[kind] > 0:
		c.options(path, e, choosers[kind])
	case kind == "plain_text_input":
		c.textInput(path, e)
	case kind == "file_input":
		c.between(path, e, "max_files", 1, 10)
	case slices.Contains(pickers, kind), slices.Contains(inputOnly, kind):
	default:
		c.wrong(path+"/type", "unsupported type: %s", kind)
	}
}

func (c *checker) button(path string, e object) {
	c.text(path, e, "text", 75, "plain_text")
	c.short(path, e, "value", 2000)
	c.short(path, e, "url", 3000)
	c.short(path, e, "accessibility_label", 75)
	c.style(path, e)
}

func (c *checker) style(path string, e object) {
	if style, given := e["style"]; given && style != "primary" && style != "danger" {
		c.wrong(path+"/style", "must be primary or danger")
	}
}

func (c *checker) confirm(path string, v any) {
	d, ok := v.(object)
	if !ok {
		c.wrong(path, "must provide an object")
		return
	}
	c.text(path, d, "title", 100, "plain_text")
	c.text(path, d, "text", 300, "")
	c.text(path, d, "confirm", 30, "plain_text")
	c.text(path, d, "deny", 30, "plain_text")
	c.style(path, d)
}

func (c *checker) options(path string, e object, most int) {
	if e["option_groups"] != nil {
		for i, g := range c.list(path, e, "option_groups", 1, 100) {
			group, _ := g.(object)
			at := fmt.Sprintf("%s/option_groups/%d", path, i)
			c.text(at, group, "label", 75, "plain_text")
			c.optionList(at, group, most)
		}
		return
	}
	c.optionList(path, e, most)
}

func (c *checker) optionList(path string, e object, most int) {
	for i, o := range c.list(path, e, "options", 1, most) {
		at := fmt.Sprintf("%s/options/%d", path, i)
		option, ok := o.(object)
		if !ok {
			c.wrong(at, "must provide an object")
			continue
		}
		c.text(at, option, "text", 75, "")
		c.short(at, option, "value", 75)
		if option["description"] != nil {
			c.text(at, option, "description", 75, "")
		}
	}
}

func (c *checker) textInput(path string, e object) {
	c.between(path, e, "max_length", 1, 3000)
	c.between(path, e, "min_length", 0, 3000)
	if most, limited := whole(e["max_length"]); limited && units(str(e, "initial_value")) > most {
		c.wrong(path+"/initial_value", "must be less than %d characters", most+1)
	}
}

// between checks a whole number that may be absent.
func (c *checker) between(path string, e object, key string, least, most int) {
	if e[key] == nil {
		return
	}
	if n, ok := whole(e[key]); !ok || n < least || n > most {
		c.wrong(path+"/"+key, "must be a whole number from %d to %d", least, most)
	}
}
