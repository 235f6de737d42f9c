// Package chat reads conversations and plays them against a stage.
//
// A conversation is a text file that is a test, a script for the demo and
// documentation at once. [All] reads the ones kept here, [Play] plays one on a
// [Stage] and compares what people saw with what is written. What nobody
// expected fails it, and so does what is missing.
//
//	# P20: nobody approves what they asked for.
//	alice> /qualys-users delete firstName=NewVendor reason="SEC-124"
//	bot~ Held as {id}. …
//	bot> Delete 49 SAQ users? … [Approve] [Reject] [Cancel]
//	alice* Approve
//	bot~ You asked for this one. A second person has to approve it.
//	bob* Approve
//	(31 seconds pass)
//	bot> Deleted 49 of 49 …
//
// # The file
//
// A line is a comment (#), blank, something a person does, a stage direction in
// parentheses, or something people see. The comment at the top names what the
// file guards: a promise ("# Promise 2: …") or a pitfall ("# P20: …").
// A line that begins with blanks and | continues the one before:
//
//	bot> Delete 49 SAQ users?
//	  | 40 NewVendor · 9 Acme
//	  | [Approve] [Reject]
//
// # What people do
//
//	alice> text                 says it in the channel of the conversation
//	alice[#other]> text         says it elsewhere; also [C2], [dm], [thread]
//	alice* Label                presses a button
//	alice* Label @{id}          … on the card of that request
//	alice* Label @first         … on the oldest message that has it
//	alice* Label @stale         … on a screen that was not redrawn: the button was there once
//	alice+ Field=value | Other=value    fills in the open form and submits it
//	& carol* Reject             happens together with the line above
//
// A press belongs to the dialog or form that is open for this person, if one is:
// alice* Close closes the form. Otherwise it belongs to the newest message she can
// see that shows the label. Several words may follow one @, as in @{id} first.
//
// # Stage directions
//
// (31 seconds pass), (1 hour 30 minutes pass) move the clock. Every other text
// goes to [Stage.Direct]; [Directions] helps a stage to answer.
//
// # What people see
//
//	bot> text [Button]          a new message in the channel; bot[thread]>, bot[#other]>
//	bot: text [Button]          a message that was edited: the newest content, once
//	bot~ text                   only the person who acted last sees it; bot~bob: only bob does
//	dm>alice text               a direct message; dm:alice if it was edited
//	file> name.csv (3 rows) id,userName,…       a file that was shared
//	dialog> Title: text [Yes] [No]              a question before a press counts
//	form> Title … [Submit] [Close]              a form that opened; form: when it changed
//	form! field: message        what is wrong with a field
//	slack~ text                 what Slack itself shows, such as operation_timeout
//
// The sign … matches any text, also nothing and also over several lines, but
// never a button: a line without buttons says that there are none. […] stands
// for one or more buttons. Placeholders stand for values that differ from run to
// run:
//
//	{id} {id2} {fp} {fp2}   a request and a fingerprint: the same value wherever the
//	                        name stands, another value for another name
//	{hash6} {time} {date} {n}   six hex digits, a time, a date, a number: any value
//
// {id} and {fp} may stand in what people do, once they have been seen. There is no
// way to write a text that holds … or one of these names itself.
//
// Order counts among messages and files of one place, among updates of one
// place, and among the lines of one kind that one person sees; between these it
// does not, because Slack promises none. [Sort] is the order in which new lines are
// written down.
package chat

import (
	"context"
	"time"
)

// A Stage is what a conversation is played against: the desk alone, the whole
// house over small servers, or a running demo.
//
// The channel of the conversation is the empty place. Whatever setting up a stage
// shows to people is expected at the top of the file; a stage that does not want
// it there drops it before it is handed to [Play].
type Stage interface {
	// Do lets a person act. It returns when the act is on its way and need
	// not wait for what comes of it: a second person may act at the same time.
	// An act that is not possible, such as a press on a button that nobody
	// shows, is an error that says what there is.
	Do(ctx context.Context, a Act) error

	// Pass lets time pass.
	Pass(ctx context.Context, d time.Duration) error

	// Direct follows a stage direction, such as "bob leaves the approvers".
	Direct(ctx context.Context, text string) error

	// Seen waits until nothing moves any more and returns everything people
	// saw since the last call, oldest first. An edited message comes once,
	// with its newest content; one that was new in this time comes as new.
	// To is always set for what only one person sees.
	Seen(ctx context.Context) ([]Line, error)
}

// A Step is one line of a conversation, with the lines that continue it: a
// [Note], an [Act], a [Pause], a [Direction] or a [Line]. String writes it in the
// notation.
type Step interface {
	String() string
	step()
}

// A Note is a comment, with its #, or a blank line.
type Note string

// An Act is what a person does.
type Act struct {
	Together bool    // at the same time as the act before
	Who      string  // such as "alice"
	Place    string  // where, or empty for the channel of the conversation
	Deed     Deed    // how
	Text     string  // what is said, or the label that is pressed
	On       Card    // for Click: on which message
	Fields   []Field // for Fill: what is filled in, in this order
}

// A Deed is a way to act.
type Deed string

// The deeds, as the notation writes them.
const (
	Say   Deed = ">" // Text is typed and sent; a slash command begins with /
	Click Deed = "*" // the button Text is pressed
	Fill  Deed = "+" // the open form is filled in and submitted
)

// A Card says which message a press is meant for. The zero Card is the newest one
// that shows the button now.
type Card struct {
	Request string // the request it is about, or empty
	First   bool   // the oldest such message, not the newest
	Stale   bool   // the button may be gone: this person's screen still shows it
}

// A Field is one entry of a form.
type Field struct {
	Label string // what stands above the field
	Value string // what is typed, or the words of the option that is chosen
}

// A Pause lets time pass.
type Pause struct {
	For  time.Duration
	Text string // as written, without the parentheses
}

// A Direction changes the world: anything in parentheses that is no [Pause].
type Direction string

// A Line is something that people see.
type Line struct {
	Kind    Kind
	Place   string   // where, or empty for the channel of the conversation
	To      string   // who sees it, if only one person does; in a file also empty
	Text    string   // everything but the buttons; may have several lines
	Buttons []string // their labels, in order
}

// A Kind is a way in which something is seen.
type Kind string

// The kinds, as the notation writes them.
const (
	Message      Kind = "bot>"    // a new message
	Update       Kind = "bot:"    // an edited message; its text is "(deleted)" when it is gone
	Ephemeral    Kind = "bot~"    // a line for one person
	Direct       Kind = "dm>"     // a direct message
	DirectUpdate Kind = "dm:"     // an edited direct message
	File         Kind = "file>"   // a shared file: "name.csv (3 rows) header"
	Dialog       Kind = "dialog>" // "Title: text" and two buttons, for one person
	Form         Kind = "form>"   // a form that opened, for one person
	FormUpdate   Kind = "form:"   // a form whose content was replaced
	FormError    Kind = "form!"   // "field: message"
	Notice       Kind = "slack~"  // what Slack itself tells one person
)

// kinds lists all kinds in the order in which [Sort] puts them: first what the
// person who acted sees, then the channel, then direct messages.
var kinds = []Kind{
	Dialog, Form, FormUpdate, FormError, Notice, Ephemeral,
	File, Message, Update, Direct, DirectUpdate,
}

// private reports whether only one person sees lines of this kind.
func (k Kind) private() bool {
	return k != Message && k != Update && k != File
}

func (Note) step()      {}
func (Act) step()       {}
func (Pause) step()     {}
func (Direction) step() {}
func (Line) step()      {}
