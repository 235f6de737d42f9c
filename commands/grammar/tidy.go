package grammar

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// typed is what two characters were before something made them one.
var typed = strings.NewReplacer("\r\n", "\n", "—", "--")

// Plain undoes what keyboards and clipboards do to text: curly quotes, long
// dashes, blanks that only look like blanks, and letters in two pieces. A tab
// becomes a blank, every kind of line end a newline.
func Plain(text string) string {
	text = typed.Replace(text)
	return norm.NFC.String(strings.Map(plainRune, text))
}

func plainRune(r rune) rune {
	switch r {
	case '“', '”', '„', '‟', '″', '＂':
		return '"'
	case '‘', '’', '‚', '‛', '′', '＇':
		return '\''
	case '\u2010', '\u2011': // hyphens that must not break
		return '-'
	case '\r', '\v', '\f', '\u0085', '\u2028', '\u2029':
		return '\n'
	case '\t':
		return ' '
	case '\u00ad', '\u200b', '\u2060', '\ufeff': // soft hyphen, zero width space, word joiner, BOM
		return -1
	}
	if unicode.Is(unicode.Zs, r) {
		return ' '
	}
	return r
}

// wrapping is how Slack writes links and mentions: <mailto:x|y>, <http://x|y>,
// <@U|n>, <#C|n>, <!subteam^S|n>.
var wrapping = regexp.MustCompile(`<(mailto:|tel:|https?://|[@#!])([^<>|\n]*)(?:\|([^<>\n]*))?>`)

var entities = strings.NewReplacer("&amp;", "&", "&lt;", "<", "&gt;", ">")

// unwrap undoes what Slack does to the text of a command, once: a command that
// really holds "&lt;" arrives as "&amp;lt;".
func unwrap(text string) string {
	text = wrapping.ReplaceAllStringFunc(text, func(w string) string {
		m := wrapping.FindStringSubmatch(w)
		kind, id, shown := m[1], m[2], strings.TrimSpace(m[3])
		switch kind {
		case "@", "#", "!":
			if shown == "" {
				shown = id
			}
			if kind == "!" {
				kind = "@"
			}
			return kind + strings.TrimPrefix(shown, kind)
		case "mailto:", "tel:":
			kind = ""
		}
		if shown == "" {
			shown = kind + id
		}
		return shown
	})
	return entities.Replace(text)
}

// normal is the text of a command as the grammar reads it.
func normal(text string) string {
	return norm.NFC.String(unwrap(Plain(text)))
}

// sent is text as it must be typed so that [normal] gives it back.
func sent(text string) string {
	if normal(text) == text {
		return text
	}
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(text)
}

// unseen finds the first character that a person cannot see and therefore
// cannot have meant: a control character, or one that turns the direction of
// writing.
func unseen(text string) (string, bool) {
	for _, r := range text {
		if hidden(r) {
			return fmt.Sprintf("an invisible character (%U)", r), true
		}
	}
	return "", false
}

// hidden says what unseen refuses. A newline is judged by the grammar; joiners
// belong to some scripts.
func hidden(r rune) bool {
	return r != '\n' && unicode.Is(unicode.Cc, r) || unicode.Is(unicode.Noncharacter_Code_Point, r) ||
		unicode.Is(unicode.Cf, r) && r != '\u200c' && r != '\u200d'
}

// Visible is text without what unseen refuses.
func Visible(text string) string {
	return strings.Map(func(r rune) rune {
		if hidden(r) {
			return -1
		}
		return r
	}, text)
}

// OneLine is foreign text as it may stand in a sentence: on one line, without
// what cannot be seen, cut to so many characters.
func OneLine(text string, most int) string {
	text = strings.Join(strings.Fields(Visible(text)), " ")
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	return string([]rune(text)[:most-1]) + "…"
}

// HasWord reports whether there is a letter or a digit in a text.
func HasWord(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) })
}
