package rules_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/approvals/rules"
)

// flags are all the ways to be an outsider, and one of not being one.
var flags = []struct {
	name string
	kind rules.Kind // empty: an insider
	set  func(*rules.Profile)
}{
	{"a member", "", func(*rules.Profile) {}},
	{"a member without name, address and time zone", "", func(f *rules.Profile) { f.Name, f.Email, f.TimeZone = "", "", "" }},
	{"deactivated", rules.Deactivated, func(f *rules.Profile) { f.Deleted = true }},
	{"a bot", rules.Bot, func(f *rules.Profile) { f.Bot = true }},
	{"a guest", rules.Guest, func(f *rules.Profile) { f.Restricted = true }},
	{"a guest in one channel", rules.SingleChannelGuest, func(f *rules.Profile) { f.Restricted, f.UltraRestricted = true, true }},
	{"a guest in one channel, said alone", rules.SingleChannelGuest, func(f *rules.Profile) { f.UltraRestricted = true }},
	{"a stranger", rules.Stranger, func(f *rules.Profile) { f.Stranger = true }},
	{"somebody of another workspace with our id", rules.Stranger, func(f *rules.Profile) { f.Team = "T2" }},
	{"everything at once", rules.Deactivated, func(f *rules.Profile) {
		f.Deleted, f.Bot, f.Restricted, f.UltraRestricted, f.Stranger = true, true, true, true, true
	}},
}

// Guards P25: guests, strangers, bots and deactivated people hold no role,
// although the policy names them.
func TestOutsidersHoldNoRole(t *testing.T) {
	p := parse(t, `{channels: [C1], readers: [UBOB], requesters: [UBOB], approvers: [UBOB, UCAROL]}`)
	asks := []struct {
		name string
		may  func(dir rules.Directory) error
	}{
		{"read", func(dir rules.Directory) error { return p.MayRead(t.Context(), dir, in("UBOB")) }},
		{"request", func(dir rules.Directory) error { return p.MayRequest(t.Context(), dir, in("UBOB")) }},
		{"see", func(dir rules.Directory) error { return p.MaySee(t.Context(), dir, in("UBOB")) }},
		{"stop", func(dir rules.Directory) error { return p.MayStop(t.Context(), dir, in("UBOB")) }},
		{"close their own", func(dir rules.Directory) error { return p.MayClose(t.Context(), dir, in("UBOB"), in("UBOB")) }},
		{"close another's", func(dir rules.Directory) error { return p.MayClose(t.Context(), dir, in("UALICE"), in("UBOB")) }},
		{"approve", func(dir rules.Directory) error { return p.MayApprove(t.Context(), dir, in("UALICE"), in("UBOB")) }},
	}
	for _, flag := range flags {
		o := newOffice()
		o.change("UBOB", flag.set)
		for _, ask := range asks {
			t.Run(flag.name+" wants to "+ask.name, func(t *testing.T) {
				err := ask.may(o)
				if flag.kind == "" {
					require.NoError(t, err)
					return
				}
				var out rules.ErrOutsider
				require.ErrorAs(t, err, &out)
				assert.Equal(t, flag.kind, out.Kind)
			})
		}
		t.Run(flag.name+" has roles", func(t *testing.T) {
			roles, err := p.Roles(t.Context(), o, in("UBOB"))
			require.NoError(t, err)
			want := rules.Roles{}
			if flag.kind == "" {
				want = rules.Roles{Reader: true, Requester: true, Approver: true}
			}
			assert.Equal(t, want, roles)
		})
	}
}

func TestEachRoleAllowsItsOwn(t *testing.T) {
	p := parse(t, policyText)
	for _, tt := range []struct {
		who                               string
		read, request, see, stop, approve error // approve: what Mallory would have asked
		roles                             []rules.Role
	}{
		{"URITA", nil, rules.ErrNotRequester, nil, rules.ErrNotRequester, rules.ErrNotApprover, []rules.Role{rules.Reader}},
		{"UALICE", rules.ErrNotReader, nil, nil, nil, rules.ErrNotApprover, []rules.Role{rules.Requester}},
		{"UBOB", rules.ErrNotReader, nil, nil, nil, nil, []rules.Role{rules.Requester, rules.Approver}},
		{"UCAROL", rules.ErrNotReader, rules.ErrNotRequester, nil, nil, nil, []rules.Role{rules.Approver}},
		{"UGAIL", rules.ErrNotReader, rules.ErrNotRequester, nil, nil, nil, []rules.Role{rules.Approver}},
		{"UMALLORY", rules.ErrNoRole, rules.ErrNoRole, rules.ErrNoRole, rules.ErrNoRole, rules.ErrNoRole, []rules.Role{}},
	} {
		t.Run(tt.who, func(t *testing.T) {
			o, who := newOffice(), in(tt.who)
			asker := in("UMALLORY")
			if tt.who == "UMALLORY" {
				asker = in("UALICE")
			}
			assert.ErrorIs(t, p.MayRead(t.Context(), o, who), tt.read, "MayRead")
			assert.ErrorIs(t, p.MayRequest(t.Context(), o, who), tt.request, "MayRequest")
			assert.ErrorIs(t, p.MaySee(t.Context(), o, who), tt.see, "MaySee")
			assert.ErrorIs(t, p.MayStop(t.Context(), o, who), tt.stop, "MayStop")
			assert.ErrorIs(t, p.MayApprove(t.Context(), o, asker, who), tt.approve, "MayApprove")
			roles, err := p.Roles(t.Context(), o, who)
			require.NoError(t, err)
			assert.Equal(t, tt.roles, roles.List())
			rights := roles.Rights()
			assert.Equal(t, rules.Rights{
				See: tt.see == nil, Read: tt.read == nil, Request: tt.request == nil,
				Approve: tt.approve == nil, Stop: tt.stop == nil,
			}, rights, "Rights says what the questions say")
		})
	}
}

// Guards P20, P22 and P23: who asks and who approves, in all the pairs that were
// ever confused.
func TestTheRequesterNeverApproves(t *testing.T) {
	for _, tt := range []struct {
		name                string
		requester, approver rules.Person
		edit                func(*office)
		want                error
	}{
		{"another approver", in("UALICE"), in("UBOB"), nil, nil},
		{"one who holds every role, for somebody else", in("UALICE"), in("UBOB"), nil, nil},
		{"an approver who may also ask, for their own request", in("UBOB"), in("UBOB"), nil, rules.ErrOwnRequest},
		{"a requester who is no approver, for their own request", in("UALICE"), in("UALICE"), nil, rules.ErrOwnRequest},
		{"a second account in the list of same_person", in("UALICE"), in("UALTER"), nil, rules.ErrSamePerson},
		{"the same list the other way round", in("UALTER"), in("UALICE"), nil, rules.ErrSamePerson},
		{"the same id with another workspace", rules.Person{Team: "T2", ID: "UBOB"}, in("UBOB"), nil, rules.ErrSamePerson},
		{
			"one Enterprise id in two workspaces",
			rules.Person{Team: "T2", ID: "UALICE", Enterprise: "W9"}, rules.Person{Team: "T1", ID: "UBOB", Enterprise: "W9"},
			nil, rules.ErrOwnRequest,
		},
		{
			"one Enterprise id that only the profiles know", in("UALICE"), in("UBOB"), func(o *office) {
				o.change("UALICE", func(f *rules.Profile) { f.Enterprise = "W9" })
				o.change("UBOB", func(f *rules.Profile) { f.Enterprise = "W9" })
			}, rules.ErrSamePerson,
		},
		{
			"one Enterprise id, from the click here and the profile there",
			rules.Person{Team: "T1", ID: "UALICE", Enterprise: "W9"}, in("UBOB"), func(o *office) {
				o.change("UBOB", func(f *rules.Profile) { f.Enterprise = "W9" })
			}, rules.ErrSamePerson,
		},
		{
			"two Enterprise ids", in("UALICE"), in("UBOB"), func(o *office) {
				o.change("UALICE", func(f *rules.Profile) { f.Enterprise = "W8" })
				o.change("UBOB", func(f *rules.Profile) { f.Enterprise = "W9" })
			}, nil,
		},
		{
			"one e-mail address, written differently", in("UALICE"), in("UBOB"), func(o *office) {
				o.change("UBOB", func(f *rules.Profile) { f.Email = " Alice@Example.COM" })
			}, rules.ErrSamePerson,
		},
		{
			"no address on either side is not the same address", in("UALICE"), in("UBOB"), func(o *office) {
				o.change("UALICE", func(f *rules.Profile) { f.Email = "" })
				o.change("UBOB", func(f *rules.Profile) { f.Email = " " })
			}, nil,
		},
		{
			"an approver's address makes nobody an approver", in("UALICE"), in("UMALLORY"), func(o *office) {
				o.change("UMALLORY", func(f *rules.Profile) { f.Email = "bob@example.com" })
			}, rules.ErrNoRole,
		},
		{
			"an approver's name makes nobody an approver", in("UALICE"), in("UMALLORY"), func(o *office) {
				o.change("UMALLORY", func(f *rules.Profile) { f.Name = "bob" })
			}, rules.ErrNoRole,
		},
		{
			"the requester's name does not make an approver the requester", in("UALICE"), in("UBOB"), func(o *office) {
				o.change("UBOB", func(f *rules.Profile) { f.Name = "alice" })
			}, nil,
		},
		{"a member of an approver group", in("UALICE"), in("UGAIL"), nil, nil},
		{
			"somebody who has just left the group", in("UALICE"), in("UGAIL"),
			func(o *office) { o.groups["SAPPROVE"] = nil }, rules.ErrNoRole,
		},
		{
			"a requester who is a member of the approver group", in("UALICE"), in("UALICE"),
			func(o *office) { o.groups["SAPPROVE"] = []string{"UALICE"} }, rules.ErrOwnRequest,
		},
		{"a requester in another role only", in("UBOB"), in("UALICE"), nil, rules.ErrNotApprover},
		{"nobody", in("UALICE"), rules.Person{}, nil, rules.ErrOutsider{Kind: rules.Unknown}},
		{"an id that nobody has", in("UALICE"), in("UNOBODY"), nil, rules.ErrOutsider{Kind: rules.Unknown}},
		{"no id beside an empty one in a group", in("UALICE"), rules.Person{Team: "T1"}, func(o *office) { o.groups["SAPPROVE"] = []string{""} }, rules.ErrOutsider{Kind: rules.Unknown}},
		{"a requester who is gone without a trace", in("UGONE"), in("UBOB"), nil, rules.ErrLookUp},
		{"a request of nobody", rules.Person{}, in("UBOB"), nil, rules.ErrLookUp},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := newOffice()
			if tt.edit != nil {
				tt.edit(o)
			}
			err := parse(t, policyText).MayApprove(t.Context(), o, tt.requester, tt.approver)
			assert.ErrorIs(t, err, tt.want)
		})
	}
}

// A stranger's workspace with an Enterprise id of ours is ours.
func TestAnEnterpriseIDBridgesWorkspaces(t *testing.T) {
	p, o := parse(t, policyText), newOffice()
	o.change("UBOB", func(f *rules.Profile) { f.Team, f.Enterprise = "T2", "W9" })
	require.NoError(t, p.MayApprove(t.Context(), o, in("UALICE"), rules.Person{Team: "T1", ID: "UBOB", Enterprise: "W9"}))
	err := p.MayApprove(t.Context(), o, in("UALICE"), rules.Person{Team: "T1", ID: "UBOB", Enterprise: "W8"})
	assert.ErrorIs(t, err, rules.ErrOutsider{Kind: rules.Stranger})
	err = p.MayApprove(t.Context(), o, in("UALICE"), in("UBOB"))
	assert.ErrorIs(t, err, rules.ErrOutsider{Kind: rules.Stranger})
}

// Guards promise 7: who cannot be looked up is refused, with the cause.
func TestAFailedLookUpIsANo(t *testing.T) {
	p, ctx := parse(t, policyText), t.Context()
	for _, tt := range []struct {
		name, down string
		ask        func(context.Context, rules.Directory) error
	}{
		{"the approver's profile", "UBOB", func(ctx context.Context, d rules.Directory) error {
			return p.MayApprove(ctx, d, in("UALICE"), in("UBOB"))
		}},
		{"the requester's profile", "UALICE", func(ctx context.Context, d rules.Directory) error {
			return p.MayApprove(ctx, d, in("UALICE"), in("UBOB"))
		}},
		{"the approver group", "SAPPROVE", func(ctx context.Context, d rules.Directory) error {
			return p.MayApprove(ctx, d, in("UALICE"), in("UGAIL"))
		}},
		{"a reader's profile", "URITA", func(ctx context.Context, d rules.Directory) error { return p.MayRead(ctx, d, in("URITA")) }},
		{"a requester's profile", "UALICE", func(ctx context.Context, d rules.Directory) error { return p.MayRequest(ctx, d, in("UALICE")) }},
		{"a group when somebody wants to see", "SAPPROVE", func(ctx context.Context, d rules.Directory) error { return p.MaySee(ctx, d, in("UMALLORY")) }},
		{"roles: the profile", "UBOB", func(ctx context.Context, d rules.Directory) error { _, err := p.Roles(ctx, d, in("UBOB")); return err }},
		{"roles: the group", "SAPPROVE", func(ctx context.Context, d rules.Directory) error {
			_, err := p.Roles(ctx, d, in("UALICE"))
			return err
		}},
		{"same human", "UCAROL", func(ctx context.Context, d rules.Directory) error {
			_, err := p.SameHuman(ctx, d, in("UBOB"), in("UCAROL"))
			return err
		}},
		{"distinct", "UCAROL", func(ctx context.Context, d rules.Directory) error {
			_, err := p.Distinct(ctx, d, []rules.Person{in("UBOB"), in("UCAROL")})
			return err
		}},
		{"eligible: the requester", "UALICE", func(ctx context.Context, d rules.Directory) error {
			_, err := p.EligibleApprovers(ctx, d, in("UALICE"))
			return err
		}},
		{"eligible: an approver", "UCAROL", func(ctx context.Context, d rules.Directory) error {
			_, err := p.EligibleApprovers(ctx, d, in("UALICE"))
			return err
		}},
		{"eligible: the group", "SAPPROVE", func(ctx context.Context, d rules.Directory) error {
			_, err := p.Quorum(ctx, d, in("UALICE"), 1)
			return err
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := newOffice()
			require.NotErrorIs(t, tt.ask(ctx, o), rules.ErrLookUp, "with Slack up")
			o.down = []string{tt.down}
			err := tt.ask(ctx, o)
			require.ErrorIs(t, err, rules.ErrLookUp)
			require.ErrorIs(t, err, errDown, "the cause is kept")
			assert.ErrorContains(t, err, tt.down, "and says what was looked up")
		})
	}
}

// A refusal that is certain stays one when the other roles cannot be read.
func TestARefusalSurvivesAFailedSecondLookUp(t *testing.T) {
	p, o := parse(t, policyText), newOffice()
	o.down = []string{"SAPPROVE"}
	err := p.MayRead(t.Context(), o, in("UMALLORY"))
	require.ErrorIs(t, err, rules.ErrNotReader)
	require.ErrorIs(t, err, errDown)
}

// Slack plans without groups answer every group look-up with an error: people
// alone must be enough.
func TestPeopleAloneNeedNoGroups(t *testing.T) {
	p := parse(t, `{channels: [C1], readers: [URITA], requesters: [UALICE], approvers: [UBOB, UCAROL]}`)
	o := newOffice()
	o.down = []string{"SAPPROVE", "SEMPTY"}
	require.NoError(t, p.MayApprove(t.Context(), o, in("UALICE"), in("UBOB")))
	require.ErrorIs(t, p.MayApprove(t.Context(), o, in("UALICE"), in("UMALLORY")), rules.ErrNoRole)
	assert.NotContains(t, o.looks, "SAPPROVE")
}

func TestWhoIsNamedNeedsNoGroupLookUp(t *testing.T) {
	p, o := parse(t, policyText), newOffice()
	o.down = []string{"SAPPROVE"}
	require.NoError(t, p.MayApprove(t.Context(), o, in("UALICE"), in("UBOB")))
}

func TestAnyApproverOrTheRequesterCloses(t *testing.T) {
	p, o := parse(t, policyText), newOffice()
	assert.NoError(t, p.MayClose(t.Context(), o, in("UALICE"), in("UALICE")), "the requester")
	assert.NoError(t, p.MayClose(t.Context(), o, in("UALICE"), in("UCAROL")), "an approver")
	assert.NoError(t, p.MayClose(t.Context(), o, in("UBOB"), in("UBOB")), "an approver who asked")
	assert.ErrorIs(t, p.MayClose(t.Context(), o, in("UBOB"), in("UALICE")), rules.ErrNotApprover, "another requester")
	assert.ErrorIs(t, p.MayClose(t.Context(), o, in("UMALLORY"), in("UMALLORY")), rules.ErrNoRole, "a requester who lost every role")
}

// Guards P18 and P20: a quorum counts humans.
func TestOneHumanCountsOnce(t *testing.T) {
	p := parse(t, policyText)
	for _, tt := range []struct {
		name   string
		people []string
		edit   func(*office)
		want   []string
	}{
		{"nobody", nil, nil, nil},
		{"two people", []string{"UBOB", "UCAROL"}, nil, []string{"UBOB", "UCAROL"}},
		{"one person twice", []string{"UBOB", "UBOB"}, nil, []string{"UBOB"}},
		{"two accounts of one list", []string{"UALTER", "UBOB", "UALICE"}, nil, []string{"UALTER", "UBOB"}},
		{
			"two accounts with one address", []string{"UBOB", "UCAROL"},
			func(o *office) { o.change("UCAROL", func(f *rules.Profile) { f.Email = "BOB@example.com" }) }, []string{"UBOB"},
		},
		{
			"two accounts with one Enterprise id", []string{"UBOB", "UCAROL"}, func(o *office) {
				o.change("UBOB", func(f *rules.Profile) { f.Enterprise = "W9" })
				o.change("UCAROL", func(f *rules.Profile) { f.Enterprise = "W9" })
			}, []string{"UBOB"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := newOffice()
			if tt.edit != nil {
				tt.edit(o)
			}
			var people, want []rules.Person
			for _, id := range tt.people {
				people = append(people, in(id))
			}
			for _, id := range tt.want {
				want = append(want, in(id))
			}
			got, err := p.Distinct(t.Context(), o, people)
			require.NoError(t, err)
			assert.ElementsMatch(t, want, got)
		})
	}
}

func TestRefusalsAreToldApart(t *testing.T) {
	all := []error{
		rules.ErrOwnRequest, rules.ErrSamePerson, rules.ErrNotReader, rules.ErrNotRequester, rules.ErrNotApprover,
		rules.ErrNoRole, rules.ErrLookUp, rules.ErrUnknownPerson,
		rules.ErrOutsider{Kind: rules.Guest}, rules.ErrOutsider{Kind: rules.Bot}, rules.ErrUnreachableQuorum{Need: 2, Have: 1},
	}
	texts := map[string]bool{}
	for i, a := range all {
		for j, b := range all {
			assert.Equal(t, i == j, errors.Is(a, b), "errors.Is(%v, %v)", a, b)
		}
		texts[a.Error()] = true
	}
	assert.Len(t, texts, len(all), "each refusal has its own text for the log")
}
