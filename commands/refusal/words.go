package refusal

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"countersign/approvals"
	"countersign/approvals/rules"
	"countersign/audit"
	"countersign/commands/grammar"
	"countersign/commands/words"
	"countersign/qualys"
)

// Words are what a person reads instead of what they asked for, in mrkdwn: what
// is the matter, and what to do about it, or nothing.
type Words struct{ Text, Hint string }

// For has the words for an error, or says that nobody foresaw it.
func For(err error) (Words, bool) {
	for _, of := range []func(error) (Words, bool){ofUsage, ofRights, ofFreeze, ofRequest, ofPlan, ofQualys} {
		if w, ok := of(err); ok {
			return w, true
		}
	}
	return Words{}, false
}

// Noisy reports whether the operator should know: something around us failed.
func Noisy(err error) bool {
	return errors.Is(err, rules.ErrLookUp) || errors.Is(err, approvals.ErrUnavailable) ||
		errors.Is(err, approvals.ErrForged) || is[*qualys.Error](err) ||
		errors.Is(err, qualys.ErrIncomplete) || errors.Is(err, qualys.ErrIgnoredCriteria) ||
		errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}

// hintAtMost is the longest hint that is worth showing.
const hintAtMost = 1500

func ofUsage(err error) (Words, bool) {
	e, ok := errors.AsType[*grammar.UsageError](err)
	if !ok {
		return Words{}, false
	}
	hint := e.Hint
	if len(hint) > hintAtMost {
		hint = grammar.Command + " help"
	}
	return Words{Text: words.Escape(e.Problem), Hint: words.Code(hint)}, true
}

// ofRights has the words for people who may not.
func ofRights(err error) (Words, bool) {
	if e, ok := errors.AsType[ElsewhereError](err); ok {
		var names []string
		for _, c := range e.Channels {
			names = append(names, "<#"+words.Escape(c)+">")
		}
		return Words{Text: "I do not work in this channel.", Hint: "Go to " + strings.Join(names, " or ") + "."}, true
	}
	if e, ok := errors.AsType[rules.ErrOutsider](err); ok {
		return Words{
			Text: "I work for full members of this workspace only, and your account is not one (" + words.Escape(string(e.Kind)) + ").",
			Hint: "Ask a colleague, or whoever runs Countersign.",
		}, true
	}
	if e, ok := errors.AsType[rules.ErrUnreachableQuorum](err); ok {
		others := audit.Plural(e.Have, "person", "people")
		if e.Have == 0 {
			others = "nobody"
		}
		return Words{
			Text: fmt.Sprintf("This needs %s, and besides you %s could give one. Nothing was held.", audit.Plural(e.Need, "approval"), others),
			Hint: "Whoever runs Countersign can name more approvers in the policy.",
		}, true
	}
	for _, known := range []struct {
		err        error
		text, hint string
	}{
		{rules.ErrLookUp, "I could not find out what you may do, so nothing was done and nothing was stored.", "Try again in a moment; if it stays like this, tell whoever runs Countersign."},
		{ErrOwnReject, "You asked for this one, so it is not yours to reject.", "Press Cancel to take it back."},
		{rules.ErrOwnRequest, "You asked for this one. A second person has to approve it.", ""},
		{rules.ErrSamePerson, "This account and the one that asked belong to the same person. A second person has to decide.", ""},
		{ErrNotStopper, "You may not stop or freeze anything here.", "Requesters and approvers may. " + words.Try("whoami") + " shows your roles."},
		{rules.ErrNotReader, "You may not look users up here.", "Only readers may. " + words.Try("whoami") + " shows your roles."},
		{rules.ErrNotRequester, "You may not ask for changes here.", "Only requesters may. " + words.Try("whoami") + " shows your roles."},
		{rules.ErrNotApprover, "You may not decide requests here.", "Only approvers may. " + words.Try("whoami") + " shows your roles."},
		{rules.ErrNoRole, "The policy gives you no role here.", "Whoever runs Countersign can add you. " + words.Try("whoami") + " shows your id."},
		{ErrForeignForm, "I do not know this form any more.", "Type the command again."},
	} {
		if errors.Is(err, known.err) {
			return Words{Text: known.text, Hint: known.hint}, true
		}
	}
	return Words{}, false
}

// ofFreeze has the words for the switch that makes everything stand still.
func ofFreeze(err error) (Words, bool) {
	if e, ok := errors.AsType[FrozenError](err); ok {
		text := "Everything stands still already."
		if !e.On.At.IsZero() {
			text = words.Line{
				{Text: "Everything stands still already, since "}, {Time: e.On.At}, {Text: ": "}, {Person: e.On.By}, {Text: " froze it."},
			}.Mrkdwn()
		}
		return Words{Text: text, Hint: "An approver other than them lifts it: " + words.Try(string(grammar.Unfreeze))}, true
	}
	switch {
	case errors.Is(err, ErrOwnFreeze):
		return Words{Text: "The freeze is your own. An approver other than you has to lift it."}, true
	case errors.Is(err, approvals.ErrThawed):
		return Words{Text: "Nothing is frozen."}, true
	case errors.Is(err, approvals.ErrFrozen):
		return Words{Text: "Everything stands still: somebody froze it.", Hint: "An approver other than them lifts it: " + words.Try(string(grammar.Unfreeze))}, true
	}
	return Words{}, false
}
