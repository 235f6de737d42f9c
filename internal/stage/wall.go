package stage

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"countersign/internal/chat"
	"countersign/internal/minislack"
	"countersign/slack/cards"
)

// A wall keeps what people see until somebody looks. A message that is changed
// twice is seen once, as it is then.
type wall struct {
	mu    sync.Mutex // guards everything below
	lines []chat.Line
	news  int             // grows with everything that is put up
	of    map[string]int  // which of the lines is about a message that may change
	lead  map[string]bool // messages that come first among what one person sees
	err   error           // the first act that turned out not to be possible
}

func newWall() wall { return wall{of: map[string]int{}, lead: map[string]bool{}} }

// put adds a line.
func (w *wall) put(l chat.Line) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lines = append(w.lines, l)
	w.news++
}

// about adds a line about a message, or replaces the one about it that nobody has
// seen yet: a new message that was edited is new.
func (w *wall) about(message string, l chat.Line) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.news++
	i, there := w.of[message]
	if !there {
		w.of[message] = len(w.lines)
		w.lines = append(w.lines, l)
		return
	}
	l.Kind = w.lines[i].Kind
	w.lines[i] = l
}

// acknowledged says that a message came with the acknowledgement of a command: it
// is what the person saw first, whatever else appeared in the same moment.
func (w *wall) acknowledged(message string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lead[message] = true
}

// fail keeps the first error of an act.
func (w *wall) fail(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err == nil {
		w.err = err
	}
}

// grown is a number that grows with everything that is put up.
func (w *wall) grown() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.news
}

// take returns what nobody has seen yet.
func (w *wall) take() ([]chat.Line, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var first, rest []chat.Line
	for message := range w.lead {
		if i, there := w.of[message]; there {
			first = append(first, w.lines[i])
			w.lines[i].Kind = ""
		}
	}
	for _, l := range w.lines {
		if l.Kind != "" {
			rest = append(rest, l)
		}
	}
	lines, err := trailLast(append(first, rest...)), w.err
	w.lines, w.of, w.lead, w.err = nil, map[string]int{}, map[string]bool{}, nil
	return lines, err
}

// mark is the small line below an entry of the trail.
var mark = regexp.MustCompile(`(?m)^#\d+ [0-9a-f]{6} ← [0-9a-f]{6}$`)

// trailLast moves the entries of the trail behind the messages and files that
// appeared at the same time. The trail is posted on its own, and whether an entry
// comes before or behind the file that it tells of is nobody's promise.
func trailLast(lines []chat.Line) []chat.Line {
	entry := func(l chat.Line) bool { return l.Kind == chat.Message && mark.MatchString(l.Text) }
	var first, last []chat.Line
	for _, l := range lines {
		if entry(l) {
			last = append(last, l)
		} else {
			first = append(first, l)
		}
	}
	return append(first, last...)
}

// read is what a person reads of a message, and which buttons it has.
func (w *world) read(m cards.Message) (text string, buttons []minislack.Button) {
	blocks, err := json.Marshal(m.Blocks)
	if err != nil {
		return fmt.Sprintf("blocks that are no JSON: %v", err), nil
	}
	w.slack.EditMessage(w.paper, m.Text, blocks)
	seen, _ := w.slack.Message(w.paper)
	return bare(seen.Rendered(), seen.Buttons(), nil), seen.Buttons()
}

// bare is a text without the row of its buttons and without the names of its
// files, which stand elsewhere in a line.
func bare(text string, buttons []minislack.Button, files []minislack.File) string {
	var kept []string
	row := ""
	for _, b := range buttons {
		row += " [" + b.Label + "]"
	}
	for _, line := range strings.Split(text, "\n") {
		named := slices.ContainsFunc(files, func(f minislack.File) bool { return line == "["+f.Name+"]" })
		if !named && (row == "" || line != row[1:]) {
			kept = append(kept, line)
		}
	}
	return strings.TrimSpace(strings.Join(kept, "\n"))
}

func labels(buttons []minislack.Button) []string {
	var all []string
	for _, b := range buttons {
		all = append(all, b.Label)
	}
	return all
}

// fileText says what a shared file is: its name, its rows, its header, and what
// was said with it.
func fileText(name string, content []byte, comment string) string {
	rows, header := rowsOf(content)
	text := fmt.Sprintf("%s (%s) %s", name, counted(rows, "row"), header)
	if comment != "" {
		text += "\n" + comment
	}
	return text
}
