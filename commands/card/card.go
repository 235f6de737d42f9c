// Package card is what everybody sees of a request: the content of its card, as
// data, and its one line in a list.
//
// [Of] makes the content from the record and the freeze that is on, and from
// nothing else, so that any replica renders the same, and from any record, however
// old. Which blocks it becomes is the renderer's business. Nothing here asks
// anybody or keeps anything.
package card

import (
	"strings"
	"time"

	"countersign/approvals"
	"countersign/approvals/rules"
	"countersign/audit"
	"countersign/commands/words"
	"countersign/qualys"
)

// What stands on a card, in the words of package words.
type (
	Line = words.Line
	Span = words.Span
)

// An Action is what a button on a card does. The words travel in buttons that
// stay in the channel for days, so they never change.
type Action string

// The buttons of a card.
const (
	Approve  Action = "approve"
	Reject   Action = "reject"
	Cancel   Action = "cancel"
	Withdraw Action = "withdraw"
	Stop     Action = "stop"
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

// A Fact is one labelled line of a card, such as "Reason: SEC-124".
type Fact struct {
	Label string // plain text, ours
	Value Line
}

// A Progress is how far a run came.
type Progress struct {
	Done, Total int           // SAQ users
	Left        time.Duration // of work, about, at a second a call of Qualys; waiting for Qualys is not in it
}

// A Button is a button of a card. Its value carries the request's id and
// Fingerprint.
type Button struct {
	Action  Action
	Label   string // "Approve"
	Style   string // "primary", "danger" or empty
	Confirm *Confirm
}

// A Confirm is the question that Slack asks before it sends a click.
type Confirm struct{ Title, Text, Yes, No string }

// A Content is what the card of a request says, as data: which blocks it
// becomes is the renderer's business. All strings are plain text.
type Content struct {
	Request     string
	State       approvals.State
	Version     int64
	Fingerprint string         // 12 hex digits
	Title       string         // "Delete 49 SAQ users?"; at most 150 characters
	Text        Line           // the whole meaning in one paragraph, for notifications and screen readers
	Facts       []Fact         // asked by, reason, change, filter, approvals, times, counts, file
	Companies   []qualys.Tally // users by company, most first; cut to ten, the rest is in More
	More        int            // companies that are not listed
	Sample      []string       // the first ten users, one line each
	Unlisted    int            // users of the plan that are not in Sample
	LeftOut     []string       // who matched and is not touched, one line each, cut to five
	LeftOutMore int            // left out and not listed
	Progress    *Progress      // while it runs, or nil
	Buttons     []Button       // what can be pressed now
	Still       Line           // that everything stands still, or nil
	Next        Line           // the last line: what happens next, or what to do

	// Calls is true while approvals are awaited: who posts the card for the
	// first time mentions the policy's approvers beside it. They stand there
	// until the request changes, and are never mentioned again.
	Calls bool
}

// How much of a plan a card shows; the file has everything.
const (
	sampleAtMost    = 10
	companiesAtMost = 10
	leftOutAtMost   = 5
	cellAtMost      = 60 // characters of one value
)

// callTakes is how long a call of Qualys takes, about.
const callTakes = time.Second

// Of says what the card of a request shows at this moment. What is over shows
// nothing of a freeze.
func Of(p approvals.Pending, on approvals.Freeze) Content {
	if !p.State.Open() {
		on = approvals.Freeze{}
	}
	c := Content{
		Request: p.ID, State: p.State, Version: p.Version, Fingerprint: p.Short(),
		Title: Title(p), Facts: facts(p), Still: Standstill(on), Next: next(p, on), Buttons: buttons(p),
		Calls: p.State == approvals.PENDING,
	}
	c.Text = summary(p, c)
	c.tellUsers(p)
	if p.State == approvals.RUNNING {
		c.Progress = &Progress{
			Done: worked(p), Total: p.Users,
			Left: time.Duration(max(0, p.Chunks-p.Chunk)) * 2 * callTakes,
		}
	}
	return c
}

// PlanComment introduces the CSV of a plan in the channel.
func PlanComment(p approvals.Pending) string {
	return "Request " + p.ID + " names " + audit.Plural(p.Users, "SAQ user") + ". All values stand in this file."
}

// Reminder is said once below the card when half of the time is over.
func Reminder(p approvals.Pending) Line {
	awaited := "approval"
	if len(p.Approvals) > 0 {
		awaited = "more approval"
	}
	return Line{
		{Text: p.ID + " still waits for " + audit.Plural(max(1, p.Need-len(p.Approvals)), awaited) + ". Otherwise it expires "},
		{Time: p.Deadline}, {Text: ", and no user is touched."},
	}
}

// What is what a request does: "delete 49 SAQ users".
func What(p approvals.Pending) string {
	return string(p.Verb) + " " + audit.Plural(p.Users, "SAQ user")
}

// Title is the headline of a card.
func Title(p approvals.Pending) string {
	verb := "Delete "
	if p.Verb == approvals.Update {
		verb = "Update "
	}
	users := audit.Plural(p.Users, "SAQ user")
	switch p.State {
	case approvals.PENDING:
		return verb + users + "?"
	case approvals.APPROVED:
		return "Approved: " + What(p)
	case approvals.RUNNING:
		return strings.TrimSuffix(verb, "e ") + "ing " + users
	case approvals.REJECTED:
		return "Rejected: " + What(p)
	case approvals.CANCELLED:
		return "Cancelled: " + What(p)
	case approvals.EXPIRED:
		return "Expired: " + What(p)
	case approvals.NEEDS_REVIEW:
		return "Needs review: " + What(p)
	case approvals.CLOSED:
		return "Closed: " + What(p)
	}
	done, _, _ := strings.Cut(audit.Summary(p), " · ")
	return done
}
