package commands

import "countersign/approvals/rules"

// A Slash is a command as it was typed.
type Slash struct {
	Text    string       // what stands after "/qualys-users", untouched
	By      rules.Person // who typed it
	Channel string       // where
	Op      string       // names this one command: Slack's trigger_id
}
