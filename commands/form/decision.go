package form

import (
	"strconv"
	"strings"

	"countersign/approvals"
	"countersign/audit"
	"countersign/commands/card"
	"countersign/commands/grammar"
	"countersign/commands/words"
)

// The dialogs that buttons open. The forms of update and delete are named after
// their verbs.
const (
	Approve = "approve"
	Reject  = "reject"
)

// Confirmation is what an approver types above the policy's threshold, such as
// "DELETE 49".
func Confirmation(p approvals.Pending) string {
	return strings.ToUpper(string(p.Verb)) + " " + strconv.Itoa(p.Users)
}

// Confirms reports whether somebody typed it, whatever the case, the blanks and
// the commas of the number.
func Confirms(words string, p approvals.Pending) bool {
	words = strings.Join(strings.Fields(strings.ReplaceAll(grammar.Plain(words), ",", "")), " ")
	return strings.EqualFold(strings.Trim(words, `"'`), Confirmation(p))
}

// ForApproval asks to type what is about to happen.
func ForApproval(p approvals.Pending, c card.Click) *Form {
	head, intro := card.Title(p), []string{
		"Request " + p.ID + ", fingerprint " + p.Short() + ".",
		"Reason: " + grammar.OneLine(p.Reason, grammar.ReasonAtMost),
	}
	if card.Resuming(p) {
		head = "Resume " + grammar.OneLine(p.ID, 17)
		intro = append([]string{"I will go on and " + card.Rest(p) + "." + words.Spaced(audit.Account(p))}, intro...)
	}
	return &Form{
		ID: Approve, Title: head, Submit: "Approve", Click: c, Channel: c.Channel, Intro: intro,
		Fields: []Field{{
			ID: Confirm, Kind: FieldText, Label: "Type " + Confirmation(p), Placeholder: Confirmation(p), Max: 40,
		}},
	}
}

// ForRejection asks why not; an answer is welcome and not needed.
func ForRejection(p approvals.Pending, c card.Click) *Form {
	return &Form{
		ID: Reject, Title: "Reject " + grammar.OneLine(p.ID, 17), Submit: "Reject", Click: c, Channel: c.Channel,
		Intro: []string{words.Ended(card.Title(p)) + " Rejecting ends the request; no user is touched."},
		Fields: []Field{{
			ID: Reason, Kind: FieldText, Label: "Reason", Optional: true, Max: grammar.ReasonAtMost,
			Hint: "It stands in the trail, and the requester reads it.",
		}},
	}
}
