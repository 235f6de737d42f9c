package rules_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/approvals/rules"
)

// bad are policies with one mistake, or the same mistake twice. Guards P26 (an
// empty role) and P56 (a setting that silently does nothing).
var bad = slices.Concat(badLists, badSettings)

func TestABadPolicyIsExplained(t *testing.T) {
	sentences := map[string]bool{}
	for _, tt := range bad {
		t.Run(tt.name, func(t *testing.T) {
			p, err := rules.Parse([]byte(tt.text))
			require.Nil(t, p)
			assert.Equal(t, tt.says, strings.Join(told(t, err), "\n"))
		})
		sentences[tt.says] = true
	}
	assert.Greater(t, len(sentences), 80, "different sentences")
}

// told returns problem and hint of every mistake.
func told(t *testing.T, err error) []string {
	t.Helper()
	var all rules.Mistakes
	require.ErrorAs(t, err, &all)
	var says []string
	for _, m := range all {
		assert.Regexp(t, `^[^\n]+\.$`, m.Problem, "a problem is a sentence")
		assert.Regexp(t, `^[A-Z][^\n]+\.$`, m.Hint, "a hint is a sentence")
		if m.Line > 0 {
			assert.Contains(t, m.Source, fmt.Sprintf("%d |", m.Line), "the line is shown")
		}
		says = append(says, m.String())
	}
	return says
}

func TestOneMistakeIsShownWithItsSurroundings(t *testing.T) {
	_, err := rules.Parse([]byte(least + "# a joke\ncool_down: 2h\nmax_open: 5\n"))
	require.EqualError(t, err, `policy: 1 mistake
line 6: cool_down is 2h: too long. Write 0s to 1h.
   3 | requesters: [U1]
   4 | approvers: [U2]
   5 | # a joke
>  6 | cool_down: 2h
                  ^
   7 | max_open: 5`)
	assert.NotContains(t, err.Error(), "\x1b", "no colours")
}

func TestAllMistakesAreReportedTogether(t *testing.T) {
	_, err := rules.Parse([]byte("channels: [C1, C2]\nreaders: [\"@rita\"]\ncool_down: 2h\nrequesters: []\nfoo: 1\n"))
	require.EqualError(t, err, `policy: 6 mistakes
line 1: There are 2 channels and no audit_channel. Say which channel gets the trail: audit_channel: C1.
>  1 | channels: [C1, C2]
                 ^
line 2: An entry of readers must be the id of a person or user group, not "@rita". `+writeID+`
>  2 | readers: ["@rita"]
                 ^
line 3: cool_down is 2h: too long. Write 0s to 1h.
>  3 | cool_down: 2h
                  ^
line 4: requesters is empty. Write at least one entry.
>  4 | requesters: []
                   ^
line 5: The policy has no key called "foo". `+theKeys+`
>  5 | foo: 1
       ^
approvers is missing. Write approvers: [U012AB3CD].`)

	var all rules.Mistakes
	require.ErrorAs(t, err, &all)
	assert.Equal(t, "@rita", all[1].Value, "bot check can look the handle up")
}

func TestAHundredMistakesAreCounted(t *testing.T) {
	_, err := rules.Parse([]byte(least + strings.Repeat("x: 1\n", 100)))
	require.ErrorContains(t, err, "policy: 100 mistakes\nline 5: ")
	assert.True(t, strings.HasSuffix(err.Error(), "\nand 80 more"), "the end of %s", err)
}

func TestAPolicyOfUnreasonableSizeIsRefused(t *testing.T) {
	_, err := rules.Parse([]byte(least + strings.Repeat("# no end\n", 10_000)))
	require.Equal(t, []string{"The policy is larger than 64 KiB. Name user groups instead of people."}, told(t, err))
	_, err = rules.Parse([]byte("channels: " + strings.Repeat("[", 5_000)))
	var all rules.Mistakes
	require.ErrorAs(t, err, &all, "deep nesting ends as a mistake")
	assert.Less(t, len(err.Error()), 1_000, "and is not cited at length")
}

// A quorum that the people named cannot meet is found at request time, where
// groups and requesters are known; it does not stop the start.
func TestAnUnreachableQuorumIsNoMistake(t *testing.T) {
	p := parse(t, least+"approvals: [{up_to: 100, need: 3}]\n")
	_, err := p.Quorum(t.Context(), newOffice(), rules.Person{}, 3)
	assert.True(t, errors.As(err, new(rules.ErrUnreachableQuorum)), "got %v", err)
}

// Any bytes are mistakes, or a policy that can be written again and means the
// same, and that keeps what the table promises.
func FuzzParse(f *testing.F) {
	f.Add([]byte(rules.Sample))
	f.Add(parseSeed(rules.Sample))
	for _, tt := range bad {
		f.Add([]byte(tt.text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := rules.Parse(text)
		if err != nil {
			var all rules.Mistakes
			require.ErrorAs(t, err, &all)
			require.NotEmpty(t, all)
			require.Nil(t, p)
			return
		}
		again, err := rules.Parse(p.Canonical())
		require.NoError(t, err, "of %s", p.Canonical())
		require.Equal(t, p.Hash(), again.Hash())
		require.Equal(t, string(p.Canonical()), string(again.Canonical()))
		require.NotEmpty(t, p.Channels)
		require.NotEmpty(t, p.AuditChannel())
		require.NotEmpty(t, p.Readers)
		require.NotEmpty(t, p.Requesters)
		require.NotEmpty(t, p.Approvers)
		need, ok := p.Need(1)
		require.True(t, ok && need >= 1, "one user needs %d approvals", need)
		require.LessOrEqual(t, p.Cap(), 5000)
		require.Positive(t, p.ExpiresAfter)
	})
}

// parseSeed is a policy in its canonical form.
func parseSeed(text string) []byte {
	p, err := rules.Parse([]byte(text))
	if err != nil {
		return []byte(text)
	}
	return p.Canonical()
}
