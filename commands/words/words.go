// Package words is how something is said to people: foreign text made harmless,
// people and times named, counts drawn.
//
// It has two kinds of text. Slack's mrkdwn is a string in which every foreign
// text went through [Escape] or [Code], and mentions and dates are ours. A [Line]
// is plain: pieces of text, people and moments, which whoever draws them turns
// into what they need. The rules of the voice stand in package audit.
//
// Nothing here asks anybody or keeps anything.
package words

import (
	"fmt"
	"strings"
	"time"

	"countersign/audit"
	"countersign/commands/grammar"
)

// Escape makes foreign text fit for mrkdwn: one line, nothing invisible, and no
// markup of Slack's that means anything. Every text that is not ours goes
// through it, or through [Code].
func Escape(text string) string {
	return escapeLine(grammar.OneLine(text, 3000))
}

func escapeLine(text string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(text)
}

// Code shows foreign text, or something to type, letter by letter. A backtick
// would end it and becomes an apostrophe.
func Code(text string) string {
	return "`" + Escape(strings.ReplaceAll(text, "`", "'")) + "`"
}

// Try is a command to type.
func Try(words ...string) string {
	return Code(Command(words...))
}

// Command is a command as it is typed.
func Command(words ...string) string {
	return strings.Join(append([]string{grammar.Command}, words...), " ")
}

// Mention names a person.
func Mention(id string) string { return "<@" + Escape(id) + ">" }

// Clock is a time of the day, shown in the reader's own time zone.
func Clock(t time.Time) string {
	return fmt.Sprintf("<!date^%d^{time}|%s UTC>", t.Unix(), t.UTC().Format("15:04"))
}

// Lasts is a time as people say it: seconds up to a minute, then minutes.
func Lasts(d time.Duration) string {
	if d <= time.Minute {
		return audit.Plural(int((d+time.Second-1)/time.Second), "second")
	}
	return audit.Plural(int((d+time.Minute-1)/time.Minute), "minute")
}

// Either lists people, ids shown as mentions: "Bob or Carol". Many are cut.
func Either(ids []string, word string) string {
	const most = 5
	var names []string
	for _, id := range ids[:min(most, len(ids))] {
		names = append(names, Mention(id))
	}
	if more := len(ids) - most; more > 0 {
		names = append(names, audit.Plural(more, "other"))
	}
	last := len(names) - 1
	if last < 1 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:last], ", ") + " " + word + " " + names[last]
}

// Are is the verb behind a number.
func Are(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

// Spaced is one more sentence behind another, if there is one.
func Spaced(sentence string) string {
	if sentence == "" {
		return ""
	}
	return " " + sentence
}

// Ended is a sentence with its full stop, if it has none of its own.
func Ended(sentence string) string {
	if strings.HasSuffix(sentence, ".") || strings.HasSuffix(sentence, "?") || strings.HasSuffix(sentence, "!") || strings.HasSuffix(sentence, "…") {
		return sentence
	}
	return sentence + "."
}

// Quoted is somebody's own words at the end of a sentence, which they may end
// themselves.
func Quoted(text string, most int) string {
	text = grammar.OneLine(text, most)
	if Ended(text) == text {
		return `"` + text + `"`
	}
	return `"` + text + `".`
}
