package commands

import (
	"context"

	"countersign/commands/form"
	"countersign/commands/grammar"
	"countersign/commands/refusal"
)

// What people fill in, in the words of package form.
type (
	Form       = form.Form
	FormField  = form.Field
	FieldKind  = form.FieldKind
	Choice     = form.Choice
	Submission = form.Submission
)

// The kinds of fields.
const (
	FieldText   = form.FieldText
	FieldLong   = form.FieldLong
	FieldChoice = form.FieldChoice
	FieldFile   = form.FieldFile
)

// Submit answers a form. Who sends it is the one who acts; what rode in it is
// judged against the record.
func (d *Desk) Submit(ctx context.Context, s Submission) Reply {
	switch s.Form {
	case string(Update), string(Delete):
		return d.submitRequest(ctx, s)
	case form.Approve, form.Reject:
		c := s.Click
		c.By, c.Op = s.By, s.Op
		c.Words = s.Values[form.Confirm]
		if c.Action = ActApprove; s.Form == form.Reject {
			c.Action, c.Words = ActReject, grammar.OneLine(grammar.Plain(s.Values[form.Reason]), grammar.ReasonAtMost)
		}
		return d.decide(ctx, c, true)
	}
	return d.explain(ctx, refusal.ErrForeignForm)
}

// submitRequest builds the request that could have been typed, and asks for it.
func (d *Desk) submitRequest(ctx context.Context, s Submission) Reply {
	if err := d.listed(s.Channel); err != nil {
		return d.explain(ctx, err)
	}
	r, wrong := form.Read(s)
	if err := d.may(ctx, mayRequest, s.By); err != nil {
		return d.refuse(ctx, attempt{by: s.By, verb: Verb(s.Form), filter: r.Selects()}, err)
	}
	if len(wrong) > 0 {
		return Reply{Errors: wrong}
	}
	return d.change(ctx, Slash{Text: r.String(), By: s.By, Channel: s.Channel, Op: s.Op}, r)
}
