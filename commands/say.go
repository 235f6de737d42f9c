package commands

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"countersign/audit"
	"countersign/commands/grammar"
	"countersign/qualys"
)

// escape makes foreign text fit for a Reply: one line, nothing invisible, and
// no markup of Slack's that means anything. Every text that is not ours goes
// through it, or through [code].
func escape(text string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(grammar.OneLine(text, 3000))
}

// code shows foreign text, or something to type, letter by letter. A backtick
// would end it and becomes an apostrophe.
func code(text string) string {
	return "`" + escape(strings.ReplaceAll(text, "`", "'")) + "`"
}

// spaced is one more sentence behind another, if there is one.
func spaced(sentence string) string {
	if sentence == "" {
		return ""
	}
	return " " + sentence
}

// mention names a person.
func mention(id string) string { return "<@" + escape(id) + ">" }

// clock is a time of the day, shown in the reader's own time zone.
func clock(t time.Time) string {
	return fmt.Sprintf("<!date^%d^{time}|%s UTC>", t.Unix(), t.UTC().Format("15:04"))
}

// either lists people, ids shown as mentions: "Bob or Carol". Many are cut.
func either(ids []string, word string) string {
	const most = 5
	var names []string
	for _, id := range ids[:min(most, len(ids))] {
		names = append(names, mention(id))
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

// bars draws counts as lines of text, the longest bar for the largest. It is
// made for a fixed width and cut to ten lines.
func bars(counts []qualys.Tally) string {
	const lines, width, longest = 10, 24, 20
	if len(counts) == 0 {
		return ""
	}
	most := 1
	for _, c := range counts {
		most = max(most, c.Count)
	}
	var b strings.Builder
	b.WriteString("```")
	for _, c := range counts[:min(lines, len(counts))] {
		name := grammar.OneLine(strings.ReplaceAll(c.Name, "`", "'"), width)
		if name == "" {
			name = "(none)"
		}
		fill := strings.Repeat(" ", width-utf8.RuneCountInString(name))
		bar := strings.Repeat("█", max(1, c.Count*longest/most))
		fmt.Fprintf(&b, "\n%s%s %9s %s", escapeLine(name), fill, audit.Number(c.Count), bar)
	}
	b.WriteString("\n```")
	if more := len(counts) - lines; more > 0 {
		b.WriteString("\nand " + audit.Number(more) + " more")
	}
	return b.String()
}

func escapeLine(text string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(text)
}

// String is the line in plain words: people by id, times in UTC.
func (l Line) String() string {
	return l.write(func(s Span) string {
		switch {
		case s.Person.ID != "":
			return s.Person.ID
		case s.Time.IsZero():
			return s.Text
		case s.Clock:
			return s.Time.UTC().Format("15:04:05 UTC")
		}
		return s.Time.UTC().Format("2006-01-02 15:04 UTC")
	})
}

// Mrkdwn is the line as Slack's mrkdwn, to be shown with verbatim set: people
// as mentions, times in the reader's time zone, everything else escaped.
func (l Line) Mrkdwn() string {
	return l.write(func(s Span) string {
		switch {
		case s.Person.ID != "":
			return mention(s.Person.ID)
		case !s.Time.IsZero() && s.Clock:
			return fmt.Sprintf("<!date^%d^{time_secs}|%s>", s.Time.Unix(), Line{s}.String())
		case !s.Time.IsZero():
			return fmt.Sprintf("<!date^%d^{date_short_pretty} {time}|%s>", s.Time.Unix(), Line{s}.String())
		case s.Code:
			return code(s.Text)
		}
		return escapeLine(grammar.Visible(s.Text))
	})
}

func (l Line) write(span func(Span) string) string {
	var b strings.Builder
	for _, s := range l {
		b.WriteString(span(s))
	}
	return b.String()
}
