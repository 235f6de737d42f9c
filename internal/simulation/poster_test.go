package simulation

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"countersign/approvals"
	"countersign/audit"
	"countersign/execution"
)

// A posted is one message of the trail in the channel.
type posted struct {
	seq    int64
	sealed []byte
	entry  audit.Entry
}

// heartbeat is nearly the product's 5 s. Where it beats in the very moment in which
// a pause of the same run ends, it would depend on the machine who is first.
const heartbeat = 4901 * time.Millisecond

// startReplica starts a process that carries plans out.
func (w *world) startReplica() {
	w.replicas++
	w.spawn(fmt.Sprint("replica", w.replicas), false, func(a *actor) {
		users := &caller{cloud: w.cloud, a: a, seen: map[userID]int{}}
		cfg := execution.Config{
			Book: a.book, Users: users, Policy: a.policy, Directory: w.office, Point: a.point,
			Poll: w.poll, Rand: a.jitter, Off: w.off.off, Entries: w.entries, Heartbeat: heartbeat,
		}
		if w.off.config != nil {
			w.off.config(&cfg)
		}
		_ = execution.New(cfg).Run(a.ctx)
	})
}

// entries is what the channel knows about a request.
func (w *world) entries(_ context.Context, request string) (head uint64, entries []audit.Entry, err error) {
	for _, p := range w.channel {
		head = max(head, uint64(p.seq))
		if p.entry.Request == request {
			entries = append(entries, p.entry)
		}
	}
	return head, entries, nil
}

// startPoster starts a process that brings events and cards to the channel.
func (w *world) startPoster() {
	w.posters++
	w.spawn(fmt.Sprint("poster", w.posters), false, func(a *actor) {
		p := &poster{actor: a, out: a.book.Outbox()}
		for {
			if err := p.round(); err != nil {
				p.leased, p.compared = time.Time{}, false
			}
			pause := 1500 * time.Millisecond
			switch {
			case p.leased.IsZero(): // somebody else has the lease
				pause *= 3
			case w.strikes != nil: // nobody is in a hurry
				pause *= 2
			}
			if !a.sleep(pause-time.Duration(a.jitter(300))*time.Millisecond) || !a.await("news", time.Hour, w.news) {
				return
			}
		}
	})
}

// news reports whether something is to be posted.
func (w *world) news() bool {
	return !w.allPosted() || w.m.Exists(key("dirty")) || w.m.Exists(key("asked"))
}

// A poster does what the product's poster does, without Slack.
type poster struct {
	*actor
	out      approvals.Outbox
	leased   time.Time
	asking   time.Time // when abandoned commands were asked for last
	compared bool      // the channel was compared with Redis
	newest   int64     // what this poster posted last
}

func (p *poster) round() error {
	if time.Since(p.leased) > 6*time.Second {
		held, err := p.out.Lease(p.ctx, p.name, 10*time.Second)
		if err != nil || !held {
			p.leased, p.compared = time.Time{}, false
			return err
		}
		p.leased = time.Now()
	}
	if err := p.entries(); err != nil {
		return err
	}
	if err := p.abandoned(); err != nil {
		return err
	}
	ids, err := p.out.Dirty(p.ctx)
	if err != nil {
		return err
	}
	slices.Sort(ids)
	for _, id := range ids {
		if err := p.card(id); err != nil {
			return err
		}
	}
	return nil
}

// catchUp compares the channel with Redis, as the product's poster does before
// it posts anything, and when what was posted becomes less.
func (p *poster) catchUp(seq int64, prev string) error {
	if len(p.channel) == 0 || p.compared && seq >= p.newest {
		return nil
	}
	head := p.channel[len(p.channel)-1]
	ahead := head.seq > seq || head.seq == seq && head.entry.Hash != prev
	if head.seq == seq+1 { // its poster may have died before it noted so
		events, err := p.out.Next(p.ctx, 1)
		if err != nil {
			return err
		}
		if len(events) > 0 {
			_, sealed, err := p.seal(events[0], prev)
			if err != nil {
				return err
			}
			ahead = sealed.Entry.Hash != head.entry.Hash
		}
	}
	if ahead {
		return errors.Join(p.out.SetBack(p.ctx, p.name, head.seq, head.entry.Hash, approvals.Freeze{}), errSetBack)
	}
	p.compared, p.newest = true, seq
	return nil
}

var errSetBack = errors.New("the book was set back")

// seal returns the entry of an event: the one that is stored, where there is one.
func (p *poster) seal(e approvals.Event, prev string) (raw []byte, sealed audit.Sealed, err error) {
	if p.n%2 == 1 { // another version of the bot has other words for it
		e.Facts.Reason += " indeed"
	}
	if sealed, err = p.trail.Seal(e, prev); err != nil {
		return nil, sealed, err
	}
	if raw, err = sealed.Marshal(); err != nil {
		return nil, sealed, err
	}
	if raw, err = p.out.Seal(p.ctx, p.name, e.Seq, raw); err != nil {
		return nil, sealed, err
	}
	sealed, err = audit.ParseSealed(raw)
	return raw, sealed, err
}

// entries posts what was not posted yet, in order. An entry that may be in the
// channel already is looked up there.
func (p *poster) entries() error {
	seq, prev, err := p.out.Head(p.ctx)
	if err != nil {
		return err
	}
	if err := p.catchUp(seq, prev); err != nil {
		return err
	}
	events, err := p.out.Next(p.ctx, 10)
	if err != nil {
		return err
	}
	for _, e := range events {
		raw, sealed, err := p.seal(e, prev)
		if err != nil {
			return err
		}
		p.point("post.before")
		if time.Since(p.leased) > 8*time.Second {
			return approvals.ErrFenced
		}
		if !slices.ContainsFunc(p.channel, func(m posted) bool { return m.seq == e.Seq && bytes.Equal(m.sealed, raw) }) {
			p.channel = append(p.channel, posted{e.Seq, raw, sealed.Entry})
		}
		p.point("post.after")
		prev = sealed.Entry.Hash
		if err := p.out.Posted(p.ctx, p.name, e.Seq, prev); err != nil {
			return err
		}
		p.newest = e.Seq
	}
	return nil
}

// card uploads the plan's CSV, posts the card, and later renders it anew.
func (p *poster) card(id string) error {
	req, err := p.book.Pending(p.ctx, id)
	if err != nil && req.State == "" {
		return err
	}
	c := req.Card
	if c.FileID == "" {
		p.point("upload.before")
		c.FileID, c.FileShared = "F"+id, true
		p.point("upload.after")
		if err := p.out.SetCard(p.ctx, p.name, id, c); err != nil {
			return err
		}
	}
	if c.TS == "" {
		p.point("attach.before")
		c.Channel, c.TS = "C1", "1."+id
		p.point("attach.after")
		if err := p.out.SetCard(p.ctx, p.name, id, c); err != nil {
			return err
		}
	}
	return p.out.Shown(p.ctx, p.name, id, req.Version)
}
