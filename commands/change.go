package commands

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"countersign/approvals"
	"countersign/approvals/rules"
	"countersign/audit"
	"countersign/commands/grammar"
	"countersign/execution"
	"countersign/qualys"
)

// change answers update and delete: a form if nothing else was said, otherwise
// a request that waits for a second person.
func (d *Desk) change(ctx context.Context, s Slash, r Request) Reply {
	if r.Bare() {
		return Reply{Form: requestForm(r.Verb, s.Channel)}
	}
	if !grammar.HasWord(r.Reason) {
		return d.explain(ctx, errNoReason)
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
	draft, err := d.draft(ctx, r)
	if err != nil {
		return Reply{}, err
	}
	plan, err := d.seal(draft)
	if err != nil {
		return Reply{}, err
	}
	a.users = len(plan.Users())
	reply, err := d.hold(ctx, s, plan, r.Reason)
	reply.Text += missing(r.Filter, len(plan.Users())+len(plan.LeftOut()))
	return reply, err
}

// hold checks a plan against the caps and the quorum, and has the book keep it.
func (d *Desk) hold(ctx context.Context, s Slash, plan approvals.Plan, reason string) (Reply, error) {
	need, err := d.capped(plan)
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

// draft looks everybody up who fits.
func (d *Desk) draft(ctx context.Context, r Request) (approvals.Draft, error) {
	scope, err := d.scope(ctx)
	if err != nil {
		return approvals.Draft{}, err
	}
	var users []qualys.SAQUser
	err = d.each(ctx, r.Filter, func(u qualys.SAQUser) error {
		if users = append(users, u); len(users) > approvals.MaxUsers {
			return capError{users: len(users), most: d.Policy.CapFor(scope)}
		}
		return nil
	})
	if err == nil && len(users) == 0 {
		err = errNobodyFound
	}
	return approvals.Draft{
		Tenant: d.Tenant, Verb: approvals.Verb(r.Verb), Change: r.Set, Users: users, Scope: scope, Filter: r.Selects(),
	}, err
}

// scope counts all SAQ users that the bot can see.
func (d *Desk) scope(ctx context.Context) (int, error) {
	n, err := d.Users.Count(ctx, nil)
	if err != nil {
		return 0, fmt.Errorf("count everybody: %w", err)
	}
	return n, nil
}

// seal makes a plan of those who may be touched.
func (d *Desk) seal(draft approvals.Draft) (approvals.Plan, error) {
	prepared, err := execution.Prepare(draft, d.protected)
	if errors.Is(err, approvals.ErrNobody) {
		return approvals.Plan{}, leftOutError{prepared.LeftOut}
	}
	return prepared.Plan, err
}

// protected reports whether no plan may touch a user: the policy says so, or it
// is the account that the bot itself uses.
func (d *Desk) protected(u qualys.SAQUser) bool {
	return slices.ContainsFunc(d.Users.Logins(), func(login string) bool {
		_, yes := d.Policy.Protected(u, login)
		return yes
	})
}

// capped says how many approvals a plan needs, or that the policy allows no
// plan of its size.
func (d *Desk) capped(plan approvals.Plan) (need int, err error) {
	users, scope := len(plan.Users()), plan.Scope()
	need, ok := d.Policy.Need(users)
	switch most := d.Policy.CapFor(scope); {
	case plan.Verb() == approvals.Delete && users >= scope:
		return 0, everybodyError{users}
	case users > most && most < d.Policy.Cap(): // the share is the lower of the two caps
		return 0, shareError{users: users, scope: scope, most: most, percent: d.Policy.MaxPercent}
	case !ok:
		return 0, capError{users: users, most: most, exact: true}
	}
	return need, nil
}

// held says that a request waits, and for whom.
func held(p approvals.Pending, able []string) string {
	what := fmt.Sprintf("Held as %s. ", p.ID)
	switch {
	case p.State != approvals.PENDING:
		return fmt.Sprintf("This is %s already: %s", p.ID, overdue("it", over(p)))
	case p.Need == 1:
		return what + either(able, "or") + " can approve until " + clock(p.Deadline) + "."
	case p.Need == len(able):
		return what + either(able, "and") + " have to approve by " + clock(p.Deadline) + "."
	}
	return what + fmt.Sprintf("%d of %s have to approve by %s.", p.Need, either(able, "and"), clock(p.Deadline))
}

func leftOutSentence(list []approvals.LeftOut) string {
	if len(list) == 0 {
		return ""
	}
	return " Left out: " + leftOutWords(list) + "."
}

// requestForm is the form that builds an update or a delete.
func requestForm(v Verb, channel string) *Form {
	f := &Form{
		ID: string(v), Title: "Delete SAQ users", Submit: "Ask", Channel: channel,
		Intro: []string{"A second person has to approve it. It removes users of the questionnaire; platform accounts stay."},
		Fields: []FormField{
			{
				ID: fieldUsers, Kind: FieldLong, Label: "Which SAQ users", Optional: true, Max: 3000,
				Hint:        "One condition a line, all of them hold: company=Acme, title~manager. Or up to 300 ids.",
				Placeholder: "company=NewVendor",
			},
			{ID: fieldFile, Kind: FieldFile, Label: "Or a CSV of ids", Optional: true, Hint: "One id a row, or a column called id."},
		},
	}
	if v == Update {
		f.Title = "Update SAQ users"
		f.Intro = []string{"A second person has to approve it."}
		f.Fields = append(f.Fields, FormField{
			ID: fieldChange, Kind: FieldLong, Label: "New values", Max: 3000,
			Hint:        "One a line: firstName, lastName, company, title, or emailAddress for one user. clear empties a field.",
			Placeholder: `lastName="Left"`,
		})
	}
	f.Fields = append(f.Fields, FormField{
		ID: fieldReason, Kind: FieldText, Label: "Reason", Max: grammar.ReasonAtMost, Placeholder: "SEC-123 contract ended",
	})
	return f
}

// The fields of the forms.
const (
	fieldUsers   = "users"
	fieldFile    = "file"
	fieldChange  = "change"
	fieldReason  = "reason"
	fieldConfirm = "confirm"
)
