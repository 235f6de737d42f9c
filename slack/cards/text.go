package cards

import (
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf16"

	"github.com/slack-go/slack"

	"countersign/commands"
)

// escaper makes text literal in mrkdwn that is shown verbatim.
var escaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// Escape makes foreign text literal in mrkdwn and in the text of a message.
func Escape(text string) string { return escaper.Replace(clean(text, false)) }

// clean takes out what controls, reorders or hides text. Line breaks stay if lines
// is true and become blanks otherwise.
func clean(text string, lines bool) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' && lines:
			return r
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r), unicode.In(r, unicode.Cf, unicode.Co, unicode.Variation_Selector):
			return -1
		case r == '\u115F', r == '\u1160', r == '\u3164', r == '\uFFA0', r == '\u034F': // letters that look like nothing
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
}

// size is how long Slack may think a rune is: in UTF-16 units, escaped.
func size(r rune) int {
	switch r {
	case '&':
		return 5
	case '<', '>':
		return 4
	}
	return utf16.RuneLen(r)
}

// length is how long Slack may think a text is.
func length(text string) int {
	n := 0
	for _, r := range text {
		n += size(r)
	}
	return n
}

// cut shortens plain text to most, the last of it an ellipsis.
func cut(text string, most int) string {
	if length(text) <= most {
		return text
	}
	kept, n := 0, 1 // the ellipsis
	for i, r := range text {
		if n += size(r); n > most {
			break
		}
		kept = i + len(string(r))
	}
	return strings.TrimRight(text[:kept], " ") + "…"
}

// shown makes foreign text fit for one line of a block.
func shown(text string, most int) string { return cut(clean(text, false), most) }

// plain is a plain_text object. Slack refuses empty ones, so there is always a word.
func plain(text string, most int, otherwise string) *slack.TextBlockObject {
	text = cut(clean(text, true), most)
	if strings.TrimSpace(text) == "" {
		text = otherwise
	}
	return slack.NewTextBlockObject(slack.PlainTextType, text, false, false)
}

var (
	personID = regexp.MustCompile(`^[UW][A-Z0-9]{1,30}$`)
	groupID  = regexp.MustCompile(`^S[A-Z0-9]{1,30}$`)
)

// How a moment is shown in the reader's own time zone.
const (
	dateAndTime = "{date_short_pretty} at {time}"
	timeAlone   = "{time_secs}"
)

// moment is a time for a reader: Slack's format and what stands for it where
// that does not work.
func moment(s commands.Span) (format, fallback string) {
	if s.Clock {
		return timeAlone, s.Time.UTC().Format(time.TimeOnly) + " UTC"
	}
	return dateAndTime, s.Time.UTC().Format("2006-01-02 15:04") + " UTC"
}

// Text writes a line as mrkdwn that is at most that long, for the text of a message.
func Text(line commands.Line, most int) string {
	var out strings.Builder
	left := most
	for _, s := range line {
		piece := markup(s)
		if units(piece) < left {
			left -= units(piece)
			out.WriteString(piece)
			continue
		}
		rest := "…"
		if isText(s) {
			rest = escaper.Replace(cut(clean(s.Text, false)+"…", left))
		}
		return out.String() + rest
	}
	return out.String()
}

// isText reports whether a span is text, and neither a person nor a moment.
func isText(s commands.Span) bool { return s.Person.ID == "" && s.Time.IsZero() }

// units is how long a text is in UTF-16.
func units(text string) int {
	n := 0
	for _, r := range text {
		n += utf16.RuneLen(r)
	}
	return n
}

// markup writes one span as mrkdwn.
func markup(s commands.Span) string {
	switch {
	case personID.MatchString(s.Person.ID):
		return "<@" + s.Person.ID + ">"
	case s.Person.ID != "":
		return Escape(s.Person.ID)
	case !s.Time.IsZero():
		format, fallback := moment(s)
		return fmt.Sprintf("<!date^%d^%s|%s>", s.Time.Unix(), format, fallback)
	}
	return Escape(s.Text)
}
