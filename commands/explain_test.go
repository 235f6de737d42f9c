package commands

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/approvals"
	"countersign/approvals/rules"
	"countersign/qualys"
)

// explained are all errors that a person can cause or meet.
func explained() []error {
	bob := rules.Person{Team: "T1", ID: "UBOB"}
	at := time.Date(2026, 11, 21, 14, 3, 0, 0, time.UTC)
	protected := []approvals.LeftOut{{Why: approvals.WhyProtected}, {Why: approvals.WhyAlreadySo}, {Why: approvals.WhyAlreadySo}}
	list := []error{
		rules.ErrOwnRequest, rules.ErrSamePerson, rules.ErrNotReader, rules.ErrNotRequester, rules.ErrNotApprover,
		rules.ErrNoRole, rules.ErrLookUp, rules.ErrUnreachableQuorum{Need: 2, Have: 1}, rules.ErrUnreachableQuorum{Need: 1, Have: 0},
		errOwnReject, errNobodyFound, errNoReason, errForeignForm, errNotApproved, errNotBegun, errNotStopper, errOwnFreeze,
		errNobodyLeft, errNothingDone, errForGood, approvals.ErrPlanGone, approvals.ErrFrozen, approvals.ErrThawed,
		frozenError{approvals.Freeze{By: bob, At: at}}, frozenError{}, barredError{approvals.WhyQuorum}, barredError{approvals.WhyCap},
		barredError{approvals.WhyChannel}, barredError{approvals.WhyRequesterRights},
		elsewhereError{[]string{"C1", "C2"}}, publicError{"C1"}, capError{101, 100, true}, capError{5001, 5000, false},
		shareError{60, 200, 40, 20}, everybodyError{1}, leftOutError{protected},
		approvals.ErrNoRequest, approvals.ErrAlready, approvals.ErrExpired, approvals.ErrNotReady, approvals.ErrFingerprint,
		approvals.ErrForged, approvals.ErrNotYours, approvals.ErrTooManyOpen, approvals.ErrTooManyYours, approvals.ErrUnavailable,
		approvals.ErrSharedEmail, errSuperseded, &approvals.OverlapError{Request: "AAAAA", User: 7},
		context.DeadlineExceeded, context.Canceled,
		qualys.ErrIgnoredCriteria, qualys.ErrIncomplete, &qualys.Error{Status: 500}, &qualys.Error{Status: 429, RetryAfter: time.Minute},
		&qualys.Error{Op: "users/download", Status: 403}, &qualys.Error{Status: 401}, &qualys.Error{Status: 403},
		&qualys.Error{Err: errors.New("x")}, &qualys.Error{Status: 400, Message: "no such field"},
		&UsageError{Problem: "There is no field called \"x\".", Hint: "/qualys-users find company=Acme"},
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
	d := &Desk{Config{Log: slog.New(slog.DiscardHandler)}}
	apology := d.explain(t.Context(), errors.New("a bug")).Text
	var all strings.Builder
	for _, err := range explained() {
		r := d.explain(t.Context(), requestError{"K7F3Q", fmt.Errorf("while asking: %w", err)})
		assert.NotEqual(t, apology, r.Text, "%v", err)
		assert.NotEmpty(t, r.Text, "%v", err)
		for _, s := range []string{r.Text, r.Hint} {
			assert.NotContains(t, strings.ReplaceAll(s, "<!date", ""), "!", "%v", err)
			assert.NotContains(t, strings.ToLower(s), "please", "%v", err)
			assert.NotContains(t, s, "  ", "%v", err)
		}
		fmt.Fprintf(&all, "%s\n\t%s\n", r.Text, r.Hint)
	}
	path := "testdata/explained.txt"
	if flag.Lookup("update").Value.String() == "true" {
		require.NoError(t, os.WriteFile(path, []byte(all.String()), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, string(want), all.String(), "run with -update if it is meant")
}

// What stands in the trail as a refusal is what the design lists, and no more.
func TestOnlyRefusalsAreNoted(t *testing.T) {
	for _, err := range []error{
		rules.ErrLookUp, approvals.ErrAlready, approvals.ErrExpired, approvals.ErrNotReady, approvals.ErrNoRequest, errSuperseded,
		&approvals.OverError{State: approvals.DONE}, errNobodyFound, errNoReason, &UsageError{}, &qualys.Error{Status: 500},
		qualys.ErrIgnoredCriteria, context.Canceled, elsewhereError{}, errForeignForm,
		leftOutError{[]approvals.LeftOut{{Why: approvals.WhyAlreadySo}}},
		fmt.Errorf("%w: %w", rules.ErrNotReader, rules.ErrLookUp),
		errNotApproved, errNotBegun, errNobodyLeft, errNothingDone, errForGood, approvals.ErrPlanGone, approvals.ErrThawed,
		frozenError{}, barredError{approvals.WhyQuorum}, leftOutError{[]approvals.LeftOut{{Why: approvals.WhyGone}}},
	} {
		_, _, noted := refusal(fmt.Errorf("wrapped: %w", err))
		assert.False(t, noted, "%v", err)
	}
	for _, err := range []error{
		rules.ErrOwnRequest, rules.ErrSamePerson, rules.ErrNoRole, rules.ErrNotReader, rules.ErrNotRequester, rules.ErrNotApprover,
		rules.ErrOutsider{Kind: rules.Guest}, errOwnReject, errNotStopper, errOwnFreeze, approvals.ErrNotYours, approvals.ErrForged, approvals.ErrFingerprint,
		approvals.ErrTooManyOpen, approvals.ErrTooManyYours, &approvals.OverlapError{Request: "A"}, capError{}, shareError{},
		everybodyError{}, publicError{}, rules.ErrUnreachableQuorum{}, leftOutError{[]approvals.LeftOut{{Why: approvals.WhyProtected}}},
	} {
		why, _, noted := refusal(fmt.Errorf("wrapped: %w", err))
		assert.True(t, noted, "%v", err)
		assert.NotEmpty(t, why, "%v", err)
	}
}

// What fails around us reaches the log with its cause.
func TestFailuresAreLogged(t *testing.T) {
	for _, err := range []error{rules.ErrLookUp, approvals.ErrUnavailable, approvals.ErrForged, &qualys.Error{Status: 500}, errors.New("a bug")} {
		var log strings.Builder
		d := &Desk{Config{Log: slog.New(slog.NewTextHandler(&log, nil))}}
		d.explain(t.Context(), fmt.Errorf("the cause: %w", err))
		assert.Contains(t, log.String(), "the cause", "%v", err)
	}
	var log strings.Builder
	d := &Desk{Config{Log: slog.New(slog.NewTextHandler(&log, nil))}}
	d.explain(t.Context(), &UsageError{Problem: "x", Hint: "y"})
	assert.Empty(t, log.String(), "a typo is nobody's failure")
}
