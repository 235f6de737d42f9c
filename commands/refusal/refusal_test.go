package refusal

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/approvals"
	"countersign/approvals/rules"
	"countersign/commands/grammar"
	"countersign/qualys"
)

var update = flag.Bool("update", false, "write the golden files anew")

// explained are all errors that a person can cause or meet.
func explained() []error {
	bob := rules.Person{Team: "T1", ID: "UBOB"}
	at := time.Date(2026, 11, 21, 14, 3, 0, 0, time.UTC)
	protected := []approvals.LeftOut{{Why: approvals.WhyProtected}, {Why: approvals.WhyAlreadySo}, {Why: approvals.WhyAlreadySo}}
	list := []error{
		rules.ErrOwnRequest, rules.ErrSamePerson, rules.ErrNotReader, rules.ErrNotRequester, rules.ErrNotApprover,
		rules.ErrNoRole, rules.ErrLookUp, rules.ErrUnreachableQuorum{Need: 2, Have: 1}, rules.ErrUnreachableQuorum{Need: 1, Have: 0},
		ErrOwnReject, ErrNobodyFound, ErrNoReason, ErrForeignForm, ErrNotApproved, ErrNotBegun, ErrNotStopper, ErrOwnFreeze,
		ErrNobodyLeft, ErrNothingDone, ErrForGood, approvals.ErrPlanGone, approvals.ErrFrozen, approvals.ErrThawed,
		FrozenError{approvals.Freeze{By: bob, At: at}}, FrozenError{}, BarredError{approvals.WhyQuorum}, BarredError{approvals.WhyCap},
		BarredError{approvals.WhyChannel}, BarredError{approvals.WhyRequesterRights},
		ElsewhereError{[]string{"C1", "C2"}}, PublicError{"C1"}, CapError{101, 100, true}, CapError{5001, 5000, false},
		ShareError{60, 200, 40, 20}, EverybodyError{1}, LeftOutError{protected},
		approvals.ErrNoRequest, approvals.ErrAlready, approvals.ErrExpired, approvals.ErrNotReady, approvals.ErrFingerprint,
		approvals.ErrForged, approvals.ErrNotYours, approvals.ErrTooManyOpen, approvals.ErrTooManyYours, approvals.ErrUnavailable,
		SharedEmailError{767231592}, ErrSuperseded, &approvals.OverlapError{Request: "AAAAA", User: 7},
		context.DeadlineExceeded, context.Canceled,
		approvals.ErrRound, qualys.ErrIgnoredCriteria, qualys.ErrIncomplete, &qualys.Error{Status: 404}, &qualys.Error{Status: 500}, &qualys.Error{Status: 429, RetryAfter: time.Minute},
		&qualys.Error{Op: "users/download", Status: 403, Message: "Forbidden", Resolution: "our own advice"}, &qualys.Error{Status: 401}, &qualys.Error{Status: 403},
		&qualys.Error{Err: errors.New("x")}, &qualys.Error{Status: 400, Message: "no such field"},
		&grammar.UsageError{Problem: "There is no field called \"x\".", Hint: "/qualys-users find company=Acme"},
	}
	for _, k := range []rules.Kind{rules.Deactivated, rules.Bot, rules.Guest, rules.SingleChannelGuest, rules.Stranger, rules.Unknown} {
		list = append(list, rules.ErrOutsider{Kind: k})
	}
	for _, s := range []approvals.State{
		approvals.PENDING, approvals.APPROVED, approvals.RUNNING, approvals.DONE, approvals.DONE_WITH_ERRORS, approvals.STOPPED,
		approvals.REJECTED, approvals.CANCELLED, approvals.EXPIRED, approvals.NEEDS_REVIEW, approvals.CLOSED,
	} {
		list = append(list, &approvals.OverError{State: s, By: bob, At: at}, &approvals.OverError{State: s})
	}
	return list
}

// Every error that can be met has words of its own, in one voice; reviewers see
// a change of wording in the golden file.
func TestEveryErrorHasWords(t *testing.T) {
	var all strings.Builder
	for _, err := range explained() {
		w, known := For(RequestError{"K7F3Q", fmt.Errorf("while asking: %w", err)})
		assert.True(t, known, "%v", err)
		assert.NotEmpty(t, w.Text, "%v", err)
		for _, s := range []string{w.Text, w.Hint} {
			assert.NotContains(t, strings.ReplaceAll(s, "<!date", ""), "!", "%v", err)
			assert.NotContains(t, strings.ToLower(s), "please", "%v", err)
			assert.NotContains(t, s, "  ", "%v", err)
		}
		fmt.Fprintf(&all, "%s\n\t%s\n", w.Text, w.Hint)
	}
	_, known := For(errors.New("a bug"))
	assert.False(t, known, "what nobody foresaw has no words")
	path := "testdata/answers.txt"
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(all.String()), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, string(want), all.String(), "run with -update if it is meant")
}

// What stands in the trail as a refusal is what the design lists, and no more.
func TestOnlyRefusalsAreNoted(t *testing.T) {
	for _, err := range []error{
		rules.ErrLookUp, approvals.ErrAlready, approvals.ErrExpired, approvals.ErrNotReady, approvals.ErrNoRequest, ErrSuperseded,
		&approvals.OverError{State: approvals.DONE}, ErrNobodyFound, ErrNoReason, &grammar.UsageError{}, &qualys.Error{Status: 500},
		qualys.ErrIgnoredCriteria, context.Canceled, ElsewhereError{}, ErrForeignForm,
		LeftOutError{[]approvals.LeftOut{{Why: approvals.WhyAlreadySo}}},
		fmt.Errorf("%w: %w", rules.ErrNotReader, rules.ErrLookUp),
		ErrNotApproved, ErrNotBegun, ErrNobodyLeft, ErrNothingDone, ErrForGood, approvals.ErrPlanGone, approvals.ErrThawed,
		FrozenError{}, BarredError{approvals.WhyQuorum}, LeftOutError{[]approvals.LeftOut{{Why: approvals.WhyGone}}},
	} {
		_, _, noted := Noted(fmt.Errorf("wrapped: %w", err))
		assert.False(t, noted, "%v", err)
	}
	for _, err := range []error{
		rules.ErrOwnRequest, rules.ErrSamePerson, rules.ErrNoRole, rules.ErrNotReader, rules.ErrNotRequester, rules.ErrNotApprover,
		rules.ErrOutsider{Kind: rules.Guest}, ErrOwnReject, ErrNotStopper, ErrOwnFreeze, approvals.ErrNotYours, approvals.ErrForged, approvals.ErrFingerprint,
		approvals.ErrTooManyOpen, approvals.ErrTooManyYours, &approvals.OverlapError{Request: "A"}, CapError{}, ShareError{},
		EverybodyError{}, PublicError{}, rules.ErrUnreachableQuorum{}, LeftOutError{[]approvals.LeftOut{{Why: approvals.WhyProtected}}},
	} {
		why, _, noted := Noted(fmt.Errorf("wrapped: %w", err))
		assert.True(t, noted, "%v", err)
		assert.NotEmpty(t, why, "%v", err)
	}
}
