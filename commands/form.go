package commands

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"countersign/approvals"
	"countersign/audit"
	"countersign/commands/grammar"
	"countersign/qualys"
)

// The dialogs that buttons open. The forms of update and delete are named after
// their verbs.
const (
	formApprove = "approve"
	formReject  = "reject"
)

// Submit answers a form. Who sends it is the one who acts; what rode in it is
// judged against the record.
func (d *Desk) Submit(ctx context.Context, s Submission) Reply {
	switch s.Form {
	case string(Update), string(Delete):
		return d.submitRequest(ctx, s)
	case formApprove, formReject:
		c := s.Click
		c.By, c.Op = s.By, s.Op
		c.Words = s.Values[fieldConfirm]
		if c.Action = ActApprove; s.Form == formReject {
			c.Action, c.Words = ActReject, grammar.OneLine(grammar.Plain(s.Values[fieldReason]), grammar.ReasonAtMost)
		}
		return d.decide(ctx, c, true)
	}
	return d.explain(ctx, errForeignForm)
}

// submitRequest builds the request that could have been typed, and asks for it.
func (d *Desk) submitRequest(ctx context.Context, s Submission) Reply {
	if err := d.listed(s.Channel); err != nil {
		return d.explain(ctx, err)
	}
	r, wrong := readForm(s)
	if err := d.may(ctx, mayRequest, s.By); err != nil {
		return d.refuse(ctx, attempt{by: s.By, verb: Verb(s.Form), filter: r.Selects()}, err)
	}
	if len(wrong) > 0 {
		return Reply{Errors: wrong}
	}
	return d.change(ctx, Slash{Text: r.String(), By: s.By, Channel: s.Channel, Op: s.Op}, r)
}

// readForm reads the fields of a form for update or delete, and says what is
// wrong with each.
func readForm(s Submission) (Request, map[string]string) {
	r := Request{Verb: Verb(s.Form)}
	wrong := map[string]string{}
	note := func(field string, err error) {
		usage, ok := errors.AsType[*UsageError](err)
		switch {
		case ok && usage.Hint != "":
			wrong[field] = usage.Problem + " Write: " + usage.Hint
		case err != nil:
			wrong[field] = err.Error()
		}
	}
	var err error
	r.Filter, err = grammar.Conditions(s.Values[fieldUsers], r.Verb)
	note(fieldUsers, err)
	switch {
	case err != nil:
	case len(s.File) > 0:
		note(fieldFile, addIDs(&r, s.File))
	case len(r.Filter) == 0:
		wrong[fieldUsers] = "Which users? Name conditions or ids here, or choose a CSV below."
	}
	if r.Verb == Update {
		r.Set, err = grammar.Change(s.Values[fieldChange])
		note(fieldChange, err)
	}
	r.Reason = grammar.OneLine(grammar.Plain(s.Values[fieldReason]), grammar.ReasonAtMost)
	if !grammar.HasWord(r.Reason) {
		wrong[fieldReason] = "Whoever approves needs a reason: name a ticket, or say why."
	} else if n := utf8.RuneCountInString(strings.TrimSpace(s.Values[fieldReason])); n > grammar.ReasonAtMost {
		wrong[fieldReason] = "The reason is longer than " + strconv.Itoa(grammar.ReasonAtMost) + " characters."
	}
	return r, wrong
}

// confirmation is what an approver types above the policy's threshold, such as
// "DELETE 49".
func confirmation(p approvals.Pending) string {
	return strings.ToUpper(string(p.Verb)) + " " + strconv.Itoa(p.Users)
}

// confirms reports whether somebody typed it, whatever the case, the blanks and
// the commas of the number.
func confirms(words string, p approvals.Pending) bool {
	words = strings.Join(strings.Fields(strings.ReplaceAll(grammar.Plain(words), ",", "")), " ")
	return strings.EqualFold(strings.Trim(words, `"'`), confirmation(p))
}

// approveForm asks to type what is about to happen.
func approveForm(p approvals.Pending, c Click) *Form {
	head, intro := title(p), []string{
		"Request " + p.ID + ", fingerprint " + p.Short() + ".",
		"Reason: " + grammar.OneLine(p.Reason, grammar.ReasonAtMost),
	}
	if resuming(p) {
		head = "Resume " + grammar.OneLine(p.ID, 17)
		intro = append([]string{"I go on to " + what(p) + " where I was interrupted." + spaced(audit.Account(p))}, intro...)
	}
	return &Form{
		ID: formApprove, Title: head, Submit: "Approve", Click: c, Channel: c.Channel, Intro: intro,
		Fields: []FormField{{
			ID: fieldConfirm, Kind: FieldText, Label: "Type " + confirmation(p), Placeholder: confirmation(p), Max: 40,
		}},
	}
}

// rejectForm asks why not; an answer is welcome and not needed.
func rejectForm(p approvals.Pending, c Click) *Form {
	return &Form{
		ID: formReject, Title: "Reject " + grammar.OneLine(p.ID, 17), Submit: "Reject", Click: c, Channel: c.Channel,
		Intro: []string{fullStop(title(p)) + " Rejecting ends the request; no user is touched."},
		Fields: []FormField{{
			ID: fieldReason, Kind: FieldText, Label: "Reason", Optional: true, Max: grammar.ReasonAtMost,
			Hint: "It stands in the trail, and the requester reads it.",
		}},
	}
}

// addIDs adds the ids of a CSV to a request as one more condition.
func addIDs(r *Request, file []byte) error {
	if slices.ContainsFunc(r.Filter, func(c qualys.Condition) bool { return c.Field == qualys.ID }) {
		return &UsageError{Problem: "There are ids in the field above too. Keep them in one place."}
	}
	ids, err := grammar.ReadIDs(file)
	if err != nil {
		return err
	}
	c := qualys.Condition{Field: qualys.ID, Operator: qualys.Equals, Values: ids}
	if len(ids) > 1 {
		c.Operator = qualys.In
	}
	r.Filter = append(r.Filter, c)
	return nil
}
