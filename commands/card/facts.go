package card

import (
	"fmt"
	"slices"
	"strings"

	"countersign/approvals"
	"countersign/audit"
	"countersign/commands/grammar"
	"countersign/commands/words"
)

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
		add("Left out", Span{Text: words.LeftOut(p.Plan.LeftOut())})
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
func summary(p approvals.Pending, c Content) Line {
	headline := c.Title
	if ended(p) {
		headline = audit.Summary(p)
	}
	l := Line{
		{Text: words.Ended(headline) + " Request "}, {Text: p.ID, Code: true}, {Text: ", asked by "}, {Person: p.Requester},
		{Text: ": " + words.Quoted(p.Reason, 200)},
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
	return l.Then(c.Still).Then(c.Next)
}
