// Package refusal is what the desk says no to, and in which words: a person reads
// what is the matter and what to do about it, and the trail learns of a refusal
// by a short reason.
//
// Errors are declared where they happen: rights are refused by package rules,
// states by package approvals, calls by package qualys, typing by package grammar.
// Here stand those of the desk itself. [For] has the words for all of them.
package refusal

import (
	"errors"
	"fmt"

	"countersign/approvals"
	"countersign/qualys"
)

// What the desk itself refuses. Rights are refused by package rules, states by
// package approvals, calls by package qualys.
var (
	ErrSuperseded  = errors.New("the card is not the newest of its request")
	ErrOwnReject   = errors.New("the requester cancels and does not reject")
	ErrNobodyFound = errors.New("no user fits the conditions")
	ErrNoReason    = errors.New("a reason without a word in it")
	ErrForeignForm = errors.New("a form that no command opened")
	ErrNotApproved = errors.New("this person gave no approval that could be withdrawn")
	ErrNotBegun    = errors.New("the run has not begun")
	ErrNotStopper  = errors.New("neither a requester nor an approver")
	ErrOwnFreeze   = errors.New("whoever froze does not lift it")
	ErrNobodyLeft  = errors.New("the request left nobody to retry")
	ErrOnlySkipped = errors.New("the request left nobody but users that it skipped")
	ErrNothingDone = errors.New("the request changed nobody")
	ErrForGood     = errors.New("a delete cannot be undone")
)

// An ElsewhereError is a command in a channel that the policy does not list.
type ElsewhereError struct{ Channels []string }

func (e ElsewhereError) Error() string { return "the channel is not listed" }

// A PublicError is a file that would have to go to a channel that is not private.
type PublicError struct{ Channel string }

func (e PublicError) Error() string { return "channel " + e.Channel + " is not private" }

// A CapError is a plan of more users than the policy allows in one request.
// Exact is false when so many fit that they were not all counted.
type CapError struct {
	Users, Most int
	Exact       bool
}

func (e CapError) Error() string { return fmt.Sprintf("%d users, at most %d", e.Users, e.Most) }

// A ShareError is a plan of too large a part of all SAQ users.
type ShareError struct{ Users, Scope, Most, Percent int }

func (e ShareError) Error() string {
	return fmt.Sprintf("%d of %d users, at most %d", e.Users, e.Scope, e.Most)
}

// An EverybodyError is a delete that would leave nobody.
type EverybodyError struct{ Users int }

func (e EverybodyError) Error() string { return fmt.Sprintf("all %d users", e.Users) }

// A SharedEmailError is an update that would give several users one e-mail
// address. First is one of them.
type SharedEmailError struct{ First qualys.SAQUserID }

func (e SharedEmailError) Error() string { return approvals.ErrSharedEmail.Error() }
func (e SharedEmailError) Unwrap() error { return approvals.ErrSharedEmail }

// A LeftOutError is a plan that nobody is left for.
type LeftOutError struct{ LeftOut []approvals.LeftOut }

func (e LeftOutError) Error() string { return "everybody is left out" }

// A FrozenError is a freeze while one is on.
type FrozenError struct{ On approvals.Freeze }

func (e FrozenError) Error() string { return "frozen by " + e.On.By.String() }

// A BarredError says why a run that is resumed now would be interrupted again
// at once.
type BarredError struct{ Why approvals.Why }

func (e BarredError) Error() string { return "it cannot go on: " + string(e.Why) }

// A RequestError is an error about one request.
type RequestError struct {
	ID  string
	Err error
}

func (e RequestError) Error() string { return "request " + e.ID + ": " + e.Err.Error() }
func (e RequestError) Unwrap() error { return e.Err }
