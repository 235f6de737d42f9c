package rules_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/approvals/rules"
)

func TestSamePersonIsOneAccountOrOneEnterpriseID(t *testing.T) {
	bob := rules.Person{Team: "T1", ID: "UBOB"}
	for _, tt := range []struct {
		name string
		a, b rules.Person
		want bool
	}{
		{"the same account", bob, bob, true},
		{"another account", bob, rules.Person{Team: "T1", ID: "UCAROL"}, false},
		{"the same id in another workspace", bob, rules.Person{Team: "T2", ID: "UBOB"}, false},
		{"one Enterprise id, two workspaces", rules.Person{Team: "T1", ID: "U1", Enterprise: "W9"}, rules.Person{Team: "T2", ID: "U2", Enterprise: "W9"}, true},
		{"two Enterprise ids", rules.Person{Team: "T1", ID: "U1", Enterprise: "W8"}, rules.Person{Team: "T2", ID: "U2", Enterprise: "W9"}, false},
		{"the Enterprise id known for one of them", rules.Person{Team: "T1", ID: "UBOB", Enterprise: "W9"}, bob, true},
		{"no Enterprise id at all does not make people equal", bob, rules.Person{Team: "T2", ID: "UCAROL"}, false},
		{"nobody and nobody", rules.Person{}, rules.Person{}, false},
		{"nobody in the same workspace", rules.Person{Team: "T1"}, rules.Person{Team: "T1"}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			assert.Equal(t, tt.want, tt.a.Same(tt.b), "%v.Same(%v)", tt.a, tt.b)
			assert.Equal(t, tt.want, tt.b.Same(tt.a), "%v.Same(%v)", tt.b, tt.a)
		})
	}
}

func TestAPersonIsWrittenAndReadBack(t *testing.T) {
	for _, who := range []rules.Person{{Team: "T012AB3CD", ID: "U012AB3CD"}, {Team: "E9", ID: "W9"}} {
		again, err := rules.ParsePerson(who.String())
		require.NoError(t, err)
		assert.Equal(t, who, again)
	}
	for _, bad := range []string{"", "/", "U1", "T1/", "/U1", "T1/bob", "T1/U1/U2", "T1/S1", "t1/U1", "C1/U1", "T1/U", "T1/U1\n", "T1/<@U1>"} {
		_, err := rules.ParsePerson(bad)
		assert.ErrorContains(t, err, "is no person: want TEAM/ID", "ParsePerson(%q)", bad)
	}
}

func FuzzParsePerson(f *testing.F) {
	f.Add("T012AB3CD/U012AB3CD")
	f.Fuzz(func(t *testing.T, s string) {
		if who, err := rules.ParsePerson(s); err == nil {
			require.Equal(t, s, who.String())
		}
	})
}
