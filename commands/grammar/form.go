package grammar

import (
	"strings"
	"unicode/utf8"

	"countersign/qualys"
)

// Conditions reads the field of a form that selects users: conditions, or
// nothing but ids. The hint of its [*UsageError] is what to write in the field,
// or empty.
func Conditions(text string, v Verb) (qualys.Filter, error) {
	return inField(text, func(text string) (qualys.Filter, *mistake) {
		if strings.Trim(text, "0123456789,; \n") == "" && text != "" {
			text = string(qualys.ID) + `="` + text + `"`
		}
		r := Request{Verb: v}
		s := selection{parser: &parser{text: text, verb: v}, to: &r, changes: true, form: true}
		m := s.all()
		return r.Filter, m
	})
}

// Change reads the field of a form with new values. Its errors are like those
// of [Conditions].
func Change(text string) (qualys.Change, error) {
	return inField(text, func(text string) (qualys.Change, *mistake) {
		r := Request{Verb: Update}
		s := selection{parser: &parser{text: text, verb: Update}, to: &r, changes: true, inSet: true, form: true}
		m := s.all()
		if m == nil && len(r.Set) == 0 {
			m = &mistake{problem: `What should change? Such as lastName="Left".`}
		}
		return qualys.NewChange(r.Set...), m
	})
}

// hintAtMost is how many characters fit below a field.
const hintAtMost = 200

// inField reads one field, and finds what may have been meant.
func inField[T any](text string, read func(string) (T, *mistake)) (T, error) {
	careful := func(text string) (T, *mistake) {
		if what, ok := unseen(text); ok {
			return *new(T), &mistake{problem: "There is " + what + " in it.", tries: []string{Visible(text)}}
		}
		return read(text)
	}
	it, m := careful(strings.TrimSpace(Plain(text)))
	if m == nil {
		return it, nil
	}
	hint, ok := mend(m.tries, 3, func(text string) *mistake { _, m := careful(text); return m })
	if !ok || utf8.RuneCountInString(hint) > hintAtMost {
		hint = ""
	}
	return *new(T), &UsageError{Problem: m.problem, Hint: hint}
}
