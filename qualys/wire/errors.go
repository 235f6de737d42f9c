package wire

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// OpDownload is the one call of the Administration API. Its 401, 403 and 404
// mean something else than those of /qps.
const OpDownload = "users/download"

// The kinds of errors, for errors.Is. The question a caller has is never
// "which status?" but "may it have happened?" and "what can be done?".
var (
	// ErrRateLimited means Qualys turned the call away (409 or 429), or asked
	// earlier for a pause that is not over: nothing was done.
	ErrRateLimited = errors.New("rate limited")

	// ErrUnknownOutcome means a write was perhaps done: read back before anything
	// else, after [Error.Settle]. A failed write that is not of this kind did nothing.
	ErrUnknownOutcome = errors.New("unknown outcome")

	// ErrCredentials means Qualys refused the login. The client will not try it
	// again, because an account that keeps failing gets locked.
	ErrCredentials = errors.New("credentials refused")

	// ErrPermission means the login is fine and its rights are not enough.
	ErrPermission = errors.New("not permitted")

	// ErrNotEnabled means the subscription does not have the Administration API.
	ErrNotEnabled = errors.New("not enabled for this subscription")

	// ErrNotFound means there is nothing by that name, or it is out of scope.
	ErrNotFound = errors.New("not found")

	// ErrInvalidRequest means Qualys did not understand what it was asked.
	ErrInvalidRequest = errors.New("invalid request")

	// ErrUnreachable means there was no answer; of a write, that it was never sent.
	ErrUnreachable = errors.New("unreachable")

	// ErrIgnoredCriteria means Qualys returned a user who does not satisfy the
	// conditions. What else it ignored nobody knows: no such answer is used.
	ErrIgnoredCriteria = errors.New("conditions ignored")

	// ErrIncomplete means an answer is provably not the whole answer.
	ErrIncomplete = errors.New("incomplete answer")
)

// A Fate says what a failed write may have done.
type Fate int

// The fates, from harmless to worst.
const (
	Refused  Fate = iota // turned away, or never sent: nothing was done
	Answered             // a complete answer that settles nothing: a 5xx, garbage
	Lost                 // sent, then the connection broke
	TimedOut             // sent, then we stopped waiting
)

// The settle times: how long to wait before a reading shows what really
// became of a write. Nobody outside Qualys knows them; they are guesses on the
// safe side.
const (
	SettleAnswered = 3 * time.Second  // from the answer on
	SettleLost     = 20 * time.Second // from the moment the call was sent
	SettleTimedOut = 60 * time.Second // from the moment we stopped waiting
)

// Settle returns the settle time of the fate; a refusal has none.
func (f Fate) Settle() time.Duration {
	switch f {
	case Answered:
		return SettleAnswered
	case Lost:
		return SettleLost
	case TimedOut:
		return SettleTimedOut
	}
	return 0
}

func (f Fate) String() string {
	switch f {
	case Answered:
		return "answered"
	case Lost:
		return "lost"
	case TimedOut:
		return "timed out"
	}
	return "refused"
}

// An Error is a call that Qualys refused, or whose answer was lost. Its texts
// are capped and hold neither URLs nor secrets, but they are foreign: escape
// them before they reach a channel.
type Error struct {
	Op         string        // the call, such as "delete/saq/user"
	Status     int           // the HTTP status, or the one the body claims; 0 without an answer; refusals also come with 200
	Code       string        // the responseCode, such as "INVALID_CREDENTIALS", or empty
	Message    string        // what Qualys said
	Resolution string        // what Qualys advises, or empty
	RetryAfter time.Duration // how long Qualys asks us to wait, or 0
	Fate       Fate          // what a write may have done; Refused for reads
	Err        error         // why there was no usable answer, or nil

	sent   bool // the request left, and no answer came
	unsent bool // we did not even ask: an earlier answer forbids it for now
	final  bool // asking again might be a refused login too many
}

// Settle returns how long to wait before reading back: 0 unless the error is
// of kind [ErrUnknownOutcome].
func (e *Error) Settle() time.Duration { return e.Fate.Settle() }

func (e *Error) Error() string {
	var said []string
	if e.Status != 0 {
		said = append(said, fmt.Sprintf("HTTP %d", e.Status))
	}
	for _, s := range []string{e.Code, e.Message, e.Resolution} {
		if s != "" {
			said = append(said, s)
		}
	}
	if e.Err != nil {
		said = append(said, e.Err.Error())
	}
	if e.Fate != Refused {
		said = append(said, "perhaps done ("+e.Fate.String()+")")
	}
	return e.Op + ": " + strings.Join(said, ": ")
}

// Unwrap returns the cause, such as context.Canceled.
func (e *Error) Unwrap() error { return e.Err }

// Is lets callers ask for a kind without knowing about status codes.
func (e *Error) Is(kind error) bool {
	admin := e.Op == OpDownload
	switch kind {
	case ErrRateLimited:
		return e.Status == http.StatusTooManyRequests || e.Status == http.StatusConflict || e.unsent
	case ErrUnknownOutcome:
		return e.Fate != Refused
	case ErrCredentials:
		return e.Status == http.StatusUnauthorized && !admin ||
			e.Code == "INVALID_CREDENTIALS" || e.Code == "AUTH_CREDENTIALS_NEEDED"
	case ErrPermission:
		return e.Status == http.StatusForbidden || e.Code == "UNAUTHORIZED" || e.Code == "INSUFFICIENT_PERMISSION"
	case ErrNotEnabled:
		return admin && slices.Contains([]int{401, 403, 404}, e.Status)
	case ErrNotFound:
		return e.Status == http.StatusNotFound || e.Code == "OBJECT_NOT_FOUND"
	case ErrInvalidRequest:
		return e.Status == http.StatusBadRequest || e.Code == "INVALID_REQUEST"
	case ErrUnreachable:
		return e.Status == 0 && e.Fate == Refused && !e.unsent
	}
	return false
}

// refusals are the responseCodes that say no before anything is done. The set
// is closed on purpose: an unknown code on a write leaves its outcome open.
var refusals = []string{"INVALID_REQUEST", "INVALID_CREDENTIALS", "AUTH_CREDENTIALS_NEEDED",
	"UNAUTHORIZED", "INSUFFICIENT_PERMISSION", "OBJECT_NOT_FOUND"}

// refuses reports whether an answer proves that the call was turned away
// before anything was done.
func refuses(status int, code string) bool {
	switch status {
	case http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound,
		http.StatusMethodNotAllowed, http.StatusNotAcceptable, http.StatusConflict,
		http.StatusLengthRequired, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType,
		http.StatusUnprocessableEntity, http.StatusTooManyRequests:
		return true
	}
	return status/100 == 2 && slices.Contains(refusals, code)
}

// passing reports whether asking again might help a read.
func (e *Error) passing() bool {
	if e.final || e.unsent || errors.Is(e.Err, ErrTooLarge) || errors.Is(e.Err, context.Canceled) {
		return false
	}
	return e.Status == 0 || e.Status >= 500 || e.Status == http.StatusRequestTimeout || e.Is(ErrRateLimited) ||
		e.Status/100 == 2 && e.Code == "" || e.Code == "LIMIT_EXCEEDED"
}
