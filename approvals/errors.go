package approvals

import (
	"errors"
	"fmt"
	"time"

	"countersign/approvals/rules"
	"countersign/qualys"
)

// What the book answers instead of doing what it was asked. Each is a fact;
// the sentences for people stand in package commands.
var (
	ErrNoRequest    = errors.New("no such request")
	ErrOwnRequest   = rules.ErrOwnRequest
	ErrAlready      = errors.New("this person approved already")
	ErrExpired      = errors.New("the request has expired")
	ErrNotReady     = errors.New("the plan's CSV is not in the channel yet")
	ErrFingerprint  = errors.New("the button belongs to another plan")
	ErrForged       = errors.New("record and seal do not fit")
	ErrNotYours     = errors.New("only the requester can do this")
	ErrTooManyOpen  = errors.New("too many open requests")
	ErrTooManyYours = errors.New("too many open requests of this person")
	ErrFrozen       = errors.New("frozen")
	ErrUnavailable  = errors.New("redis cannot be reached")

	// ErrRound means that people withdrew, or a run was given up, again and again
	// while this approval was on its way: each time it came too late for the
	// round it was sealed for. Nothing was stored.
	ErrRound = errors.New("another round of approvals has begun")

	// ErrFenced means somebody else owns the run, or the poster's lease, now.
	ErrFenced = errors.New("the lease belongs to somebody else")
)

// An OverError says that a request cannot be decided any more, or that this
// decision was made already, and by whom.
type OverError struct {
	State State
	By    rules.Person // who ended or approved it; zero when the bot did
	At    time.Time
}

func (e *OverError) Error() string { return fmt.Sprintf("the request is %s", e.State) }

// An OverlapError names an open request that holds a user of the new one.
type OverlapError struct {
	Request string
	User    qualys.SAQUserID
}

func (e *OverlapError) Error() string {
	return fmt.Sprintf("user %s is held by request %s", e.User, e.Request)
}
