package simulation

import (
	"strings"
	"time"

	"countersign/approvals"
	"countersign/approvals/rules"
	"countersign/qualys"
)

// schedule draws everything that is to happen in the schedule of a seed.
func schedule(w *world) {
	if w.one(4) { // ten minutes off at most
		w.jump(time.Duration(w.rng.IntN(1200)-600) * time.Second)
	}
	for range 2 + w.rng.IntN(2) {
		w.startReplica()
	}
	w.startPoster()
	if w.one(3) {
		w.startPoster()
	}
	evil := ""
	if w.one(5) {
		evil = evils[w.rng.IntN(len(evils))]
	}
	for _, e := range evils {
		if w.off.isAbout(e) {
			evil = e
		}
	}
	requests := 1 + w.rng.IntN(2)
	switch {
	case evil == swapsPlan, w.off.isAbout("two requests"):
		requests = 2
	case w.likely(16, "one request may be open"):
		w.mayBeOpen, requests = 1, 2
	case w.likely(16, "one request of a person may be open"):
		w.mayBeOpenEach, requests = 1, 2
	}
	for i := range requests {
		w.request(i, evil)
	}
	w.lookAfter()
	w.trouble()
	w.mallory(evil)
}

// one is true once in n times.
func (w *world) one(n int) bool { return w.rng.IntN(n) == 0 }

// likely is true once in n times, and always where a mutant is about it.
func (w *world) likely(n int, name string) bool { return w.one(n) || w.off.isAbout(name) }

// within is a moment before d.
func (w *world) within(d time.Duration) time.Duration {
	return time.Duration(w.rng.Int64N(int64(d)))
}

// request lets somebody ask, and people do what people do about it.
func (w *world) request(n int, evil string) {
	var users []qualys.SAQUser
	if n > 0 && w.one(4) { // some of the users of the request before
		before := w.asked[n-1].plan.Users()
		users = append(users, before[w.rng.IntN(len(before))])
	}
	size := 1 + w.rng.IntN(5)
	if w.one(12) {
		size = 27
	}
	users = append(users, w.cloud.hire(size)...)
	verb, by := approvals.Delete, alice
	if w.one(3) {
		verb = approvals.Update
	}
	switch w.rng.IntN(8) {
	case 0, 1:
		by = bob
	case 2:
		by = carol
	}
	r := w.ask(by, w.plan(verb, users), 60*time.Second+w.within(20*time.Second), w.within(4*time.Second))
	if w.one(8) {
		r.coolDown = 0
	}
	w.commands(r, w.within(5*time.Second), w.one(5))
	if w.one(6) || verb == approvals.Update && w.one(4) {
		w.again(r)
	}
	switch {
	case evil == movesDeadline && n == 0: // nobody approves in time
		r.expires = 10 * time.Second
		return
	case r.need == 2 && by != carol && w.likely(9, "UCARLA approves"): // two accounts, one person
		for _, who := range []rules.Person{carol, carla} {
			w.clicks(r, who, "approves", time.Second+w.within(5*time.Second), false, func(a *actor, op string) error { return r.approve(a, who, op, true) })
		}
		return
	}
	w.approvers(r)
	w.others(r)
	w.lastMoment(r)
}

// approvers click early, or at the very edge of the deadline. Now and then
// nobody judges a click: the scripts and the claim must see to it then.
func (w *world) approvers(r *asked) {
	late := w.likely(28, "somebody clicks at the deadline")
	if late {
		r.expires = 10 * time.Second
	}
	for _, who := range []rules.Person{bob, carol, carla, dave} {
		switch {
		case who == r.by, who == carla && r.by != carol && !w.likely(6, "UCARLA approves"):
		case late:
			w.atTheEdge(r, who, time.Duration([]int{-1, 0, 0, 1}[w.rng.IntN(4)])*time.Millisecond)
		default:
			judged := !w.one(4)
			wait := time.Second + w.within(8*time.Second)
			w.clicks(r, who, "approves", wait, w.one(4), func(a *actor, op string) error { return r.approve(a, who, op, judged) })
			w.pressesAgain(r, who, wait+12*time.Second)
		}
	}
	if w.likely(2, "approves their own") {
		judged := w.one(2)
		w.clicks(r, r.by, "approves their own", w.within(6*time.Second), false, func(a *actor, op string) error {
			return r.approve(a, r.by, op, judged)
		})
	}
	if w.likely(3, "presses a forged button") { // a button of another plan
		w.clicks(r, dave, "presses a forged button", w.within(6*time.Second), false, func(a *actor, op string) error {
			_, err := a.book.Decide(a.ctx, approvals.Decision{Request: r.id, By: dave, Op: op, Yes: true, Fingerprint: strings.Repeat("0", 12)})
			if err == nil {
				a.bad("button: a forged one approved %s", r.id)
			}
			return err
		})
	}
	if w.one(5) { // once more, with another click
		w.clicks(r, carol, "approves once more", 2*time.Second+w.within(8*time.Second), false, func(a *actor, op string) error {
			return r.approve(a, carol, op, true)
		})
	}
}

// others stop, cancel, reject, withdraw and freeze.
func (w *world) others(r *asked) {
	if w.one(16) {
		w.clicks(r, dave, "rejects", w.within(10*time.Second), w.one(3), func(a *actor, op string) error { return r.reject(a, dave, op) })
	}
	w.notTheirs(r)
	if w.one(24) {
		w.clicks(r, r.by, "cancels", w.within(12*time.Second), w.one(3), func(a *actor, op string) error {
			_, err := a.book.Cancel(a.ctx, r.id, r.by, op)
			return a.told("cancel "+op, err, r.id, r.by, approvals.Cancelled)
		})
	}
	if w.likely(4, "withdraws") {
		who := w.anyOf(bob, carol, dave)
		w.clicks(r, who, "withdraws", 2*time.Second+w.within(8*time.Second), w.one(3), func(a *actor, op string) error {
			_, err := a.book.Withdraw(a.ctx, r.id, who, op)
			return a.told("withdraw "+op, err, r.id, who, approvals.Withdrawn)
		})
	}
	if w.likely(8, "stops") {
		w.clicks(r, dave, "stops", 4*time.Second+w.within(20*time.Second), w.one(3), func(a *actor, op string) error {
			return a.stops(r, dave, op)
		})
	}
	switch {
	case r.expires > 10*time.Second && w.likely(40, "a deadline in a freeze"):
		r.expires, r.coolDown = 15*time.Second, 12*time.Second
		w.freeze(r, 6*time.Second+w.within(5*time.Second), 15*time.Second+w.within(10*time.Second))
	case w.likely(6, "freezes"):
		w.freeze(r, 2*time.Second+w.within(10*time.Second), w.within(25*time.Second))
	}
}

// notTheirs lets people try what is not theirs to do, or not now.
func (w *world) notTheirs(r *asked) {
	other := carol
	if r.by == carol {
		other = bob
	}
	if w.likely(8, "cancels another's") {
		w.clicks(r, other, "cancels another's", w.within(8*time.Second), false, func(a *actor, op string) error {
			_, err := a.book.Cancel(a.ctx, r.id, other, op)
			return a.told("cancel "+op, err, r.id, other, approvals.Cancelled)
		})
	}
	if w.likely(8, "closes") {
		w.clicks(r, dave, "closes", w.within(20*time.Second), false, func(a *actor, op string) error {
			_, err := a.book.Close(a.ctx, r.id, dave, op, "enough")
			return a.told("close "+op, err, r.id, dave, approvals.Closed)
		})
	}
}

// freeze lets somebody freeze everything, and somebody else lift it.
func (w *world) freeze(r *asked, at, length time.Duration) {
	w.clicks(r, alice, "freezes", at, w.one(3), func(a *actor, op string) error {
		return a.told("freeze "+op, a.book.Freeze(a.ctx, alice, op), "", alice, approvals.Frozen)
	})
	w.clicks(r, dave, "unfreezes", at+length, false, func(a *actor, op string) error {
		return a.told("unfreeze "+op, a.book.Unfreeze(a.ctx, dave, op), "", dave, approvals.Unfrozen)
	})
}
