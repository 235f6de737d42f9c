package post

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/slack-go/slack"

	"countersign/approvals"
	"countersign/audit"
	"countersign/slack/cards"
	"countersign/slack/web"
)

// entryBatch is how many events are read at once.
const entryBatch = 20

// entries posts the events of the outbox in their order, for as long as the
// lease holds.
func (s *shift) entries(ctx context.Context) error {
	failures := 0
	for ctx.Err() == nil {
		n := 0
		err := web.Guarded(func() (err error) {
			n, err = s.batch(ctx)
			return err
		})
		switch {
		case ctx.Err() != nil:
			return nil
		case fenced(err), errors.Is(err, errSetBack):
			return err
		case err != nil:
			failures++
			s.noteTrouble(err)
			s.Log.ErrorContext(ctx, "an entry could not be posted; it is tried again", "failures", failures, "err", err)
			web.Sleep(ctx, patience(failures))
			continue
		}
		failures = 0
		s.noteTrouble(nil)
		if n == 0 {
			s.rest(ctx, s.news.entries, s.Poll)
		}
	}
	return nil
}

// batch posts some entries and says how many.
func (s *shift) batch(ctx context.Context) (n int, err error) {
	seq, prev, err := s.out.Head(ctx)
	if err != nil {
		return 0, err
	}
	if !s.compared || seq < s.last { // Redis may be set back under our feet
		if err := s.catchUp(ctx, seq, prev); err != nil {
			return 0, err
		}
		s.compared, s.last = true, seq
	}
	events, broken := s.out.Next(ctx, entryBatch)
	for n, e := range events {
		if prev, err = s.entry(ctx, e, prev); err != nil {
			return n, fmt.Errorf("#%d: %w", e.Seq, err)
		}
	}
	return len(events), broken
}

// entry seals an event, posts it and marks it, and returns its hash.
func (s *shift) entry(ctx context.Context, e approvals.Event, prev string) (hash string, err error) {
	sealed, err := s.seal(ctx, e, prev)
	if err != nil {
		return "", err
	}
	to, err := s.place(ctx, e)
	if err != nil {
		return "", err
	}
	if err := s.postEntry(ctx, e, sealed, to); err != nil {
		return "", err
	}
	s.inform(ctx, e, to)
	last, cancel := s.Web.Finishing(ctx)
	defer cancel()
	if err := s.out.Posted(last, s.owner, e.Seq, sealed.Entry.Hash); err != nil {
		s.unsure = true
		return "", err
	}
	s.last = e.Seq
	s.Log.InfoContext(ctx, "head of the trail", "seq", e.Seq, "hash", sealed.Entry.Hash, "kind", e.Kind)
	if s.Posted != nil {
		s.Posted(string(e.Kind), time.Since(e.At))
	}
	return sealed.Entry.Hash, nil
}

// seal returns the entry of an event. One that was sealed before is never
// sealed again.
func (s *shift) seal(ctx context.Context, e approvals.Event, prev string) (audit.Sealed, error) {
	sealed, err := s.Trail.Seal(e, prev)
	if err != nil {
		return sealed, err
	}
	raw, err := sealed.Marshal()
	if err != nil {
		return sealed, err
	}
	if newest, err := s.signsNow(ctx); err != nil || !newest {
		return sealed, cmp.Or(err, approvals.ErrFenced)
	}
	if raw, err = s.out.Seal(ctx, s.owner, e.Seq, raw); err != nil {
		return sealed, err
	}
	return audit.ParseSealed(raw)
}

// A place is where an entry goes.
type place struct {
	channel string
	thread  string // the card, where card and trail share a channel
	card    slack.ItemRef
}

// inThread are the kinds that belong to the life of a request. All others stand
// top-level, whatever request they speak of.
var inThread = map[approvals.Kind]bool{
	approvals.Requested: true, approvals.Approved: true, approvals.Withdrawn: true, approvals.Rejected: true,
	approvals.Cancelled: true, approvals.Expired: true, approvals.Started: true, approvals.Stopped: true,
	approvals.Finished: true, approvals.Review: true, approvals.Resumed: true, approvals.Closed: true,
	approvals.Void: true,
}

// place says where the entry goes. It waits for the card of its request, but
// not longer than CardWait after the event, and not for a card that will not come.
func (s *shift) place(ctx context.Context, e approvals.Event) (place, error) {
	top := place{channel: s.AuditChannel}
	if e.Request == "" || !inThread[e.Kind] {
		return top, nil
	}
	for {
		r, err := s.Book.Pending(ctx, e.Request)
		switch {
		case errors.Is(err, approvals.ErrNoRequest), errors.Is(err, approvals.ErrForged):
			return top, nil // nothing in a forged record says where to post
		case err != nil:
			return top, err
		case r.Card.TS != "":
			top.card = slack.ItemRef{Channel: r.Card.Channel, Timestamp: r.Card.TS}
			if r.Channel == s.AuditChannel && r.Card.Channel == r.Channel {
				top.thread = r.Card.TS
			}
			return top, nil
		case !r.State.Open():
			return top, nil
		}
		now, err := s.Book.Now(ctx)
		if err != nil {
			return top, err
		}
		left := s.CardWait - now.Sub(e.At)
		if left <= 0 {
			s.Log.WarnContext(ctx, "an entry goes out without its card", "seq", e.Seq, "request", e.Request)
			return top, nil
		}
		if s.rest(ctx, s.news.entries, min(left, s.Poll)); ctx.Err() != nil {
			return top, ctx.Err()
		}
	}
}

// postEntry posts the entry, unless it is in Slack already.
func (s *shift) postEntry(ctx context.Context, e approvals.Event, sealed audit.Sealed, to place) error {
	if s.unsure {
		there, err := s.isPosted(ctx, e, sealed.Entry, to)
		if err != nil {
			return err
		}
		s.unsure = false
		if there {
			return nil
		}
	}
	s.Web.Point("post.before")
	_, err := s.Web.Post(ctx, to.channel, s.entryMessage(ctx, sealed, to)...)
	if web.Is(err, web.NotInThread...) && to.thread != "" {
		to.thread = ""
		_, err = s.Web.Post(ctx, to.channel, s.entryMessage(ctx, sealed, to)...)
	}
	s.Web.Point("post.after")
	s.unsure = web.Ambiguous(err)
	return err
}

// entryMessage is the entry as a message: its sentence, and the small line of the chain.
func (s *shift) entryMessage(ctx context.Context, sealed audit.Sealed, to place) []slack.MsgOption {
	m := cards.Entry(sealed.Text, sealed.Entry.Line())
	if link := s.link(ctx, to); link != "" {
		m.Blocks = append(m.Blocks, slack.NewContextBlock("", slack.NewTextBlockObject(
			slack.MarkdownType, "<"+link+"|Card of "+sealed.Entry.Request+">", false, true)))
	}
	options := m.Options(slack.MsgOptionMetadata(slack.SlackMetadata{
		EventType: audit.EventType, EventPayload: sealed.Entry.Payload(),
	}))
	if to.thread != "" {
		options = append(options, slack.MsgOptionTS(to.thread))
	}
	return options
}

// link is the address of the card, for an entry that stands elsewhere. It is a
// kindness: without it the entry goes out all the same.
func (s *shift) link(ctx context.Context, to place) string {
	if to.thread != "" || to.card.Timestamp == "" {
		return ""
	}
	return s.Web.Permalink(ctx, to.card.Channel, to.card.Timestamp)
}

// isPosted looks for an entry where it may have been posted: top-level, and in the
// thread of its card.
func (s *shift) isPosted(ctx context.Context, e approvals.Event, entry audit.Entry, to place) (bool, error) {
	wanted := func(m slack.Message) bool {
		if m.Metadata.EventType != audit.EventType {
			return false
		}
		there, err := audit.ParsePayload(m.Metadata.EventPayload)
		if err != nil || there.Chain != entry.Chain || there.Seq != entry.Seq {
			return false
		}
		if there.Hash != entry.Hash {
			s.Log.ErrorContext(ctx, "the channel has another entry with this number", "seq", entry.Seq, "ts", m.Timestamp)
		}
		return there.Hash == entry.Hash
	}
	threads := []string{""}
	if to.thread != "" {
		threads = append(threads, to.thread)
	}
	for _, thread := range threads {
		ts, err := s.Web.Search(ctx, to.channel, thread, e.At, wanted)
		if err != nil || ts != "" {
			return ts != "", err
		}
	}
	return false, nil
}
