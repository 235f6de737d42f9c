package minislack

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
)

// A field is something in a view that has a value.
type field struct {
	block, element object
	label          string
	required       bool
}

func (f field) named(key string) bool {
	return key == f.label || key == str(f.block, "block_id") || key == str(f.element, "action_id")
}

// fields lists the fields of a view, in order.
func (r reader) fields(blocks []any) []field {
	var all []field
	for _, b := range blocks {
		block, _ := b.(object)
		candidates := append(items(block["elements"]), block["accessory"])
		if block["type"] == "input" {
			candidates = []any{block["element"]}
		}
		for _, c := range candidates {
			e, _ := c.(object)
			kind := str(e, "type")
			stateful := choosers[kind] > 0 && kind != "overflow" ||
				slices.Contains(pickers, kind) || slices.Contains(inputOnly, kind)
			if stateful {
				all = append(all, field{
					block: block, element: e, label: r.textOf(block["label"]),
					required: block["type"] == "input" && block["optional"] != true,
				})
			}
		}
	}
	return all
}

// fill makes the state of a form and does what Slack's client does before it
// sends: it refuses what is missing, too long or of the wrong kind. The caller holds s.mu.
func (c *Client) fill(v *view, values map[string]string) (object, error) {
	r := reader{w: &c.s.w, zone: c.p.zone()}
	fields := r.fields(v.blocks())
	for key := range values {
		if !slices.ContainsFunc(fields, func(f field) bool { return f.named(key) }) {
			return nil, fmt.Errorf("field %q: %w", key, ErrNotThere)
		}
	}
	state := object{}
	wrong := &FormError{Fields: map[string]string{}, Blocks: map[string]string{}}
	for _, f := range fields {
		given, typed := "", false
		for key, value := range values {
			if f.named(key) {
				given, typed = value, true
			}
		}
		value, problem := c.value(r, f, given, typed)
		if problem != "" {
			wrong.Fields[f.label], wrong.Blocks[str(f.block, "block_id")] = problem, problem
		}
		id := str(f.block, "block_id")
		if state[id] == nil {
			state[id] = object{}
		}
		state[id].(object)[str(f.element, "action_id")] = value
	}
	if len(wrong.Fields) > 0 {
		return nil, wrong
	}
	return state, nil
}

const required = "Please complete this required field."

// value makes the state of one field and says what is wrong with it.
func (c *Client) value(r reader, f field, given string, typed bool) (value object, problem string) {
	kind := str(f.element, "type")
	if !typed {
		given = untouched(r, f.element)
	}
	value = object{"type": kind}
	if given == "" {
		if f.required {
			problem = required
		}
		value[stateKey(kind)] = nil
		if strings.HasPrefix(stateKey(kind), "selected_") && strings.HasSuffix(stateKey(kind), "s") || kind == "file_input" {
			value[stateKey(kind)] = []any{}
		}
		return value, problem
	}
	switch {
	case choosers[kind] > 0:
		value[stateKey(kind)], problem = chosen(r, f.element, given)
	case kind == "file_input":
		value["files"], problem = c.attached(f.element, given)
	case kind == "datetimepicker":
		unix, err := strconv.ParseInt(given, 10, 64)
		if err != nil {
			problem = "Enter a date and time."
		}
		value[stateKey(kind)] = unix
	case strings.HasPrefix(kind, "multi_"):
		value[stateKey(kind)] = strings.Split(given, "\n")
	case strings.HasPrefix(kind, "users_"):
		value[stateKey(kind)] = c.s.w.mustPerson(given).ID
	case strings.HasPrefix(kind, "channels_"), strings.HasPrefix(kind, "conversations_"):
		value[stateKey(kind)] = c.s.w.mustRoom(given).ID
	default:
		value[stateKey(kind)] = given
		problem = tooLongOrShort(f.element, given)
	}
	return value, problem
}

// stateKey is where the state of an element keeps its value.
func stateKey(kind string) string {
	switch kind {
	case "static_select", "radio_buttons":
		return "selected_option"
	case "multi_static_select", "checkboxes":
		return "selected_options"
	case "datepicker":
		return "selected_date"
	case "timepicker":
		return "selected_time"
	case "datetimepicker":
		return "selected_date_time"
	case "file_input":
		return "files"
	}
	if what, ok := strings.CutSuffix(kind, "s_select"); ok {
		if what, many := strings.CutPrefix(what, "multi_"); many {
			return "selected_" + what + "s"
		}
		return "selected_" + what
	}
	return "value"
}

// untouched is the value of a field nobody touched, as somebody would type it.
func untouched(r reader, e object) string {
	if many := items(e["initial_options"]); len(many) > 0 {
		var values []string
		for _, o := range many {
			option, _ := o.(object)
			values = append(values, str(option, "value"))
		}
		return strings.Join(values, "\n")
	}
	if o, ok := e["initial_option"].(object); ok {
		return str(o, "value")
	}
	return r.initial(e)
}

// chosen finds the options named, by label or value.
func chosen(r reader, e object, given string) (any, string) {
	var picked []object
	for name := range strings.SplitSeq(given, "\n") {
		at := slices.IndexFunc(options(e), func(o object) bool {
			return str(o, "value") == name || r.textOf(o["text"]) == name
		})
		if at < 0 {
			return nil, fmt.Sprintf("There is no option %q.", name)
		}
		picked = append(picked, options(e)[at])
	}
	if stateKey(str(e, "type")) == "selected_option" {
		return picked[0], ""
	}
	return picked, ""
}

// attached finds the files named and hands them to the app.
func (c *Client) attached(e object, given string) (any, string) {
	var files []object
	allowed := items(e["filetypes"])
	for id := range strings.SplitSeq(given, "\n") {
		f := c.s.files.find(id)
		if f == nil || f.By != c.p.ID {
			return nil, fmt.Sprintf("There is no file %q.", id)
		}
		if len(allowed) > 0 && !slices.Contains(allowed, any(strings.TrimPrefix(path.Ext(f.Name), "."))) {
			return nil, "This type of file is not allowed."
		}
		c.s.human.handed[f.ID] = true
		files = append(files, c.s.fileObject(f))
	}
	if most, limited := whole(e["max_files"]); limited && len(files) > most {
		return nil, "Too many files."
	}
	return files, ""
}

func tooLongOrShort(e object, given string) string {
	if most, limited := whole(e["max_length"]); limited && units(given) > most {
		return fmt.Sprintf("Enter no more than %d characters.", most)
	}
	if least, limited := whole(e["min_length"]); limited && units(given) < least {
		return fmt.Sprintf("Enter at least %d characters.", least)
	}
	return ""
}
