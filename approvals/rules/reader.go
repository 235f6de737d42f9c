package rules

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/goccy/go-yaml/ast"
)

// Ranges without an upper end.
const (
	unbounded = math.MaxInt
	forever   = time.Duration(math.MaxInt64)
)

// An idKind is what an id in the policy may name.
type idKind struct {
	match *regexp.Regexp
	one   string
	many  string
	hint  string
}

var (
	person = idKind{regexp.MustCompile(`^[UW][A-Z0-9]+$`), "person", "people",
		"Write the person's id, such as U012AB3CD; bot check finds it."}
	personOrGroup = idKind{regexp.MustCompile(`^[UWS][A-Z0-9]+$`), "person or user group", "people or user groups",
		"Write the id of a person, such as U012AB3CD, or of a user group, such as S012AB3CD; bot check finds it."}
	channel = idKind{regexp.MustCompile(`^[CG][A-Z0-9]+$`), "channel", "channels",
		"Write the channel's id, such as C012AB3CD; bot check finds it."}
)

// isGroup reports whether an id of a role names a user group.
func isGroup(id string) bool { return strings.HasPrefix(id, "S") }

// A reader walks the tree of the file and collects what is wrong. Its methods
// return the zero value for what they could not read.
type reader struct {
	written  map[string]ast.Node // the values of the keys that are in the file
	mistakes Mistakes
}

func (r *reader) wrong(n ast.Node, problem, hint string) {
	r.mistakes = append(r.mistakes, at(n.GetToken(), problem, hint))
}

// mapping calls read for each key that may stand there and has a value.
func (r *reader) mapping(n ast.Node, what string, allowed []string, read func(key string, value ast.Node)) {
	m, ok := n.(*ast.MappingNode)
	if !ok {
		r.wrong(n, fmt.Sprintf("%s must have keys with values, not %s.", what, called(n)), "The keys are "+strings.Join(allowed, ", ")+".")
		return
	}
	seen := map[string]bool{}
	for _, kv := range m.Values {
		name, ok := kv.Key.(*ast.StringNode)
		if !ok {
			r.wrong(kv.Key, fmt.Sprintf("%s has a key that is no plain name.", what), "The keys are "+strings.Join(allowed, ", ")+".")
			continue
		}
		key := name.Value
		switch {
		case !slices.Contains(allowed, key):
			r.wrong(name, fmt.Sprintf("%s has no key called %q.", what, key), suggest(key, allowed))
		case seen[key]:
			r.wrong(name, fmt.Sprintf("%s is written twice.", key), "Keep one of the two.")
		case kv.Value == nil || kv.Value.Type() == ast.NullType:
			r.wrong(name, fmt.Sprintf("%s has no value.", key), "Give it one, or leave the key out.")
			r.written[key] = name // it is there, so it is not missing as well
		default:
			read(key, kv.Value)
		}
		seen[key] = true
	}
}

// list returns the entries of a list that must not be empty.
func (r *reader) list(n ast.Node, what, of string) []ast.Node {
	s, ok := n.(*ast.SequenceNode)
	switch {
	case !ok:
		r.wrong(n, fmt.Sprintf("%s must be a list of %s, not %s.", what, of, called(n)), "Put it in brackets: [ … ].")
		return nil
	case len(s.Values) == 0:
		r.wrong(n, fmt.Sprintf("%s is empty.", what), "Write at least one entry.")
		return nil
	}
	return slices.DeleteFunc(slices.Clone(s.Values), func(entry ast.Node) bool { return entry == nil })
}

// text returns a text that must be neither blank nor unprintable.
func (r *reader) text(n ast.Node, what string) (string, bool) {
	s, ok := n.(*ast.StringNode)
	switch {
	case !ok:
		r.wrong(n, fmt.Sprintf("%s must be text, not %s.", what, called(n)), "Put it in quotes.")
	case fold(s.Value) == "":
		r.wrong(n, fmt.Sprintf("%s is blank.", what), "Write a text, or remove it.")
	case strings.ContainsFunc(s.Value, unwritable):
		r.wrong(n, fmt.Sprintf("%s holds a control character.", what), "Write it on one line, as people see it.")
	default:
		return s.Value, true
	}
	return "", false
}

// unwritable are characters that no name holds and that would break a line.
func unwritable(c rune) bool {
	return unicode.IsControl(c) || unicode.In(c, unicode.Zl, unicode.Zp) || c == unicode.ReplacementChar || c == '\uFEFF'
}

// texts reads a list of texts of which no two mean the same.
func (r *reader) texts(n ast.Node, key string) []string {
	var all []string
	seen := map[string]bool{}
	for _, entry := range r.list(n, key, "texts") {
		s, ok := r.text(entry, "An entry of "+key)
		if !ok {
			continue
		}
		if seen[fold(s)] {
			r.wrong(entry, fmt.Sprintf("%q is in %s twice.", s, key), "Keep one of the two: case and blanks make no difference.")
			continue
		}
		seen[fold(s)] = true
		all = append(all, s)
	}
	return all
}

// id reads one id.
func (r *reader) id(n ast.Node, what string, kind idKind) string {
	s, ok := n.(*ast.StringNode)
	if ok && kind.match.MatchString(s.Value) {
		return s.Value
	}
	r.wrong(n, fmt.Sprintf("%s must be the id of a %s, not %s.", what, kind.one, called(n)), kind.hint)
	if ok {
		r.mistakes[len(r.mistakes)-1].Value = s.Value
	}
	return ""
}

// ids reads a list of ids, each once.
func (r *reader) ids(n ast.Node, key string, kind idKind) []string {
	var all []string
	for _, entry := range r.list(n, key, kind.many) {
		id := r.id(entry, "An entry of "+lower(key), kind)
		switch {
		case id == "": // said already
		case slices.Contains(all, id):
			r.wrong(entry, fmt.Sprintf("%s is in %s twice.", id, lower(key)), "Keep one of the two.")
		default:
			all = append(all, id)
		}
	}
	return all
}

// lower begins a name in the middle of a sentence.
func lower(what string) string { return strings.ToLower(what[:1]) + what[1:] }

// decimal is how numbers are written: 010 and 0x10 mean different things to
// different readers.
var decimal = regexp.MustCompile(`^-?(0|[1-9][0-9]*)$`)

// number reads a whole number within a range.
func (r *reader) number(n ast.Node, key string, least, most int) int {
	written := n.GetToken().Value
	if n.Type() != ast.IntegerType || !decimal.MatchString(written) {
		if n.Type() != ast.StringType || !decimal.MatchString(written) || quoted(n) {
			r.wrong(n, fmt.Sprintf("%s must be a whole number, not %s.", key, called(n)), "Write digits without quotes or leading zeros, such as 10.")
			return 0
		}
	}
	number, err := strconv.Atoi(written)
	if err != nil || number < least || number > most {
		problem, limits := "too high", fmt.Sprintf("%d to %d", least, most)
		if number < least {
			problem = "too low"
		}
		if most == unbounded {
			limits = fmt.Sprintf("%d or more", least)
		}
		r.wrong(n, fmt.Sprintf("%s is %s: %s.", key, written, problem), fmt.Sprintf("Write %s.", limits))
		return 0
	}
	return number
}

// duration reads a length of time within a range.
func (r *reader) duration(n ast.Node, key string, least, most time.Duration) time.Duration {
	written := n.GetToken().Value
	d, err := time.ParseDuration(written)
	if n.Type() != ast.StringType || err != nil {
		hint := "Write a number with h, m or s, such as 4h or 30s."
		if n.Type() == ast.IntegerType && decimal.MatchString(written) {
			hint = fmt.Sprintf("Write the unit too: %ss, %sm or %sh.", written, written, written)
		}
		r.wrong(n, fmt.Sprintf("%s must be a length of time, not %s.", key, called(n)), hint)
		return 0
	}
	if d < least || d > most {
		problem, limits := "too long", fmt.Sprintf("%s to %s", brief(least), brief(most))
		if d < least {
			problem = "too short"
		}
		if most == forever {
			limits = brief(least) + " or more"
		}
		r.wrong(n, fmt.Sprintf("%s is %s: %s.", key, written, problem), fmt.Sprintf("Write %s.", limits))
		return 0
	}
	return d
}

// choice reads one of two words.
func (r *reader) choice(n ast.Node, key, one, other string) string {
	s, ok := n.(*ast.StringNode)
	if ok && (s.Value == one || s.Value == other) {
		return s.Value
	}
	r.wrong(n, fmt.Sprintf("%s must be %s or %s, not %s.", key, one, other, called(n)), "Write one of the two words.")
	return ""
}

// quoted reports whether a text stands in quotes.
func quoted(n ast.Node) bool {
	origin := strings.TrimSpace(n.GetToken().Origin)
	return strings.HasPrefix(origin, `"`) || strings.HasPrefix(origin, `'`)
}

// called says what a node is, in a sentence.
func called(n ast.Node) string {
	switch n := n.(type) {
	case *ast.StringNode:
		return strconv.Quote(n.Value)
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		return n.GetToken().Value
	case *ast.SequenceNode:
		return "a list"
	case *ast.MappingNode:
		return "keys with values"
	case *ast.NullNode:
		return "nothing"
	case *ast.LiteralNode:
		return "a text of several lines"
	case *ast.AnchorNode, *ast.AliasNode:
		return "an anchor or alias, which are not read here"
	case *ast.TagNode:
		return "a YAML tag, which is not read here"
	}
	return "this"
}

// suggest names the key that was probably meant, or all of them.
func suggest(key string, allowed []string) string {
	best, least := "", 3
	for _, a := range allowed {
		if d := distance(strings.ToLower(key), a); d < least {
			best, least = a, d
		}
	}
	if best != "" {
		return fmt.Sprintf("Write %s.", best)
	}
	return "The keys are " + strings.Join(allowed, ", ") + "."
}

// distance is how many letters must be added, dropped or changed to turn one
// word into the other.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
