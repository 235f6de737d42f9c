package commands

import (
	"countersign/approvals"
	"countersign/commands/card"
)

// What a card says, in the words of package card.
type (
	CardContent = card.Content
	Fact        = card.Fact
	Line        = card.Line
	Span        = card.Span
	Progress    = card.Progress
	Button      = card.Button
	Confirm     = card.Confirm
	Action      = card.Action
	Click       = card.Click
)

// The buttons of a card.
const (
	ActApprove  = card.Approve
	ActReject   = card.Reject
	ActCancel   = card.Cancel
	ActWithdraw = card.Withdraw
	ActStop     = card.Stop
)

// Card says what the card of a request shows at this moment. It depends on the
// record and on the freeze that is on, or none, so that any replica renders the same.
func Card(p approvals.Pending, on approvals.Freeze) CardContent { return card.Of(p, on) }

// Reminder is said once below the card when half of a request's time is over.
func Reminder(p approvals.Pending) Line { return card.Reminder(p) }

// PlanComment introduces the CSV of a plan in the channel.
func PlanComment(p approvals.Pending) string { return card.PlanComment(p) }
