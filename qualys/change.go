package qualys

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Writable lists the fields an update may set, in the order in which a
// [Change] names them. EmailAddress may be set on one user only.
var Writable = []Field{FirstName, LastName, Company, Title, EmailAddress}

// A Set gives one field a new value.
type Set struct {
	Field Field
	Value string // empty means the field is cleared
}

// A Change is what an update writes: one value for each field it names, the
// same for every user. Fields it does not name stay as they are. Its order is
// that of [Writable]; [NewChange] sees to it.
type Change []Set

// NewChange puts the sets into their order.
func NewChange(sets ...Set) Change {
	c := Change(slices.Clone(sets))
	slices.SortStableFunc(c, func(a, b Set) int {
		return slices.Index(Writable, a.Field) - slices.Index(Writable, b.Field)
	})
	return c
}

// Validate reports everything that keeps the change from being written to that
// many users: no field, a field that cannot be written or is named twice, an
// e-mail address for more than one user, a value of blanks only (which Qualys
// might take for empty) or with control characters.
func (c Change) Validate(users int) error {
	var problems []error
	if len(c) == 0 {
		problems = append(problems, errors.New("a change without a field"))
	}
	seen := map[Field]bool{}
	for _, s := range c {
		if err := s.validate(users); err != nil {
			problems = append(problems, fmt.Errorf("change of %s: %w", s.Field, err))
		}
		if seen[s.Field] {
			problems = append(problems, fmt.Errorf("change of %s: named twice", s.Field))
		}
		seen[s.Field] = true
	}
	return errors.Join(problems...)
}

func (s Set) validate(users int) error {
	switch {
	case !slices.Contains(Writable, s.Field):
		return errors.New("this field cannot be written")
	case s.Field == EmailAddress && users != 1:
		return errors.New("only one user at a time can be given an address")
	case s.Value != "" && strings.TrimSpace(s.Value) == "":
		return errors.New("the value is blank")
	}
	return printable(s.Value)
}

// Apply returns the user as the change would leave it.
func (c Change) Apply(u SAQUser) SAQUser {
	u.Tags = slices.Clone(u.Tags)
	for _, s := range c {
		switch s.Field {
		case FirstName:
			u.FirstName = s.Value
		case LastName:
			u.LastName = s.Value
		case Company:
			u.Company = s.Value
		case Title:
			u.Title = s.Value
		case EmailAddress:
			u.EmailAddress = s.Value
		}
	}
	return u
}

// Holds reports whether the user already has every value of the change,
// byte for byte.
func (c Change) Holds(u SAQUser) bool {
	return !slices.ContainsFunc(c, func(s Set) bool { return u.Value(s.Field) != s.Value })
}

// HoldsNearly is Holds without regard to case and surrounding blanks: Qualys
// may tidy what it is given.
func (c Change) HoldsNearly(u SAQUser) bool {
	return !slices.ContainsFunc(c, func(s Set) bool {
		return !strings.EqualFold(strings.TrimSpace(u.Value(s.Field)), strings.TrimSpace(s.Value))
	})
}

// Value returns what the user holds in a single-valued text field, or "".
func (u SAQUser) Value(f Field) string {
	switch f {
	case ID:
		return u.ID.String()
	case UUID:
		return u.UUID
	case FirstName:
		return u.FirstName
	case LastName:
		return u.LastName
	case Company:
		return u.Company
	case Title:
		return u.Title
	case EmailAddress:
		return u.EmailAddress
	case UserName:
		return u.UserName
	}
	return ""
}
