package commands

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"countersign/approvals"
	"countersign/approvals/rules"
	"countersign/audit"
	"countersign/commands/grammar"
	"countersign/qualys"
)

// explain turns an error into an answer, and is the only function that does.
// What it does not know is our fault: an apology for the person, everything for
// the log.
func (d *Desk) explain(ctx context.Context, err error) Reply {
	for _, explain := range []func(error) (Reply, bool){
		explainUsage, d.explainRights, explainFreeze, explainRequest, explainPlan, explainQualys,
	} {
		if r, ok := explain(err); ok {
			if noisy(err) {
				d.Log.ErrorContext(ctx, "command failed", "err", err)
			}
			return r
		}
	}
	d.Log.ErrorContext(ctx, "command failed for a reason without words", "err", err)
	return Reply{
		Text: "Something went wrong on my side, and nothing was stored. The cause is in my log.",
		Hint: "Try again; if it stays like this, tell whoever runs Countersign.",
	}
}

// noisy reports whether the operator should know: something around us failed.
func noisy(err error) bool {
	return errors.Is(err, rules.ErrLookUp) || errors.Is(err, approvals.ErrUnavailable) ||
		errors.Is(err, approvals.ErrForged) || is[*qualys.Error](err) ||
		errors.Is(err, qualys.ErrIncomplete) || errors.Is(err, qualys.ErrIgnoredCriteria) ||
		errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}

// hintAtMost is the longest hint that is worth showing.
const hintAtMost = 1500

func explainUsage(err error) (Reply, bool) {
	e, ok := errors.AsType[*UsageError](err)
	if !ok {
		return Reply{}, false
	}
	hint := e.Hint
	if len(hint) > hintAtMost {
		hint = grammar.Command + " help"
	}
	return Reply{Text: escape(e.Problem), Hint: code(hint)}, true
}

// try is a hint: a command to type.
func try(words ...string) string {
	return code(strings.Join(append([]string{grammar.Command}, words...), " "))
}

func (d *Desk) explainRights(err error) (Reply, bool) {
	if e, ok := errors.AsType[elsewhereError](err); ok {
		var names []string
		for _, c := range e.channels {
			names = append(names, "<#"+escape(c)+">")
		}
		return Reply{Text: "I do not work in this channel.", Hint: "Go to " + strings.Join(names, " or ") + "."}, true
	}
	if e, ok := errors.AsType[rules.ErrOutsider](err); ok {
		return Reply{
			Text: "I work for full members of this workspace only, and your account is not one (" + escape(string(e.Kind)) + ").",
			Hint: "Ask a colleague, or whoever runs Countersign.",
		}, true
	}
	if e, ok := errors.AsType[rules.ErrUnreachableQuorum](err); ok {
		others := audit.Plural(e.Have, "person", "people")
		if e.Have == 0 {
			others = "nobody"
		}
		return Reply{
			Text: fmt.Sprintf("This needs %s, and besides you %s could give one. Nothing was held.", audit.Plural(e.Need, "approval"), others),
			Hint: "Whoever runs Countersign can name more approvers in the policy.",
		}, true
	}
	for _, known := range []struct {
		err        error
		text, hint string
	}{
		{rules.ErrLookUp, "I could not find out what you may do, so nothing was done and nothing was stored.", "Try again in a moment; if it stays like this, tell whoever runs Countersign."},
		{errOwnReject, "You asked for this one, so it is not yours to reject.", "Press Cancel to take it back."},
		{rules.ErrOwnRequest, "You asked for this one. A second person has to approve it.", ""},
		{rules.ErrSamePerson, "This account and the one that asked belong to the same person. A second person has to decide.", ""},
		{errNotStopper, "You may not stop or freeze anything here.", "Requesters and approvers may. " + try("whoami") + " shows your roles."},
		{rules.ErrNotReader, "You may not look users up here.", "Only readers may. " + try("whoami") + " shows your roles."},
		{rules.ErrNotRequester, "You may not ask for changes here.", "Only requesters may. " + try("whoami") + " shows your roles."},
		{rules.ErrNotApprover, "You may not decide requests here.", "Only approvers may. " + try("whoami") + " shows your roles."},
		{rules.ErrNoRole, "The policy gives you no role here.", "Whoever runs Countersign can add you. " + try("whoami") + " shows your id."},
		{errForeignForm, "I do not know this form any more.", "Type the command again."},
	} {
		if errors.Is(err, known.err) {
			return Reply{Text: known.text, Hint: known.hint}, true
		}
	}
	return Reply{}, false
}

// explainRequest has the words for what the book answers about a request.
func explainRequest(err error) (Reply, bool) {
	about := "This request"
	shown := grammar.Command + " requests"
	if e, ok := errors.AsType[requestError](err); ok {
		about, shown = escape(e.id), grammar.Command+" show "+e.id
	}
	if e, ok := errors.AsType[*approvals.OverError](err); ok {
		return Reply{Text: overdue(about, e), Hint: instead(err, e.State)}, true
	}
	if e, ok := errors.AsType[barredError](err); ok {
		return Reply{
			Text: about + " cannot go on: " + barred(e.why) + ".",
			Hint: "An approver can end it with " + try("close", id(err)) + "; then " + try("retry", id(err)) + " asks anew for who is left.",
		}, true
	}
	if e, ok := errors.AsType[*approvals.OverlapError](err); ok {
		return Reply{
			Text: fmt.Sprintf("SAQ user %s is already part of the open request %s, so I did not hold yours.", e.User, escape(e.Request)),
			Hint: "Wait until it is over, or leave that user out. " + try("show", e.Request),
		}, true
	}
	for _, known := range []struct {
		err        error
		text, hint string
	}{
		{approvals.ErrNoRequest, "There is no such request, or its time of keeping is over.", try("requests", "all")},
		{approvals.ErrAlready, "You have approved " + about + " already; one person counts once.", "Somebody else has to approve it."},
		{approvals.ErrExpired, about + " has expired. No user was touched.", "Type the command again to ask anew."},
		{approvals.ErrNotReady, "The list of users is not in the channel yet, so nobody can decide.", "Press again when the file is above the card."},
		{approvals.ErrPlanGone, "The list of users of " + about + " is no longer kept, so nothing can be made of it.", "Type the command again to ask anew."},
		{errNotApproved, "There is no approval of yours to withdraw from " + about + ".", code(shown)},
		{errNotBegun, about + " has not begun, so there is nothing to stop.", "Whoever asked can cancel it, and an approver can reject it on its card."},
		{errNobodyLeft, about + " left nobody to retry.", "Users that were skipped had changed: ask for them with a command of their own."},
		{errNothingDone, about + " changed no SAQ user, so there is nothing to undo.", code(shown)},
		{errForGood, about + " is a delete, and a delete cannot be undone.", "The values of its users stand in the CSV above its card."},
		{approvals.ErrNotYours, "Only the person who asked for " + about + " can cancel it.", "An approver can reject it."},
		{errSuperseded, "This is an older card of " + about + ".", "Use its newest card in the channel: " + code(shown)},
		{approvals.ErrFingerprint, "This button does not fit the plan of " + about + ". Nothing was stored.", code(shown)},
		{approvals.ErrForged, "The record of " + about + " does not fit its seals: somebody changed it outside of Countersign. It will not run.", "Tell whoever runs Countersign."},
		{approvals.ErrTooManyYours, fmt.Sprintf("You have %d open requests, which is the most.", rules.MaxOpenEach), "Wait until one is over, or cancel one. " + try("requests", "mine")},
		{approvals.ErrTooManyOpen, "Too many requests are open.", "Wait until one is over. " + try("requests")},
		{approvals.ErrUnavailable, "My memory cannot be reached, so I do not know whether that was stored.", "Try again in a moment; nothing counts twice."},
		{context.DeadlineExceeded, "That took too long, and I do not know whether it was stored.", "Try again; nothing counts twice."},
		{context.Canceled, "I was stopped in the middle of this.", "Try again in a moment; nothing counts twice."},
	} {
		if errors.Is(err, known.err) {
			return Reply{Text: known.text, Hint: known.hint}, true
		}
	}
	return Reply{}, false
}

// id is the request that an error is about.
func id(err error) string {
	e, _ := errors.AsType[requestError](err)
	return e.id
}

// instead says what can still be done about a request that it is too late for.
func instead(err error, s approvals.State) string {
	about := id(err)
	switch {
	case about == "":
	case s == approvals.RUNNING:
		return "A requester or an approver can end it before its next chunk: " + try("stop", about)
	case s == approvals.NEEDS_REVIEW:
		return "An approver can let it go on, " + try("resume", about) + ", or end it, " + try("close", about) + "."
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

// explainFreeze has the words for the switch that makes everything stand still.
func explainFreeze(err error) (Reply, bool) {
	if e, ok := errors.AsType[frozenError](err); ok {
		text := "Everything stands still already."
		if !e.on.At.IsZero() {
			text = "Everything stands still already, since " + clock(e.on.At) + ": " + mention(e.on.By.ID) + " froze it."
		}
		return Reply{Text: text, Hint: "An approver other than them lifts it: " + try(string(Unfreeze))}, true
	}
	switch {
	case errors.Is(err, errOwnFreeze):
		return Reply{Text: "The freeze is your own. An approver other than you has to lift it."}, true
	case errors.Is(err, approvals.ErrThawed):
		return Reply{Text: "Nothing is frozen."}, true
	case errors.Is(err, approvals.ErrFrozen):
		return Reply{Text: "Everything stands still: somebody froze it.", Hint: "An approver other than them lifts it: " + try(string(Unfreeze))}, true
	}
	return Reply{}, false
}

// overdue says why a request cannot be decided any more.
func overdue(about string, e *approvals.OverError) string {
	by, at := "", ""
	if e.By.ID != "" {
		by = " by " + mention(e.By.ID)
	}
	if !e.At.IsZero() {
		at = " at " + clock(e.At)
	}
	switch e.State {
	case approvals.APPROVED:
		return about + " is approved already" + by + at + "."
	case approvals.RUNNING:
		return about + " is running" + strings.Replace(at, " at ", " since ", 1) + "."
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

// explainPlan has the words for users and plans that cannot become a request.
func explainPlan(err error) (Reply, bool) {
	if e, ok := errors.AsType[publicError](err); ok {
		return Reply{
			Text: "I post files with users only to private channels that nobody outside shares, and <#" + escape(e.channel) + "> is not one.",
			Hint: "Use a private channel, or let whoever runs Countersign set `files: any_channel` in the policy.",
		}, true
	}
	if e, ok := errors.AsType[shareError](err); ok {
		return Reply{
			Text: fmt.Sprintf("These are %s of %s in scope, and one request may touch %d%% of them at most: %s. Nothing was held.",
				audit.Plural(e.users, "SAQ user"), audit.Number(e.scope), e.percent, audit.Number(e.most)),
			Hint: "Narrow the conditions, or ask in parts.",
		}, true
	}
	if e, ok := errors.AsType[capError](err); ok {
		users := audit.Plural(e.users, "SAQ user")
		if !e.exact {
			users = "more than " + audit.Plural(e.users-1, "SAQ user")
		}
		return Reply{
			Text: fmt.Sprintf("These are %s, and one request may touch %s at most. Nothing was held.", users, audit.Number(e.most)),
			Hint: "Narrow the conditions, or ask in parts.",
		}, true
	}
	if e, ok := errors.AsType[everybodyError](err); ok {
		return Reply{
			Text: fmt.Sprintf("That is every SAQ user there is in scope (%s). A delete never names everybody.", audit.Number(e.users)),
			Hint: "Narrow the conditions.",
		}, true
	}
	if e, ok := errors.AsType[leftOutError](err); ok {
		return Reply{Text: "Nobody is left to touch: " + leftOutWords(e.leftOut) + ". Nothing was held."}, true
	}
	for _, known := range []struct {
		err        error
		text, hint string
	}{
		{errNobodyFound, "No SAQ user fits these conditions. Nothing was held.", "Look with " + try("find") + " first; ~ finds a part of a value."},
		{errNoReason, "The reason has no word in it.", "Whoever approves reads it: name a ticket, or say why."},
		{approvals.ErrSharedEmail, "An e-mail address can be set on one SAQ user only.", "Name that user: " + try("update", "id=767231592", "set", "emailAddress=name@example.com", `reason="…"`)},
	} {
		if errors.Is(err, known.err) {
			return Reply{Text: known.text, Hint: known.hint}, true
		}
	}
	return Reply{}, false
}

// explainQualys has the words for calls that Qualys refused or did not answer.
func explainQualys(err error) (Reply, bool) {
	said := ""
	wait := time.Duration(0)
	if e, ok := errors.AsType[*qualys.Error](err); ok {
		words := []string{e.Code, e.Message, e.Resolution}
		if errors.Is(err, qualys.ErrCredentials) {
			words = words[:2] // who repeats a refusal without asking again puts its own advice there
		}
		said = strings.Trim(strings.Join(words, " "), " ")
		wait = e.RetryAfter
	}
	again := "Try again in a moment."
	if wait > 0 {
		again = "Try again in " + audit.Plural(int(wait.Round(time.Second)/time.Second), "second") + "."
	}
	for _, known := range []struct {
		err        error
		text, hint string
	}{
		{qualys.ErrIgnoredCriteria, "Qualys returned somebody who does not fit the conditions, so I trust nothing of its answer. No user was touched.", "Tell whoever runs Countersign; the log has the details."},
		{qualys.ErrIncomplete, "Qualys' answer is provably not complete, so I did not use it.", again},
		{qualys.ErrNotEnabled, "Qualys does not offer the Administration API to this subscription.", "Whoever runs Countersign can ask Qualys support for it."},
		{qualys.ErrCredentials, "Qualys refuses my login.", "Whoever runs Countersign has to look at QUALYS_USERNAME and QUALYS_PASSWORD. Until then I do not try them again, so that the account is not locked."},
		{qualys.ErrPermission, "My Qualys login is fine, but its rights are not enough for this.", "Whoever runs Countersign can give it API access and the questionnaire module."},
		{qualys.ErrRateLimited, "Qualys is busy and turned me away.", again},
		{qualys.ErrUnreachable, "Qualys did not answer.", again},
		{qualys.ErrInvalidRequest, "Qualys did not understand what I asked.", "Tell whoever runs Countersign; the log has the details."},
	} {
		if errors.Is(err, known.err) {
			return Reply{Text: known.text + quoteQualys(said), Hint: known.hint}, true
		}
	}
	if is[*qualys.Error](err) {
		return Reply{Text: "Qualys answered with an error." + quoteQualys(said), Hint: again}, true
	}
	return Reply{}, false
}

// quoteQualys quotes what Qualys said, if anything.
func quoteQualys(said string) string {
	if said = grammar.OneLine(said, 200); said == "" {
		return ""
	}
	return " It said: " + code(said) + "."
}

// leftOutWords counts those who are left out: "2 are protected, 1 already has
// the new values".
func leftOutWords(list []approvals.LeftOut) string {
	var parts []string
	add := func(n int, one, many string) {
		if n == 1 {
			parts = append(parts, "1 "+one)
		} else if n > 1 {
			parts = append(parts, audit.Number(n)+" "+many)
		}
	}
	add(leftOut(list, approvals.WhyProtected), "is protected by the policy", "are protected by the policy")
	add(leftOut(list, approvals.WhyAlreadySo), "has the new values already", "have the new values already")
	add(leftOut(list, approvals.WhyDrifted), "has changed since", "have changed since")
	add(leftOut(list, approvals.WhyGone), "is gone", "are gone")
	add(leftOut(list, approvals.WhyUnwritable), "had a value that cannot be written", "had values that cannot be written")
	return strings.Join(parts, ", ")
}
