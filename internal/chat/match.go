package chat

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// A placeholder is a name in braces for a value that differs from run to run.
var placeholder = regexp.MustCompile(`\{((?:id|fp)\d*|hash6|time|date|n)\}`)

// shapes says what a placeholder may stand for.
var shapes = map[string]string{
	"id":    `[0-9A-Z]{4,10}`,
	"fp":    `[0-9a-f]{12}`,
	"hash6": `[0-9a-f]{6}`,
	"time":  `(?:\d{4}-\d\d-\d\dT)?\d\d:\d\d(?::\d\d(?:\.\d+)?)?Z?`,
	"date":  `\d{4}-\d\d-\d\d`,
	"n":     `\d(?:[\d,]*\d)?`,
}

// shapeOf returns the kind of a placeholder: id for id2.
func shapeOf(name string) string {
	for _, kind := range []string{"id", "fp"} {
		if strings.HasPrefix(name, kind) {
			return kind
		}
	}
	return name
}

// bound reports whether a placeholder keeps its value.
func bound(name string) bool { return shapeOf(name) == "id" || shapeOf(name) == "fp" }

// A binding is what the placeholders of a conversation stand for so far.
type binding map[string]string

// name returns the placeholder of a value, a new one for a new value.
func (b binding) name(kind, value string) string {
	if !bound(kind) {
		return kind
	}
	for name, v := range b {
		if v == value && shapeOf(name) == kind {
			return name
		}
	}
	name := kind
	for n := 2; b[name] != ""; n++ {
		name = fmt.Sprint(kind, n)
	}
	b[name] = value
	return name
}

// fill puts values for the placeholders in what a person does.
func (b binding) fill(text string) (string, error) {
	var unseen error
	filled := placeholder.ReplaceAllStringFunc(text, func(p string) string {
		name := p[1 : len(p)-1]
		if !bound(name) {
			return p
		}
		if b[name] == "" && unseen == nil {
			unseen = fmt.Errorf("nobody has seen a %s yet", p)
		}
		return b[name]
	})
	return filled, unseen
}

// perform returns the step with values for its placeholders.
func (b binding) perform(s Step) (Step, error) {
	var texts []*string
	switch s := s.(type) {
	case Act:
		s.Fields = slices.Clone(s.Fields)
		texts = append(texts, &s.Text, &s.Place, &s.On.Request)
		for i := range s.Fields {
			texts = append(texts, &s.Fields[i].Value)
		}
		err := b.fillAll(texts)
		return s, err
	case Direction:
		text := string(s)
		err := b.fillAll([]*string{&text})
		return Direction(text), err
	}
	return s, nil
}

func (b binding) fillAll(texts []*string) error {
	for _, t := range texts {
		filled, err := b.fill(*t)
		if err != nil {
			return err
		}
		*t = filled
	}
	return nil
}

// subject puts everything that is compared as a pattern into one text. The zero
// byte stands between the parts, where no … can reach over it.
func (l Line) subject() string {
	return l.Place + "\x00" + l.Text + "\x00" + row(l.Buttons)
}

// match reports whether a line that was seen is the one that is written, and if
// so keeps the values of its placeholders. Both have their reader set.
func (b binding) match(written, seen Line) bool {
	if written.Kind != seen.Kind || written.To != seen.To {
		return false
	}
	re, names := b.pattern(written.subject())
	m := re.FindStringSubmatch(seen.subject())
	if m == nil {
		return false
	}
	found := binding{}
	for i, name := range names {
		value := m[i+1]
		if old, again := found[name]; again && old != value {
			return false
		}
		found[name] = value
	}
	if !b.distinct(found) {
		return false
	}
	for name, value := range found {
		b[name] = value
	}
	return true
}

// distinct reports whether new values differ from one another and from what
// other placeholders stand for.
func (b binding) distinct(found binding) bool {
	taken := map[string]bool{}
	for name, value := range b {
		taken[shapeOf(name)+value] = true
	}
	for name, value := range found {
		if taken[shapeOf(name)+value] {
			return false
		}
		taken[shapeOf(name)+value] = true
	}
	return true
}

// pattern compiles a written text. The names are those of the groups: the
// placeholders that have no value yet.
func (b binding) pattern(written string) (*regexp.Regexp, []string) {
	var re strings.Builder
	var names []string
	re.WriteString(`\A`)
	rest := written
	for rest != "" {
		m := special.FindStringIndex(rest)
		if m == nil {
			break
		}
		re.WriteString(regexp.QuoteMeta(rest[:m[0]]))
		part := rest[m[0]:m[1]]
		atStart := m[0] == 0 && len(rest) == len(written) || m[0] > 0 && rest[m[0]-1] == 0
		rest = rest[m[1]:]
		if part[0] != '{' {
			re.WriteString(anything(part, atStart, rest == "" || rest[0] == 0))
			continue
		}
		name := part[1 : len(part)-1]
		switch {
		case b[name] != "":
			re.WriteString(regexp.QuoteMeta(b[name]))
		case bound(name):
			names = append(names, name)
			re.WriteString("(" + shapes[shapeOf(name)] + ")")
		default:
			re.WriteString(shapes[name])
		}
	}
	re.WriteString(regexp.QuoteMeta(rest) + `\z`)
	return regexp.MustCompile(re.String()), names
}

// special is what a written text does not mean literally.
var special = regexp.MustCompile(`[ \t\n]*…[ \t\n]*|` + placeholder.String())

// anything is the pattern of a … with the blanks around it. Where it stands for
// nothing, the blanks on its two sides are one; a line break counts as a blank.
func anything(part string, atStart, atEnd bool) string {
	const some, gap = `[^\x00]*`, `[ \t\n]+`
	before := !strings.HasPrefix(part, "…")
	after := !strings.HasSuffix(part, "…")
	switch {
	case before && after:
		return gap + "(?:" + some + gap + ")?"
	case before && atEnd:
		return "(?:" + gap + some + ")?"
	case after && atStart:
		return "(?:" + some + gap + ")?"
	case before:
		return gap + some
	case after:
		return some + gap
	}
	return some
}
