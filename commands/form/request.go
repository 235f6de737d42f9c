package form

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"countersign/commands/grammar"
	"countersign/qualys"
)

// The fields of the forms.
const (
	Users   = "users"
	File    = "file"
	Change  = "change"
	Reason  = "reason"
	Confirm = "confirm"
)

// ForRequest is the form that builds an update or a delete.
func ForRequest(v grammar.Verb, channel string) *Form {
	f := &Form{
		ID: string(v), Title: "Delete SAQ users", Submit: "Ask", Channel: channel,
		Intro: []string{"A second person has to approve it. It removes users of the questionnaire; platform accounts stay."},
		Fields: []Field{
			{
				ID: Users, Kind: FieldLong, Label: "Which SAQ users", Optional: true, Max: 3000,
				Hint:        "One condition a line, all of them hold: company=Acme, title~manager. Or up to 300 ids.",
				Placeholder: "company=NewVendor",
			},
			{ID: File, Kind: FieldFile, Label: "Or a CSV of ids", Optional: true, Hint: "One id a row, or a column called id."},
		},
	}
	if v == grammar.Update {
		f.Title = "Update SAQ users"
		f.Intro = []string{"A second person has to approve it."}
		f.Fields = append(f.Fields, Field{
			ID: Change, Kind: FieldLong, Label: "New values", Max: 3000,
			Hint:        "One a line: firstName, lastName, company, title, or emailAddress for one user. clear empties a field.",
			Placeholder: `lastName="Left"`,
		})
	}
	f.Fields = append(f.Fields, Field{
		ID: Reason, Kind: FieldText, Label: "Reason", Max: grammar.ReasonAtMost, Placeholder: "SEC-123 contract ended",
	})
	return f
}

// Read reads the fields of a form for update or delete, and says what is
// wrong with each.
func Read(s Submission) (grammar.Request, map[string]string) {
	r := grammar.Request{Verb: grammar.Verb(s.Form)}
	wrong := map[string]string{}
	note := func(field string, err error) {
		usage, ok := errors.AsType[*grammar.UsageError](err)
		switch {
		case ok && usage.Hint != "":
			wrong[field] = usage.Problem + " Write: " + usage.Hint
		case err != nil:
			wrong[field] = err.Error()
		}
	}
	var err error
	r.Filter, err = grammar.Conditions(s.Values[Users], r.Verb)
	note(Users, err)
	switch {
	case err != nil:
	case s.File != nil: // also an empty one: whoever chose it meant somebody
		note(File, addIDs(&r, s.File))
	case len(r.Filter) == 0:
		wrong[Users] = "Which users? Name conditions or ids here, or choose a CSV below."
	}
	if r.Verb == grammar.Update {
		r.Set, err = grammar.Change(s.Values[Change])
		note(Change, err)
	}
	r.Reason = grammar.OneLine(grammar.Plain(s.Values[Reason]), grammar.ReasonAtMost)
	if !grammar.HasWord(r.Reason) {
		wrong[Reason] = "Whoever approves needs a reason: name a ticket, or say why."
	} else if n := utf8.RuneCountInString(strings.TrimSpace(s.Values[Reason])); n > grammar.ReasonAtMost {
		wrong[Reason] = "The reason is longer than " + strconv.Itoa(grammar.ReasonAtMost) + " characters."
	}
	return r, wrong
}

// addIDs adds the ids of a CSV to a request as one more condition.
func addIDs(r *grammar.Request, file []byte) error {
	if slices.ContainsFunc(r.Filter, func(c qualys.Condition) bool { return c.Field == qualys.ID }) {
		return &grammar.UsageError{Problem: "There are ids in the field above too. Keep them in one place."}
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
