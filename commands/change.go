package commands

import (
	"context"
	"fmt"
	"io"

	"countersign/approvals"
	"countersign/approvals/rules"
	"countersign/audit"
	"countersign/commands/form"
	"countersign/commands/grammar"
	"countersign/commands/lookup"
	"countersign/commands/refusal"
	"countersign/commands/words"
)

// change answers update and delete: a form if nothing else was said, otherwise
// a request that waits for a second person.
func (d *Desk) change(ctx context.Context, s Slash, r Request) Reply {
	if r.Bare() {
		return Reply{Form: form.ForRequest(r.Verb, s.Channel)}
	}
	if !grammar.HasWord(r.Reason) {
		return d.explain(ctx, refusal.ErrNoReason)
	}
	return Reply{Text: "Looking up…", Then: func(ctx context.Context) Reply {
		a := attempt{by: s.By, verb: r.Verb, filter: r.Selects()}
		reply, err := d.ask(ctx, s, r, &a)
		if err != nil {
			return d.refuse(ctx, a, err)
		}
		return reply
	}}
}

// ask makes a plan of the users that fit now, and has the book hold it.
func (d *Desk) ask(ctx context.Context, s Slash, r Request, a *attempt) (Reply, error) {
	if err := d.private(ctx, s.Channel); err != nil {
		return Reply{}, err
	}
	f := d.finder(ctx, s)
	draft, err := f.Draft(ctx, r)
	if err != nil {
		return Reply{}, err
	}
	plan, err := f.Seal(draft)
	if err != nil {
		return Reply{}, err
	}
	a.users = len(plan.Users())
	reply, err := d.hold(ctx, s, plan, r.Reason)
	reply.Text += lookup.Missing(r.Filter, len(plan.Users())+len(plan.LeftOut()))
	return reply, err
}

// hold checks a plan against the caps and the quorum, and has the book keep it.
func (d *Desk) hold(ctx context.Context, s Slash, plan approvals.Plan, reason string) (Reply, error) {
	need, err := lookup.Need(d.Policy, plan)
	if err != nil {
		return Reply{}, err
	}
	able, err := d.Policy.Quorum(ctx, d.Directory, s.By, need)
	if err != nil {
		return Reply{}, err
	}
	sum := audit.SHA(io.Discard)
	if err := audit.PlanCSV(sum, plan); err != nil {
		return Reply{}, err
	}
	p, err := d.Book.Hold(ctx, approvals.Holding{
		Plan: plan, By: s.By, Op: s.Op, Channel: s.Channel, Reason: reason, PlanSHA: sum.Sum(), Need: need,
		Expires: d.Policy.ExpiresAfter, CoolDown: d.Policy.CoolDown, MaxOpen: d.Policy.MaxOpen, MaxOpenEach: rules.MaxOpenEach,
	})
	if err != nil {
		return Reply{}, err
	}
	return Reply{Stored: true, Text: held(p, able) + leftOutSentence(plan.LeftOut()) + d.standstill(ctx)}, nil
}

// held says that a request waits, and for whom.
func held(p approvals.Pending, able []string) string {
	what := fmt.Sprintf("Held as %s. ", p.ID)
	switch {
	case p.State != approvals.PENDING:
		return fmt.Sprintf("This is request %s: %s", p.ID, refusal.Overdue("it", over(p)))
	case p.Need == 1:
		return what + words.Either(able, "or") + " can approve until " + words.Clock(p.Deadline) + "."
	case p.Need == len(able):
		return what + words.Either(able, "and") + " have to approve by " + words.Clock(p.Deadline) + "."
	}
	return what + fmt.Sprintf("%d of %s have to approve by %s.", p.Need, words.Either(able, "and"), words.Clock(p.Deadline))
}

func leftOutSentence(list []approvals.LeftOut) string {
	if len(list) == 0 {
		return ""
	}
	return " Left out: " + words.LeftOut(list) + "."
}
