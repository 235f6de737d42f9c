package post

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/slack-go/slack"

	"countersign/approvals"
	"countersign/slack/cards"
	"countersign/slack/trail"
	"countersign/slack/web"
)

// checkpointRetry is the wait after a checkpoint that could not be posted.
const checkpointRetry = 10 * time.Minute

// checkpoints brings the head of the trail, signed, to a channel that others keep,
// once a day. An entry says so.
func (s *shift) checkpoints(ctx context.Context) error {
	if s.CheckpointChannel == "" {
		<-ctx.Done()
		return nil
	}
	for wait := time.Minute; web.Sleep(ctx, wait); {
		wait = time.Minute
		err := web.Guarded(func() error { return s.checkpoint(ctx) })
		if err != nil && ctx.Err() == nil {
			wait = checkpointRetry
			s.Log.ErrorContext(ctx, "today's checkpoint is not posted; it is tried again", "channel", s.CheckpointChannel, "err", err)
		}
	}
	return nil
}

func (s *shift) checkpoint(ctx context.Context) error {
	now, err := s.Book.Now(ctx)
	if err != nil {
		return err
	}
	said := "checkpoint " + now.UTC().Format(time.DateOnly)
	if before, err := s.Book.Seen(ctx, said); err != nil || before {
		return err
	}
	seq, hash, err := s.out.Head(ctx)
	if err != nil || seq == 0 { // there is no trail yet
		return err
	}
	text, err := s.Trail.Checkpoint(seq, hash)
	if err != nil {
		return err
	}
	if _, err := s.Web.Post(ctx, s.CheckpointChannel, checkpointMessage(text, seq, hash)...); err != nil {
		return err
	}
	noted, cancel := s.Web.Finishing(ctx)
	defer cancel()
	_, once := s.Book.Once(noted, said, 48*time.Hour) // twice is better than never
	e := approvals.Event{Kind: approvals.Checkpoint, Facts: approvals.Facts{Detail: fmt.Sprintf("#%d %.6s", seq, hash)}}
	err = s.Book.Note(noted, "note of "+said, e)
	s.Stir()
	return errors.Join(once, err)
}

// checkpointMessage shows the note as it is, and below it what it is for.
func checkpointMessage(text string, seq int64, hash string) []slack.MsgOption {
	m := cards.Entry(text, "The signed head of Countersign's trail. bot audit verify --live compares it with the audit channel.")
	return m.Options(slack.MsgOptionMetadata(slack.SlackMetadata{
		EventType: trail.CheckpointType, EventPayload: map[string]any{"seq": seq, "hash": hash},
	}))
}
