package sheet

import (
	"strings"
	"unicode"
)

// triggers begin a formula when a spreadsheet opens a CSV: the four of ASCII,
// their full-width and their small forms.
const triggers = "=+-@＝＋－＠﹦﹢﹣﹫"

// Neutralise returns a cell that no spreadsheet takes for a formula: one that
// begins with a trigger gets a leading apostrophe. Blanks and quotes before the
// trigger do not help it, and a leading TAB, CR, LF or NUL is a trigger itself.
// A lone "-", which Qualys writes for "nothing", stays.
//
// A cell that already begins with an apostrophe gets one more, so that
// [Restore] gives back exactly what came in.
func Neutralise(cell string) string {
	if strings.HasPrefix(cell, "'") || cell != "-" && triggered(cell) {
		return "'" + cell
	}
	return cell
}

// Restore undoes [Neutralise].
func Restore(cell string) string { return strings.TrimPrefix(cell, "'") }

func triggered(cell string) bool {
	for _, r := range cell {
		if r|0x20 >= 'a' && r|0x20 <= 'z' {
			return false // nearly every cell
		}
		switch {
		case strings.ContainsRune(triggers, r), unicode.IsControl(r):
			return true
		case r == '"', unicode.IsSpace(r), unicode.Is(unicode.Cf, r):
			// invisible, or a quote: look behind it
		default:
			return false
		}
	}
	return false
}
