//go:build !race

package simulation

import (
	"fmt"
	"strings"
	"time"

	"countersign/approvals"
	"countersign/approvals/rules"
	"countersign/qualys"
)

// schedule draws everything that is to happen in the schedule of a seed.
func schedule(w *world) {
	if w.one(4) {
		w.skew = time.Duration(w.rng.IntN(1200)-600) * time.Second
		w.setClock()
	}
	for range 2 + w.rng.IntN(2) {
		w.startReplica()
	}
	w.startPoster()
	if w.one(3) {
		w.startPoster()
	}
	evil := none
	if w.one(5) {
		evil = 1 + w.rng.IntN(6)
	}
	for i := range 1 + w.rng.IntN(2) {
		w.request(i, evil)
	}
	w.lookAfter()
	w.trouble()
	w.lastMoment()
	w.mallory(evil)
}

// one is true once in n times.
func (w *world) one(n int) bool { return w.rng.IntN(n) == 0 }

// within is a moment before d.
func (w *world) within(d time.Duration) time.Duration {
	return time.Duration(w.rng.Int64N(int64(d)))
}

// request lets somebody ask, and people do what people do about it.
func (w *world) request(n, evil int) {
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
	if w.one(4) {
		by = bob
	}
	r := w.ask(by, w.plan(verb, users), 40*time.Second+w.within(20*time.Second), w.within(4*time.Second))
	if w.one(8) {
		r.coolDown = 0
	}
	w.commands(r, w.within(5*time.Second), w.one(5))
	switch {
	case evil == movesDeadline && n == 0: // nobody approves in time
		r.expires = 10 * time.Second
		return
	case r.need == 2 && w.one(9): // two accounts, one person
		for _, who := range []rules.Person{carol, carla} {
			w.clicks(r, who, "approves", time.Second+w.within(5*time.Second), false, func(a *actor, op string) error { return r.approve(a, who, op, true) })
		}
		return
	}
	w.approvers(r)
	w.others(r)
}

// approvers click early, or at the very edge of the deadline.
func (w *world) approvers(r *asked) {
	late := w.one(14)
	if late {
		r.expires = 10 * time.Second
	}
	for _, who := range []rules.Person{bob, carol, carla, dave} {
		switch {
		case who == carla && !w.one(6), who == r.by:
		case late:
			w.atTheEdge(r, who, time.Duration(w.rng.IntN(3)-1)*time.Millisecond)
		default:
			judged := !w.one(4)
			wait := time.Second + w.within(8*time.Second)
			w.clicks(r, who, "approves", wait, w.one(4), func(a *actor, op string) error { return r.approve(a, who, op, judged) })
			w.pressesAgain(r, who, wait+12*time.Second)
		}
	}
	if w.one(2) {
		judged := w.one(2)
		w.clicks(r, r.by, "approves their own", w.within(6*time.Second), false, func(a *actor, op string) error {
			return r.approve(a, r.by, op, judged)
		})
	}
	if w.one(3) { // a button of another plan
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
	if w.one(16) {
		w.clicks(r, r.by, "cancels", w.within(12*time.Second), w.one(3), func(a *actor, op string) error {
			_, err := a.book.Cancel(a.ctx, r.id, r.by, op)
			return a.told("cancel "+op, err)
		})
	}
	if w.one(4) {
		who := []rules.Person{bob, carol, dave}[w.rng.IntN(3)]
		w.clicks(r, who, "withdraws", 2*time.Second+w.within(8*time.Second), w.one(3), func(a *actor, op string) error {
			_, err := a.book.Withdraw(a.ctx, r.id, who, op)
			return a.told("withdraw "+op, err)
		})
	}
	if w.one(8) {
		w.clicks(r, dave, "stops", 4*time.Second+w.within(20*time.Second), w.one(3), func(a *actor, op string) error {
			return a.stops(r, dave, op)
		})
	}
	if w.one(6) {
		w.freeze(r, 2*time.Second+w.within(10*time.Second), w.within(25*time.Second))
	}
}

// freeze lets somebody freeze everything, and somebody else lift it.
func (w *world) freeze(r *asked, at, length time.Duration) {
	w.clicks(r, alice, "freezes", at, w.one(3), func(a *actor, op string) error {
		return a.told("freeze "+op, a.book.Freeze(a.ctx, alice, op))
	})
	w.clicks(r, dave, "unfreezes", at+length, false, func(a *actor, op string) error {
		return a.told("unfreeze "+op, a.book.Unfreeze(a.ctx, dave, op))
	})
}

// trouble is what the world does: people leave, policies and users change.
func (w *world) trouble() {
	at := func(d time.Duration, name string, do func()) {
		w.events = append(w.events, happening{w.within(d), name, do})
	}
	if w.one(12) {
		who := []rules.Person{alice, bob, carol, dave}[w.rng.IntN(4)]
		at(25*time.Second, who.ID+" leaves", func() { w.office.leave(who) })
	}
	if w.one(20) {
		at(20*time.Second, "a stricter policy", func() { w.renew(stricterPolicy()); w.startReplica() })
	}
	if w.one(10) {
		r := w.asked[w.rng.IntN(len(w.asked))]
		w.when("slack is down", time.Second, func() bool { return w.state(r.id) == approvals.APPROVED }, func() {
			w.office.down, w.office.up = w.step+1, time.Now().Add(5*time.Second+w.within(10*time.Second))
		})
	}
	if w.one(8) {
		at(30*time.Second, "Qualys says yes and does nothing", func() { w.cloud.forced = "stubborn" })
	}
	if w.one(4) {
		id := w.someUser()
		at(30*time.Second, fmt.Sprint("somebody changes user ", id), func() { w.cloud.drift(id) })
	}
	if w.one(8) {
		id := w.someUser()
		at(20*time.Second, fmt.Sprint("somebody removes user ", id), func() {
			if !w.running(id) {
				w.cloud.vanish(id)
			}
		})
	}
	if w.one(8) {
		d := w.within(40 * time.Second)
		w.events = append(w.events, happening{d, "nobody can reach Redis", func() {
			w.mu.Lock()
			defer w.mu.Unlock()
			for _, a := range w.actors {
				a.cut = time.Now().Add(8 * time.Second)
			}
		}})
	}
}

func (w *world) someUser() userID {
	users := w.asked[w.rng.IntN(len(w.asked))].plan.Users()
	return users[w.rng.IntN(len(users))].ID
}

// A deed is what somebody does at the last moment, and where an executor stands
// then.
type deed struct {
	name, place string
	do          func(a *actor, r *asked, who rules.Person, op string) error
}

var deeds = []deed{
	{"withdraws", "claim.before", func(a *actor, r *asked, _ rules.Person, op string) error {
		for _, who := range a.matters[r.id].people() { // and nobody approves it any more
			a.tired[r.id] = true
			if _, err := a.book.Withdraw(a.ctx, r.id, who, op+who.ID); err != nil {
				return err
			}
		}
		return nil
	}},
	{"cancels", "claim.before", func(a *actor, r *asked, _ rules.Person, op string) error {
		_, err := a.book.Cancel(a.ctx, r.id, r.by, op)
		return err
	}},
	{"freezes", "claim.before", func(a *actor, _ *asked, who rules.Person, op string) error { return a.book.Freeze(a.ctx, who, op) }},
	{"freezes", "chunk.begin", func(a *actor, _ *asked, who rules.Person, op string) error { return a.book.Freeze(a.ctx, who, op) }},
	{"stops", "chunk.begin", (*actor).stops},
	{"stops", "qualys.after", (*actor).stops},
	{"leaves", "claim.before", (*actor).leaves},
	{"leaves", "chunk.end", (*actor).leaves},
	{"changes the policy", "claim.before", func(a *actor, _ *asked, _ rules.Person, _ string) error {
		a.renew(stricterPolicy())
		a.startReplica()
		return nil
	}},
	{"loses the plan", "claim.before", waits},
	{"waits", "qualys.before", waits},
	{"waits", "qualys.before", waits},
	{"waits", "qualys.after", waits},
	{"waits", "chunk.begin", waits},
}

func waits(*actor, *asked, rules.Person, string) error { return nil }

func (a *actor) stops(r *asked, who rules.Person, op string) error {
	_, err := a.book.Stop(a.ctx, r.id, who, op)
	if err == nil {
		a.stoppedAt[r.id] = a.now().UnixMilli()
	}
	return a.told("stop "+op, err)
}

func (a *actor) leaves(_ *asked, who rules.Person, _ string) error {
	a.office.leave(who)
	return nil
}

// lastMoment lets something happen when an executor stands right before what it
// is about to do, and stands there for a while.
func (w *world) lastMoment() {
	if w.one(4) {
		return
	}
	r, d := w.asked[w.rng.IntN(len(w.asked))], deeds[w.rng.IntN(len(deeds))]
	who := []rules.Person{bob, carol, dave}[w.rng.IntN(3)]
	nth := w.rng.IntN(2)
	w.when(who.ID+" "+d.name+" at the last moment", time.Second, func() bool {
		s := w.state(r.id)
		if s != approvals.APPROVED && s != approvals.RUNNING || w.last == nil || w.last.at != d.place || w.step == w.acted {
			return false
		}
		w.acted = w.step
		nth--
		return nth < 0
	}, func() {
		long := 3 * time.Second
		if d.name == "waits" {
			long = 32*time.Second + w.within(12*time.Second)
		}
		if d.name == "loses the plan" { // before anybody else sees it
			w.m.Del(key("p:" + r.id))
			return
		}
		w.pause(w.last, long)
		w.spawn(who.ID+" "+d.name+" "+r.id+" at the last moment", true, func(a *actor) {
			a.point("click")
			_ = d.do(a, r, who, r.id+" last moment")
		})
	})
}
