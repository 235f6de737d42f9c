package refusal

import (
	"errors"

	"countersign/approvals"
	"countersign/approvals/rules"
	"countersign/audit"
	"countersign/commands/words"
)

// otherPlan is a refusal of a button whose value is not that of the request's
// plan. The record itself is sound, so it is no [approvals.WhyForged]. The trail
// has no words of its own for it: they travel as the detail.
const otherPlan approvals.Why = "other-plan"

// Noted says which errors stand in the trail as a refusal, and as what: no
// right, the own request, a cap, an overlap, a forged record or button. Typos,
// late clicks and failures do not.
func Noted(err error) (why approvals.Why, detail string, ok bool) {
	for _, r := range []struct {
		err error
		why approvals.Why
	}{
		{rules.ErrLookUp, ""}, // nobody was refused: nobody knows
		{rules.ErrOwnRequest, audit.WhyOwnRequest},
		{ErrOwnReject, audit.WhyOwnRequest},
		{rules.ErrSamePerson, audit.WhySamePerson},
		{rules.ErrNotReader, audit.WhyNotReader},
		{rules.ErrNotRequester, audit.WhyNotRequester},
		{rules.ErrNotApprover, audit.WhyNotApprover},
		{rules.ErrNoRole, audit.WhyNoRole},
		{ErrNotStopper, audit.WhyNotStopper},
		{ErrOwnFreeze, audit.WhyOwnFreeze},
		{approvals.ErrNotYours, audit.WhyNotYours},
		{approvals.ErrForged, approvals.WhyForged},
		{approvals.ErrTooManyOpen, audit.WhyTooMany},
		{approvals.ErrTooManyYours, audit.WhyTooMany},
	} {
		if errors.Is(err, r.err) {
			return r.why, "", r.why != ""
		}
	}
	if errors.Is(err, approvals.ErrFingerprint) {
		return otherPlan, "the button does not fit the plan", true
	}
	if e, ok := errors.AsType[rules.ErrOutsider](err); ok {
		return audit.WhyOutsider, string(e.Kind), true
	}
	if e, ok := errors.AsType[*approvals.OverlapError](err); ok {
		return audit.WhyOverlap, e.Request, true
	}
	if e, ok := errors.AsType[LeftOutError](err); ok {
		return approvals.WhyProtected, "", words.CountLeftOut(e.LeftOut, approvals.WhyProtected) == len(e.LeftOut)
	}
	switch {
	case is[ShareError](err):
		return audit.WhyShare, "", true
	case is[CapError](err):
		return approvals.WhyCap, "", true
	case is[EverybodyError](err):
		return audit.WhyEverybody, "", true
	case is[PublicError](err):
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
