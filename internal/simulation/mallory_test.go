package simulation

import (
	"fmt"
	"maps"
	"time"

	"countersign/approvals"
	"countersign/approvals/rules"
)

// What Mallory does, or what Redis does by itself.
const (
	forgesApprovals = "Mallory approves it in Redis"
	movesDeadline   = "Mallory moves the deadline"
	claimsQuorum    = "Mallory claims a quorum of nobody"
	swapsPlan       = "Mallory swaps the plan"
	losesPlan       = "Redis loses the plan"
	rollsBack       = "the old copy is put back"
)

var evils = []string{forgesApprovals, movesDeadline, claimsQuorum, swapsPlan, losesPlan, rollsBack}

// mallory writes to Redis by hand, or Redis loses something.
func (w *world) mallory(evil string) {
	r := w.anyAsked()
	record := key("r:" + r.id)
	switch evil {
	case forgesApprovals:
		w.when(forgesApprovals, 2*time.Second, func() bool { return w.state(r.id) == approvals.PENDING }, func() {
			w.m.HSet(record, "state", "APPROVED", "have", fmt.Sprint(r.need), "starts", "1", "approved_seq", "1", "ready", "1",
				"a:"+carol.String(), "0|1|forged||op", "a:"+dave.String(), "0|1|forged||op")
			_, _ = w.m.ZAdd(key("due"), 1, r.id)
			w.forge(r.id)
		})
	case movesDeadline:
		r = w.asked[0]
		record = key("r:" + r.id)
		w.when(movesDeadline, 2*time.Second, func() bool { return w.state(r.id) == approvals.PENDING }, func() {
			at := w.deadline(r.id).Add(w.skew)
			w.m.HSet(record, "deadline", fmt.Sprint(at.Add(2*time.Minute).UnixMilli()))
			w.forge(r.id)
			w.clicksLater(r, at)
		})
	case claimsQuorum:
		w.when(claimsQuorum, 2*time.Second, func() bool { return w.state(r.id) == approvals.PENDING }, func() {
			w.m.HSet(record, "state", "APPROVED", "have", fmt.Sprint(r.need), "starts", "1", "approved_seq", "1")
			_, _ = w.m.ZAdd(key("due"), 1, r.id)
			w.forge(r.id)
		})
	case swapsPlan:
		r, other := w.asked[0], w.asked[1]
		w.when(swapsPlan, 2*time.Second, func() bool { return w.state(r.id) == approvals.APPROVED && w.m.Exists(key("p:"+other.id)) }, func() {
			if plan, err := w.m.Get(key("p:" + other.id)); err == nil {
				_ = w.m.Set(key("p:"+r.id), plan)
				w.forge(r.id)
			}
		})
	case losesPlan:
		w.when(losesPlan, time.Second, func() bool {
			return w.last != nil && w.last.at == "claim.before" && w.state(r.id) == approvals.APPROVED || w.one(60) && w.state(r.id).Open()
		}, func() { w.m.Del(key("p:" + r.id)) })
	case rollsBack:
		w.rollBack(r)
	}
}

// when lets something happen as soon as it can, from a moment on.
func (w *world) when(name string, from time.Duration, can func() bool, do func()) {
	w.maybe = append(w.maybe, &chance{name, w.begun.Add(from), can, do})
}

// A chance is something that happens once it can.
type chance struct {
	name string
	from time.Time
	can  func() bool
	do   func()
}

// clicksLater lets people approve although the true deadline is over.
func (w *world) clicksLater(r *asked, deadline time.Time) {
	for _, who := range []rules.Person{carol, dave} {
		w.spawn(who.ID+" approves too late "+r.id, true, func(a *actor) {
			if a.sleep(time.Until(deadline.Add(-w.skew)) + time.Second) {
				a.point("click")
				_ = r.approve(a, who, r.id+" too late "+who.ID, true)
			}
		})
	}
}

// rollBack puts an old copy of an approved request back after somebody ended it,
// as a failover or a restored dump would.
func (w *world) rollBack(r *asked) {
	record, copied := key("r:"+r.id), map[string]string{}
	var have map[rules.Person]bool
	w.when("Redis is copied", time.Second, func() bool { return w.state(r.id) == approvals.APPROVED }, func() {
		fields, _ := w.m.HKeys(record)
		for _, f := range fields {
			copied[f] = w.m.HGet(record, f)
		}
		have = maps.Clone(w.matters[r.id].have)
		w.clicks(r, r.by, "thinks better of it", 0, false, func(a *actor, op string) error {
			_, err := a.book.Cancel(a.ctx, r.id, r.by, op)
			return err
		})
	})
	w.when(rollsBack, time.Second, func() bool {
		return len(copied) > 0 && w.state(r.id) == approvals.CANCELLED && w.allPosted()
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
	})
}
