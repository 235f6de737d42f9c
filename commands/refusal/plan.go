package refusal

import (
	"errors"
	"fmt"

	"countersign/audit"
	"countersign/commands/words"
)

// ofPlan has the words for users and plans that cannot become a request.
func ofPlan(err error) (Words, bool) {
	if e, ok := errors.AsType[PublicError](err); ok {
		return Words{
			Text: "I post files with users only to private channels that nobody outside shares, and <#" + words.Escape(e.Channel) + "> is not one.",
			Hint: "Use a private channel, or let whoever runs Countersign set `files: any_channel` in the policy.",
		}, true
	}
	if e, ok := errors.AsType[ShareError](err); ok {
		share := fmt.Sprintf("%d%% of those: %s", e.Percent, audit.Number(e.Most))
		if e.Most > e.Scope*e.Percent/100 { // a few users are always allowed
			share = fmt.Sprintf("%s: %d%% of those would be fewer", audit.Number(e.Most), e.Percent)
		}
		return Words{
			Text: fmt.Sprintf("These are %s of the %s in scope, and one request may touch %s. Nothing was held.",
				audit.Number(e.Users), audit.Plural(e.Scope, "SAQ user"), share),
			Hint: "Narrow the conditions, or ask in parts.",
		}, true
	}
	if e, ok := errors.AsType[CapError](err); ok {
		users := audit.Plural(e.Users, "SAQ user")
		if !e.Exact {
			users = "more than " + audit.Plural(e.Users-1, "SAQ user")
		}
		return Words{
			Text: fmt.Sprintf("These are %s, and one request may touch %s at most. Nothing was held.", users, audit.Number(e.Most)),
			Hint: "Narrow the conditions, or ask in parts.",
		}, true
	}
	if e, ok := errors.AsType[EverybodyError](err); ok {
		return Words{
			Text: fmt.Sprintf("That is every SAQ user there is in scope (%s). A delete never names everybody.", audit.Number(e.Users)),
			Hint: "Narrow the conditions.",
		}, true
	}
	if e, ok := errors.AsType[LeftOutError](err); ok {
		return Words{Text: "Nobody is left to touch: " + words.LeftOut(e.LeftOut) + ". Nothing was held."}, true
	}
	if e, ok := errors.AsType[SharedEmailError](err); ok {
		return Words{
			Text: "An e-mail address can be set on one SAQ user only.",
			Hint: "Name that user, such as " + words.Try("update", "id="+e.First.String(), "set", "emailAddress=name@example.com", `reason="…"`),
		}, true
	}
	for _, known := range []struct {
		err        error
		text, hint string
	}{
		{ErrNobodyFound, "No SAQ user fits these conditions. Nothing was held.", "Look with " + words.Try("find") + " first; ~ finds a part of a value."},
		{ErrNoReason, "The reason has no word in it.", "Whoever approves reads it: name a ticket, or say why."},
	} {
		if errors.Is(err, known.err) {
			return Words{Text: known.text, Hint: known.hint}, true
		}
	}
	return Words{}, false
}
