package post

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"countersign/approvals"
	"countersign/audit"
	"countersign/slack/cards"
	"countersign/slack/web"
)

// ran are the states that end a run and have a result.
var ran = []approvals.State{approvals.DONE, approvals.DONE_WITH_ERRORS, approvals.STOPPED}

// end brings the result of a run that is over: its CSV into the thread of the
// card, and one line to the channel.
func (s *shift) end(ctx context.Context, r *approvals.Pending, j *job) error {
	if !slices.Contains(ran, r.State) || r.Plan.IsZero() {
		return nil
	}
	file := error(nil)
	if !r.Card.ResultDone {
		file = s.attachResult(ctx, r)
		switch {
		case errors.Is(file, web.ErrNotPrivate): // it will not go away by trying
			s.Log.ErrorContext(ctx, "a result has no place", "request", r.ID, "channel", r.Channel, "err", file)
			file = nil
		case file != nil && (fenced(file) || j.failures+1 < summaryAfter):
			return file
		}
	}
	if !j.told {
		if err := s.summary(ctx, *r); err != nil {
			return errors.Join(err, file)
		}
		j.told = true
	}
	return file
}

// attachResult brings the CSV of the result into the thread of the card.
func (s *shift) attachResult(ctx context.Context, r *approvals.Pending) error {
	outcomes, err := s.Book.Outcomes(ctx, r.ID)
	if err != nil {
		return fmt.Errorf("the result's CSV: %w", err)
	}
	var csv bytes.Buffer
	sum := audit.SHA(&csv)
	if err := audit.ResultCSV(sum, r.Plan, outcomes); err != nil {
		return fmt.Errorf("the result's CSV: %w", err)
	}
	if sum.Sum() != r.ResultSHA {
		s.Log.ErrorContext(ctx, "the result's CSV is not the one that the trail names", "request", r.ID)
	}
	u := web.Upload{
		Name: r.ResultFile(), Title: r.ResultFile(), Size: sum.Size(), Open: reading(csv.Bytes()),
		Channel: r.Card.Channel, Thread: r.Card.TS,
		Comment: cards.Escape(fmt.Sprintf("Request %s: what became of each user. %s.", r.ID, audit.Summary(*r))),
		ID:      r.Card.ResultID,
		Note: func(id string) error {
			r.Card.ResultID = id
			return s.keep(ctx, r)
		},
	}
	_, err = s.Web.Upload(ctx, u)
	if web.Is(err, web.NotInThread...) {
		u.Thread, u.ID = "", r.Card.ResultID
		_, err = s.Web.Upload(ctx, u)
	}
	if err != nil {
		return fmt.Errorf("the result's CSV: %w", err)
	}
	r.Card.ResultDone = true
	return s.keep(ctx, r)
}

// summary posts the one line about a run, unless it is in the channel already.
func (s *shift) summary(ctx context.Context, r approvals.Pending) error {
	ts, err := s.Web.MessageAbout(ctx, r.Card.Channel, web.SummaryType, r.ID, r.Ended)
	if err != nil || ts != "" {
		return err
	}
	text := fmt.Sprintf("%s · <@%s>", cards.Escape(audit.Summary(r)), r.Requester.ID)
	hint := "Request " + r.ID
	if link := s.Web.Permalink(ctx, r.Card.Channel, r.Card.TS); link != "" {
		hint = "<" + link + "|Request " + r.ID + ">"
	}
	if r.Card.ResultDone {
		hint += " · the result for each user is a CSV in its thread"
	}
	s.Web.Point("summary.before")
	_, err = s.Web.Post(ctx, r.Card.Channel, cards.Reply(text, hint).Options(web.About(web.SummaryType, r.ID))...)
	s.Web.Point("summary.after")
	return err
}
