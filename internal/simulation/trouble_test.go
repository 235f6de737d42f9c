package simulation

import (
	"slices"
	"strings"
	"time"

	"countersign/approvals"
	"countersign/approvals/rules"
)

// trouble is what the world does: people leave, policies and users change, and
// nobody can be reached.
func (w *world) trouble() {
	maybe := func(n int, within time.Duration, name string, do func()) {
		if w.likely(n, name) {
			w.events = append(w.events, happening{w.within(within), name, do})
		}
	}
	who, id := w.anyOf(alice, bob, carol, dave), w.someUser()
	maybe(12, 25*time.Second, "somebody leaves", func() { w.office.leave(who) })
	policy := newPolicies()[w.rng.IntN(len(newPolicies()))]
	maybe(12, 20*time.Second, "the policy changes", func() { w.renew(policy); w.startReplica() })
	maybe(8, 30*time.Second, "Qualys says yes and does nothing", func() { w.cloud.forced = "stubborn" })
	maybe(20, 30*time.Second, "Qualys refuses the login", func() { w.cloud.forced = "refused login" })
	maybe(20, 30*time.Second, "Qualys loses every write", func() { w.cloud.losing = true })
	maybe(4, 30*time.Second, "somebody changes a user", func() { w.cloud.drift(id) })
	maybe(8, 20*time.Second, "somebody removes a user", func() {
		if !w.running(id) {
			w.cloud.vanish(id)
		}
	})
	maybe(8, 40*time.Second, "nobody can reach Redis", func() {
		for _, a := range w.actors {
			a.cut = time.Now().Add(8 * time.Second)
		}
	})
	if r := w.anyAsked(); w.likely(10, "slack is down") {
		w.when("slack is down", time.Second, func() bool { return w.state(r.id) == approvals.APPROVED }, func() {
			w.office.down, w.office.up = w.step+1, time.Now().Add(5*time.Second+w.within(10*time.Second))
		})
	}
	w.jumps()
}

// jumps moves Redis' clock: by little at any time, and by much while nothing
// runs. A jump during a run by more than the settle times have to spare makes
// them as short as no time at all: nobody promises anything then.
func (w *world) jumps() {
	if w.one(12) {
		d := w.within(8*time.Second) - 4*time.Second
		w.events = append(w.events, happening{w.within(30 * time.Second), "Redis' clock jumps", func() { w.jump(d) }})
	}
	if w.one(24) {
		d := w.within(2*time.Minute) - time.Minute
		w.when("Redis' clock jumps far", w.within(20*time.Second), func() bool {
			return !slices.ContainsFunc(w.asked, func(r *asked) bool { return w.state(r.id) == approvals.RUNNING })
		}, func() { w.jump(d) })
	}
}

func (w *world) anyOf(people ...rules.Person) rules.Person { return people[w.rng.IntN(len(people))] }

func (w *world) anyAsked() *asked { return w.asked[w.rng.IntN(len(w.asked))] }

func (w *world) someUser() userID {
	users := w.anyAsked().plan.Users()
	return users[w.rng.IntN(len(users))].ID
}

// A deed is what somebody does at the last moment, and the place that a process
// has passed then: it stands at its next one. Or it is the place where it stands.
type deed struct {
	name, place string
	do          func(a *actor, r *asked, who rules.Person, op string) error
}

func (d deed) String() string { return "somebody " + d.name + " at " + d.place }

const waitsBefore = "waits before"

// at is who has passed the deed's place right now, or stands there.
func (w *world) at(d deed) *stand {
	if d.name != waitsBefore {
		if w.last != nil && w.last.at == d.place {
			return w.last
		}
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, a := range w.actors {
		for _, s := range a.stands {
			if s.at == d.place {
				return s
			}
		}
	}
	return nil
}

// deeds are what is drawn from.
var deeds = []deed{
	{"withdraws", "claim.before", (*actor).allWithdraw},
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
		a.renew(newPolicies()[0])
		a.startReplica()
		return nil
	}},
	{"loses the plan", "claim.before", waits},
	{"waits", "Sent script", waits},
	{waitsBefore, "Review script", waits},
	{"waits", "qualys.after", waits},
	{"waits", "chunk.begin", waits},
	{"waits", "finish.before", waits},
	{"waits", "post.after", (*actor).postsToo},
}

func (a *actor) postsToo(*asked, rules.Person, string) error {
	a.startPoster()
	return nil
}

// allWithdraw lets everybody take back what they approved, for good.
func (a *actor) allWithdraw(r *asked, _ rules.Person, op string) error {
	for _, who := range a.matters[r.id].people() {
		a.tired[r.id] = true
		if _, err := a.book.Withdraw(a.ctx, r.id, who, op+who.ID); err != nil {
			return err
		}
	}
	return nil
}

func waits(*actor, *asked, rules.Person, string) error { return nil }

func (a *actor) stops(r *asked, who rules.Person, op string) error {
	first, again := a.stopping[op]
	if !again {
		first = a.matters[r.id].resumed
		a.stopping[op] = first
	}
	_, err := a.book.Stop(a.ctx, r.id, who, op)
	if err == nil && first == a.matters[r.id].resumed { // a click that comes again after a resume is the old one
		a.stoppedAt[r.id] = a.step
	}
	return a.told("stop "+op, err, r.id, who)
}

func (a *actor) leaves(_ *asked, who rules.Person, _ string) error {
	a.office.leave(who)
	return nil
}

// lastMoment lets something happen to a request when a process stands right
// before what it is about to do, and stands there for a while.
func (w *world) lastMoment(r *asked) {
	all := slices.DeleteFunc(slices.Clone(deeds), func(d deed) bool { return !w.off.isAbout(d.String()) })
	if len(all) == 0 {
		if w.one(3) {
			return
		}
		all = deeds
	}
	d, who, nth := all[w.rng.IntN(len(all))], w.anyOf(bob, carol, dave), w.rng.IntN(2)
	var at *stand
	w.when(d.String(), time.Second, func() bool {
		s := w.state(r.id)
		if s != approvals.APPROVED && (s != approvals.RUNNING || d.place == "claim.before") {
			return false
		}
		if at = w.at(d); at == nil || w.step == w.acted {
			return false
		}
		w.acted = w.step
		nth--
		return nth < 0
	}, func() {
		long := 3 * time.Second
		if strings.HasPrefix(d.name, "waits") {
			long = 33*time.Second + w.within(40*time.Second)
		}
		if d.name == "loses the plan" { // before anybody else sees it
			w.m.Del(key("p:" + r.id))
			return
		}
		w.pause(at, long)
		w.spawn(who.ID+" "+d.name+" "+r.id+" at the last moment", true, func(a *actor) {
			a.point("click")
			_ = d.do(a, r, who, r.id+" last moment")
		})
	})
}
