package simulation

import (
	"maps"
	"slices"
	"time"

	"github.com/alicebob/miniredis/v2"

	"countersign/approvals"
	"countersign/approvals/rules"
)

// rollBack puts an old copy of an approved request back after somebody ended it,
// as somebody could who may write to Redis.
func (w *world) rollBack(r *asked) {
	record, copied := key("r:"+r.id), map[string]string{}
	var have map[rules.Person]bool
	w.when("a request is copied", time.Second, func() bool { return w.state(r.id) == approvals.APPROVED }, func() {
		for _, f := range w.fields(record) {
			copied[f] = w.m.HGet(record, f)
		}
		have = maps.Clone(w.matters[r.id].have)
		w.ending(r)
	})
	w.when(rollsBack, time.Second, func() bool {
		s := w.state(r.id)
		return len(copied) > 0 && (s == approvals.CANCELLED || s == approvals.REJECTED) && w.allPosted()
	}, func() {
		for f, v := range copied {
			w.m.HSet(record, f, v)
		}
		for _, u := range r.plan.Users() {
			w.m.HSet(key("held"), u.ID.String(), r.id)
			_, _ = w.m.SAdd(key("u:"+r.id), u.ID.String())
		}
		w.m.HDel(record, "ended")
		w.m.HSet(key("open"), r.id, r.by.String())
		_, _ = w.m.ZAdd(key("due"), 1, r.id)
		w.rolledBack(r.id, have)
		w.matters[r.id].ended = true
	})
}

// ending lets somebody end an approved request at once.
func (w *world) ending(r *asked) {
	rejects := w.one(2) // and so does the same click when it comes again
	w.clicks(r, r.by, "thinks better of it", 0, false, func(a *actor, op string) error {
		if rejects {
			return r.reject(a, dave, op)
		}
		_, err := a.book.Cancel(a.ctx, r.id, r.by, op)
		return a.told("cancel "+op, err, r.id, r.by, approvals.Cancelled)
	})
}

func (w *world) fields(record string) []string {
	fields, _ := w.m.HKeys(record)
	return fields
}

// putBack puts an approval back that its giver withdrew. Its seal is true: the
// approval was given, once.
func (w *world) putBack(r *asked) {
	record, copied := key("r:"+r.id), map[string]string{}
	var have map[rules.Person]bool
	var who rules.Person
	w.when("an approval is copied", time.Second, func() bool { return w.state(r.id) == approvals.APPROVED }, func() {
		m := w.matters[r.id]
		who, have = m.people()[0], maps.Clone(m.have)
		for _, f := range []string{"a:" + who.String(), "state", "have", "starts", "approved_seq"} {
			copied[f] = w.m.HGet(record, f)
		}
		w.clicks(r, who, "thinks better of it", 0, false, func(a *actor, op string) error {
			a.tired[r.id] = true
			_, err := a.book.Withdraw(a.ctx, r.id, who, op)
			return a.told("withdraw "+op, err, r.id, who, approvals.Withdrawn)
		})
	})
	w.when(putsBack, time.Second, func() bool {
		if len(copied) == 0 {
			return false
		}
		now := w.matters[r.id].have // of the others: one more withdrawal, and the copy fits no seal
		return w.state(r.id) == approvals.PENDING && !now[who] && len(now) == len(have)-1 && w.allPosted()
	}, func() {
		for f, v := range copied {
			w.m.HSet(record, f, v)
		}
		_, _ = w.m.ZAdd(key("due"), 1, r.id)
		w.rolledBack(r.id, have)
		w.matters[r.id].putBack = who
	})
}

// A memory is all that Redis held at a moment, and what the log had told until
// then.
type memory struct {
	values  map[string]string
	hashes  map[string]map[string]string
	sets    map[string][]string
	scores  map[string]map[string]float64
	streams map[string][]miniredis.StreamEntry
	lives   map[string]time.Duration

	matters map[string]matter
	seen    int64
}

// setBack lets Redis forget everything since a request was approved, once that
// request is over: a failover to a replica that was behind, a restored dump.
// Nothing runs in that moment, and the channel has it all.
func (w *world) setBack(r *asked) {
	var before *memory
	calm := func() bool {
		runs := slices.ContainsFunc(w.order, func(m *matter) bool { return w.state(m.id) == approvals.RUNNING })
		return !runs && w.allPosted()
	}
	w.when("Redis is copied", time.Second, func() bool { return w.state(r.id) == approvals.APPROVED && calm() }, func() {
		before = w.remember()
		if w.one(2) {
			w.ending(r)
		}
	})
	w.when(setsBack, time.Second, func() bool {
		return before != nil && calm() && !w.state(r.id).Open() && len(w.order) == len(before.matters) && w.seen > before.seen
	}, func() { w.forget(before) })
}

func (w *world) remember() *memory {
	b := &memory{
		values: map[string]string{}, hashes: map[string]map[string]string{}, sets: map[string][]string{},
		scores: map[string]map[string]float64{}, streams: map[string][]miniredis.StreamEntry{},
		lives: map[string]time.Duration{}, matters: map[string]matter{}, seen: w.seen,
	}
	for _, name := range w.m.Keys() {
		b.lives[name] = w.m.TTL(name)
		switch w.m.Type(name) {
		case "string":
			b.values[name], _ = w.m.Get(name)
		case "hash":
			b.hashes[name] = map[string]string{}
			for _, f := range w.fields(name) {
				b.hashes[name][f] = w.m.HGet(name, f)
			}
		case "set":
			b.sets[name], _ = w.m.SMembers(name)
		case "zset":
			scores, _ := w.m.SortedSet(name)
			b.scores[name] = maps.Clone(scores) // it is miniredis' own
		case "stream":
			entries, _ := w.m.Stream(name)
			b.streams[name] = slices.Clone(entries)
		}
	}
	for _, m := range w.order {
		now := *m
		now.have, now.ledger = maps.Clone(m.have), maps.Clone(m.ledger)
		b.matters[m.id] = now
	}
	return b
}

// forget sets Redis back, and everything that the log told with it. What became
// of the users, and what the channel says, nobody can set back.
func (w *world) forget(b *memory) {
	w.m.FlushAll()
	for name, v := range b.values {
		_ = w.m.Set(name, v)
	}
	for name, fields := range b.hashes {
		for f, v := range fields {
			w.m.HSet(name, f, v)
		}
	}
	for name, members := range b.sets {
		_, _ = w.m.SAdd(name, members...)
	}
	for name, scores := range b.scores {
		for member, score := range scores {
			_, _ = w.m.ZAdd(name, score, member)
		}
	}
	for name, entries := range b.streams {
		for _, e := range entries {
			_, _ = w.m.XAdd(name, e.ID, e.Values)
		}
	}
	for name, life := range b.lives {
		if life > 0 {
			w.m.SetTTL(name, life)
		}
	}
	for id, was := range b.matters {
		m := w.matters[id]
		rolled, ended := m.rolled || m.newest > b.seen, m.ended || !m.state.Open()
		*m = was
		m.rolled, m.ended = rolled, ended
	}
	w.seen, w.frozen, w.observed, w.forgot = b.seen, 0, w.step, true
	clear(w.answers)
	clear(w.stoppedAt)
	if w.m.Exists(key("freeze")) {
		w.frozen = w.step
	}
}
