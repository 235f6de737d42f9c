package audit

import (
	"strconv"
	"strings"
	"unicode"
)

// The rules of the voice, for every sentence that the bot says to people, here
// and on the floors above:
//
//   - Short and concrete: who, what, how many. Numbers come from reading back.
//   - Friendly, without blame: say what is missing, not who was careless.
//   - One word for one thing, the word of the slash command: a request is
//     approved, rejected, cancelled; users are deleted, updated, skipped.
//   - What happened stands in the past tense; what comes next stands last.
//   - Plurals are right ("1 SAQ user", "49 SAQ users"): use [Plural].
//   - Say which users: SAQ users or platform users, never just "users" alone
//     where one could mistake them.
//   - No exclamation marks, no emoji, no jargon, no "please", no "failed to".
//   - A problem comes with what to do about it, and that can be typed as it is.
//   - Zero is not a success: who deleted nobody says so first.
//   - Foreign text (a reason, a filter, a name) is quoted, cleaned and cut, and
//     never speaks in the bot's own voice.

// Plural says how many of what: Plural(1, "SAQ user") is "1 SAQ user",
// Plural(2500, "SAQ user") is "2,500 SAQ users". many is the plural where an s
// does not make it: Plural(2, "company", "companies").
func Plural(n int, one string, many ...string) string {
	switch {
	case n == 1 || n == -1:
		return Number(n) + " " + one
	case len(many) > 0:
		return Number(n) + " " + many[0]
	}
	return Number(n) + " " + one + "s"
}

// Number writes a number with commas: 2,500.
func Number(n int) string {
	digits := strconv.Itoa(n)
	sign := ""
	if n < 0 {
		sign, digits = "-", digits[1:]
	}
	var groups []string
	for len(digits) > 3 {
		groups = append([]string{digits[len(digits)-3:]}, groups...)
		digits = digits[:len(digits)-3]
	}
	return sign + strings.Join(append([]string{digits}, groups...), ",")
}

// foreign makes text that somebody typed fit for a sentence: one line of at
// most max characters, without anything that reorders, hides or draws. Slack
// gives emoji back under another name, which would break text_sha: they become
// a question mark.
func foreign(text string, max int) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r), r == '\u2028', r == '\u2029':
			return ' '
		case drawing(r):
			return '?'
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r), unicode.Is(unicode.Variation_Selector, r):
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
	return cut(strings.Join(strings.Fields(text), " "), max)
}

// drawing reports whether Slack might take the rune for an emoji.
func drawing(r rune) bool {
	return r >= 0x2190 && unicode.Is(unicode.So, r) || r >= 0x1F3FB && r <= 0x1F3FF || r == 0x20E3
}

// cut shortens text to max characters, the last of them an ellipsis.
func cut(text string, max int) string {
	runes := []rune(text)
	if len(runes) <= max {
		return text
	}
	return strings.TrimRight(string(runes[:max-1]), " ") + "…"
}

// quote puts foreign text in quotation marks of which it holds none itself, so
// that it cannot end its own quotation.
func quote(text string, max int) string {
	return `"` + strings.ReplaceAll(foreign(text, max), `"`, "'") + `"`
}
