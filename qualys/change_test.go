package qualys_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/qualys"
)

// P52: an empty value clears a field, an absent one does not.
func TestAChangeWritesWhatItNames(t *testing.T) {
	c := qualys.NewChange(
		qualys.Set{Field: qualys.EmailAddress, Value: "z@new.com"},
		qualys.Set{Field: qualys.FirstName, Value: "Zoe"},
		qualys.Set{Field: qualys.Company, Value: ""})
	assert.Equal(t, []qualys.Field{qualys.FirstName, qualys.Company, qualys.EmailAddress}, []qualys.Field{c[0].Field, c[1].Field, c[2].Field}, "in the order of Writable")

	after := c.Apply(zoe)
	want := zoe
	want.FirstName, want.Company, want.EmailAddress = "Zoe", "", "z@new.com"
	assert.Equal(t, want, after)
	assert.False(t, c.Holds(zoe), "not yet")
	assert.True(t, c.Holds(after), "now")

	after.Tags[0].Name = "changed"
	assert.Equal(t, "Vendors", zoe.Tags[0].Name, "Apply shares nothing")
}

func TestAChangeHoldsNearlyIfQualysTidiedIt(t *testing.T) {
	c := qualys.NewChange(qualys.Set{Field: qualys.LastName, Value: "Left "}, qualys.Set{Field: qualys.Title, Value: "Head"})
	for _, tt := range []struct {
		name          string
		user          qualys.SAQUser
		holds, nearly bool
	}{
		{"byte for byte", qualys.SAQUser{LastName: "Left ", Title: "Head"}, true, true},
		{"another case", qualys.SAQUser{LastName: "Left ", Title: "HEAD"}, false, true},
		{"without blanks", qualys.SAQUser{LastName: "Left", Title: "Head"}, false, true},
		{"another value", qualys.SAQUser{LastName: "Left", Title: "Boss"}, false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			assert.Equal(t, tt.holds, c.Holds(tt.user), "Holds")
			assert.Equal(t, tt.nearly, c.HoldsNearly(tt.user), "HoldsNearly")
		})
	}
}

func TestChangesThatCannotBeWritten(t *testing.T) {
	set := func(f qualys.Field, v string) qualys.Set { return qualys.Set{Field: f, Value: v} }
	for _, tt := range []struct {
		name    string
		change  qualys.Change
		users   int
		problem string
	}{
		{"nothing", nil, 1, "without a field"},
		{"a login", qualys.Change{set(qualys.UserName, "x")}, 1, "change of userName: this field cannot be written"},
		{"a tag", qualys.Change{set(qualys.TagName, "x")}, 1, "cannot be written"},
		{"a field twice", qualys.Change{set(qualys.Title, "x"), set(qualys.Title, "y")}, 1, "change of title: named twice"},
		{"one address for two", qualys.Change{set(qualys.EmailAddress, "a@b.c")}, 2, "only one user"},
		{"blanks", qualys.Change{set(qualys.Title, " \u00a0")}, 1, "the value is blank"},
		{"a control character", qualys.Change{set(qualys.Title, "a\nb")}, 1, "control characters"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			require.ErrorContains(t, tt.change.Validate(tt.users), tt.problem)
		})
	}
	require.NoError(t, qualys.Change{set(qualys.Title, ""), set(qualys.LastName, "x")}.Validate(50), "an empty value clears")
	require.NoError(t, qualys.Change{set(qualys.EmailAddress, "a@b.c")}.Validate(1))
}
