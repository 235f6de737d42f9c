package post

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"countersign/approvals"
	"countersign/audit"
	"countersign/commands"
	"countersign/slack/cards"
	"countersign/slack/web"
)

const (
	mostCards    = 8                       // worked on at once
	cardEvery    = 1200 * time.Millisecond // between two updates of one card: 50 a minute
	unseenAfter  = 3                       // failures until the requester is told
	summaryAfter = 3                       // failures of a result's upload until the summary goes out without it
	asHeld       = 1                       // the version of a record that nothing has changed
)

// A job is what the poster remembers of a card that is out of date. All of it may
// be forgotten: the record says what is still to do.
type job struct {
	busy     bool
	failures int
	next     time.Time       // not before
	drawn    time.Time       // the last update
	version  int64           // that the card shows, as far as this poster knows
	state    approvals.State // that it shows
	turn     int             // in which it was drawn last
	told     bool            // the summary is in the channel
}

// cards brings every card that is older than its record up to date, several
// at a time, for as long as the lease holds; and those that a freeze, or its end,
// makes wrong, one at a time.
func (s *shift) cards(ctx context.Context) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	work := func(id string, j *job, draw func(context.Context, string, *job) error) {
		s.work.Go(func() {
			if err := draw(ctx, id, j); fenced(err) {
				stop(err)
			}
		})
	}
	for ctx.Err() == nil {
		s.lookStill(ctx)
		ids, err := s.out.Dirty(ctx)
		if err != nil && ctx.Err() == nil {
			s.Log.ErrorContext(ctx, "the cards to draw cannot be read", "err", err)
		}
		for _, id := range ids {
			if j := s.take(id); j != nil {
				work(id, j, s.draw)
			}
		}
		if id, j := s.takeBehind(); j != nil {
			work(id, j, s.follow)
		}
		s.forget()
		s.rest(ctx, s.news.cards, s.Poll)
	}
	if err := context.Cause(ctx); fenced(err) {
		return err
	}
	return nil
}

// take reserves a card that is due, or returns nil.
func (s *shift) take(id string) *job {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reserve(id)
}

// reserve is take while s.mu is held.
func (s *shift) reserve(id string) *job {
	j := s.jobs[id]
	if j == nil {
		j = &job{}
		s.jobs[id] = j
	}
	if j.busy || time.Now().Before(j.next) {
		return nil
	}
	j.busy = true
	return j
}

// forget drops what is known of cards that have been up to date for a while.
func (s *shift) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, j := range s.jobs {
		if !j.busy && j.failures == 0 && time.Since(j.drawn) > time.Hour {
			delete(s.jobs, id)
		}
	}
}

// draw brings one card up to date and plans the next attempt when it fails.
func (s *shift) draw(ctx context.Context, id string, j *job) error {
	var err error
	var now turn
	select {
	case s.room <- struct{}{}:
		now = s.thisTurn()
		err = web.Guarded(func() error { return s.card(ctx, id, j, now) })
		<-s.room
	case <-ctx.Done():
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	j.busy = false
	switch {
	case ctx.Err() != nil, fenced(err):
	case err != nil:
		j.failures++
		j.next = time.Now().Add(patience(j.failures))
		s.Log.ErrorContext(ctx, "a card is out of date; it is tried again", "request", id, "failures", j.failures, "err", err)
	default:
		j.failures = 0
		j.next = j.drawn.Add(cardEvery)
		s.drawnIn(now, id, j)
	}
	return err
}

// card does whatever is to do for one request: the plan's CSV, the card, its
// update, the result's CSV, the summary. The record knows how far it came.
func (s *shift) card(ctx context.Context, id string, j *job, now turn) error {
	r, err := s.Book.Pending(ctx, id)
	forged := errors.Is(err, approvals.ErrForged)
	switch {
	case errors.Is(err, approvals.ErrNoRequest):
		return s.out.Shown(ctx, s.owner, id, 0) // nothing is left to show
	case err != nil && !forged:
		return err
	case r.Card.TS == "" && (forged || !r.State.Open()):
		s.Log.WarnContext(ctx, "a request gets no card", "request", id, "state", r.State, "err", err)
		return s.shown(ctx, &r) // it was over before anybody saw it; the trail tells
	case r.Card.TS == "":
		if err := s.first(ctx, &r, now.freeze); err != nil {
			if j.failures+1 >= unseenAfter && ctx.Err() == nil && !fenced(err) {
				s.unseen(ctx, r, err)
			}
			return err
		}
	case j.version != r.Version, j.state != r.State, // a Redis that was set back counts versions anew
		r.State.Open() && j.turn != now.n:
		if err := s.update(ctx, &r, now.freeze, forged); err != nil {
			return err
		}
	}
	j.version, j.state, j.drawn = r.Version, r.State, time.Now()
	if !forged {
		if err := s.end(ctx, &r, j); err != nil {
			return err
		}
	}
	return s.shown(ctx, &r)
}

// shown notes that the card shows this version of the record.
func (s *shift) shown(ctx context.Context, r *approvals.Pending) error {
	last, cancel := s.Web.Finishing(ctx)
	defer cancel()
	return s.out.Shown(last, s.owner, r.ID, r.Version)
}

// keep stores how far a request came in Slack.
func (s *shift) keep(ctx context.Context, r *approvals.Pending) error {
	last, cancel := s.Web.Finishing(ctx)
	defer cancel()
	return s.out.SetCard(last, s.owner, r.ID, r.Card)
}

// first uploads the plan's CSV and posts the card below it.
func (s *shift) first(ctx context.Context, r *approvals.Pending, on approvals.Freeze) error {
	fresh := r.Card == approvals.Card{} // nothing was posted by whoever was here before
	if !r.Card.FileShared {
		if err := s.attachPlan(ctx, r); err != nil {
			return err
		}
	}
	if !fresh {
		ts, err := s.Web.MessageAbout(ctx, r.Channel, web.CardType, r.ID, r.Created)
		if err != nil {
			return err
		}
		r.Card.TS = ts
	}
	if r.Card.TS == "" {
		s.Web.Point("card.before")
		ts, err := s.Web.Post(ctx, r.Channel, cards.Card(s.content(*r, on), s.called(*r)).Options(web.About(web.CardType, r.ID))...)
		if err != nil {
			return err
		}
		s.Web.Point("card.after")
		r.Card.TS = ts
	}
	r.Card.Channel = r.Channel
	defer s.Stir() // entries wait for this
	return s.keep(ctx, r)
}

// content is what the card says. Nobody is asked twice: where the approval is
// typed, its button opens that dialog at once.
func (s *shift) content(r approvals.Pending, on approvals.Freeze) commands.CardContent {
	c := commands.Card(r, on)
	for i, b := range c.Buttons {
		if b.Action == commands.ActApprove && s.Typed != nil && s.Typed(r.Users) {
			c.Buttons[i].Confirm = nil
		}
	}
	return c
}

// called is who is asked to approve: not who asked, who cannot, nor who did.
func (s *shift) called(r approvals.Pending) (call cards.Call) {
	if r.State != approvals.PENDING {
		return call
	}
	for _, id := range s.Approvers {
		switch {
		case strings.HasPrefix(id, "S"):
			call.Groups = append(call.Groups, id)
		case id != r.Requester.ID && !slices.ContainsFunc(r.Approvals, func(a approvals.Approval) bool { return a.By.ID == id }):
			call.People = append(call.People, id)
		}
	}
	return call
}

// attachPlan brings the CSV of the plan into the channel.
func (s *shift) attachPlan(ctx context.Context, r *approvals.Pending) error {
	var csv bytes.Buffer
	sum := audit.SHA(&csv)
	if err := audit.PlanCSV(sum, r.Plan); err != nil {
		return fmt.Errorf("the plan's CSV: %w", err)
	}
	if sum.Sum() != r.PlanSHA {
		return fmt.Errorf("the plan's CSV is not the one that was announced: %w", approvals.ErrForged)
	}
	_, err := s.Web.Upload(ctx, web.Upload{
		Name: r.PlanFile(), Title: r.PlanFile(), Size: sum.Size(), Open: reading(csv.Bytes()), Channel: r.Channel,
		Comment: commands.PlanComment(*r),
		ID:      r.Card.FileID,
		Note: func(id string) error {
			r.Card.FileID = id
			return s.keep(ctx, r)
		},
	})
	if err != nil {
		return fmt.Errorf("the plan's CSV: %w", err)
	}
	r.Card.FileShared = true
	return s.keep(ctx, r)
}

// reading lets the same bytes be read again and again.
func reading(b []byte) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b)), nil }
}

// update draws the card anew, and calls nobody again. A card that somebody
// deleted is posted again for as long as it is of use.
func (s *shift) update(ctx context.Context, r *approvals.Pending, on approvals.Freeze, forged bool) error {
	content := s.content(*r, on)
	if forged {
		content.Buttons = nil
	}
	m := cards.Card(content, cards.Call{})
	changed := m
	if r.Version == asHeld { // no more than a freeze came or went: who is called stays there
		changed = cards.Card(content, s.called(*r))
	}
	err := s.Web.Call(ctx, "chat.update", r.Card.Channel, func(ctx context.Context) error {
		ctx, cancel := s.Web.Finishing(ctx)
		defer cancel()
		_, _, _, err := s.Web.API.UpdateMessageContext(ctx, r.Card.Channel, r.Card.TS, changed.Options()...)
		return err
	})
	if !web.Is(err, web.NoCard...) {
		return err
	}
	s.Log.WarnContext(ctx, "a card cannot be changed any more", "request", r.ID, "err", err)
	if !r.State.Open() || forged {
		return nil
	}
	ts, err := s.Web.MessageAbout(ctx, r.Channel, web.CardType, r.ID, r.Created)
	if err == nil && (ts == "" || ts == r.Card.TS) {
		ts, err = s.Web.Post(ctx, r.Channel, m.Options(web.About(web.CardType, r.ID))...)
	}
	if err != nil {
		return err
	}
	r.Card.Channel, r.Card.TS = r.Channel, ts
	return s.keep(ctx, r)
}
