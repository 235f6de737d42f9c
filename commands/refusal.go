package commands

import (
	"errors"
	"fmt"

	"countersign/approvals"
	"countersign/approvals/rules"
	"countersign/audit"
)

// What the desk itself refuses. Rights are refused by package rules, states by
// package approvals, calls by package qualys.
var (
	errSuperseded  = errors.New("the card is not the newest of its request")
	errOwnReject   = errors.New("the requester cancels and does not reject")
	errNobodyFound = errors.New("no user fits the conditions")
	errNoReason    = errors.New("a reason without a word in it")
	errForeignForm = errors.New("a form that no command opened")
	errNotApproved = errors.New("this person gave no approval that could be withdrawn")
	errNotBegun    = errors.New("the run has not begun")
	errNotStopper  = errors.New("neither a requester nor an approver")
	errOwnFreeze   = errors.New("whoever froze does not lift it")
	errNobodyLeft  = errors.New("the request left nobody to retry")
	errNothingDone = errors.New("the request changed nobody")
	errForGood     = errors.New("a delete cannot be undone")
)

// An elsewhereError is a command in a channel that the policy does not list.
type elsewhereError struct{ channels []string }

func (e elsewhereError) Error() string { return "the channel is not listed" }

// A publicError is a file that would have to go to a channel that is not private.
type publicError struct{ channel string }

func (e publicError) Error() string { return "channel " + e.channel + " is not private" }

// A capError is a plan of more users than the policy allows in one request.
// Exact is false when so many fit that they were not all counted.
type capError struct {
	users, most int
	exact       bool
}

func (e capError) Error() string { return fmt.Sprintf("%d users, at most %d", e.users, e.most) }

// A shareError is a plan of too large a part of all SAQ users.
type shareError struct{ users, scope, most, percent int }

func (e shareError) Error() string {
	return fmt.Sprintf("%d of %d users, at most %d", e.users, e.scope, e.most)
}

// An everybodyError is a delete that would leave nobody.
type everybodyError struct{ users int }

func (e everybodyError) Error() string { return fmt.Sprintf("all %d users", e.users) }

// A leftOutError is a plan that nobody is left for.
type leftOutError struct{ leftOut []approvals.LeftOut }

func (e leftOutError) Error() string { return "everybody is left out" }

// A frozenError is a freeze while one is on.
type frozenError struct{ on approvals.Freeze }

func (e frozenError) Error() string { return "frozen by " + e.on.By.String() }

// A barredError says why a run that is resumed now would be interrupted again
// at once.
type barredError struct{ why approvals.Why }

func (e barredError) Error() string { return "it cannot go on: " + string(e.why) }

// A requestError is an error about one request.
type requestError struct {
	id  string
	err error
}

func (e requestError) Error() string { return "request " + e.id + ": " + e.err.Error() }
func (e requestError) Unwrap() error { return e.err }

// refusal says which errors stand in the trail as a refusal, and as what: no
// right, the own request, a cap, an overlap, a forged record. Typos, late clicks
// and failures do not.
func refusal(err error) (why approvals.Why, detail string, ok bool) {
	for _, r := range []struct {
		err error
		why approvals.Why
	}{
		{rules.ErrLookUp, ""}, // nobody was refused: nobody knows
		{rules.ErrOwnRequest, audit.WhyOwnRequest},
		{errOwnReject, audit.WhyOwnRequest},
		{rules.ErrSamePerson, audit.WhySamePerson},
		{rules.ErrNotReader, audit.WhyNotReader},
		{rules.ErrNotRequester, audit.WhyNotRequester},
		{rules.ErrNotApprover, audit.WhyNotApprover},
		{rules.ErrNoRole, audit.WhyNoRole},
		{errNotStopper, audit.WhyNotStopper},
		{errOwnFreeze, audit.WhyOwnFreeze},
		{approvals.ErrNotYours, audit.WhyNotYours},
		{approvals.ErrForged, approvals.WhyForged},
		{approvals.ErrFingerprint, approvals.WhyForged},
		{approvals.ErrTooManyOpen, audit.WhyTooMany},
		{approvals.ErrTooManyYours, audit.WhyTooMany},
	} {
		if errors.Is(err, r.err) {
			return r.why, "", r.why != ""
		}
	}
	if e, ok := errors.AsType[rules.ErrOutsider](err); ok {
		return audit.WhyOutsider, string(e.Kind), true
	}
	if e, ok := errors.AsType[*approvals.OverlapError](err); ok {
		return audit.WhyOverlap, e.Request, true
	}
	if e, ok := errors.AsType[leftOutError](err); ok {
		return approvals.WhyProtected, "", leftOut(e.leftOut, approvals.WhyProtected) == len(e.leftOut)
	}
	switch {
	case is[shareError](err):
		return audit.WhyShare, "", true
	case is[capError](err):
		return approvals.WhyCap, "", true
	case is[everybodyError](err):
		return audit.WhyEverybody, "", true
	case is[publicError](err):
		return audit.WhyPublic, "", true
	case is[rules.ErrUnreachableQuorum](err):
		return audit.WhyNoQuorum, "", true
	}
	return "", "", false
}

func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

// leftOut counts those who are left out for a reason.
func leftOut(list []approvals.LeftOut, why approvals.Why) int {
	n := 0
	for _, l := range list {
		if l.Why == why {
			n++
		}
	}
	return n
}
