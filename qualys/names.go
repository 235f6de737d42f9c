package qualys

import (
	"errors"

	"countersign/qualys/download"
	"countersign/qualys/sheet"
	"countersign/qualys/wire"
)

// What stands below and belongs to the vocabulary of this package, under its
// names here: how calls are made and fail (package wire), and how platform
// users become a CSV (packages download and sheet).
type (
	// A Config says which Qualys to talk to, and as whom. See [wire.Config].
	Config = wire.Config

	// A Secret is a password that does not get printed by accident.
	Secret = wire.Secret

	// A Login is a breaker for refused logins that replicas share. See
	// [wire.Login], which says what each step asks of whoever keeps it.
	Login = wire.Login

	// A LoginStep is what a Login is told: see [wire.Step].
	LoginStep = wire.Step

	// An Error is a call that Qualys refused, or whose answer was lost. See
	// [wire.Error].
	Error = wire.Error

	// A Fate says what a failed write may have done. See [wire.Fate].
	Fate = wire.Fate

	// A DownloadQuery says which platform users to download. See [download.Query].
	DownloadQuery = download.Query

	// A Download sums up what a download wrote. See [download.Result].
	Download = download.Result

	// A Progress is news of a reading that takes long. See [download.Progress].
	Progress = download.Progress

	// A PlatformUser is a row of a download. It is not a [SAQUser], and nothing
	// documents a key between the two. See [sheet.PlatformUser].
	PlatformUser = sheet.PlatformUser

	// A List is a cell that lists names, such as "[READER, PC User, READER]".
	List = sheet.List

	// A Tally is a number of users under one name, the largest first.
	Tally = sheet.Tally
)

// The fates of a write, from harmless to worst, and the settle times that
// belong to them. See [wire.Fate].
const (
	Refused  = wire.Refused
	Answered = wire.Answered
	Lost     = wire.Lost
	TimedOut = wire.TimedOut

	SettleAnswered = wire.SettleAnswered
	SettleLost     = wire.SettleLost
	SettleTimedOut = wire.SettleTimedOut
)

// The steps of a [Login].
const (
	LoginAttempt  = wire.Attempt
	LoginAccepted = wire.Accepted
	LoginRejected = wire.Rejected
	LoginUnclear  = wire.Unclear
)

// The kinds of errors, for errors.Is. The question a caller has is never
// "which status?" but "may it have happened?" and "what can be done?".
var (
	ErrRateLimited    = wire.ErrRateLimited    // turned away: nothing was done
	ErrUnknownOutcome = wire.ErrUnknownOutcome // a write was perhaps done: read back after [Error.Settle]
	ErrCredentials    = wire.ErrCredentials    // the login was refused, and will not be tried again
	ErrPermission     = wire.ErrPermission     // the login is fine, its rights are not enough
	ErrNotEnabled     = wire.ErrNotEnabled     // the subscription does not have the Administration API
	ErrNotFound       = wire.ErrNotFound       // nothing by that name, or out of scope
	ErrInvalidRequest = wire.ErrInvalidRequest // Qualys did not understand what it was asked
	ErrUnreachable    = wire.ErrUnreachable    // no answer; of a write, that it was never sent

	ErrIgnoredCriteria = wire.ErrIgnoredCriteria // somebody came who does not satisfy the conditions: nothing of it is used
	ErrIncomplete      = wire.ErrIncomplete      // an answer is provably not the whole answer
)

// Writes that are refused before they are sent.
var (
	// ErrNobody means a write named no users. Qualys might take that for everybody.
	ErrNobody = errors.New("no users named")

	// ErrOwnAccount means a write named the account behind our credentials.
	ErrOwnAccount = errors.New("this is the account that we log in with")
)

// Neutralise returns a cell that no spreadsheet takes for a formula. See
// [sheet.Neutralise].
func Neutralise(cell string) string { return sheet.Neutralise(cell) }

// Restore undoes [Neutralise].
func Restore(cell string) string { return sheet.Restore(cell) }
