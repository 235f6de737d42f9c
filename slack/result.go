package slack

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"countersign/approvals"
	"countersign/audit"
	"countersign/slack/cards"
)

// ran are the states that end a run and have a result.
var ran = []approvals.State{approvals.DONE, approvals.DONE_WITH_ERRORS, approvals.STOPPED}

// end brings the result of a run that is over: its CSV into the thread of the
// card, and one line to the channel.
func (p *poster) end(ctx context.Context, r *approvals.Pending, j *job) error {
	if !slices.Contains(ran, r.State) || r.Plan.IsZero() {
		return nil
	}
	file := error(nil)
	if !r.Card.ResultDone {
		file = p.attachResult(ctx, r)
		switch {
		case errors.Is(file, errNotPrivate): // it will not go away by trying
			p.Log.ErrorContext(ctx, "a result has no place", "request", r.ID, "channel", r.Channel, "err", file)
			file = nil
		case file != nil && (fenced(file) || j.failures+1 < summaryAfter):
			return file
		}
	}
	if !j.told {
		if err := p.summary(ctx, *r); err != nil {
			return errors.Join(err, file)
		}
		j.told = true
	}
	return file
}

// attachResult brings the CSV of the result into the thread of the card.
func (p *poster) attachResult(ctx context.Context, r *approvals.Pending) error {
	outcomes, err := p.Book.Outcomes(ctx, r.ID)
	if err != nil {
		return fmt.Errorf("the result's CSV: %w", err)
	}
	var csv bytes.Buffer
	sum := audit.SHA(&csv)
	if err := audit.ResultCSV(sum, r.Plan, outcomes); err != nil {
		return fmt.Errorf("the result's CSV: %w", err)
	}
	if sum.Sum() != r.ResultSHA {
		p.Log.ErrorContext(ctx, "the result's CSV is not the one that the trail names", "request", r.ID)
	}
	u := upload{
		name: r.ResultFile(), title: r.ResultFile(), size: sum.Size(), open: reading(csv.Bytes()),
		channel: r.Card.Channel, thread: r.Card.TS,
		comment: cards.Escape(fmt.Sprintf("Request %s: what became of each user. %s.", r.ID, audit.Summary(*r))),
		id:      r.Card.ResultID,
		note: func(id string) error {
			r.Card.ResultID = id
			return p.keep(ctx, r)
		},
	}
	_, err = p.upload(ctx, u)
	if is(err, notInThread...) {
		u.thread, u.id = "", r.Card.ResultID
		_, err = p.upload(ctx, u)
	}
	if err != nil {
		return fmt.Errorf("the result's CSV: %w", err)
	}
	r.Card.ResultDone = true
	return p.keep(ctx, r)
}

// summary posts the one line about a run, unless it is in the channel already.
func (p *poster) summary(ctx context.Context, r approvals.Pending) error {
	ts, err := p.messageAbout(ctx, r.Card.Channel, summaryType, r.ID, r.Ended)
	if err != nil || ts != "" {
		return err
	}
	text := fmt.Sprintf("%s · <@%s>", cards.Escape(audit.Summary(r)), r.Requester.ID)
	hint := "Request " + r.ID
	if link := p.permalink(ctx, r.Card.Channel, r.Card.TS); link != "" {
		hint = "<" + link + "|Request " + r.ID + ">"
	}
	if r.Card.ResultDone {
		hint += " · the result for each user is a CSV in its thread"
	}
	p.Point("summary.before")
	_, err = p.post(ctx, r.Card.Channel, message(cards.Reply(text, hint), about(summaryType, r.ID))...)
	p.Point("summary.after")
	return err
}
