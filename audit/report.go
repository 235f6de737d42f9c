package audit

import (
	"fmt"
	"io"
	"strings"
)

// A Report is what [Verify] found.
type Report struct {
	Chain    string    // the name of the chain
	Entries  int       // different numbers
	First    int64     // the lowest number
	Last     int64     // the highest number
	Head     string    // the hash of the last entry: compare it with the bot's log
	Problems []Finding // what is broken
	Notes    []Finding // what is odd and does no harm
	Unsigned int       // entries of a former key that is not known, held by the chain alone
	Visible  int       // entries without metadata, of which only number and heads were checked
	Anchored int       // checkpoints that stand on the chain
	WrongKey bool      // not one signature fits: probably another bot's key
	Ended    error     // why the lines ended early, or nil
}

// A Finding is something about one entry.
type Finding struct {
	Seq   int64  // the number of the entry, or 0
	Where string // channel and timestamp of the message, or ""
	Text  string // what is wrong with it
	Until int64  // of entries that are missing: the last of them
}

// String is the finding as a line: "#128: the sentence was edited … (C0/17…)".
func (f Finding) String() string {
	text := f.Text
	if f.Seq > 0 {
		text = fmt.Sprintf("#%d: %s", f.Seq, text)
	}
	if f.Where != "" {
		text += " (" + foreign(f.Where, 80) + ")"
	}
	return text
}

// The exit codes of `bot audit verify`.
const (
	CodeSound   = 0 // everything is there, and is what was sealed
	CodeBroken  = 1 // something is missing, changed or not signed
	CodePartial = 2 // nothing is wrong, but not everything could be checked
)

// Sound reports whether nothing that was checked is broken.
func (r Report) Sound() bool { return len(r.Problems) == 0 }

// Partial says what could not be checked, or "".
func (r Report) Partial() string {
	var parts []string
	if r.Ended != nil {
		parts = append(parts, fmt.Sprintf("Reading ended early: %v.", r.Ended))
		if r.First > 1 {
			parts = append(parts, fmt.Sprintf("What stands before #%d was not read.", r.First))
		}
	}
	if r.Entries == 0 {
		parts = append(parts, "There is no entry to check.")
	}
	if r.Visible > 0 {
		parts = append(parts, fmt.Sprintf(
			"%s here without metadata: only the numbers and the visible heads of these were checked.",
			are(r.Visible, "entry", "entries")))
	}
	if r.Unsigned > 0 {
		parts = append(parts, fmt.Sprintf(
			"The signatures before the first change of keys were not checked (%s): that takes the first key.",
			Plural(r.Unsigned, "entry", "entries")))
	}
	return strings.Join(parts, " ")
}

// Code is the exit code that the report deserves.
func (r Report) Code() int {
	switch {
	case !r.Sound():
		return CodeBroken
	case r.Partial() != "":
		return CodePartial
	}
	return CodeSound
}

// most is how many findings of a kind are printed.
const most = 50

// Print writes the report for people.
func (r Report) Print(w io.Writer) error {
	var b strings.Builder
	if r.Entries > 0 {
		of := "of chain " + foreign(r.Chain, 60)
		if r.Chain == "" {
			of = "without metadata"
		}
		fmt.Fprintf(&b, "%s %s, #%d to #%d.\n", Plural(r.Entries, "entry", "entries"), of, r.First, r.Last)
	}
	list(&b, "note: ", r.Notes)
	list(&b, "BROKEN ", r.Problems)
	if r.WrongKey {
		b.WriteString("Not one signature fits the key. Is it the public key of this bot?\n")
	}
	if partial := r.Partial(); partial != "" {
		fmt.Fprintln(&b, partial)
	}
	if r.Anchored > 0 {
		fmt.Fprintf(&b, "On the chain: %s.\n", Plural(r.Anchored, "checkpoint"))
	}
	switch r.Code() {
	case CodeSound:
		fmt.Fprintf(&b, "Sound. The head is #%d %s; the bot's log must show the same.\n", r.Last, foreign(r.Head, 64))
	case CodeBroken:
		fmt.Fprintf(&b, "Broken: %s.\n", Plural(len(r.Problems), "problem"))
	case CodePartial:
		b.WriteString("What could be checked is sound. Not everything could be checked.\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func list(b *strings.Builder, label string, found []Finding) {
	for i, f := range found {
		if i == most {
			fmt.Fprintf(b, "%sand %s more\n", label, Number(len(found)-most))
			return
		}
		fmt.Fprintf(b, "%s%s\n", label, f)
	}
}
