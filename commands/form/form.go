// Package form is what people fill in: the form behind update and delete alone, and
// the dialogs behind the buttons of a card.
//
// A form keeps nothing in the bot. What it is about rides in it and comes back
// with the [Submission], where it is judged against the record; whoever sends it is
// the one who acts. All strings are plain text.
package form

import (
	"countersign/approvals/rules"
	"countersign/commands/card"
)

// A Form is a dialog to fill. It keeps nothing in the bot: Click and Channel
// ride in the form and come back with its [Submission].
type Form struct {
	ID     string   // which form this is
	Title  string   // at most 24 characters
	Submit string   // the label of the button, at most 24 characters
	Intro  []string // paragraphs above the fields, plain text
	Fields []Field

	Click   card.Click // for a dialog that a button opened
	Channel string     // where the command was typed
}

// A FieldKind says how a field of a form is filled.
type FieldKind string

// The kinds of fields.
const (
	FieldText   FieldKind = "text"   // one line
	FieldLong   FieldKind = "long"   // several lines
	FieldChoice FieldKind = "choice" // one of Choices
	FieldFile   FieldKind = "file"   // one CSV
)

// A Field is one field of a [Form]. Its strings are plain text.
type Field struct {
	ID          string
	Kind        FieldKind
	Label       string
	Hint        string // below the field, or empty
	Placeholder string // in the empty field, or empty
	Value       string // what stands in it at first
	Optional    bool
	Max         int      // most characters, or 0
	Choices     []Choice // for FieldChoice
}

// A Choice is one line of a field with choices.
type Choice struct{ Value, Label string }

// A Submission is a form that somebody sent off. Whoever sends it is the one
// who acts; the person in Click is never looked at.
type Submission struct {
	Form    string            // Form.ID
	By      rules.Person      // who sent it
	Op      string            // names this one submission: person and view id
	Channel string            // Form.Channel, as it rode in the form
	Values  map[string]string // what was typed, by Field.ID
	File    []byte            // the content of the form's file, or nil if none was chosen
	Click   card.Click        // Form.Click, as it rode in the form
}
