package post

import (
	"cmp"
	"context"
	"slices"

	"golang.org/x/time/rate"

	"countersign/approvals"
)

// stillShown is the name under which it is recorded that cards in the channel may
// say that everything stands still. There whoever takes over reads whether the open
// ones have to be drawn anew.
const stillShown = "still-shown"

// A turn is a freeze, or its end, as this poster found it.
type turn struct {
	n      int              // grows with every turn; 0 before the first look
	freeze approvals.Freeze // that cards are drawn with, or none
}

// A standstill is what the poster knows of freezes, and of the cards that may say
// something else. A freeze changes no record: as far as Redis knows, no card is out
// of date because of it.
type standstill struct {
	turn            // written by the cards' goroutine alone
	behind []string // open requests whose card is of an earlier turn, the most urgent first
	busy   bool     // one of them is worked on

	// Of the cards' goroutine alone.
	noted bool          // it is recorded that cards may say so
	pace  *rate.Limiter // leaves half of what Slack takes to the cards of decisions
}

func newStandstill() standstill {
	return standstill{pace: rate.NewLimiter(rate.Every(2*cardEvery), mostCards)}
}

// lookStill finds out whether everything stands still, and which cards have to say
// something else now. What cannot be read stays as it was known last.
func (s *shift) lookStill(ctx context.Context) {
	on, err := s.Book.Frozen(ctx)
	switch {
	case err != nil:
	case s.still.n == 0 || on != s.still.freeze:
		err = s.turnTo(ctx, on)
	case on.At.IsZero() && s.still.noted && s.caughtUp():
		err = s.noteStill(ctx, false)
	}
	if err != nil && ctx.Err() == nil {
		s.Log.ErrorContext(ctx, "whether everything stands still cannot be read; cards say what was known last", "err", err)
	}
}

// turnTo lets the open cards follow a freeze, or its end. That cards may show a
// freeze is recorded before the first of them does.
func (s *shift) turnTo(ctx context.Context, on approvals.Freeze) error {
	if s.still.n == 0 {
		before, err := s.Book.Recorded(ctx, stillShown)
		if err != nil {
			return err
		}
		s.still.noted = before != ""
	}
	if !on.At.IsZero() && !s.still.noted {
		if err := s.noteStill(ctx, true); err != nil {
			return err
		}
	}
	var behind []string
	if s.still.noted {
		open, err := s.Book.Open(ctx)
		if err != nil {
			return err
		}
		slices.SortStableFunc(open, func(a, b approvals.Pending) int { return cmp.Compare(promises[b.State], promises[a.State]) })
		for _, r := range open {
			behind = append(behind, r.ID)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.still.turn, s.still.behind = turn{s.still.n + 1, on}, behind
	return nil
}

// promises says whose card promises what a freeze holds up: it is drawn first.
var promises = map[approvals.State]int{approvals.RUNNING: 2, approvals.APPROVED: 1}

// noteStill records whether cards may show a freeze.
func (s *shift) noteStill(ctx context.Context, may bool) error {
	value := ""
	if may {
		value = "1"
	}
	err := s.Book.Record(ctx, stillShown, value)
	if err == nil {
		s.still.noted = may
	}
	return err
}

// caughtUp reports whether every open card is of this turn.
func (s *shift) caughtUp() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.still.behind) == 0
}

// takeBehind reserves a card of an earlier turn, as take does: one at a time, and
// no more of them than Slack takes besides those that are out of date.
func (s *shift) takeBehind() (id string, j *job) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.still.busy || len(s.still.behind) == 0 || s.still.pace.Tokens() < 1 {
		return "", nil
	}
	for _, id := range s.still.behind {
		if j := s.reserve(id); j != nil {
			s.still.busy = true
			s.still.pace.Allow()
			return id, j
		}
	}
	return "", nil
}

// follow draws a card of an earlier turn, and wakes the loop for the next one.
func (s *shift) follow(ctx context.Context, id string, j *job) error {
	err := s.draw(ctx, id, j)
	s.mu.Lock()
	s.still.busy = false
	s.mu.Unlock()
	if err == nil {
		s.Stir()
	}
	return err
}

// thisTurn is what cards are drawn with now.
func (s *shift) thisTurn() turn {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.still.turn
}

// drawnIn notes that a card is of this turn. s.mu is held.
func (s *shift) drawnIn(t turn, id string, j *job) {
	j.turn = t.n
	if t.n == s.still.n {
		s.still.behind = slices.DeleteFunc(s.still.behind, func(other string) bool { return other == id })
	}
}
