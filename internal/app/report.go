package app

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// A Report is where [Check] writes, a line for each thing it tried or could not
// try. What needs more than a line goes on below it, indented.
type Report struct {
	Out  io.Writer
	JSON bool // a JSON object a line, for programs
}

// A result is one line of a report.
type result struct {
	What  string `json:"what"`
	OK    bool   `json:"ok"`
	Tried bool   `json:"tried"`
	Said  string `json:"said,omitempty"` // what was found, or what is wrong and what to do
}

// below is where the further lines of a result begin.
const below = "\n                 "

// line writes what was found, or what is wrong.
func (r Report) line(what, said string, err error) {
	_, untried := errors.AsType[notTried](err)
	l := result{What: what, OK: err == nil, Tried: !untried, Said: said}
	if err != nil {
		l.Said = err.Error()
	}
	if r.JSON {
		raw, _ := json.Marshal(l) // strings and bools always marshal
		fmt.Fprintf(r.Out, "%s\n", raw)
		return
	}
	mark := "FAIL"
	switch {
	case l.OK:
		mark = "ok"
	case untried:
		mark = "-"
	}
	fmt.Fprintf(r.Out, "%-4s  %-10s %s\n", mark, what, strings.ReplaceAll(l.Said, "\n", below))
}

// notTried is why something was not tried. What stands in its way is a failure
// of its own, on another line or in the settings.
type notTried string

func (n notTried) Error() string { return "not tried: " + string(n) }

// advised adds to an error what to do about it.
func advised(err error, hint string) error {
	return errors.New(strings.TrimRight(err.Error(), ". ") + ". " + hint)
}
