package chat

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

var (
	passes = regexp.MustCompile(`^((?:\d+ [a-z]+,? (?:and )?)+)pass(?:es)?$`)
	amount = regexp.MustCompile(`(\d+) ([a-z]+)`)
)

// units are the units of time in stage directions, without their plural s.
var units = map[string]time.Duration{
	"millisecond": time.Millisecond,
	"second":      time.Second,
	"minute":      time.Minute,
	"hour":        time.Hour,
	"day":         24 * time.Hour,
}

// longest is the longest pause a conversation may ask for.
const longest = 366 * 24 * time.Hour

// aside reads a line on which nobody acts: a note or a stage direction.
func aside(text string) (Step, *SyntaxError) {
	if !strings.HasPrefix(text, "(") {
		return Note(text), nil
	}
	inner, closed := strings.CutSuffix(text[1:], ")")
	inner = strings.TrimSpace(inner)
	if !closed || inner == "" {
		return nil, &SyntaxError{Problem: "This stage direction has no end or says nothing.",
			Hint: `Write it as in "(31 seconds pass)".`}
	}
	m := passes.FindStringSubmatch(inner)
	if m == nil {
		return Direction(inner), nil
	}
	d, err := duration(m[1])
	if err != nil {
		return nil, err
	}
	return Pause{For: d, Text: inner}, nil
}

// duration reads "1 hour 30 minutes".
func duration(text string) (time.Duration, *SyntaxError) {
	var sum time.Duration
	for _, m := range amount.FindAllStringSubmatch(text, -1) {
		unit, known := units[strings.TrimSuffix(m[2], "s")]
		if !known {
			return 0, &SyntaxError{Problem: fmt.Sprintf("I do not know how long %q is.", m[0]),
				Hint: "There are " + listed(slices.Collect(maps.Keys(units))) + "."}
		}
		n, err := strconv.Atoi(m[1])
		if err != nil || n > int(longest/unit) || sum > longest {
			return 0, &SyntaxError{Problem: "That is too long.", Hint: "A year is the most that may pass."}
		}
		sum += time.Duration(n) * unit
	}
	return sum, nil
}

// pause writes a pause of some length.
func pause(d time.Duration) Pause {
	var words []string
	rest := d
	for _, unit := range []string{"day", "hour", "minute", "second", "millisecond"} {
		n := rest / units[unit]
		rest -= n * units[unit]
		switch {
		case n == 1:
			words = append(words, "1 "+unit)
		case n > 1:
			words = append(words, fmt.Sprintf("%d %ss", n, unit))
		}
	}
	if words == nil {
		words = []string{"0 seconds"}
	}
	return Pause{For: d, Text: strings.Join(words, " ") + " pass"}
}

// Directions answers stage directions by their words. A * in the words stands for
// some text that differs, such as a name, and is handed over in order:
//
//	d := chat.Directions{"* leaves the approvers": func(ctx context.Context, words []string) error {
//		return leave(ctx, words[0])
//	}}
type Directions map[string]func(ctx context.Context, words []string) error

// An UnknownDirection is a stage direction that a stage does not understand.
type UnknownDirection struct {
	Text  string
	Known []string // what it understands, sorted
}

func (e *UnknownDirection) Error() string {
	return fmt.Sprintf("This stage does not know (%s). It knows (31 seconds pass) and (%s).",
		e.Text, strings.Join(e.Known, "), ("))
}

// Direct follows a stage direction. Of several that fit, the one with the most
// words of its own is meant.
func (d Directions) Direct(ctx context.Context, text string) error {
	known := slices.Sorted(maps.Keys(d))
	best, words := "", []string(nil)
	for _, pattern := range known {
		quoted := strings.ReplaceAll(regexp.QuoteMeta(pattern), `\*`, `(.+)`)
		m := regexp.MustCompile(`^` + quoted + `$`).FindStringSubmatch(text)
		if m != nil && (words == nil || len(pattern) > len(best)) {
			best, words = pattern, m
		}
	}
	if words == nil {
		return &UnknownDirection{Text: text, Known: known}
	}
	return d[best](ctx, words[1:])
}
