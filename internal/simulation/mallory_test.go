package simulation

import (
	"fmt"
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
	rollsBack       = "an old copy of a request is put back"
	putsBack        = "a withdrawn approval is put back"
	setsBack        = "Redis is set back"
)

var evils = []string{forgesApprovals, movesDeadline, claimsQuorum, swapsPlan, losesPlan, rollsBack, putsBack, setsBack}

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
	case putsBack:
		w.putBack(r)
	case setsBack:
		w.setBack(r)
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
