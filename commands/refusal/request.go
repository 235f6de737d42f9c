package refusal

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"countersign/approvals"
	"countersign/approvals/rules"
	"countersign/commands/grammar"
	"countersign/commands/words"
)

// ofRequest has the words for what the book answers about a request.
func ofRequest(err error) (Words, bool) {
	about, none := "This request", "There is no such request"
	shown := grammar.Command + " requests"
	if e, ok := errors.AsType[RequestError](err); ok {
		about, shown = words.Escape(e.ID), grammar.Command+" show "+e.ID
		none = "There is no request " + about
	}
	if e, ok := errors.AsType[*approvals.OverError](err); ok {
		return Words{Text: Overdue(about, e), Hint: instead(err, e.State)}, true
	}
	if e, ok := errors.AsType[BarredError](err); ok {
		if e.Why == approvals.WhyFrozen {
			return Words{
				Text: about + " cannot go on: everything has stood still for a day.",
				Hint: "An approver other than whoever froze it can lift that: " + words.Try("unfreeze"),
			}, true
		}
		return Words{
			Text: about + " cannot go on: " + barred(e.Why) + ".",
			Hint: "An approver can end it with " + words.Try("close", id(err)) + "; then " + words.Try("retry", id(err)) + " asks anew for who is left.",
		}, true
	}
	if e, ok := errors.AsType[*approvals.OverlapError](err); ok {
		return Words{
			Text: fmt.Sprintf("SAQ user %s is already part of the open request %s, so I did not hold yours.", e.User, words.Escape(e.Request)),
			Hint: "Wait until it is over, or leave that user out. " + words.Try("show", e.Request),
		}, true
	}
	for _, known := range []struct {
		err        error
		text, hint string
	}{
		{approvals.ErrNoRequest, none + ", or it is no longer kept.", words.Try("requests", "all")},
		{approvals.ErrAlready, "You have approved " + about + " already; one person counts once.", "Somebody else has to approve it."},
		{approvals.ErrExpired, about + " has expired. No user was touched.", "Type the command again to ask anew."},
		{approvals.ErrNotReady, "The list of users is not in the channel yet, so nobody can decide.", "Press again when the file is above the card."},
		{approvals.ErrPlanGone, "The list of users of " + about + " is no longer kept, so nothing can be made of it.", "Type the command again to ask anew."},
		{ErrNotApproved, "There is no approval of yours to withdraw from " + about + ".", words.Code(shown)},
		{ErrNotBegun, about + " has not begun, so there is nothing to stop.", "Whoever asked can cancel it, and an approver can reject it on its card."},
		{ErrNobodyLeft, about + " left nobody to retry.", words.Code(shown)},
		{ErrOnlySkipped, about + " left nobody to retry but users that it skipped, because they had changed.", "Ask for them with a command of their own."},
		{ErrNothingDone, about + " changed no SAQ user, so there is nothing to undo.", words.Code(shown)},
		{ErrForGood, about + " is a delete, and a delete cannot be undone.", "The values of its users stand in the CSV above its card."},
		{approvals.ErrNotYours, "Only the person who asked for " + about + " can cancel it.", "An approver can reject it."},
		{ErrSuperseded, "This is an older card of " + about + ".", "Use its newest card in the channel: " + words.Code(shown)},
		{approvals.ErrFingerprint, "This button does not fit the plan of " + about + ". Nothing was stored.", words.Code(shown)},
		{approvals.ErrRound, "Somebody withdrew in the same moment, so your approval of " + about + " was not stored.", "Press again."},
		{approvals.ErrForged, "The record of " + about + " does not fit its seals: somebody changed it outside of Countersign. It will not run.", "Tell whoever runs Countersign."},
		{approvals.ErrTooManyYours, fmt.Sprintf("You have %d open requests, which is the most one person may have. Nothing was held.", rules.MaxOpenEach), "Wait until one is over, or cancel one. " + words.Try("requests", "mine")},
		{approvals.ErrTooManyOpen, "As many requests are open as the policy allows, so yours was not held.", "Wait until one is over. " + words.Try("requests")},
		{approvals.ErrUnavailable, "My memory cannot be reached, so I do not know whether that was stored.", "Try again in a moment; nothing counts twice."},
		{context.DeadlineExceeded, "That took too long, and I do not know whether it was stored.", "Try again; nothing counts twice."},
		{context.Canceled, "I was stopped in the middle of this.", "Try again in a moment; nothing counts twice."},
	} {
		if errors.Is(err, known.err) {
			return Words{Text: known.text, Hint: known.hint}, true
		}
	}
	return Words{}, false
}

// id is the request that an error is about.
func id(err error) string {
	e, _ := errors.AsType[RequestError](err)
	return e.ID
}

// instead says what can still be done about a request that it is too late for.
func instead(err error, s approvals.State) string {
	about := id(err)
	switch {
	case about == "":
	case s == approvals.RUNNING:
		return "A requester or an approver can end it before its next chunk: " + words.Try("stop", about)
	case s == approvals.NEEDS_REVIEW:
		return "An approver can let it go on, " + words.Try("resume", about) + ", or end it, " + words.Try("close", about) + "."
	}
	return ""
}

// barred says why a run cannot be resumed.
func barred(why approvals.Why) string {
	switch why {
	case approvals.WhyRequesterRights:
		return "whoever asked for it may no longer ask for changes"
	case approvals.WhyChannel:
		return "the policy does not list its channel any more"
	case approvals.WhyCap:
		return "the policy allows fewer users in one request now"
	}
	return "the policy asks for more approvals now than it was made for"
}

// Overdue says why a request cannot be decided any more.
func Overdue(about string, e *approvals.OverError) string {
	by, at := "", ""
	if e.By.ID != "" {
		by = " by " + words.Mention(e.By.ID)
	}
	if !e.At.IsZero() {
		at = " at " + words.Clock(e.At)
	}
	switch e.State {
	case approvals.APPROVED:
		return about + " is approved already" + by + at + "."
	case approvals.RUNNING:
		return about + " is running" + strings.Replace(at, " at ", ", since ", 1) + "."
	case approvals.REJECTED:
		return about + " was rejected" + by + at + "."
	case approvals.CANCELLED:
		return about + " was cancelled" + by + at + "."
	case approvals.EXPIRED:
		return about + " expired" + at + "."
	case approvals.CLOSED:
		return about + " was closed" + by + at + "."
	case approvals.PENDING:
		return about + " still waits for approvals."
	case approvals.NEEDS_REVIEW:
		return about + " was interrupted" + at + " and needs review."
	case approvals.STOPPED:
		return about + " was stopped" + by + at + "."
	}
	return about + " ended" + at + "."
}
