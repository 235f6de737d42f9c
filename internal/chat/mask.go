package chat

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// volatile finds what differs from run to run, wherever it stands. Group names are
// those of placeholders.
var volatile = []*regexp.Regexp{
	regexp.MustCompile(`#(?P<n>\d+) (?P<hash6>[0-9a-f]{6}) ← (?P<hash6>[0-9a-f]{6})`),
	regexp.MustCompile(`\b(?P<fp>[0-9a-f]{12})\b`),
	regexp.MustCompile(`\b(?P<time>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z)`),
	regexp.MustCompile(`\b(?P<time>\d\d:\d\d(?::\d\d)?)\b`),
	regexp.MustCompile(`\b(?P<date>\d{4}-\d\d-\d\d)\b`),
	regexp.MustCompile(`\b(?:[Hh]eld as|[Rr]equest|(?:show|cancel|withdraw|retry|undo|stop|resume|close)) (?P<id>[0-9A-Z]{5,10})\b`),
}

// checkVolatile reports a group that is named after no placeholder.
func checkVolatile(all []*regexp.Regexp) error {
	for _, re := range all {
		for _, name := range re.SubexpNames()[1:] {
			if name != "" && shapes[name] == "" {
				known := slices.Collect(maps.Keys(shapes))
				return fmt.Errorf("the group %q of %q is named after no placeholder; there are %s", name, re, listed(known))
			}
		}
	}
	return nil
}

// A span is a part of a text with the kind of value that stands there.
type span struct {
	from, to int
	kind     string
}

// mask writes a line that was seen as it would be written: with placeholders.
func (b binding) mask(l Line, volatile []*regexp.Regexp) Line {
	l.Place, l.Text = b.maskText(l.Place, volatile), b.maskText(l.Text, volatile)
	l.Buttons = slices.Clone(l.Buttons)
	for i, label := range l.Buttons {
		l.Buttons[i] = b.maskText(label, volatile)
	}
	return l
}

func (b binding) maskText(text string, volatile []*regexp.Regexp) string {
	spans := b.known(text)
	for _, re := range volatile {
		spans = append(spans, found(re, text)...)
	}
	slices.SortStableFunc(spans, func(x, y span) int {
		return cmp.Or(x.from-y.from, y.to-x.to)
	})
	var out strings.Builder
	end := 0
	for _, s := range spans {
		if s.from < end {
			continue
		}
		out.WriteString(text[end:s.from] + "{" + b.name(s.kind, text[s.from:s.to]) + "}")
		end = s.to
	}
	return out.String() + text[end:]
}

// known finds values that already have a placeholder.
func (b binding) known(text string) []span {
	var spans []span
	for name, value := range b {
		re := regexp.MustCompile(`\b` + regexp.QuoteMeta(value) + `\b`)
		for _, m := range re.FindAllStringIndex(text, -1) {
			spans = append(spans, span{m[0], m[1], shapeOf(name)})
		}
	}
	return spans
}

// found finds the named groups of an expression whose values fit their names.
func found(re *regexp.Regexp, text string) []span {
	var spans []span
	for _, m := range re.FindAllStringSubmatchIndex(text, -1) {
		for i, name := range re.SubexpNames() {
			if name == "" || m[2*i] < 0 {
				continue
			}
			value := text[m[2*i]:m[2*i+1]]
			if fits := regexp.MustCompile(`\A(?:` + shapes[name] + `)\z`); fits.MatchString(value) {
				spans = append(spans, span{m[2*i], m[2*i+1], name})
			}
		}
	}
	return spans
}
