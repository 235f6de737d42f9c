package slack

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/slack-go/slack"

	"countersign/approvals"
	"countersign/audit"
	"countersign/slack/cards"
)

// entryBatch is how many events are read at once.
const entryBatch = 20

// entries posts the events of the outbox in their order, for as long as the
// lease holds.
func (p *poster) entries(ctx context.Context) error {
	failures := 0
	for ctx.Err() == nil {
		n := 0
		err := guarded(func() (err error) {
			n, err = p.batch(ctx)
			return err
		})
		switch {
		case ctx.Err() != nil:
			return nil
		case fenced(err), errors.Is(err, errSetBack):
			return err
		case err != nil:
			failures++
			p.health.posted(err)
			p.Log.ErrorContext(ctx, "an entry could not be posted; it is tried again", "failures", failures, "err", err)
			sleep(ctx, patience(failures))
			continue
		}
		failures = 0
		p.health.posted(nil)
		if n == 0 {
			p.rest(ctx, p.news.entries, p.Poll)
		}
	}
	return nil
}

// batch posts some entries and says how many.
func (p *poster) batch(ctx context.Context) (n int, err error) {
	seq, prev, err := p.out.Head(ctx)
	if err != nil {
		return 0, err
	}
	if !p.compared || seq < p.last { // Redis may be set back under our feet
		if err := p.catchUp(ctx, seq, prev); err != nil {
			return 0, err
		}
		p.compared, p.last = true, seq
	}
	events, broken := p.out.Next(ctx, entryBatch)
	for n, e := range events {
		if prev, err = p.entry(ctx, e, prev); err != nil {
			return n, fmt.Errorf("#%d: %w", e.Seq, err)
		}
	}
	return len(events), broken
}

// entry seals an event, posts it and marks it, and returns its hash.
func (p *poster) entry(ctx context.Context, e approvals.Event, prev string) (hash string, err error) {
	sealed, err := p.seal(ctx, e, prev)
	if err != nil {
		return "", err
	}
	to, err := p.place(ctx, e)
	if err != nil {
		return "", err
	}
	if err := p.postEntry(ctx, e, sealed, to); err != nil {
		return "", err
	}
	p.inform(ctx, e, to)
	last, cancel := p.finishing(ctx)
	defer cancel()
	if err := p.out.Posted(last, p.owner, e.Seq, sealed.Entry.Hash); err != nil {
		p.unsure = true
		return "", err
	}
	p.last = e.Seq
	p.Log.InfoContext(ctx, "head of the trail", "seq", e.Seq, "hash", sealed.Entry.Hash, "kind", e.Kind)
	if p.Meter.Posted != nil {
		p.Meter.Posted(string(e.Kind), time.Since(e.At))
	}
	return sealed.Entry.Hash, nil
}

// seal returns the entry of an event. One that was sealed before is never
// sealed again.
func (p *poster) seal(ctx context.Context, e approvals.Event, prev string) (audit.Sealed, error) {
	sealed, err := p.Trail.Seal(e, prev)
	if err != nil {
		return sealed, err
	}
	raw, err := sealed.Marshal()
	if err != nil {
		return sealed, err
	}
	if raw, err = p.out.Seal(ctx, p.owner, e.Seq, raw); err != nil {
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
func (p *poster) place(ctx context.Context, e approvals.Event) (place, error) {
	top := place{channel: p.AuditChannel}
	if e.Request == "" || !inThread[e.Kind] {
		return top, nil
	}
	for {
		r, err := p.Book.Pending(ctx, e.Request)
		switch {
		case errors.Is(err, approvals.ErrNoRequest), errors.Is(err, approvals.ErrForged):
			return top, nil // nothing in a forged record says where to post
		case err != nil:
			return top, err
		case r.Card.TS != "":
			top.card = slack.ItemRef{Channel: r.Card.Channel, Timestamp: r.Card.TS}
			if r.Channel == p.AuditChannel && r.Card.Channel == r.Channel {
				top.thread = r.Card.TS
			}
			return top, nil
		case !r.State.Open():
			return top, nil
		}
		now, err := p.Book.Now(ctx)
		if err != nil {
			return top, err
		}
		left := p.CardWait - now.Sub(e.At)
		if left <= 0 {
			p.Log.WarnContext(ctx, "an entry goes out without its card", "seq", e.Seq, "request", e.Request)
			return top, nil
		}
		if p.rest(ctx, p.news.entries, min(left, p.Poll)); ctx.Err() != nil {
			return top, ctx.Err()
		}
	}
}

// postEntry posts the entry, unless it is in Slack already.
func (p *poster) postEntry(ctx context.Context, e approvals.Event, sealed audit.Sealed, to place) error {
	if p.unsure {
		there, err := p.isPosted(ctx, e, sealed.Entry, to)
		if err != nil {
			return err
		}
		p.unsure = false
		if there {
			return nil
		}
	}
	p.Point("post.before")
	_, err := p.post(ctx, to.channel, p.entryMessage(ctx, sealed, to)...)
	if is(err, notInThread...) && to.thread != "" {
		to.thread = ""
		_, err = p.post(ctx, to.channel, p.entryMessage(ctx, sealed, to)...)
	}
	p.Point("post.after")
	p.unsure = ambiguous(err)
	return err
}

// entryMessage is the entry as a message: its sentence, and the small line of the chain.
func (p *poster) entryMessage(ctx context.Context, sealed audit.Sealed, to place) []slack.MsgOption {
	m := cards.Entry(sealed.Text, sealed.Entry.Line())
	if link := p.link(ctx, to); link != "" {
		m.Blocks = append(m.Blocks, slack.NewContextBlock("", slack.NewTextBlockObject(
			slack.MarkdownType, "<"+link+"|Card of "+sealed.Entry.Request+">", false, true)))
	}
	options := message(m, slack.MsgOptionMetadata(slack.SlackMetadata{
		EventType: audit.EventType, EventPayload: sealed.Entry.Payload(),
	}))
	if to.thread != "" {
		options = append(options, slack.MsgOptionTS(to.thread))
	}
	return options
}

// link is the address of the card, for an entry that stands elsewhere. It is a
// kindness: without it the entry goes out all the same.
func (p *poster) link(ctx context.Context, to place) string {
	if to.thread != "" || to.card.Timestamp == "" {
		return ""
	}
	return p.permalink(ctx, to.card.Channel, to.card.Timestamp)
}

func (s *Slack) permalink(ctx context.Context, channel, ts string) (link string) {
	err := s.call(ctx, "chat.getPermalink", "", func(ctx context.Context) (err error) {
		link, err = s.api.GetPermalinkContext(ctx, &slack.PermalinkParameters{Channel: channel, Ts: ts})
		return err
	})
	if err != nil {
		s.Log.InfoContext(ctx, "a message has no link", "channel", channel, "ts", ts, "err", err)
	}
	return link
}

// isPosted looks for an entry where it may have been posted: top-level, and in the
// thread of its card.
func (p *poster) isPosted(ctx context.Context, e approvals.Event, entry audit.Entry, to place) (bool, error) {
	wanted := func(m slack.Message) bool {
		if m.Metadata.EventType != audit.EventType {
			return false
		}
		there, err := audit.ParsePayload(m.Metadata.EventPayload)
		if err != nil || there.Chain != entry.Chain || there.Seq != entry.Seq {
			return false
		}
		if there.Hash != entry.Hash {
			p.Log.ErrorContext(ctx, "the channel has another entry with this number", "seq", entry.Seq, "ts", m.Timestamp)
		}
		return there.Hash == entry.Hash
	}
	threads := []string{""}
	if to.thread != "" {
		threads = append(threads, to.thread)
	}
	for _, thread := range threads {
		ts, err := p.search(ctx, to.channel, thread, e.At, wanted)
		if err != nil || ts != "" {
			return ts != "", err
		}
	}
	return false, nil
}
