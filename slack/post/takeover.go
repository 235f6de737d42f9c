package post

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/slack-go/slack"

	"countersign/approvals"
	"countersign/approvals/rules"
	"countersign/audit"
	"countersign/slack/cards"
	"countersign/slack/web"
)

// errSetBack means that Redis was set back, and mended: what this poster
// remembers is of no use any more.
var errSetBack = errors.New("the book was set back, and goes on behind the channel")

// catchUp compares the channel with Redis before anything is posted. When the
// channel knows more, Redis was set back or lost everything: then the numbers
// go on behind the channel's newest entry, nothing that was open runs, a freeze is
// on again, and the answer is errSetBack. seq and hash are what Redis says was
// posted last.
func (s *shift) catchUp(ctx context.Context, seq int64, hash string) error {
	r, err := s.newest(ctx, anyEntry)
	if err != nil {
		return fmt.Errorf("the channel cannot be compared with Redis: %w", err)
	}
	ahead, err := s.ahead(ctx, r.head, seq, hash)
	if err != nil || !ahead {
		return err
	}
	s.Log.ErrorContext(ctx, "the channel knows more than Redis", "channel", r.head.Seq, "redis", seq)
	for _, ts := range slices.Sorted(maps.Keys(r.buttons)) {
		if err := s.void(ctx, ts, r.buttons[ts]); err != nil {
			return err
		}
	}
	frozen, err := s.frozen(ctx)
	if err != nil {
		return fmt.Errorf("whether everything stood still cannot be read: %w", err)
	}
	return cmp.Or(s.out.SetBack(ctx, s.owner, r.head.Seq, r.head.Hash, frozen), errSetBack)
}

// frozen is the freeze that is on as far as the channel shows, or none. One that
// is older than the last trailPages of the channel cannot be known.
func (s *shift) frozen(ctx context.Context) (approvals.Freeze, error) {
	r, err := s.newest(ctx, anyTurn)
	if err != nil || r.turned.Kind != approvals.Frozen {
		return approvals.Freeze{}, err
	}
	by, err := rules.ParsePerson(r.turned.By)
	if err != nil {
		return approvals.Freeze{}, err
	}
	at, err := r.turned.Time()
	return approvals.Freeze{By: by, At: at}, err
}

// What newest reads back to, at least.
func anyEntry(r *reader) bool { return r.head.Seq > 0 }
func anyTurn(r *reader) bool  { return r.turned.Seq > 0 }

// newest reads the channel from its end until it has found something, and nothing
// that a request of these days could stand behind.
func (s *shift) newest(ctx context.Context, found func(*reader) bool) (*reader, error) {
	r, err := s.newReader("")
	if err != nil {
		return nil, err
	}
	cursor, old := "", web.Since(time.Now().Add(-24*time.Hour))
	for range trailPages {
		messages, next, err := s.Web.History(ctx, s.AuditChannel, "", "", cursor)
		if err != nil {
			return nil, err
		}
		for _, m := range messages {
			r.card(m)
			r.entry(ctx, m)
		}
		enough := found(r) && len(messages) > 0 && messages[len(messages)-1].Timestamp < old
		if cursor = next; cursor == "" || enough {
			break
		}
	}
	return r, r.others(ctx, "")
}

// ahead reports whether the channel's newest entry is one that Redis, which
// posted up to seq, does not know. The next one may be there already: its
// poster died before it noted so.
func (s *shift) ahead(ctx context.Context, head audit.Entry, seq int64, hash string) (bool, error) {
	switch {
	case head.Seq == seq+1:
	case head.Seq == seq:
		return head.Hash != hash && seq > 0, nil
	default:
		return head.Seq > seq, nil
	}
	events, err := s.out.Next(ctx, 1)
	if err != nil || len(events) == 0 {
		return true, err
	}
	sealed, err := s.seal(ctx, events[0], hash)
	return sealed.Entry.Hash != head.Hash, err
}

// void ends a request that is in the channel and nowhere else.
func (s *shift) void(ctx context.Context, ts, request string) error {
	if _, err := s.Book.Pending(ctx, request); !errors.Is(err, approvals.ErrNoRequest) {
		return nil
	}
	gone := approvals.Event{Kind: approvals.Void, Request: request}
	if err := s.Book.Note(ctx, "void "+request, gone); err != nil {
		return err
	}
	m := cards.Reply(cards.Escape(audit.Sentence(gone)), "")
	err := s.Web.Call(ctx, "chat.update", s.AuditChannel, func(ctx context.Context) error {
		_, _, _, err := s.Web.API.UpdateMessageContext(ctx, s.AuditChannel, ts, m.Options(web.About(web.CardType, request))...)
		return err
	})
	if err != nil { // its buttons answer that there is no such request
		s.Log.WarnContext(ctx, "the card of a lost request still has its buttons", "request", request, "err", err)
	}
	return nil
}

// hasButtons reports whether a card asks people for something.
func hasButtons(m slack.Message) bool {
	return slices.ContainsFunc(m.Blocks.BlockSet, func(b slack.Block) bool { return b.BlockType() == slack.MBTAction })
}
