package card

import (
	"fmt"

	"countersign/approvals"
)

// buttons are what can be pressed now: nothing before the file with the users
// is in the channel, nothing after the request is decided.
func buttons(p approvals.Pending) []Button {
	if !p.Card.FileShared {
		return nil
	}
	no := []Button{{Action: Reject, Label: "Reject"}, {Action: Cancel, Label: "Cancel"}}
	switch {
	case p.State == approvals.PENDING:
		return append([]Button{yes(p, Title(p), "I will "+What(p))}, no...)
	case p.State == approvals.APPROVED:
		return append(no, Button{Action: Withdraw, Label: "Withdraw"})
	case p.State == approvals.RUNNING && p.Stopper.ID == "":
		return []Button{{Action: Stop, Label: "Stop", Style: "danger", Confirm: &Confirm{
			Title: "Stop " + p.ID + "?", Text: "It ends before its next chunk. What was done stays done, and the result says who was not touched.",
			Yes: "Stop it", No: "Let it run",
		}}}
	case Resuming(p):
		return []Button{yes(p, "Resume "+p.ID+"?", "I will go on and "+Rest(p))}
	}
	return nil
}

// yes is the button that approves.
func yes(p approvals.Pending, question, promise string) Button {
	after := "A deleted user cannot be brought back."
	if p.Verb == approvals.Update {
		after = "The old values stand in the file."
	}
	return Button{Action: Approve, Label: "Approve", Style: "primary", Confirm: &Confirm{
		Title: question, Text: fmt.Sprintf("%s, fingerprint %s. %s", promise, p.Short(), after), Yes: "Approve", No: "Not yet",
	}}
}
