package qualys_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/qualys"
)

var zoe = qualys.SAQUser{
	ID: 42, UUID: "d78bbe2c-5396-48ea-92cc-03d0076ee839", UserName: "zoe@acme", FirstName: "Zoë", LastName: " O'Neil ",
	EmailAddress: "zoe@acme.com", Company: "Acme", Tags: []qualys.Tag{{ID: 7, Name: "Vendors"}, {ID: 8, Name: "Left"}},
}

func TestMatches(t *testing.T) {
	for _, tt := range []struct {
		name   string
		filter qualys.Filter
		want   bool
	}{
		{"the empty filter", nil, true},
		{"equal", qualys.Filter{is(qualys.Company, "Acme")}, true},
		{"equal but for case", qualys.Filter{is(qualys.FirstName, "ZOË")}, true},
		{"equal but for blanks", qualys.Filter{is(qualys.LastName, "o'neil\n")}, true},
		{"a part is not equal", qualys.Filter{is(qualys.Company, "Acm")}, false},
		{"a part", qualys.Filter{hasText(qualys.EmailAddress, "@ACME")}, true},
		{"no part", qualys.Filter{hasText(qualys.EmailAddress, "@other")}, false},
		{"blank is in nobody", qualys.Filter{hasText(qualys.Company, " ")}, false},
		{"empty equals nobody", qualys.Filter{is(qualys.Title, "")}, false},
		{"no value", qualys.Filter{{Field: qualys.Company, Operator: qualys.Equals}}, false},
		{"an id", qualys.Filter{is(qualys.ID, "042")}, true},
		{"among ids", qualys.Filter{among(qualys.ID, "7, 42")}, true},
		{"not among ids", qualys.Filter{among(qualys.ID, "7,421")}, false},
		{"a uuid in capitals", qualys.Filter{is(qualys.UUID, "D78BBE2C-5396-48EA-92CC-03D0076EE839")}, true},
		{"one of the tags", qualys.Filter{is(qualys.TagName, "left")}, true},
		{"a part of a tag", qualys.Filter{hasText(qualys.TagName, "endo")}, true},
		{"a tag's id", qualys.Filter{among(qualys.TagID, "9,8")}, true},
		{"another tag's id", qualys.Filter{is(qualys.TagID, "9")}, false},
		{"all conditions", qualys.Filter{is(qualys.Company, "acme"), is(qualys.TagID, "7")}, true},
		{"all but one", qualys.Filter{is(qualys.Company, "acme"), is(qualys.Title, "boss")}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			assert.Equal(t, tt.want, tt.filter.Matches(zoe), "%v matches", tt.filter)
		})
	}
}

func TestFiltersThatQualysWouldRefuse(t *testing.T) {
	for _, tt := range []struct {
		name    string
		filter  qualys.Filter
		problem string
	}{
		{"an unknown field", qualys.Filter{is("status", "x")}, "no such field"},
		{"an operator of another field", qualys.Filter{hasText(qualys.ID, "7")}, `"CONTAINS" is not among its operators`},
		{"a list for a text", qualys.Filter{among(qualys.Company, "a,b")}, `"IN" is not among its operators`},
		{"no value", qualys.Filter{{Field: qualys.ID, Operator: qualys.In}}, "no value"},
		{"two values for one", qualys.Filter{{Field: qualys.Company, Operator: qualys.Equals, Values: []string{"a", "b"}}}, "EQUALS takes one value"},
		{"a blank value", qualys.Filter{is(qualys.Company, " ")}, "an empty value"},
		{"a word as id", qualys.Filter{among(qualys.ID, "7,x")}, `"x" is no id`},
		{"a negative id", qualys.Filter{is(qualys.TagID, "-7")}, `"-7" is no id`},
		{"an id too large", qualys.Filter{is(qualys.ID, "9223372036854775808")}, "is no id"},
		{"a number as uuid", qualys.Filter{is(qualys.UUID, "123")}, `"123" is no UUID`},
		{"a control character", qualys.Filter{is(qualys.Title, "a\x00b")}, "control characters"},
		{"broken text", qualys.Filter{is(qualys.Title, "a\xffb")}, "broken text"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			api, c := setup(t)
			_, err := c.Count(t.Context(), tt.filter)
			require.ErrorContains(t, err, tt.problem)
			require.ErrorContains(t, err, "condition on "+string(tt.filter[0].Field))
			_, err = collect(t.Context(), c, tt.filter)
			require.ErrorContains(t, err, tt.problem)
			assert.Empty(t, api.Requests(), "nothing is sent")
		})
	}
	err := qualys.Filter{is(qualys.ID, "x"), is(qualys.Company, "")}.Validate()
	require.ErrorContains(t, err, "condition on id")
	require.ErrorContains(t, err, "condition on company")
}
