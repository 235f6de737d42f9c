package commands

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"countersign/approvals"
	"countersign/approvals/rules"
	"countersign/audit"
	"countersign/commands/grammar"
	"countersign/qualys"
)

// A Span is a piece of a line that people read: some text, a person, or a
// moment. Text is plain, foreign text included: nothing in it is markup.
type Span struct {
	Text   string       // as it is
	Code   bool         // Text is an id, a value or something to type
	Person rules.Person // somebody to name, or zero
	Time   time.Time    // a moment, shown in the reader's time zone, or zero
	Clock  bool         // of Time only hours, minutes and seconds matter
}

// A Line is what stands on one line.
type Line []Span

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

// A CardContent is what the card of a request says, as data: which blocks it
// becomes is the renderer's business. All strings are plain text.
type CardContent struct {
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
	Next        Line           // the last line: what happens next, or what to do

	// Calls is true while approvals are awaited: who posts the card for the
	// first time mentions the policy's approvers beside it, and never again.
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

// Card says what the card of a request shows at this moment. It depends on the
// record alone, so that any replica renders the same.
func Card(p approvals.Pending) CardContent {
	c := CardContent{
		Request: p.ID, State: p.State, Version: p.Version, Fingerprint: p.Short(),
		Title: title(p), Facts: facts(p), Next: next(p), Buttons: buttons(p),
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

// what is what a request does: "delete 49 SAQ users".
func what(p approvals.Pending) string {
	return string(p.Verb) + " " + audit.Plural(p.Users, "SAQ user")
}

// title is the headline of a card.
func title(p approvals.Pending) string {
	verb := "Delete "
	if p.Verb == approvals.Update {
		verb = "Update "
	}
	users := audit.Plural(p.Users, "SAQ user")
	switch p.State {
	case approvals.PENDING:
		return verb + users + "?"
	case approvals.APPROVED:
		return "Approved: " + what(p)
	case approvals.RUNNING:
		return strings.TrimSuffix(verb, "e ") + "ing " + users
	case approvals.REJECTED:
		return "Rejected: " + what(p)
	case approvals.CANCELLED:
		return "Cancelled: " + what(p)
	case approvals.EXPIRED:
		return "Expired: " + what(p)
	case approvals.NEEDS_REVIEW:
		return "Needs review: " + what(p)
	case approvals.CLOSED:
		return "Closed: " + what(p)
	}
	done, _, _ := strings.Cut(audit.Summary(p), " · ")
	return done
}

// facts are the labelled lines of a card.
func facts(p approvals.Pending) []Fact {
	var list []Fact
	add := func(label string, value ...Span) {
		if len(value) > 0 {
			list = append(list, Fact{label, value})
		}
	}
	add("Asked by", Span{Person: p.Requester}, Span{Text: ", "}, Span{Time: p.Created})
	add("Reason", Span{Text: grammar.OneLine(p.Reason, grammar.ReasonAtMost)})
	if p.Filter != "" {
		add("Selected by", Span{Text: grammar.OneLine(p.Filter, 200), Code: true})
	}
	add("New values", changes(p.Plan)...)
	add("Approvals", approvedBy(p)...)
	if p.State == approvals.PENDING {
		add("Until", Span{Time: p.Deadline})
	}
	add("Fingerprint", Span{Text: p.Short(), Code: true})
	add("File", Span{Text: p.PlanFile(), Code: true})
	if n := len(p.Plan.LeftOut()); n > 0 {
		add("Left out", Span{Text: leftOutWords(p.Plan.LeftOut())})
	}
	if p.State != approvals.RUNNING && len(p.Counts) > 0 || ended(p) {
		add("Result", Span{Text: audit.Summary(p)})
	}
	if p.ResultSHA != "" {
		add("Result file", Span{Text: p.ResultFile(), Code: true})
	}
	return list
}

// ended reports whether a run came to its end.
func ended(p approvals.Pending) bool {
	return slices.Contains([]approvals.State{approvals.DONE, approvals.DONE_WITH_ERRORS, approvals.STOPPED}, p.State)
}

// changes says what an update writes: lastName = Left, title is cleared. Where
// each user gets values of its own, the file and the sample have them.
func changes(p approvals.Plan) []Span {
	if p.Restores() {
		var names []string
		for _, f := range p.Fields() {
			names = append(names, string(f))
		}
		return []Span{{Text: "to each user the former " + strings.Join(names, ", ")}}
	}
	var spans []Span
	for i, s := range p.Change() {
		if i > 0 {
			spans = append(spans, Span{Text: " · "})
		}
		if s.Value == "" {
			spans = append(spans, Span{Text: string(s.Field) + " is cleared"})
			continue
		}
		spans = append(spans, Span{Text: string(s.Field) + " = "}, Span{Text: grammar.OneLine(s.Value, grammar.ValueAtMost), Code: true})
	}
	return spans
}

// approvedBy counts the approvals and names who gave them.
func approvedBy(p approvals.Pending) []Span {
	spans := []Span{{Text: fmt.Sprintf("%d of %d", len(p.Approvals), p.Need)}}
	for i, a := range p.Approvals {
		before := ", "
		if i == 0 {
			before = ": "
		}
		spans = append(spans, Span{Text: before}, Span{Person: a.By})
	}
	return spans
}

// summary is the whole card in one paragraph.
func summary(p approvals.Pending, c CardContent) Line {
	headline := c.Title
	if ended(p) {
		headline = audit.Summary(p)
	}
	l := Line{
		{Text: fullStop(headline) + " Request "}, {Text: p.ID, Code: true}, {Text: ", asked by "}, {Person: p.Requester},
		{Text: ": " + quoted(p.Reason, 200)},
	}
	if p.Filter != "" {
		l = append(l, Span{Text: " Selected by "}, Span{Text: grammar.OneLine(p.Filter, 200), Code: true}, Span{Text: "."})
	}
	if spans := changes(p.Plan); len(spans) > 0 {
		l = append(append(append(l, Span{Text: " New values: "}), spans...), Span{Text: "."})
	}
	if p.State.Open() {
		l = append(l, Span{Text: " Fingerprint "}, Span{Text: p.Short(), Code: true}, Span{Text: "."})
	}
	if p.State == approvals.PENDING {
		l = append(l, Span{Text: fmt.Sprintf(" %d of %s, until ", len(p.Approvals), audit.Plural(p.Need, "approval"))},
			Span{Time: p.Deadline}, Span{Text: "."})
	}
	if len(c.Next) > 0 {
		l = append(append(l, Span{Text: " "}), c.Next...)
	}
	return l
}

// fullStop is a sentence with its full stop, if it has none of its own.
func fullStop(sentence string) string {
	if strings.HasSuffix(sentence, ".") || strings.HasSuffix(sentence, "?") || strings.HasSuffix(sentence, "!") || strings.HasSuffix(sentence, "…") {
		return sentence
	}
	return sentence + "."
}

// quoted is somebody's own words at the end of a sentence, which they may end
// themselves.
func quoted(words string, most int) string {
	words = grammar.OneLine(words, most)
	if fullStop(words) == words {
		return `"` + words + `"`
	}
	return `"` + words + `".`
}

// tellUsers fills in what the plan shows of its users: in full while the request
// is open, by company alone when it is history.
func (c *CardContent) tellUsers(p approvals.Pending) {
	users, companies := p.Plan.Users(), map[string]int{}
	for i, u := range users {
		bump(companies, u.Company)
		if i < sampleAtMost && p.State.Open() {
			c.Sample = append(c.Sample, person(u, p.Plan.ChangeFor(u.ID)))
		}
	}
	if len(c.Sample) > 0 {
		c.Unlisted = len(users) - len(c.Sample)
	}
	c.Companies = tally(companies)
	if c.More = max(0, len(c.Companies)-companiesAtMost); c.More > 0 {
		c.Companies = c.Companies[:companiesAtMost]
	}
	for i, l := range p.Plan.LeftOut() {
		if !p.State.Open() {
			break
		}
		if i == leftOutAtMost {
			c.LeftOutMore = len(p.Plan.LeftOut()) - i
			break
		}
		c.LeftOut = append(c.LeftOut, leftOutLine(l))
	}
}

// leftOutLine is who matched and is not touched, and why.
func leftOutLine(l approvals.LeftOut) string {
	return person(l.User, nil) + " · " + leftOutBecause(l.Why)
}

// leftOutBecause says in a word or two why a plan leaves a user out.
func leftOutBecause(why approvals.Why) string {
	switch why {
	case approvals.WhyAlreadySo:
		return "already so"
	case approvals.WhyDrifted:
		return "changed since"
	case approvals.WhyGone:
		return "gone"
	case approvals.WhyUnwritable:
		return "its former value cannot be written"
	}
	return "protected"
}

// person is a SAQ user on one line, with what would change.
func person(u qualys.SAQUser, change qualys.Change) string {
	parts := []string{u.ID.String()}
	for _, v := range []string{u.UserName, strings.TrimSpace(u.FirstName + " " + u.LastName), u.EmailAddress, u.Company} {
		if v = grammar.OneLine(v, cellAtMost); v != "" {
			parts = append(parts, v)
		}
	}
	for _, s := range change {
		parts = append(parts, fmt.Sprintf("%s: %q → %q", s.Field, grammar.OneLine(u.Value(s.Field), cellAtMost), grammar.OneLine(s.Value, cellAtMost)))
	}
	return strings.Join(parts, " · ")
}

// buttons are what can be pressed now: nothing before the file with the users
// is in the channel, nothing after the request is decided.
func buttons(p approvals.Pending) []Button {
	if !p.Card.FileShared {
		return nil
	}
	no := []Button{{Action: ActReject, Label: "Reject"}, {Action: ActCancel, Label: "Cancel"}}
	switch {
	case p.State == approvals.PENDING:
		return append([]Button{yes(p, title(p), "I will "+what(p))}, no...)
	case p.State == approvals.APPROVED:
		return append(no, Button{Action: ActWithdraw, Label: "Withdraw"})
	case p.State == approvals.RUNNING && p.Stopper.ID == "":
		return []Button{{Action: ActStop, Label: "Stop", Style: "danger", Confirm: &Confirm{
			Title: "Stop " + p.ID + "?", Text: "It ends before its next chunk. What was done stays done, and the result says who was not touched.",
			Yes: "Stop it", No: "Let it run",
		}}}
	case resuming(p):
		return []Button{yes(p, "Resume "+p.ID+"?", "I will go on to "+what(p)+" where I was interrupted")}
	}
	return nil
}

// yes is the button that approves.
func yes(p approvals.Pending, question, promise string) Button {
	after := "A deleted user cannot be brought back."
	if p.Verb == approvals.Update {
		after = "The old values stand in the file."
	}
	return Button{Action: ActApprove, Label: "Approve", Style: "primary", Confirm: &Confirm{
		Title: question, Text: fmt.Sprintf("%s, fingerprint %s. %s", promise, p.Short(), after), Yes: "Approve", No: "Not yet",
	}}
}
