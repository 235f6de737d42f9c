package chat

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Play plays a conversation on a stage, to its end, and returns what came of it.
// An error means that the stage could not go on; the result then tells what
// happened up to there.
//
// Besides what is known to differ from run to run, such as times and
// fingerprints, also says where else such values stand, so that a transcript gets
// placeholders: every named group is one, as in `request (?P<id>[0-9A-Z]{5})`.
func Play(ctx context.Context, c *Conversation, stage Stage, also ...*regexp.Regexp) (*Result, error) {
	if err := checkVolatile(also); err != nil {
		return nil, err
	}
	r := &Result{name: c.Name, turns: c.turns()}
	p := player{stage: stage, values: binding{}, volatile: slices.Concat(also, volatile)}
	defer func() { r.values = p.values }()
	for _, t := range r.turns {
		if err := p.play(ctx, t); err != nil {
			return r, fmt.Errorf("%s:%d: %w", c.Name, t.at, err)
		}
	}
	return r, nil
}

// Perform does one step, or several acts together, and returns what people saw of
// it, sorted. It is what a prompt needs: [ParseLine], Perform, [Print].
func Perform(ctx context.Context, stage Stage, steps ...Step) ([]Line, error) {
	for _, s := range steps {
		if err := perform(ctx, stage, s); err != nil {
			return nil, fmt.Errorf("%s: %w", s, err)
		}
	}
	lines, err := stage.Seen(ctx)
	if err != nil {
		return nil, fmt.Errorf("look at what people see: %w", err)
	}
	Sort(lines)
	return lines, nil
}

func perform(ctx context.Context, stage Stage, s Step) error {
	switch s := s.(type) {
	case Act:
		return stage.Do(ctx, s)
	case Pause:
		return stage.Pass(ctx, s.For)
	case Direction:
		return stage.Direct(ctx, string(s))
	case Line:
		return &SyntaxError{Problem: "Nobody can act for the bot.", Hint: `Write a person, as in "alice> …".`}
	}
	return nil
}

// A turn is what people do at one moment and what they should see of it.
type turn struct {
	at      int    // the line where it begins
	steps   []Step // what is done, or nothing before the first act
	written []expectation
	tail    []Step // notes behind it

	played bool
	seen   []sight
}

// An expectation is a line that is written, with the notes above it.
type expectation struct {
	notes []Step
	line  Line
	met   bool
}

// A sight is a line that was seen.
type sight struct {
	line Line // with placeholders
	as   int  // the index of the expectation it met, or -1
}

// turns cuts a conversation into turns. The first one has no act.
func (c *Conversation) turns() []*turn {
	now := &turn{at: 1}
	all := []*turn{now}
	for i, s := range c.Steps {
		switch s := s.(type) {
		case Note:
			now.tail = append(now.tail, s)
		case Line:
			now.written = append(now.written, expectation{notes: now.tail, line: s})
			now.tail = nil
		default:
			if a, ok := s.(Act); ok && a.Together {
				now.steps = append(now.steps, a)
				continue
			}
			now = &turn{at: c.line(i), steps: []Step{s}}
			all = append(all, now)
		}
	}
	return all
}

// A player plays the turns of one conversation.
type player struct {
	stage    Stage
	values   binding
	volatile []*regexp.Regexp
	last     string // who acted last
}

// play plays one turn.
func (p *player) play(ctx context.Context, t *turn) error {
	steps := make([]Step, len(t.steps))
	for i, s := range t.steps {
		filled, err := p.values.perform(s)
		if err != nil {
			return fmt.Errorf("%s: %w", s, err)
		}
		if a, ok := s.(Act); ok {
			p.last = a.Who
		}
		steps[i] = filled
	}
	lines, err := Perform(ctx, p.stage, steps...)
	if err != nil {
		return err
	}
	for i, l := range lines {
		if lines[i], err = p.normal(l); err != nil {
			return err
		}
	}
	t.played = true
	p.compare(t, lines)
	return nil
}

// compare finds for each written line the one that was seen. Lines whose order
// counts are found in order.
func (p *player) compare(t *turn, lines []Line) {
	for range lines {
		t.seen = append(t.seen, sight{as: -1})
	}
	for i := range t.written {
		p.find(t, i, lines)
	}
	for j, l := range lines {
		if as := t.seen[j].as; as >= 0 {
			t.seen[j].line = t.written[as].line
			continue
		}
		t.seen[j].line = p.values.mask(l.short(p.last), p.volatile)
	}
}

// find looks for the line that meets an expectation.
func (p *player) find(t *turn, i int, lines []Line) {
	want := t.written[i].line
	if want.Kind.private() && want.To == "" {
		want.To = p.last
	}
	for j, l := range lines {
		free := t.seen[j].as < 0 && !t.laterTaken(j, lines)
		if free && p.values.match(want, l) {
			t.seen[j].as, t.written[i].met = i, true
			return
		}
	}
}

// laterTaken reports whether a line after this one, of the same place, has met an
// expectation already.
func (t *turn) laterTaken(j int, lines []Line) bool {
	for k := j + 1; k < len(lines); k++ {
		if t.seen[k].as >= 0 && lines[k].together(lines[j]) {
			return true
		}
	}
	return false
}

// normal puts what was seen into the one form in which a file can say it.
func (p *player) normal(l Line) (Line, error) {
	if !slices.Contains(kinds, l.Kind) {
		return l, fmt.Errorf("the stage shows a line of an unknown kind: %q", l)
	}
	lines := strings.Split(strings.ReplaceAll(l.Text, "\r\n", "\n"), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(printable(lines[i]), " \t")
	}
	l.Text = strings.TrimLeft(strings.Trim(strings.Join(lines, "\n"), "\n"), " \t")
	l.Buttons = slices.Clone(l.Buttons)
	for i, label := range l.Buttons {
		l.Buttons[i] = strings.ReplaceAll(printable(label), "\n", " ")
	}
	if l.Kind.private() && l.To == "" {
		l.To = p.last
	}
	again, err := ParseLine(l.String())
	if err != nil {
		return l, fmt.Errorf("the stage shows a line that no file can hold, %q: %w", l, err)
	}
	same, _ := again.(Line) // a kind of [kinds] is always read as a line
	return same, nil
}

// printable shows control characters as a sign.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if control(r) {
			return '\uFFFD'
		}
		return r
	}, text)
}
