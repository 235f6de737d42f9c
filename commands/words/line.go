package words

import (
	"fmt"
	"strings"
	"time"

	"countersign/approvals/rules"
	"countersign/commands/grammar"
)

// A Span is a piece of a line that people read: some text, a person, or a
// moment. Text is plain, foreign text included: nothing in it is markup.
type Span struct {
	Text   string       // as it is
	Code   bool         // Text is an id, a value or something to type
	Person rules.Person // somebody to name, or zero
	Time   time.Time    // a moment, shown in the reader's time zone, or zero
	Clock  bool         // of Time only hours, minutes and seconds matter
}

// A Line is what stands on one line.
type Line []Span

// Then is one sentence after the other.
func (l Line) Then(next Line) Line {
	if len(l) == 0 || len(next) == 0 {
		return append(l, next...)
	}
	return append(append(l, Span{Text: " "}), next...)
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
			return Mention(s.Person.ID)
		case !s.Time.IsZero() && s.Clock:
			return fmt.Sprintf("<!date^%d^{time_secs}|%s>", s.Time.Unix(), Line{s}.String())
		case !s.Time.IsZero():
			return fmt.Sprintf("<!date^%d^{date_short_pretty} {time}|%s>", s.Time.Unix(), Line{s}.String())
		case s.Code:
			return Code(s.Text)
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
