package words_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"

	"countersign/approvals/rules"
	"countersign/commands/words"
	"countersign/qualys"
)

func ExampleLine_Mrkdwn() {
	l := words.Line{
		{Text: "Asked by "}, {Person: rules.Person{ID: "UALICE"}}, {Text: ": <b> & "}, {Text: "x`y", Code: true}, {Text: ", until "}, {Time: time.Date(2026, 11, 21, 14, 0, 0, 0, time.UTC)},
	}
	fmt.Println(l.Mrkdwn())
	fmt.Println(l)
	// Output:
	// Asked by <@UALICE>: &lt;b&gt; &amp; `x'y`, until <!date^1795269600^{date_short_pretty} {time}|2026-11-21 14:00 UTC>
	// Asked by UALICE: <b> & x`y, until 2026-11-21 14:00 UTC
}

// P34: foreign text is one line that calls nobody and formats nothing.
func TestForeignTextIsHarmless(t *testing.T) {
	for _, tt := range []struct{ name, text, escaped, code string }{
		{"a call", "<!channel> & <@UBOB>", "&lt;!channel&gt; &amp; &lt;@UBOB&gt;", "`&lt;!channel&gt; &amp; &lt;@UBOB&gt;`"},
		{"a backtick", "a`b", "a`b", "`a'b`"},
		{"several lines", "a\n\tb", "a b", "`a b`"},
		{"what cannot be seen", "a\u202eb\u200b", "ab", "`ab`"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			assert.Equal(t, tt.escaped, words.Escape(tt.text))
			assert.Equal(t, tt.code, words.Code(tt.text))
		})
	}
}

func TestPeopleAreListed(t *testing.T) {
	for want, ids := range map[string][]string{
		"":                      nil,
		"<@U1>":                 {"U1"},
		"<@U1> or <@U2>":        {"U1", "U2"},
		"<@U1>, <@U2> or <@U3>": {"U1", "U2", "U3"},
		"<@U1>, <@U2>, <@U3>, <@U4>, <@U5> or 1 other":  {"U1", "U2", "U3", "U4", "U5", "U6"},
		"<@U1>, <@U2>, <@U3>, <@U4>, <@U5> or 2 others": {"U1", "U2", "U3", "U4", "U5", "U6", "U7"},
	} {
		assert.Equal(t, want, words.Either(ids, "or"))
	}
}

func TestTimesAreSaidInSecondsUpToAMinute(t *testing.T) {
	for d, want := range map[time.Duration]string{
		time.Millisecond: "1 second", time.Second: "1 second", 59500 * time.Millisecond: "60 seconds", time.Minute: "60 seconds",
		61 * time.Second: "2 minutes", 5 * time.Minute: "5 minutes",
	} {
		assert.Equal(t, want, words.Lasts(d), "%s", d)
	}
}

// A sentence has one full stop, whoever ends it.
func TestSentencesEndOnce(t *testing.T) {
	assert.Equal(t, "Done.", words.Ended("Done"))
	assert.Equal(t, "Done?", words.Ended("Done?"))
	assert.Equal(t, `"SEC-1".`, words.Quoted("SEC-1", 20))
	assert.Equal(t, `"Not before the audit."`, words.Quoted("Not before the audit.", 40))
}

// Counts are drawn to scale; what does not fit is counted, never dropped.
func TestBarsAreDrawnToScale(t *testing.T) {
	names := words.Names{}
	for i := range 1200 {
		names.Add(fmt.Sprintf("Company %04d", i))
		if i < 3 {
			names.Add("Acme <b>")
		}
	}
	sorted := names.Sorted()
	assert.Equal(t, qualys.Tally{Name: "(others)", Count: 201}, sorted[0], "different names are bounded, users are not lost")
	assert.Equal(t, qualys.Tally{Name: "Acme <b>", Count: 3}, sorted[1])
	total := 0
	for _, c := range sorted {
		total += c.Count
	}
	assert.Equal(t, 1203, total)
	lines := strings.Split(words.Bars(sorted), "\n")
	assert.Equal(t, "(others)     201 "+strings.Repeat("█", 10), lines[1])
	assert.Equal(t, "Acme &lt;b&gt;       3 █", lines[2])
	assert.Equal(t, "and 991 more", lines[len(lines)-1])
	assert.Empty(t, words.Bars(nil))

	lines = strings.Split(words.Bars([]qualys.Tally{{Name: strings.Repeat("x", 60), Count: 4999}, {Count: 1}}), "\n")
	assert.Equal(t, strings.Repeat("x", 23)+"… 4,999 "+strings.Repeat("█", 10), lines[1])
	assert.Equal(t, "(none)                       1 █", lines[2])
	assert.LessOrEqual(t, utf8.RuneCountInString(lines[1]), 41, "a phone does not wrap it")
}
