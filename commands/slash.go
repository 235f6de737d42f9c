package commands

import "countersign/approvals/rules"

// A Slash is a command as it was typed.
type Slash struct {
	Text    string       // what stands after "/qualys-users", untouched
	By      rules.Person // who typed it
	Channel string       // where
	Op      string       // names this one command: Slack's trigger_id
}

// An Action is what a button on a card does. The words travel in buttons that
// stay in the channel for days, so they never change.
type Action string

// The buttons of a card.
const (
	ActApprove  Action = "approve"
	ActReject   Action = "reject"
	ActCancel   Action = "cancel"
	ActWithdraw Action = "withdraw"
	ActStop     Action = "stop"
)

// A Click is a button pressed on a card.
type Click struct {
	Request     string       // the id of the request
	Action      Action       // which button
	By          rules.Person // who pressed it
	Op          string       // names this one click: person, message, action_id and action_ts
	Channel     string       // where the card is that was clicked
	Message     string       // ts of that card
	Fingerprint string       // 12 hex digits, from the button
	Words       string       // what was typed in a dialog: a confirmation or a reason
}

// A Submission is a form that somebody sent off. Whoever sends it is the one
// who acts; the person in Click is never looked at.
type Submission struct {
	Form    string            // Form.ID
	By      rules.Person      // who sent it
	Op      string            // names this one submission: person and view id
	Channel string            // Form.Channel, as it rode in the form
	Values  map[string]string // what was typed, by FormField.ID
	File    []byte            // the content of the form's file, or nil
	Click   Click             // Form.Click, as it rode in the form
}
