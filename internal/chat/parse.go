package chat

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A Conversation is a file, read.
type Conversation struct {
	Name  string // the file, such as "own-request.txt"
	Steps []Step

	at []int // the number of the line at which each step begins
}

// A SyntaxError is a line that is not in the notation.
type SyntaxError struct {
	Name    string // the file, or empty
	Line    int    // counted from 1, or 0
	Problem string
	Hint    string
}

func (e *SyntaxError) Error() string {
	where := ""
	if e.Line > 0 {
		where = fmt.Sprintf("%s:%d: ", e.Name, e.Line)
	}
	return where + e.Problem + " " + e.Hint
}

// A guard is how the comment at the top names what the file guards.
var guard = regexp.MustCompile(`\bP\d\d\b|\bPromise [1-8]\b`)

// Parse reads a conversation. The error is a [*SyntaxError].
func Parse(name string, text []byte) (*Conversation, error) {
	clean, err := clean(string(text))
	if err != nil {
		err.Name, err.Line = name, 1
		return nil, err
	}
	c := &Conversation{Name: name}
	lines := strings.Split(clean, "\n")
	for i := 0; i < len(lines); {
		end := i + 1
		for end < len(lines) && continuation.MatchString(lines[end]) {
			end++
		}
		step, err := c.next(strings.Join(lines[i:end], "\n"))
		if err != nil {
			err.Name, err.Line = name, i+1
			return nil, err
		}
		c.Steps, c.at = append(c.Steps, step), append(c.at, i+1)
		i = end
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	return c, nil
}

// clean returns the text with plain line ends and nothing behind its last line.
func clean(text string) (string, *SyntaxError) {
	text = strings.ReplaceAll(text, "\r\n", "\n")
	if !utf8.ValidString(text) || strings.ContainsFunc(text, control) {
		return "", &SyntaxError{Problem: "This is not plain text.",
			Hint: "Save it as UTF-8, without control characters."}
	}
	return strings.TrimRight(text, " \t\n"), nil
}

// control reports characters that no line can hold.
func control(r rune) bool {
	return unicode.IsControl(r) && r != '\n' && r != '\t'
}

// next reads a step that follows those already read.
func (c *Conversation) next(text string) (Step, *SyntaxError) {
	step, err := read(text)
	if err != nil {
		return nil, err
	}
	if act, ok := step.(Act); ok && act.Together {
		if len(c.Steps) == 0 || !isAct(c.Steps[len(c.Steps)-1]) {
			return nil, &SyntaxError{Problem: "There is no act directly above this &.",
				Hint: "Write & below the line of the person who acts first."}
		}
	}
	return step, nil
}

func isAct(s Step) bool {
	_, ok := s.(Act)
	return ok
}

// check tells whether the file says what it guards and whether anybody acts.
func (c *Conversation) check() error {
	if len(c.Guards()) == 0 {
		return &SyntaxError{c.Name, 1, "The file does not say what it guards.",
			`Begin it with a comment such as "# P20: nobody approves what they asked for."`}
	}
	if !slices.ContainsFunc(c.Steps, isAct) {
		return &SyntaxError{c.Name, c.line(len(c.Steps) - 1), "Nobody does anything.",
			`Write a line such as "alice> /qualys-users help".`}
	}
	return nil
}

// Guards names the promises and pitfalls in the comment at the top, such as "P20"
// and "Promise 2".
func (c *Conversation) Guards() []string {
	return guard.FindAllString(c.Heading(), -1)
}

// Heading is the comment at the top, without its signs.
func (c *Conversation) Heading() string {
	var lines []string
	for _, s := range c.Steps {
		n, ok := s.(Note)
		if !ok || (n == "" && lines != nil) {
			break
		}
		if n != "" {
			lines = append(lines, strings.TrimSpace(strings.TrimLeft(string(n), "#")))
		}
	}
	return strings.Join(lines, "\n")
}

// String writes the conversation. Read again it means the same.
func (c *Conversation) String() string {
	var b strings.Builder
	for _, s := range c.Steps {
		b.WriteString(s.String() + "\n")
	}
	return b.String()
}

// Without returns the conversation without the lines that hidden picks: a stage
// that has no trail, say, is not asked for its entries.
func (c *Conversation) Without(hidden func(Line) bool) *Conversation {
	rest := &Conversation{Name: c.Name}
	for i, s := range c.Steps {
		if l, ok := s.(Line); ok && hidden(l) {
			continue
		}
		rest.Steps, rest.at = append(rest.Steps, s), append(rest.at, c.line(i))
	}
	return rest
}

// line is the number of the line at which a step begins, or 0 in a conversation
// that was not read from text.
func (c *Conversation) line(step int) int {
	if step < len(c.at) {
		return c.at[step]
	}
	return 0
}

// ParseLine reads a single step, such as a line that somebody typed at a prompt.
// Lines that continue it may follow in the same text. The error is a
// [*SyntaxError] without a place.
func ParseLine(text string) (Step, error) {
	text, err := clean(text)
	if err != nil {
		return nil, err
	}
	step, err := read(text)
	if err != nil {
		return nil, err
	}
	return step, nil
}

var (
	continuation = regexp.MustCompile(`^[ \t]+\|`)
	ampersand    = regexp.MustCompile(`^&[ \t]+`)
	opening      = regexp.MustCompile(`^([a-z][a-z0-9._-]*)(?:\[([^\[\]]*)\])?([>*~:+!])([a-z][a-z0-9._-]*)?(?:[ \t]+(.*))?$`)
)

// read reads one step: its first line and those that continue it.
func read(text string) (Step, *SyntaxError) {
	if continuation.MatchString(text) {
		return nil, &SyntaxError{Problem: "There is nothing to continue.",
			Hint: "A line that begins with | belongs below one that somebody says or sees."}
	}
	first, rest, more := strings.Cut(text, "\n")
	first = strings.Trim(first, " \t")
	if first == "" || strings.HasPrefix(first, "#") || strings.HasPrefix(first, "(") {
		if more {
			return nil, &SyntaxError{Problem: "A comment, a blank line and a stage direction have no second line.",
				Hint: "Begin each line of a comment with #."}
		}
		return aside(first)
	}
	together := ampersand.MatchString(first)
	m := opening.FindStringSubmatch(ampersand.ReplaceAllString(first, ""))
	if m == nil {
		return nil, &SyntaxError{Problem: fmt.Sprintf("I cannot read %q.", first),
			Hint: `People act as in "alice> /qualys-users help"; the bot answers as in "bot> text".`}
	}
	h := heading{who: m[1], place: strings.Trim(m[2], " \t"), mark: m[3], to: m[4]}
	said := strings.TrimRight(m[5], " \t")
	if more {
		for line := range strings.SplitSeq(rest, "\n") {
			line = continuation.ReplaceAllString(line, "")
			said += "\n" + strings.TrimRight(strings.TrimPrefix(line, " "), " \t")
		}
	}
	if slices.Contains(speakers(), h.who) {
		return h.line(together, said)
	}
	return h.act(together, said)
}

// A heading is what stands before the text of a line.
type heading struct{ who, place, mark, to string }

// speakers are the names that no person can have.
func speakers() []string {
	var names []string
	for _, k := range kinds {
		who, _ := k.split()
		names = append(names, who)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// line reads something that people see.
func (h heading) line(together bool, text string) (Step, *SyntaxError) {
	if together {
		return nil, &SyntaxError{Problem: "Only people act together.", Hint: "Leave out the &."}
	}
	kind := Kind(h.who + h.mark)
	if !slices.Contains(kinds, kind) {
		return nil, &SyntaxError{Problem: fmt.Sprintf("There is no %q line.", kind),
			Hint: "There are " + listed(kinds) + "."}
	}
	if h.to != "" && !kind.private() {
		return nil, &SyntaxError{Problem: fmt.Sprintf("A %q line has no single reader.", kind),
			Hint: "Put a blank behind " + h.mark + "."}
	}
	l := Line{Kind: kind, Place: h.place, To: h.to}
	l.Text, l.Buttons = cutButtons(text)
	return l, nil
}

var (
	buttons = regexp.MustCompile(`(?:^|[ \t]+)((?:\[[^\[\]]+\][ \t]*)+)$`)
	button  = regexp.MustCompile(`\[([^\[\]]+)\]`)
)

// cutButtons takes the buttons off the end of a text.
func cutButtons(text string) (rest string, labels []string) {
	start := strings.LastIndex(text, "\n") + 1
	m := buttons.FindStringSubmatchIndex(text[start:])
	if m == nil {
		return text, nil
	}
	for _, b := range button.FindAllStringSubmatch(text[start+m[2]:], -1) {
		label := strings.Trim(b[1], " \t")
		if label == "" {
			return text, nil
		}
		labels = append(labels, label)
	}
	rest = text[:start+m[0]]
	if m[0] == 0 && start > 0 {
		rest = text[:start-1] // the buttons had a line of their own
	}
	return rest, labels
}

// act reads something that a person does.
func (h heading) act(together bool, text string) (Step, *SyntaxError) {
	a := Act{Together: together, Who: h.who, Place: h.place, Deed: Deed(h.mark), Text: text}
	switch {
	case !slices.Contains([]Deed{Say, Click, Fill}, a.Deed):
		return nil, &SyntaxError{Problem: fmt.Sprintf("People do not act with %q.", h.mark),
			Hint: "> says, * presses a button, + fills in a form."}
	case h.to != "":
		return nil, &SyntaxError{Problem: fmt.Sprintf("A blank is missing behind %q.", h.mark),
			Hint: fmt.Sprintf("Write %q.", head(h.who, h.place, h.mark, " "+h.to))}
	case strings.Trim(text, " \t\n") == "":
		return nil, &SyntaxError{Problem: h.who + " does nothing.", Hint: "Write what behind the " + h.mark + "."}
	}
	switch a.Deed {
	case Click:
		a.Text, a.On = cutCard(text)
	case Fill:
		fields, err := readFields(text)
		if err != nil {
			return nil, err
		}
		a.Text, a.Fields = "", fields
	}
	return a, nil
}

var request = regexp.MustCompile(`^(\{id\d*\}|[0-9A-Z]{4,10})$`)

// cutCard takes the card off the end of a label.
func cutCard(text string) (label string, on Card) {
	i := strings.LastIndex(text, " @")
	if i <= 0 || strings.Contains(text[i:], "\n") {
		return text, Card{}
	}
	for _, word := range strings.Fields(text[i+2:]) {
		switch {
		case word == "first":
			on.First = true
		case word == "stale":
			on.Stale = true
		case request.MatchString(word) && on.Request == "":
			on.Request = word
		default:
			return text, Card{}
		}
	}
	label = strings.TrimRight(text[:i], " \t\n")
	if label == "" || on == (Card{}) {
		return text, Card{}
	}
	return label, on
}

// readFields reads what is filled into a form.
func readFields(text string) ([]Field, *SyntaxError) {
	var fields []Field
	for part := range strings.SplitSeq(text, " | ") {
		label, value, ok := strings.Cut(part, "=")
		label = strings.TrimSpace(label)
		if !ok || label == "" {
			return nil, &SyntaxError{Problem: fmt.Sprintf("%q fills in no field.", part),
				Hint: `Write "Label=value | Other label=value".`}
		}
		fields = append(fields, Field{Label: label, Value: strings.TrimSpace(value)})
	}
	return fields, nil
}

// listed writes a list for people.
func listed[S ~string](items []S) string {
	texts := make([]string, len(items))
	for i, item := range items {
		texts[i] = string(item)
	}
	slices.SortFunc(texts, cmp.Compare)
	return strings.Join(texts, ", ")
}
