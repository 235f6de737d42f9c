package chat

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A Result is what came of playing a conversation.
type Result struct {
	name   string
	turns  []*turn
	values binding
}

// OK reports whether everything was played and all was as written.
func (r *Result) OK() bool {
	return !slices.ContainsFunc(r.turns, func(t *turn) bool { return !t.played || !t.asWritten() })
}

func (t *turn) asWritten() bool {
	missing := slices.ContainsFunc(t.written, func(e expectation) bool { return !e.met })
	extra := slices.ContainsFunc(t.seen, func(s sight) bool { return s.as < 0 })
	return !missing && !extra
}

// Transcript is the conversation as it happened, fit to be written back to its
// file. What people do and the comments stay; so do lines that were met, with
// their … and placeholders. What was not played stays as it is.
func (r *Result) Transcript() string {
	var b strings.Builder
	put := func(steps []Step) {
		for _, s := range steps {
			b.WriteString(s.String() + "\n")
		}
	}
	for _, t := range r.turns {
		put(t.steps)
		if t.played && !t.asWritten() {
			put(t.happened())
		} else {
			for _, e := range t.written {
				put(append(slices.Clone(e.notes), e.line))
			}
		}
		put(t.tail)
	}
	return b.String()
}

// happened is what was seen in a turn, with the notes that stood among its lines.
func (t *turn) happened() []Step {
	var steps []Step
	for _, e := range t.written {
		if !e.met {
			steps = append(steps, e.notes...)
		}
	}
	for _, s := range t.seen {
		if s.as >= 0 {
			steps = append(steps, t.written[s.as].notes...)
		}
		steps = append(steps, s.line)
	}
	return steps
}

// Diff tells what was not as written, turn by turn: - was written and did not
// happen, + happened and was not written. It is empty when all was as written.
func (r *Result) Diff() string {
	var b strings.Builder
	for _, t := range r.turns {
		if t.played && !t.asWritten() {
			r.diff(&b, t)
		}
	}
	if b.Len() == 0 {
		return ""
	}
	for _, name := range slices.Sorted(maps.Keys(r.values)) {
		fmt.Fprintf(&b, "{%s} is %s\n", name, r.values[name])
	}
	return b.String()
}

func (r *Result) diff(b *strings.Builder, t *turn) {
	what := "at the beginning"
	if len(t.steps) > 0 {
		first, _, _ := strings.Cut(t.steps[0].String(), "\n")
		what = "after " + first
	}
	fmt.Fprintf(b, "%s:%d: %s (- written, + happened)\n", r.name, t.at, what)
	put := func(sign string, l Line) {
		fmt.Fprintf(b, "%s %s\n", sign, strings.ReplaceAll(l.String(), "\n", "\n"+sign+" "))
	}
	shown := make([]bool, len(t.seen))
	for _, e := range t.written {
		if e.met {
			put(" ", e.line)
			continue
		}
		put("-", e.line)
		for j, s := range t.seen {
			if s.as < 0 && !shown[j] && s.line.Kind == e.line.Kind && s.line.Place == e.line.Place {
				put("+", s.line)
				shown[j] = true
				break
			}
		}
	}
	for j, s := range t.seen {
		if s.as < 0 && !shown[j] {
			put("+", s.line)
		}
	}
}
