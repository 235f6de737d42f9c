package chat

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// String writes the note as it stands in the file.
func (n Note) String() string { return string(n) }

// String writes the pause in its parentheses.
func (p Pause) String() string { return "(" + p.Text + ")" }

// String writes the direction in its parentheses.
func (d Direction) String() string { return "(" + string(d) + ")" }

// String writes the act in the notation.
func (a Act) String() string {
	together := ""
	if a.Together {
		together = "& "
	}
	text := a.Text + a.On.suffix()
	if a.Deed == Fill {
		text = a.fields()
	}
	return together + head(a.Who, a.Place, string(a.Deed), "") + body(text)
}

// suffix writes which card is meant, behind the label.
func (c Card) suffix() string {
	var words []string
	if c.Request != "" {
		words = append(words, c.Request)
	}
	if c.First {
		words = append(words, "first")
	}
	if c.Stale {
		words = append(words, "stale")
	}
	if words == nil {
		return ""
	}
	return " @" + strings.Join(words, " ")
}

// fields writes what is filled in.
func (a Act) fields() string {
	var parts []string
	for _, f := range a.Fields {
		parts = append(parts, f.Label+"="+f.Value)
	}
	return strings.Join(parts, " | ")
}

// String writes the line in the notation. The buttons stand behind the text, or
// in a line of their own when the text has several.
func (l Line) String() string {
	text := l.Text
	if len(l.Buttons) > 0 {
		gap := " "
		if strings.Contains(text, "\n") {
			gap = "\n"
		} else if text == "" {
			gap = ""
		}
		text += gap + row(l.Buttons)
	}
	who, mark := l.Kind.split()
	return head(who, l.Place, mark, l.To) + body(text)
}

// short leaves out the reader if that is the person who acted last. A direct message
// always names its reader: it is seen in a place of its own.
func (l Line) short(last string) Line {
	if l.To == last && l.Kind != Direct && l.Kind != DirectUpdate {
		l.To = ""
	}
	return l
}

// row writes buttons side by side.
func row(labels []string) string {
	if len(labels) == 0 {
		return ""
	}
	return "[" + strings.Join(labels, "] [") + "]"
}

// split returns the speaker and the mark of a kind.
func (k Kind) split() (who, mark string) {
	end := max(len(k)-1, 0)
	return string(k[:end]), string(k[end:])
}

// head writes everything up to the text.
func head(who, place, mark, to string) string {
	if place != "" {
		who += "[" + place + "]"
	}
	return who + mark + to
}

// body writes the text behind a head, with its continuing lines.
func body(text string) string {
	var b strings.Builder
	for i, line := range strings.Split(text, "\n") {
		if i > 0 {
			b.WriteString("\n  |")
		}
		if line != "" {
			b.WriteString(" " + line)
		}
	}
	return b.String()
}

// Print writes lines in the notation.
func Print(w io.Writer, lines ...Line) error {
	for _, l := range lines {
		if _, err := fmt.Fprintln(w, l); err != nil {
			return err
		}
	}
	return nil
}

// Sort puts lines into the order in which a conversation is written down: first
// what single people see at once, then the channel and its threads, then edited
// messages, then direct messages. Within one such place nothing moves.
func Sort(lines []Line) {
	slices.SortStableFunc(lines, func(a, b Line) int {
		if d := a.rank() - b.rank(); d != 0 {
			return d
		}
		if d := strings.Compare(a.Place, b.Place); d != 0 {
			return d
		}
		return strings.Compare(a.To, b.To)
	})
}

// rank is the line's place in the order of [Sort]. A file and a message count
// alike: whether the list came before the question is part of the story.
func (l Line) rank() int {
	if l.Kind == File {
		l.Kind = Message
	}
	return slices.Index(kinds, l.Kind)
}

// together reports whether the order of two lines counts.
func (l Line) together(other Line) bool {
	return l.rank() == other.rank() && l.Place == other.Place && l.To == other.To
}
