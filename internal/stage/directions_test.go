package stage_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/internal/chat"
	"countersign/internal/stage"
)

// A direction that no conversation uses is a direction that nobody has tried.
func TestEveryDirectionIsInAConversation(t *testing.T) {
	all, err := chat.All()
	require.NoError(t, err)
	var used []string
	for _, c := range all {
		for _, step := range c.Steps {
			if d, ok := step.(chat.Direction); ok {
				used = append(used, string(d))
			}
		}
	}
	for _, pattern := range slices.Concat(stage.Directions(), stage.HouseDirections()) {
		re := regexp.MustCompile("^" + strings.ReplaceAll(regexp.QuoteMeta(pattern), `\*`, ".+") + "$")
		assert.True(t, slices.ContainsFunc(used, re.MatchString), "no conversation has (%s)", pattern)
	}
}

// What is not possible is told with what there is instead.
func TestWhatIsNotPossibleIsTold(t *testing.T) {
	hold := []string{`alice> /qualys-users delete company=Hooli reason="SEC-124"`}
	for _, tt := range []struct {
		name     string
		before   []string
		do, told string
	}{
		{"somebody who is not there", nil, "zoe> /qualys-users help", "there is nobody called zoe; there are bot, alice, bob"},
		{"a place that is not there", nil, "alice[#nowhere]> /qualys-users help", "there is no place #nowhere; there are #qualys-admin and #lobby"},
		{"a button before there is a card", nil, "bob* Approve", "nobody shows bob a button Approve"},
		{"a button that the card does not have", hold, "bob* Withdraw", "a button Withdraw; there are [Approve] [Reject] [Cancel]"},
		{"another button than the dialog's", append(slices.Clone(hold), "bob* Approve"), "bob* Reject", "there are [Approve] [Not yet]"},
		{"another button than the form's", append(slices.Clone(hold), "bob* Reject"), "bob* Approve", "there are [Reject] [Close]"},
		{"a form that is not open", nil, "bob+ Reason=x", "no form is open for bob"},
		{"a direction that nobody knows", nil, "(pigs fly)", "does not know (pigs fly)"},
		{"a direction about somebody who is not there", nil, "(zoe is deactivated)", "there is nobody called zoe"},
		{"a direction without a number", nil, "(the policy allows many users at once)", "invalid syntax"},
		{"a user who is not there", nil, "(somebody else deletes user 1)", "there is no SAQ user 1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			onBothStages(t, func(t *testing.T, s chat.Stage) {
				for _, line := range append(slices.Clone(tt.before), tt.do) {
					step, err := chat.ParseLine(line)
					require.NoError(t, err)
					_, err = chat.Perform(t.Context(), s, step)
					if line != tt.do {
						require.NoError(t, err, line)
						continue
					}
					require.ErrorContains(t, err, tt.told)
				}
			})
		})
	}
}
