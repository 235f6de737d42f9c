package grammar

import (
	"slices"
	"strings"

	"countersign/qualys"
)

// aliases are other names that people have for the fields, squeezed (see
// [squeeze]).
var aliases = map[string]qualys.Field{
	"userid":       qualys.ID,
	"ids":          qualys.ID,
	"first":        qualys.FirstName,
	"givenname":    qualys.FirstName,
	"last":         qualys.LastName,
	"surname":      qualys.LastName,
	"companyname":  qualys.Company,
	"organization": qualys.Company,
	"organisation": qualys.Company,
	"jobtitle":     qualys.Title,
	"email":        qualys.EmailAddress,
	"mail":         qualys.EmailAddress,
	"login":        qualys.UserName,
	"user":         qualys.UserName,
	"tag":          qualys.TagName,
	"tags":         qualys.TagName,
	"tagname":      qualys.TagName,
	"tagsname":     qualys.TagName,
	"tagid":        qualys.TagID,
	"tagsid":       qualys.TagID,
}

// field finds the field that a name means, whatever its case, blanks, dots,
// hyphens and underscores.
func field(name string) (qualys.Field, bool) {
	name = squeeze(name)
	for _, f := range qualys.Fields {
		if squeeze(string(f)) == name {
			return f, true
		}
	}
	f, ok := aliases[name]
	return f, ok
}

// nearField finds the field that was probably meant.
func nearField(name string) (qualys.Field, bool) {
	var known []string
	for _, f := range qualys.Fields {
		known = append(known, squeeze(string(f)))
	}
	for a := range aliases {
		known = append(known, a)
	}
	slices.Sort(known) // so that the same typo always gets the same answer
	meant, ok := near(squeeze(name), known)
	if !ok {
		return "", false
	}
	return field(meant)
}

func squeeze(name string) string {
	return strings.NewReplacer(" ", "", "-", "", "_", "", ".", "").Replace(strings.ToLower(name))
}

// numbers reports whether the field holds numbers, of which a list may be given.
func numbers(f qualys.Field) bool { return f == qualys.ID || f == qualys.TagID }

func fieldNames(fields []qualys.Field) string {
	var names []string
	for _, f := range fields {
		names = append(names, string(f))
	}
	return strings.Join(names, ", ")
}
