package miniqualys

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A field is one that SAQ users can be selected by.
type field struct {
	name      string
	operators []string
	number    bool
	values    func(*SAQUser) []string
}

// one makes a field's values of a single one.
func one(value func(*SAQUser) string) func(*SAQUser) []string {
	return func(u *SAQUser) []string { return []string{value(u)} }
}

func tagIDs(u *SAQUser) (ids []string) {
	for _, t := range u.Tags {
		ids = append(ids, strconv.FormatInt(t.ID, 10))
	}
	return ids
}

func tagNames(u *SAQUser) (names []string) {
	for _, t := range u.Tags {
		names = append(names, t.Name)
	}
	return names
}

// fields is the table on Qualys' page.
func fields() []field {
	number := []string{"EQUALS", "IN"}
	text := []string{"CONTAINS", "EQUALS"}
	return []field{
		{"id", number, true, one(func(u *SAQUser) string { return strconv.FormatInt(u.ID, 10) })},
		{"uuid", []string{"EQUALS"}, false, one(func(u *SAQUser) string { return u.UUID })},
		{"firstName", text, false, one(func(u *SAQUser) string { return u.FirstName })},
		{"lastName", text, false, one(func(u *SAQUser) string { return u.LastName })},
		{"company", text, false, one(func(u *SAQUser) string { return u.Company })},
		{"title", text, false, one(func(u *SAQUser) string { return u.Title })},
		{"emailAddress", text, false, one(func(u *SAQUser) string { return u.EmailAddress })},
		{"userName", text, false, one(func(u *SAQUser) string { return u.UserName })},
		{"tags.tag.id", number, true, tagIDs},
		{"tags.tag.name", text, false, tagNames},
	}
}

// A criterion is a condition that all selected users meet.
type criterion struct {
	field    field
	operator string
	wanted   []string // one, or several for IN
}

// newCriterion reads a Criteria element.
func newCriterion(name, operator, value string) (criterion, *refusal) {
	all := fields()
	i := slices.IndexFunc(all, func(f field) bool { return f.name == name })
	if i < 0 {
		names := make([]string, len(all))
		for i, f := range all {
			names[i] = f.name
		}
		return criterion{}, invalid(fmt.Sprintf("Criteria: Invalid criteria '%s'", name),
			"Specify one of the following criteria: "+strings.Join(names, ", ")+".")
	}
	f := all[i]
	if !slices.Contains(f.operators, operator) {
		return criterion{}, invalid(fmt.Sprintf("Criteria: Invalid operator '%s' for criteria '%s'", operator, name),
			"Specify one of the following operators: "+strings.Join(f.operators, ", ")+".")
	}
	wanted := []string{value}
	if operator == "IN" {
		wanted = strings.Split(value, ",")
	}
	for i, v := range wanted {
		wanted[i] = strings.TrimSpace(v)
		if !f.number {
			continue
		}
		n, err := strconv.ParseInt(wanted[i], 10, 64)
		if err != nil {
			return criterion{}, invalid(fmt.Sprintf("Criteria: Invalid value format for criteria '%s' (%s)", name, wanted[i]),
				"Specify criteria value(s) as Long.")
		}
		wanted[i] = strconv.FormatInt(n, 10)
	}
	return criterion{field: f, operator: operator, wanted: wanted}, nil
}

// admits reports whether the user meets the criterion.
func (c criterion) admits(u *SAQUser, caseSensitive bool) bool {
	for _, has := range c.field.values(u) {
		if c.field.number {
			if slices.Contains(c.wanted, has) {
				return true
			}
			continue
		}
		for _, want := range c.wanted {
			if compare(c.operator, strings.TrimSpace(has), want, caseSensitive) {
				return true
			}
		}
	}
	return false
}

func compare(operator, has, want string, caseSensitive bool) bool {
	if !caseSensitive {
		has, want = strings.ToLower(has), strings.ToLower(want)
	}
	if operator == "CONTAINS" {
		return strings.Contains(has, want)
	}
	return has == want
}

// named returns the ids that criteria on id name; ok is false when there is no
// such criterion.
func named(criteria []criterion) (ids []int64, ok bool) {
	for _, c := range criteria {
		if c.field.name != "id" {
			continue
		}
		ok = true
		for _, v := range c.wanted {
			id, _ := strconv.ParseInt(v, 10, 64) // newCriterion has read it
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids), ok
}

// selected returns the users in scope that meet all criteria: everybody, when
// there is none. s.mu is held.
func (s *Server) selected(criteria []criterion) []*SAQUser {
	q := s.quirks
	criteria = slices.DeleteFunc(slices.Clone(criteria), func(c criterion) bool {
		return slices.Contains(q.IgnoreCriteria, c.field.name)
	})
	users := s.saq.answers(q)
	return slices.DeleteFunc(users, func(u *SAQUser) bool {
		return slices.ContainsFunc(criteria, func(c criterion) bool { return !c.admits(u, q.CaseSensitive) })
	})
}
