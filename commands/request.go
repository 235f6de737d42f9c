package commands

import "countersign/commands/grammar"

// What was typed, in the words of package grammar.
type (
	Request    = grammar.Request
	Verb       = grammar.Verb
	UsageError = grammar.UsageError
)

// The verbs. A new one is a new file and a line in the function table.
const (
	Download = grammar.Download
	Find     = grammar.Find
	Count    = grammar.Count
	Update   = grammar.Update
	Delete   = grammar.Delete
	Requests = grammar.Requests
	Show     = grammar.Show
	Cancel   = grammar.Cancel
	Withdraw = grammar.Withdraw
	Retry    = grammar.Retry
	Undo     = grammar.Undo
	Stop     = grammar.Stop
	Resume   = grammar.Resume
	Close    = grammar.Close
	Freeze   = grammar.Freeze
	Unfreeze = grammar.Unfreeze
	Whoami   = grammar.Whoami
	Help     = grammar.Help
)

// Parse reads what stands behind /qualys-users. Nothing at all asks for help.
// Any error is a [*UsageError], and what its hint says is understood.
func Parse(text string) (Request, error) {
	var specs []grammar.Spec
	for _, v := range table() {
		specs = append(specs, grammar.Spec{Name: v.name, Takes: v.takes, Example: v.examples[0]})
	}
	return grammar.Parse(text, specs)
}
