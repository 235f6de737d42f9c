package post

import (
	"cmp"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"countersign/approvals"
	"countersign/audit"
	"countersign/slack/trail"
	"countersign/slack/web"
)

// What reading the trail back may cost.
const (
	trailPages   = 20               // of a channel, or of a thread
	trailThreads = 10               // of other requests
	trailTime    = 15 * time.Second // Slack wanting us to wait for longer is an error
)

// Entries reads the trail back from Slack: its newest number, and its entries
// about a request since the oldest of its approvals, in their order. An executor
// compares them with what Redis says. What others posted, and what was not
// sealed with a key of this trail, does not count.
func (p *Poster) Entries(ctx context.Context, request string) (head uint64, entries []audit.Entry, err error) {
	ctx, cancel := context.WithTimeout(ctx, trailTime)
	defer cancel()
	if err := p.Web.Introduced(ctx); err != nil {
		return 0, nil, err
	}
	pending, err := p.Book.Pending(ctx, request)
	if err != nil {
		return 0, nil, err
	}
	r, err := p.newReader(request)
	if err != nil {
		return 0, nil, err
	}
	// Redis may have forgotten what came after its newest approval, or that an
	// older one was withdrawn.
	from := pending.Created
	for i, a := range pending.Approvals {
		if i == 0 || a.At.Before(from) {
			from = a.At
		}
	}
	if err := r.read(ctx, "", web.Since(from)); err != nil {
		return 0, nil, err
	}
	if err := r.threads(ctx, pending, web.Since(from)); err != nil {
		return 0, nil, err
	}
	entries = slices.SortedFunc(maps.Values(r.entries), func(a, b audit.Entry) int { return int(a.Seq - b.Seq) })
	return uint64(r.head.Seq), entries, nil
}

// A reader collects what the channel shows of the trail.
type reader struct {
	*Poster
	sealed  seals
	request string

	head    audit.Entry            // the one with the highest number
	turned  audit.Entry            // the newest freeze, or end of one
	newest  string                 // ts of the newest message with an entry
	entries map[string]audit.Entry // about the request, by hash
	cards   map[string]string      // ts of a card => ts of the latest reply to it
	own     []string               // the cards of the request
	buttons map[string]string      // ts of a card with buttons => its request
}

func (p *Poster) newReader(request string) (*reader, error) {
	sealed, err := sealsOf(p.Trail)
	return &reader{
		Poster: p, sealed: sealed, request: request,
		entries: map[string]audit.Entry{}, cards: map[string]string{}, buttons: map[string]string{},
	}, err
}

// read reads the audit channel, or a thread of it, from a ts on.
func (r *reader) read(ctx context.Context, thread, oldest string) error {
	cursor := ""
	for range trailPages {
		messages, next, err := r.Web.History(ctx, r.AuditChannel, thread, oldest, cursor)
		if web.Is(err, "thread_not_found") {
			return nil
		}
		if err != nil {
			return err
		}
		for _, m := range messages {
			if thread == "" {
				r.card(m)
			}
			r.entry(ctx, m)
		}
		if cursor = next; cursor == "" {
			return nil
		}
	}
	return fmt.Errorf("more than %d messages in %s since %s", trailPages*web.HistoryPage, r.AuditChannel, oldest)
}

// card notes a message that has a thread of the trail. A card that was deleted
// leaves its thread.
func (r *reader) card(m slack.Message) {
	switch {
	case m.User == r.Web.Identity().User && m.Metadata.EventType == web.CardType:
		r.cards[m.Timestamp] = cmp.Or(m.LatestReply, unknownReply)
		request, _ := m.Metadata.EventPayload["request"].(string)
		if request == r.request {
			r.own = append(r.own, m.Timestamp)
		}
		if hasButtons(m) {
			r.buttons[m.Timestamp] = request
		}
	case m.SubType == "tombstone":
		r.cards[m.Timestamp] = cmp.Or(m.LatestReply, unknownReply)
	}
}

// entry notes a message that is an entry of ours.
func (r *reader) entry(ctx context.Context, m slack.Message) {
	if m.Metadata.EventType != audit.EventType {
		return
	}
	e, err := r.sealed.entry(m)
	if err == nil && m.User != r.Web.Identity().User {
		err = fmt.Errorf("%s posted it", m.User)
	}
	if err != nil {
		r.Log.WarnContext(ctx, "an entry in the channel is none of ours", "ts", m.Timestamp, "err", err)
		return
	}
	if e.Seq > r.head.Seq {
		r.head = e
	}
	if (e.Kind == approvals.Frozen || e.Kind == approvals.Unfrozen) && e.Seq > r.turned.Seq {
		r.turned = e
	}
	r.newest = max(r.newest, m.Timestamp)
	if e.Request == r.request {
		r.entries[e.Hash] = e
	}
}

// threads reads the threads of the request's cards, and of others whose replies are newer
// than any entry so far: the trail's newest number may stand there.
func (r *reader) threads(ctx context.Context, p approvals.Pending, oldest string) error {
	open, err := r.Book.Open(ctx)
	if err != nil {
		return err
	}
	for _, other := range append(open, p) {
		c := other.Card
		if _, known := r.cards[c.TS]; c.TS == "" || c.Channel != r.AuditChannel || known {
			continue
		}
		r.cards[c.TS] = unknownReply
		if other.ID == r.request {
			r.own = append(r.own, c.TS)
		}
	}
	for _, ts := range r.own {
		if err := r.read(ctx, ts, oldest); err != nil {
			return err
		}
		delete(r.cards, ts)
	}
	return r.others(ctx, oldest)
}

// unknownReply stands for the latest reply to a card that was posted before the
// messages that were read, or of which Slack does not tell it.
const unknownReply = "later than any"

// others reads the threads that may hold the newest entry, those with the newest replies first.
func (r *reader) others(ctx context.Context, oldest string) error {
	cards := slices.SortedFunc(maps.Keys(r.cards), func(a, b string) int {
		return cmp.Or(strings.Compare(r.cards[b], r.cards[a]), strings.Compare(b, a))
	})
	for _, ts := range cards[:min(len(cards), trailThreads)] {
		if r.cards[ts] <= r.newest {
			return nil
		}
		if err := r.read(ctx, ts, max(oldest, r.newest)); err != nil {
			return err
		}
	}
	return nil
}

// seals are what makes an entry one of a trail.
type seals struct {
	chain string
	keys  []ed25519.PublicKey
}

// sealsOf asks a trail for the seals it gives.
func sealsOf(t *audit.Trail) (seals, error) {
	own, err := t.Seal(approvals.Event{Seq: 1, Kind: approvals.Key}, "") // names chain and key; it is posted nowhere
	if err != nil {
		return seals{}, err
	}
	key, err := base64.StdEncoding.DecodeString(own.Entry.Key)
	all := seals{own.Entry.Chain, []ed25519.PublicKey{key}}
	if t.Former != nil {
		all.keys = append(all.keys, t.Former.Public().(ed25519.PublicKey))
	}
	return all, err
}

// entry returns the entry that a message carries, if it is of this trail and as
// it was sealed.
func (s seals) entry(m slack.Message) (audit.Entry, error) {
	e, err := audit.ParsePayload(m.Metadata.EventPayload)
	if err != nil {
		return e, err
	}
	raw, err := audit.Sealed{Entry: e, Text: trail.Sentence(m)}.Marshal()
	if err == nil {
		_, err = audit.ParseSealed(raw) // compares hash and sentence
	}
	if err != nil {
		return e, err
	}
	sum, err := hex.DecodeString(e.Hash)
	if err != nil {
		return e, err
	}
	sig, err := base64.StdEncoding.DecodeString(e.Sig)
	signed := func(key ed25519.PublicKey) bool { return ed25519.Verify(key, sum, sig) }
	switch {
	case err != nil:
		return e, err
	case e.Chain != s.chain:
		return e, fmt.Errorf("#%d is of the chain %q", e.Seq, e.Chain)
	case !slices.ContainsFunc(s.keys, signed):
		return e, fmt.Errorf("#%d is not signed by us", e.Seq)
	}
	return e, nil
}
