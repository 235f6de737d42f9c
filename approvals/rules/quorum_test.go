package rules_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/approvals/rules"
)

func TestEligibleApproversLeavesTheRequesterOut(t *testing.T) {
	for _, tt := range []struct {
		name      string
		requester rules.Person
		edit      func(*office)
		want      []string
	}{
		{"a requester who is no approver", in("UALICE"), nil, []string{"UBOB", "UCAROL", "UGAIL"}},
		{"a requester who is one", in("UBOB"), nil, []string{"UCAROL", "UGAIL"}},
		{"no request at all", rules.Person{}, nil, []string{"UBOB", "UCAROL", "UGAIL"}},
		{"a person who is named and in the group", in("UALICE"), func(o *office) { o.groups["SAPPROVE"] = []string{"UBOB", "UGAIL", "UGAIL"} }, []string{"UBOB", "UCAROL", "UGAIL"}},
		{"the requester's second account", in("UALICE"), func(o *office) { o.groups["SAPPROVE"] = []string{"UALTER"} }, []string{"UBOB", "UCAROL"}},
		{"the requester's address", in("UALICE"), func(o *office) {
			o.change("UCAROL", func(f *rules.Profile) { f.Email = "Alice@example.com" })
		}, []string{"UBOB", "UGAIL"}},
		{"the requester's Enterprise id", rules.Person{Team: "T1", ID: "UALICE", Enterprise: "W9"}, func(o *office) {
			o.change("UCAROL", func(f *rules.Profile) { f.Enterprise = "W9" })
		}, []string{"UBOB", "UGAIL"}},
		{"two accounts of one approver", in("UBOB"), func(o *office) {
			o.change("UGAIL", func(f *rules.Profile) { f.Email = "carol@example.com" })
		}, []string{"UCAROL"}},
		{"one who has left the company", in("UALICE"), func(o *office) {
			o.change("UBOB", func(f *rules.Profile) { f.Deleted = true })
		}, []string{"UCAROL", "UGAIL"}},
		{"one whose id nobody has", in("UALICE"), func(o *office) { delete(o.people, "UCAROL") }, []string{"UBOB", "UGAIL"}},
		{"one whose home is another workspace of ours", in("UALICE"), func(o *office) {
			o.change("UCAROL", func(f *rules.Profile) { f.Team = "T2" })
		}, []string{"UBOB", "UCAROL", "UGAIL"}},
		{"a group that was emptied", in("UALICE"), func(o *office) { o.groups["SAPPROVE"] = nil }, []string{"UBOB", "UCAROL"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := newOffice()
			if tt.edit != nil {
				tt.edit(o)
			}
			got, err := parse(t, policyText).EligibleApprovers(t.Context(), o, tt.requester)
			require.NoError(t, err)
			assert.Equal(t, tt.want, got)
		})
	}
}

// Guards P28: refused rather than stuck.
func TestAnUnreachableQuorumIsSaidAtOnce(t *testing.T) {
	p, o := parse(t, `{channels: [C1], readers: [URITA], requesters: [UBOB], approvers: [UBOB, UCAROL]}`), newOffice()

	got, err := p.Quorum(t.Context(), o, in("UBOB"), 1)
	require.NoError(t, err)
	assert.Equal(t, []string{"UCAROL"}, got)

	_, err = p.Quorum(t.Context(), o, in("UBOB"), 2)
	assert.ErrorIs(t, err, rules.ErrUnreachableQuorum{Need: 2, Have: 1})

	o.change("UCAROL", func(f *rules.Profile) { f.Deleted = true })
	_, err = p.Quorum(t.Context(), o, in("UBOB"), 1)
	assert.ErrorIs(t, err, rules.ErrUnreachableQuorum{Need: 1, Have: 0})
}

func TestAVeryLargeGroupIsNotLookedUpPersonByPerson(t *testing.T) {
	p := parse(t, `{channels: [C1], readers: [URITA], requesters: [UALICE], approvers: [SAPPROVE]}`)
	o := newOffice()
	o.groups["SAPPROVE"] = nil
	for i := range 500 {
		id := fmt.Sprintf("U%d", i)
		o.people[id] = rules.Profile{Team: "T1"}
		o.groups["SAPPROVE"] = append(o.groups["SAPPROVE"], id)
	}
	got, err := p.EligibleApprovers(t.Context(), o, in("UALICE"))
	require.NoError(t, err)
	assert.Len(t, got, 500)
	assert.Less(t, len(o.looks), 100, "look-ups, of which Slack allows about a hundred a minute")
}
