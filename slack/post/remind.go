package post

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/slack-go/slack"

	"countersign/approvals"
	"countersign/commands"
	"countersign/slack/cards"
	"countersign/slack/web"
)

// remindEvery is how often the poster looks for requests to remind of. With
// less time than that left, nobody is reminded: the call on the card is as fresh.
const remindEvery = time.Minute

// reminders calls the approvers again, once, when half of a request's time is
// over. A reminder is no entry of the trail: nothing happened.
func (s *shift) reminders(ctx context.Context) error {
	for web.Sleep(ctx, remindEvery) {
		if err := web.Guarded(func() error { return s.remind(ctx) }); err != nil && ctx.Err() == nil {
			s.Log.ErrorContext(ctx, "approvers were not reminded; it is tried again", "err", err)
		}
	}
	return nil
}

func (s *shift) remind(ctx context.Context) error {
	open, err := s.Book.Open(ctx)
	if err != nil {
		return err
	}
	now, err := s.Book.Now(ctx)
	if err != nil {
		return err
	}
	var errs []error // one channel that is gone does not silence the others
	for _, r := range open {
		half := r.Deadline.Add(-r.Deadline.Sub(r.Created) / 2)
		if r.State != approvals.PENDING || r.Card.TS == "" || now.Before(half) || r.Deadline.Sub(now) < remindEvery {
			continue
		}
		if err := s.remindOf(ctx, r); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", r.ID, err))
		}
	}
	return errors.Join(errs...)
}

// remindOf says it below the card, where a mention still rings.
func (s *shift) remindOf(ctx context.Context, r approvals.Pending) error {
	said := "reminder " + r.ID
	if before, err := s.Book.Seen(ctx, said); err != nil || before {
		return err
	}
	m := cards.Reminder(commands.Reminder(r), s.called(r))
	if _, err := s.Web.Post(ctx, r.Card.Channel, m.Options(slack.MsgOptionTS(r.Card.TS))...); err != nil {
		return err
	}
	noted, cancel := s.Web.Finishing(ctx)
	defer cancel()
	_, err := s.Book.Once(noted, said, toldOnce) // twice is better than never
	return err
}
