package chat

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"
)

// Aloud is a stage that also writes to w what is done on it and what people see,
// as it happens.
func Aloud(stage Stage, w io.Writer) Stage { return &aloud{Stage: stage, w: w} }

type aloud struct {
	Stage
	w    io.Writer
	last string
}

func (s *aloud) Do(ctx context.Context, a Act) error {
	s.last = a.Who
	if err := s.say(a); err != nil {
		return err
	}
	return s.Stage.Do(ctx, a)
}

func (s *aloud) Pass(ctx context.Context, d time.Duration) error {
	if err := s.say(pause(d)); err != nil {
		return err
	}
	return s.Stage.Pass(ctx, d)
}

func (s *aloud) Direct(ctx context.Context, text string) error {
	if err := s.say(Direction(text)); err != nil {
		return err
	}
	return s.Stage.Direct(ctx, text)
}

func (s *aloud) Seen(ctx context.Context) ([]Line, error) {
	lines, err := s.Stage.Seen(ctx)
	if err != nil {
		return nil, err
	}
	shown := slices.Clone(lines)
	Sort(shown)
	for i, l := range shown {
		shown[i] = l.short(s.last)
	}
	return lines, Print(s.w, shown...)
}

func (s *aloud) say(step Step) error {
	_, err := fmt.Fprintln(s.w, step)
	return err
}
