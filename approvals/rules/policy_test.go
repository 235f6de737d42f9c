package rules_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/approvals/rules"
)

// least is the shortest policy there is.
const least = "channels: [C1]\nreaders: [U1]\nrequesters: [U1]\napprovers: [U2]\n"

// Guards P27, and the table of design section 12.
func TestTheDefaultsAreThoseOfTheTable(t *testing.T) {
	assert.Equal(t, &rules.Policy{
		Channels:           []string{"C1"},
		Audit:              "C1",
		Readers:            []string{"U1"},
		Requesters:         []string{"U1"},
		Approvers:          []string{"U2"},
		Approvals:          []rules.Row{{UpTo: 100, Need: 1}},
		MaxPercent:         20,
		TypeToConfirmAbove: 10,
		ExpiresAfter:       4 * time.Hour,
		CoolDown:           30 * time.Second,
		MaxOpen:            100,
		Retention:          720 * time.Hour,
		Files:              rules.PrivateChannelsOnly,
		PolicyChanges:      rules.Announce,
	}, parse(t, least))
}

func TestEveryKeyIsRead(t *testing.T) {
	assert.Equal(t, &rules.Policy{
		Channels:           []string{"C2", "G1"},
		Audit:              "C3",
		Checkpoint:         "C4",
		Readers:            []string{"U1", "W2", "S3"},
		Requesters:         []string{"S1"},
		Approvers:          []string{"U1", "S2"},
		Approvals:          []rules.Row{{UpTo: 50, Need: 1}, {UpTo: 5000, Need: 3}},
		MaxPercent:         100,
		TypeToConfirmAbove: 0,
		ExpiresAfter:       24 * time.Hour,
		CoolDown:           0,
		Protect:            rules.ProtectedUsers{Usernames: []string{"ciso"}, Companies: []string{"Acme, Inc."}, Tags: []string{"VIP"}},
		MaxOpen:            1,
		Retention:          25 * time.Hour,
		Files:              rules.AnyChannel,
		SamePerson:         [][]string{{"U1", "U2"}, {"W3", "U4", "U5"}},
		PolicyChanges:      rules.TwoPeople,
		NewApproversWait:   72 * time.Hour,
	}, parse(t, `
channels: [C2, G1]
audit_channel: C3
checkpoint_channel: "C4"
readers:
  - U1 # Rita
  - 'W2'
  - S3
requesters: [S1]
approvers: [U1, S2]
approvals:
  - up_to: 50
    need: 1
  - {need: 3, up_to: 5000}
max_percent: 100
type_to_confirm_above: 0
expires_after: 24h
cool_down: 0s
protected:
  usernames: [ciso]
  companies: ["Acme, Inc."]
  tags: [VIP]
max_open: 1
retention: 25h
files: any_channel
same_person:
  - [U1, U2]
  - [W3, U4, U5]
policy_changes: two_people
new_approvers_wait: 72h
`))
}

func TestTheSampleIsAPolicyWithTheDefaults(t *testing.T) {
	p := parse(t, rules.Sample)
	bare := parse(t, "channels: [C012AB3CD]\nreaders: [U012AB3CD, U034EF5GH, U056IJ7KL]\nrequesters: [U012AB3CD, U034EF5GH]\napprovers: [U034EF5GH, U056IJ7KL]\n")
	assert.Equal(t, bare, p, "every value the sample shows is the default")

	// Taking the # away from every key makes a policy too, and then no key is missing.
	var all strings.Builder
	for line := range strings.Lines(rules.Sample) {
		bare := strings.TrimPrefix(line, "# ")
		switch key, _, _ := strings.Cut(strings.TrimSpace(bare), ":"); {
		case strings.HasPrefix(line, "#   ") || strings.HasPrefix(line, "# - "), // part of a key that is commented out
			strings.HasSuffix(key, "_channel"), key == "protected", key == "same_person":
			all.WriteString(bare)
		default:
			all.WriteString(line)
		}
	}
	p = parse(t, all.String())
	assert.Equal(t, "C034EF5GH", p.Checkpoint)
	assert.Equal(t, []string{"Do not touch"}, p.Protect.Tags)
	assert.Equal(t, [][]string{{"U012AB3CD", "U078MN9OP"}}, p.SamePerson)
	assert.Equal(t, 500, p.Cap())
}

// The program refuses what it does not do yet, so the sample must not offer it.
func TestTheSampleSaysWhatIsNotThereYet(t *testing.T) {
	for _, key := range []string{"two_people", "new_approvers_wait:"} {
		said := ""
		for paragraph := range strings.SplitSeq(rules.Sample, "\n\n") {
			if strings.Contains(paragraph, key) {
				said = paragraph
			}
		}
		assert.Contains(t, said, "this version", key)
	}
}

func TestTheAuditChannelIsTheOneChannel(t *testing.T) {
	assert.Equal(t, "C1", parse(t, least).AuditChannel())
	assert.Equal(t, "C9", parse(t, least+"audit_channel: C9\n").AuditChannel())
	assert.Equal(t, "C1", (&rules.Policy{Channels: []string{"C1"}}).AuditChannel())
	assert.Empty(t, (&rules.Policy{Channels: []string{"C1", "C2"}}).AuditChannel())
}

func TestNeedIsTheFirstRowThatCovers(t *testing.T) {
	p := parse(t, least+"approvals: [{up_to: 10, need: 1}, {up_to: 100, need: 2}, {up_to: 1000, need: 3}]\n")
	for _, tt := range []struct {
		users, need int
		ok          bool
	}{
		{math.MinInt, 0, false}, {-1, 0, false}, {0, 0, false},
		{1, 1, true}, {10, 1, true}, {11, 2, true}, {100, 2, true}, {101, 3, true}, {1000, 3, true},
		{1001, 0, false}, {math.MaxInt, 0, false},
	} {
		need, ok := p.Need(tt.users)
		assert.Equal(t, tt.need, need, "Need(%d)", tt.users)
		assert.Equal(t, tt.ok, ok, "Need(%d)", tt.users)
	}
	assert.Equal(t, 1000, p.Cap())
	_, ok := (&rules.Policy{}).Need(1)
	assert.False(t, ok, "a policy that was never parsed covers nobody")
	assert.Zero(t, (&rules.Policy{}).CapFor(1_000_000), "and allows nobody")
}

func TestTheLowerCapWins(t *testing.T) {
	for _, tt := range []struct {
		name         string
		extra        string
		scope, users int
	}{
		{"the share", "", 300, 60},
		{"the share, rounded down", "", 304, 60},
		{"the last row", "", 100_000, 100},
		{"ten users however few there are", "", 12, 10},
		{"ten users of nobody", "", 0, 10},
		{"a scope that makes no sense", "", -5, 10},
		{"a last row below ten", "approvals: [{up_to: 3, need: 1}]\n", 12, 3},
		{"everybody", "max_percent: 100\napprovals: [{up_to: 5000, need: 1}]\n", 1200, 1200},
		{"one percent", "max_percent: 1\n", 5000, 50},
		{"as many as there can be", "", math.MaxInt32, 100},
	} {
		t.Run(tt.name, func(t *testing.T) {
			assert.Equal(t, tt.users, parse(t, least+tt.extra).CapFor(tt.scope))
		})
	}
}

func TestNewApproversWait(t *testing.T) {
	noon := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	p := parse(t, strings.Replace(least, "U2", "U2, S1", 1)+"new_approvers_wait: 1h\n")
	for _, tt := range []struct {
		name string
		seen time.Time
		want bool
	}{
		{"just joined", noon, false},
		{"a moment too early", noon.Add(-time.Hour + time.Nanosecond), false},
		{"exactly long enough", noon.Add(-time.Hour), true},
		{"long ago", noon.AddDate(-1, 0, 0), true},
		{"in the future", noon.Add(time.Hour), false},
		{"never seen", time.Time{}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			assert.Equal(t, tt.want, p.Waited(tt.seen, noon))
			assert.True(t, parse(t, least).Waited(tt.seen, noon), "nobody waits by default")
		})
	}
	assert.True(t, p.Named(in("U2")), "U2 is named as an approver")
	assert.False(t, p.Named(in("U1")), "U1 is not")
}

func TestTheHashIsOfTheMeaning(t *testing.T) {
	p := parse(t, least+"protected: {companies: [Acme, Bolt]}\nsame_person: [[U1, U2], [U3, U4]]\n")
	assert.Regexp(t, `^[0-9a-f]{64}$`, p.Hash())
	assert.Equal(t, p.Hash(), p.Hash())
	for name, text := range map[string]string{
		"comments and blank lines": "# hello\n\nchannels: [C1] # here\nreaders: [U1]\n\nrequesters: [U1]\napprovers: [U2]\nprotected: {companies: [Acme, Bolt]}\nsame_person: [[U1, U2], [U3, U4]]\n",
		"the order of keys":        "same_person: [[U1, U2], [U3, U4]]\nprotected: {companies: [Acme, Bolt]}\napprovers: [U2]\nrequesters: [U1]\nreaders: [U1]\nchannels: [C1]\n",
		"the order of names":       least + "protected: {companies: [Bolt, Acme]}\nsame_person: [[U4, U3], [U2, U1]]\n",
		"block style and quotes":   least + "protected:\n  companies:\n    - \"Acme\"\n    - 'Bolt'\nsame_person:\n  - - U1\n    - U2\n  - [U3, U4]\n",
		"a default spelled out":    least + "protected: {companies: [Acme, Bolt]}\nsame_person: [[U1, U2], [U3, U4]]\naudit_channel: C1\nexpires_after: 240m\nmax_percent: 20\n",
		"line ends of Windows":     strings.ReplaceAll(least+"protected: {companies: [Acme, Bolt]}\nsame_person: [[U1, U2], [U3, U4]]\n", "\n", "\r\n"),
		"a byte order mark":        "\uFEFF" + least + "protected: {companies: [Acme, Bolt]}\nsame_person: [[U1, U2], [U3, U4]]\n",
		"its canonical form":       string(p.Canonical()),
	} {
		assert.Equal(t, p.Hash(), parse(t, text).Hash(), name)
	}

	seen := map[string]string{parse(t, least).Hash(): "nothing"}
	for _, extra := range []string{
		"audit_channel: C2\n", "checkpoint_channel: C2\n", "approvals: [{up_to: 99, need: 1}]\n", "approvals: [{up_to: 100, need: 2}]\n",
		"max_percent: 21\n", "type_to_confirm_above: 11\n", "expires_after: 3h\n", "cool_down: 31s\n",
		"protected: {usernames: [a]}\n", "protected: {companies: [a]}\n", "protected: {tags: [a]}\n", "max_open: 99\n", "retention: 721h\n",
		"files: any_channel\n", "same_person: [[U1, U3]]\n", "same_person: [[U1, U3], [U4, U5]]\n", "same_person: [[U1, U3, U4, U5]]\n",
	} {
		hash := parse(t, least+extra).Hash()
		assert.Empty(t, seen[hash], "%q must change the hash", extra)
		seen[hash] = extra
	}
	for _, key := range []string{"channels: [C1]", "readers: [U1]", "requesters: [U1]", "approvers: [U2]"} {
		hash := parse(t, strings.Replace(least, key, strings.Replace(key, "]", "9]", 1), 1)).Hash()
		assert.Empty(t, seen[hash], "%q must change the hash", key)
		seen[hash] = key
	}
	group := strings.Replace(least, "U2", "U2, U3, U4, S1", 1)
	for _, extra := range []string{"", "policy_changes: two_people\n", "new_approvers_wait: 1h\n"} {
		hash := parse(t, group+extra).Hash()
		assert.Empty(t, seen[hash], "%q must change the hash", extra)
		seen[hash] = "a group and " + extra
	}
}

// The hash stands in entries that outlive a release: it must not change by itself.
func TestTheHashOfThisPolicyStaysTheSame(t *testing.T) {
	p := parse(t, least)
	require.Equal(t, `{"channels":["C1"],"audit_channel":"C1","readers":["U1"],"requesters":["U1"],"approvers":["U2"],`+
		`"approvals":[{"up_to":100,"need":1}],"max_percent":20,"type_to_confirm_above":10,"expires_after":"4h0m0s","cool_down":"30s",`+
		`"max_open":100,"retention":"720h0m0s","files":"private_channels_only","policy_changes":"announce","new_approvers_wait":"0s"}`,
		string(p.Canonical()))
	assert.Equal(t, "c8ac0916d33fec2a596ef31645607d60485fa58ac30806b6c64d6523baea734b", p.Hash())
}
