package simulation

import (
	"fmt"
	"time"

	"countersign/approvals"
)

// A command is one delivery of what somebody typed, under its trigger_id.
type command struct {
	r        *asked
	noted    int       // how often a process was told that it is new
	answered bool      // its person heard what came of it
	told     int       // how often its person was told to repeat it
	settled  time.Time // since when the book knows that its person heard of it
}

// silence is how long nobody may be heard of over a command before its person is
// told.
const silence = 45 * time.Second

// commands lets a person type the command, and perhaps Slack deliver it twice.
func (w *world) commands(r *asked, at time.Duration, twice bool) {
	w.types(r, r.op, r.by.ID+" asks "+r.id, at)
	if twice {
		w.stats.faults["a command comes twice"]++
		w.types(r, r.op, r.by.ID+" asks again "+r.id, at+time.Duration(w.rng.IntN(3000))*time.Millisecond)
	}
}

// types delivers a command. Its process notes it, does what it says, and forgets
// it; where that process dies, another one tells the person to type it again.
func (w *world) types(r *asked, op, name string, at time.Duration) {
	if w.typed[op] == nil {
		w.typed[op] = &command{r: r}
	}
	c := w.typed[op]
	w.spawn(name, true, func(a *actor) {
		if !a.sleep(at) {
			return
		}
		a.point("command")
		first, err := a.book.Ask(a.ctx, approvals.Asked{Op: op, By: r.by, Channel: "C1", Text: r.op})
		switch {
		case err != nil: // "type it again"
			a.typesAgain(r, op)
			return
		case !first:
			return
		}
		if c.noted++; c.noted > 1 {
			a.bad("command: %s is worked on %d times", op, c.noted)
		}
		_ = r.hold(a)
		a.point("answer")
		c.answered = true
		c.settle(a, op)
	})
}

// typesAgain lets a person type a command once more, unless there is a request
// already.
func (w *world) typesAgain(r *asked, op string) {
	if next := op + "'"; w.state(r.id) == "" && w.typed[next] == nil && len(next) < len(r.op)+3 {
		w.stats.deeds["a command is typed again"]++
		w.types(r, next, fmt.Sprintf("%s types again %s", r.by.ID, next), 2*time.Second)
	}
}

// abandoned tells people to repeat what they typed.
func (p *poster) abandoned() error {
	if !p.m.Exists(key("asked")) || time.Since(p.asking) < 10*time.Second {
		return nil
	}
	p.asking = time.Now()
	left, err := p.book.Abandoned(p.ctx, silence)
	if err != nil {
		return err
	}
	for _, a := range left {
		c := p.typed[a.Op]
		p.point("tell")
		p.stats.deeds["somebody is told to repeat a command"]++
		if c.told++; !c.settled.IsZero() && c.settled.Before(p.asking) && !p.forgot {
			p.bad("command: the person of %s is told to repeat it, and had heard of it", a.Op)
		}
		p.typesAgain(c.r, a.Op)
		p.point("told")
		c.settle(p.actor, a.Op)
	}
	return nil
}

// settle lets the book forget a command whose person heard of it.
func (c *command) settle(a *actor, op string) {
	if a.book.Answered(a.ctx, op) == nil && c.settled.IsZero() {
		c.settled = time.Now()
	}
}

// unheard reports whether a command waits for a process to tell its person.
func (c *command) unheard() bool { return c.noted > 0 && !c.answered && c.told == 0 }

// heard says that everybody heard of what they typed.
func (c *checker) heard() {
	for op, typed := range c.typed {
		if typed.unheard() {
			c.bad("command: %s was interrupted, and nobody told its person", op)
		}
	}
}
