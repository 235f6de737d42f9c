package simulation

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"countersign/approvals"
	"countersign/approvals/rules"
	"countersign/qualys"
)

type userID = qualys.SAQUserID

// An asked is a command that somebody types in the schedule.
type asked struct {
	op, id   string
	by       rules.Person
	plan     approvals.Plan
	need     int
	made     int // the step in which the plan was made
	expires  time.Duration
	coolDown time.Duration
}

func (r *asked) short() string { return r.plan.Fingerprint()[:12] }

// plan makes a plan of users as they are.
func (w *world) plan(verb approvals.Verb, users []qualys.SAQUser) approvals.Plan {
	d := approvals.Draft{Tenant: tenant, Verb: verb, Users: users, Scope: 1000}
	if verb == approvals.Update {
		d.Change = qualys.NewChange(qualys.Set{Field: qualys.Title, Value: "Left"})
	}
	return w.seal(d)
}

func (w *world) seal(d approvals.Draft) approvals.Plan {
	p, err := approvals.NewPlan(d)
	if err != nil {
		w.t.Error(err)
	}
	return p
}

// ask lets somebody type a command.
func (w *world) ask(by rules.Person, plan approvals.Plan, expires, coolDown time.Duration) *asked {
	need, _ := w.newest.Need(len(plan.Users()))
	op := fmt.Sprint("command", len(w.asked))
	book := w.open(&actor{world: w, policy: w.newest})
	r := &asked{op: op, id: book.ID(op), by: by, plan: plan, need: need, made: w.step, expires: expires, coolDown: coolDown}
	w.asked = append(w.asked, r)
	w.plans[r.id] = r
	return r
}

// hold is what a command does in the end.
func (r *asked) hold(a *actor) error {
	_, err := a.book.Hold(a.ctx, approvals.Holding{
		Plan: r.plan, By: r.by, Op: r.op, Channel: "C1", Reason: "SEC-124", PlanSHA: "abc",
		Need: r.need, Expires: r.expires, CoolDown: r.coolDown, MaxOpen: a.mayBeOpen, MaxOpenEach: a.mayBeOpenEach,
	})
	told := a.told("hold "+r.op, err, r.id, r.by, approvals.Requested)
	if err != nil && !errors.Is(err, approvals.ErrUnavailable) && !errors.Is(err, approvals.ErrForged) && a.m.HGet(key("r:"+r.id), "op") == r.op {
		a.bad("operation: %q was refused, and is done: %v", r.op, err)
	}
	return told
}

// approve is a click, judged as the desk judges it: rights first, in Go. A
// click that nobody judges must fail all the same where it would be a
// requester's own.
func (r *asked) approve(a *actor, by rules.Person, op string, judged bool) error {
	if a.tired[r.id] {
		return errors.New("nobody wants it any more")
	}
	if judged {
		if err := a.policy.MayApprove(a.ctx, a.office, r.by, by); err != nil {
			return err
		}
	}
	if a.off.name == "atomic approve" { // decides on what was read a while ago
		p, err := a.book.Pending(a.ctx, r.id)
		if err != nil || p.State != approvals.PENDING || !a.now().Before(p.Deadline) {
			return errors.Join(err, errors.New("too late"))
		}
	}
	_, err := a.book.Decide(a.ctx, approvals.Decision{Request: r.id, By: by, Op: op, Yes: true, Fingerprint: r.short()})
	if a.off.name == "due in the same script" && err == nil { // too late if the process died above
		a.point("due")
		_, _ = a.m.ZAdd(key("due"), float64(a.now().UnixMilli()), r.id)
	}
	return a.told("approve "+op, err, r.id, by, approvals.Approved, approvals.Resumed)
}

func (r *asked) reject(a *actor, by rules.Person, op string) error {
	_, err := a.book.Decide(a.ctx, approvals.Decision{Request: r.id, By: by, Op: op, Reason: "too many", Fingerprint: r.short()})
	return a.told("reject "+op, err, r.id, by, approvals.Rejected)
}

// told remembers what a person was told of an operation: the same operation is
// never told no after a yes, and behind a yes stands an event of one of these
// kinds.
func (a *actor) told(op string, err error, id string, by rules.Person, kinds ...approvals.Kind) error {
	a.answered(op, a.scripted, err)
	if err == nil && len(kinds) > 0 {
		a.promises = append(a.promises, promise{op, id, by, kinds})
	}
	return err
}

// state is what the record says, read past the bot.
func (w *world) state(id string) approvals.State {
	return approvals.State(w.m.HGet(key("r:"+id), "state"))
}

// deadline is when the request expires, by everybody's clock but Redis'.
func (w *world) deadline(id string) time.Time {
	return millis(w.m.HGet(key("r:"+id), "deadline")).Add(-w.skew)
}

// clicks lets a person do something about a request, some time after it was
// held: again with the same click when Redis could not be reached, again with
// another one when the card was not ready. Slack may deliver the click twice, or
// not at all.
func (w *world) clicks(r *asked, who rules.Person, what string, wait time.Duration, twice bool, do func(a *actor, op string) error) {
	times, lost := 1, w.strikes == nil && w.one(12)
	if twice {
		times = 2
		w.stats.faults["a click comes twice"]++
	}
	for copy := range times {
		name := fmt.Sprintf("%s %s %s", who.ID, what, r.id)
		if copy > 0 {
			name += " (twice)"
		}
		op := fmt.Sprintf("%s %s %s ", r.id, who.ID, what)
		w.spawn(name, true, func(a *actor) {
			if !a.held(r) || !a.sleep(wait) {
				return
			}
			for try := range 10 {
				a.point("click")
				if try == 0 && lost { // Slack never brings it: the person presses again
					a.stats.faults["a click is lost"]++
					a.sleep(4 * time.Second)
					continue
				}
				err := do(a, op+fmt.Sprint(try))
				if errors.Is(err, approvals.ErrUnavailable) {
					if !a.sleep(time.Second) {
						return
					}
					err = do(a, op+fmt.Sprint(try))
				}
				again := errors.Is(err, approvals.ErrNotReady) || errors.Is(err, rules.ErrLookUp)
				if !again || !a.sleep(4*time.Second) {
					return
				}
			}
		})
	}
}

// pressesAgain lets a person press once more when nothing seems to have
// happened, and again after a while.
func (w *world) pressesAgain(r *asked, who rules.Person, wait time.Duration) {
	w.spawn(fmt.Sprintf("%s presses again %s", who.ID, r.id), true, func(a *actor) {
		over := func() bool { return a.state(r.id) != approvals.PENDING }
		for try := 0; try < 3 && a.held(r) && !a.await(r.id+" goes on", wait, over) && a.ctx.Err() == nil; try++ {
			a.point("click")
			_ = r.approve(a, who, fmt.Sprint(r.id, " again ", who.ID, try), true)
		}
	})
}

// atTheEdge lets a person click at a moment around the deadline, to the
// millisecond.
func (w *world) atTheEdge(r *asked, who rules.Person, off time.Duration) {
	w.spawn(fmt.Sprintf("%s clicks late %s", who.ID, r.id), true, func(a *actor) {
		if !a.held(r) {
			return
		}
		a.exact = true
		if a.sleep(time.Until(a.deadline(r.id).Add(off))) {
			a.stats.deeds[fmt.Sprintf("somebody clicks at the deadline %+d ms", off.Milliseconds())]++
			_ = r.approve(a, who, r.id+" late "+who.ID, true)
		}
	})
}

// held waits until the request is there.
func (a *actor) held(r *asked) bool {
	patience := 30 * time.Second
	if a.strikes != nil {
		patience = 3 * time.Minute
	}
	return a.await(r.id+" is held", patience, func() bool { return a.state(r.id) != "" })
}

// lookAfter lets people look after requests that need review: they resume them,
// with a fresh quorum, and close what comes back.
func (w *world) lookAfter() {
	w.spawn("the reviewers", true, func(a *actor) {
		attempts := map[string]int{}
		for time.Since(a.begun) < 5*time.Minute {
			a.await("something to look at", 5*time.Minute, func() bool { return a.toReview() != nil || a.quiet() })
			a.sleep(time.Duration(2+a.jitter(5)) * time.Second)
			if r := a.toReview(); r != nil {
				a.point("review")
				attempts[r.id]++
				a.review(r, attempts[r.id])
			} else if a.quiet() {
				return
			}
		}
	})
}

// toReview is a request that people have to look at, or nil.
func (w *world) toReview() *asked {
	for _, r := range w.asked {
		if w.state(r.id) == approvals.NEEDS_REVIEW {
			return r
		}
	}
	return nil
}

// review lets people go on with a request, or close it.
func (a *actor) review(r *asked, attempt int) {
	op := fmt.Sprintf("%s resume %d ", r.id, attempt)
	switch {
	case attempt > 2 || strings.HasPrefix(a.cause(r.id), "forged"):
		_, err := a.book.Close(a.ctx, r.id, dave, op, "looked at it")
		_ = a.told("close "+op, err, r.id, dave, approvals.Closed)
		return
	case a.m.HGet(key("r:"+r.id), "resuming") != "1":
		if a.likely(3, "resumes their own") {
			_, err := a.book.Resume(a.ctx, r.id, r.by, op+"own")
			_ = a.told("resume "+op+"own", err, r.id, r.by, approvals.Approved, approvals.Resumed)
		}
		_, err := a.book.Resume(a.ctx, r.id, dave, op)
		_ = a.told("resume "+op, err, r.id, dave, approvals.Approved, approvals.Resumed)
	}
	_ = r.approve(a, carol, op+"carol", true)
	_ = r.approve(a, bob, op+"bob", true)
}

func (w *world) cause(id string) string { return w.m.HGet(key("r:"+id), "cause") }

// quiet reports whether everybody else has had their say and every request is
// over.
func (a *actor) quiet() bool {
	return !a.waitsFor(a) && !slices.ContainsFunc(a.asked, func(r *asked) bool { return a.state(r.id).Open() })
}
