package audit

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"countersign/approvals"
)

func TestPlurals(t *testing.T) {
	for want, got := range map[string]string{
		"0 SAQ users":         Plural(0, "SAQ user"),
		"1 SAQ user":          Plural(1, "SAQ user"),
		"49 SAQ users":        Plural(49, "SAQ user"),
		"999 SAQ users":       Plural(999, "SAQ user"),
		"2,500 SAQ users":     Plural(2500, "SAQ user"),
		"1,000,000 SAQ users": Plural(1000000, "SAQ user"),
		"1 company":           Plural(1, "company", "companies"),
		"2 companies":         Plural(2, "company", "companies"),
		"-1 hour":             Plural(-1, "hour"),
		"-100,000 hours":      Plural(-100000, "hour"),
	} {
		assert.Equal(t, want, got)
	}
}

func ExamplePlural() {
	fmt.Println(Plural(1, "SAQ user"), "of", Plural(2500, "platform user"), "in", Plural(2, "company", "companies"))
	// Output: 1 SAQ user of 2,500 platform users in 2 companies
}

func TestForeignText(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"plain", "SEC-124", "SEC-124"},
		{"blanks of all kinds", " a\tb\r\n\u00a0c\u2028d ", "a b c d"},
		{"control characters", "a\x00b\x1bc\u0085d", "abc d"},
		{"right to left override", "abc\u202edef\u2066g", "abcdefg"},
		{"invisible", "a\u200bb\ufeffc\u00add", "abcd"},
		{"emoji that Slack would rename", "go \U0001F680 \u2764\ufe0f \U0001F44D\U0001F3FD", "go ? ? ??"},
		{"not UTF-8", "a\xffb", "a?b"},
		{"other scripts stay", "Ωμέγα Привет 日本", "Ωμέγα Привет 日本"},
		{"markup stays, and means nothing in plain text", "<!channel> *b* `c`", "<!channel> *b* `c`"},
		{"too long", strings.Repeat("ab ", 20), "ab ab ab ab ab ab a…"},
	} {
		t.Run(c.name, func(t *testing.T) { assert.Equal(t, c.want, foreign(c.in, 20)) })
	}
	assert.Equal(t, `"say 'hi'"`, quote(`say "hi"`, 20))
}

func ExampleSummary() {
	p := approvals.Pending{Verb: approvals.Delete, Users: 49, State: approvals.DONE_WITH_ERRORS,
		Counts: approvals.Counts{"done": 47, "already": 1, "skipped": 1}}
	fmt.Println(Summary(p))
	// Output: Deleted 47 of 49 SAQ users · 1 was already gone · 1 changed since approval, skipped
}

func TestSummaries(t *testing.T) {
	for _, c := range []struct {
		name string
		p    approvals.Pending
		want string
	}{
		{"zero is no success", approvals.Pending{Verb: approvals.Delete, Users: 49, State: approvals.DONE,
			Counts: approvals.Counts{"already": 49}}, "Deleted none of 49 SAQ users · 49 were already gone"},
		{"every user is accounted for", approvals.Pending{Verb: approvals.Delete, Users: 3, State: approvals.NEEDS_REVIEW},
			"Deleted none of 3 SAQ users · 3 have no known result"},
		{"while it runs", approvals.Pending{Verb: approvals.Update, Users: 49, State: approvals.RUNNING,
			Counts: approvals.Counts{"done": 26}}, "Updated 26 of 49 SAQ users · 23 to go"},
		{"stopped", approvals.Pending{Verb: approvals.Update, Users: 2, State: approvals.STOPPED,
			Counts: approvals.Counts{"done": 1, "not-run": 1}}, "Stopped. Updated 1 of 2 SAQ users · 1 was not touched"},
		{"one of one", approvals.Pending{Verb: approvals.Delete, Users: 1, State: approvals.DONE,
			Counts: approvals.Counts{"done": 1}}, "Deleted 1 of 1 SAQ user"},
	} {
		t.Run(c.name, func(t *testing.T) { assert.Equal(t, c.want, Summary(c.p)) })
	}
}
