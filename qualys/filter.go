package qualys

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A Field is one of the ten names by which SAQ users are selected, spelled as
// Qualys spells it.
type Field string

// The fields of search, count, update and delete (seeds: "Input Parameter").
const (
	ID           Field = "id"
	UUID         Field = "uuid"
	FirstName    Field = "firstName"
	LastName     Field = "lastName"
	Company      Field = "company"
	Title        Field = "title"
	EmailAddress Field = "emailAddress"
	UserName     Field = "userName"
	TagID        Field = "tags.tag.id"
	TagName      Field = "tags.tag.name"
)

// Fields lists all of them in the order of Qualys' page.
var Fields = []Field{ID, UUID, FirstName, LastName, Company, Title, EmailAddress, UserName, TagID, TagName}

// An Operator says how a field is compared.
type Operator string

// The operators that SAQ users know.
const (
	Equals   Operator = "EQUALS"
	Contains Operator = "CONTAINS"
	In       Operator = "IN"
)

// Operators returns what Qualys allows on the field.
func (f Field) Operators() []Operator {
	switch f {
	case ID, TagID:
		return []Operator{Equals, In}
	case UUID:
		return []Operator{Equals}
	}
	return []Operator{Contains, Equals}
}

// A Condition is one criterion. Values has one element, or several for In.
type Condition struct {
	Field    Field
	Operator Operator
	Values   []string
}

// A Filter selects SAQ users: all its conditions must hold. The empty filter
// selects everybody in the API user's scope. Filters only ever select; a write
// takes ids.
type Filter []Condition

// Matches reports whether the user satisfies every condition, without regard
// to case: every user that Qualys returns is checked with it.
func (f Filter) Matches(u SAQUser) bool {
	return !slices.ContainsFunc(f, func(c Condition) bool { return !c.matches(u) })
}

func (c Condition) matches(u SAQUser) bool {
	return slices.ContainsFunc(u.values(c.Field), func(has string) bool {
		return slices.ContainsFunc(c.normal(), func(want string) bool {
			return want != "" && c.Operator.holds(fold(has), fold(want))
		})
	})
}

func (o Operator) holds(has, want string) bool {
	if o == Contains {
		return strings.Contains(has, want)
	}
	return has == want
}

// fold makes two spellings of the same text equal: case and the blanks around
// it do not count.
func fold(s string) string { return strings.ToLower(strings.ToUpper(strings.TrimSpace(s))) }

// values returns what the user holds in a field: several values for tags.
func (u SAQUser) values(f Field) []string {
	var of func(Tag) string
	switch f {
	case TagID:
		of = func(t Tag) string { return strconv.FormatInt(t.ID, 10) }
	case TagName:
		of = func(t Tag) string { return t.Name }
	default:
		return []string{u.Value(f)}
	}
	var has []string
	for _, t := range u.Tags {
		has = append(has, of(t))
	}
	return has
}

// normal returns the values as they go over the wire: without blanks around
// them, numbers in order and each once.
func (c Condition) normal() []string {
	values := make([]string, len(c.Values))
	for i, v := range c.Values {
		values[i] = strings.TrimSpace(v)
	}
	if c.Field != ID && c.Field != TagID {
		return values
	}
	numbers := make([]int64, len(values))
	for i, v := range values {
		n, err := strconv.ParseInt(v, 10, 64)
		if err != nil {
			return values
		}
		numbers[i] = n
	}
	slices.Sort(numbers)
	values = values[:0]
	for _, n := range slices.Compact(numbers) {
		values = append(values, strconv.FormatInt(n, 10))
	}
	return values
}

var uuidShape = regexp.MustCompile(`^(?i)[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// Validate reports everything in the filter that Qualys would refuse or, worse,
// might ignore: operators a field does not have, values that are empty, no
// number, no UUID, or hold control characters. The empty filter is valid.
func (f Filter) Validate() error {
	var problems []error
	for _, c := range f {
		if err := c.validate(); err != nil {
			problems = append(problems, fmt.Errorf("condition on %s: %w", c.Field, err))
		}
	}
	return errors.Join(problems...)
}

func (c Condition) validate() error {
	switch {
	case !slices.Contains(Fields, c.Field):
		return errors.New("no such field")
	case !slices.Contains(c.Field.Operators(), c.Operator):
		return fmt.Errorf("%q is not among its operators", c.Operator)
	case len(c.Values) == 0:
		return errors.New("no value")
	case len(c.Values) > 1 && c.Operator != In:
		return fmt.Errorf("%s takes one value", c.Operator)
	}
	for _, v := range c.Values {
		if err := c.Field.check(strings.TrimSpace(v)); err != nil {
			return err
		}
	}
	return nil
}

// check judges one value of a condition.
func (f Field) check(v string) error {
	switch f {
	case ID, TagID:
		if n, err := strconv.ParseInt(v, 10, 64); err != nil || n <= 0 {
			return fmt.Errorf("%q is no id", v)
		}
	case UUID:
		if !uuidShape.MatchString(v) {
			return fmt.Errorf("%q is no UUID", v)
		}
	}
	if v == "" {
		return errors.New("an empty value")
	}
	return printable(v)
}

// printable refuses what XML cannot carry and what no name holds.
func printable(v string) error {
	if !utf8.ValidString(v) || strings.ContainsFunc(v, func(r rune) bool {
		return unicode.IsControl(r) || r == 0xFFFE || r == 0xFFFF
	}) {
		return fmt.Errorf("%q holds control characters or broken text", v)
	}
	return nil
}
