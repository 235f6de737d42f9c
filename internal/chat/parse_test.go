package chat_test

import (
	"fmt"
	"io/fs"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/internal/chat"
)

var steps = []struct {
	text string
	want chat.Step
}{
	{`alice> /qualys-users help`, chat.Act{Who: "alice", Deed: chat.Say, Text: "/qualys-users help"}},
	{"alice[#other]>   hello", chat.Act{Who: "alice", Place: "#other", Deed: chat.Say, Text: "hello"}},
	{"alice> one\n  | two\n  |\n  |   three", chat.Act{Who: "alice", Deed: chat.Say, Text: "one\ntwo\n\n  three"}},
	{`bob*   Approve`, chat.Act{Who: "bob", Deed: chat.Click, Text: "Approve"}},
	{`bob[thread]* Show all`, chat.Act{Who: "bob", Place: "thread", Deed: chat.Click, Text: "Show all"}},
	{`bob* Approve @{id2}`, chat.Act{Who: "bob", Deed: chat.Click, Text: "Approve", On: chat.Card{Request: "{id2}"}}},
	{`bob* Approve @K7F3Q first stale`, chat.Act{Who: "bob", Deed: chat.Click, Text: "Approve",
		On: chat.Card{Request: "K7F3Q", First: true, Stale: true}}},
	{`bob* Write to @everyone`, chat.Act{Who: "bob", Deed: chat.Click, Text: "Write to @everyone"}},
	{`& carol* Reject`, chat.Act{Together: true, Who: "carol", Deed: chat.Click, Text: "Reject"}},
	{`bob+ Type this=DELETE 49 | Why= | Filter=a=b`, chat.Act{Who: "bob", Deed: chat.Fill,
		Fields: []chat.Field{{"Type this", "DELETE 49"}, {"Why", ""}, {"Filter", "a=b"}}}},
	{"bob+ Ids=1\n  | 2 | Reason=x", chat.Act{Who: "bob", Deed: chat.Fill, Fields: []chat.Field{{"Ids", "1\n2"}, {"Reason", "x"}}}},
	{`(31 seconds pass)`, chat.Pause{For: 31 * time.Second, Text: "31 seconds pass"}},
	{`( 1 hour and 30 minutes pass )`, chat.Pause{For: 90 * time.Minute, Text: "1 hour and 30 minutes pass"}},
	{`(1 day passes)`, chat.Pause{For: 24 * time.Hour, Text: "1 day passes"}},
	{`(bob leaves the approvers)`, chat.Direction("bob leaves the approvers")},
	{`# P20: a promise`, chat.Note("# P20: a promise")},
	{``, chat.Note("")},
	{`bot> Hello`, chat.Line{Kind: chat.Message, Text: "Hello"}},
	{`bot[thread]: Delete 2? [Approve] [Reject all]`, chat.Line{Kind: chat.Update, Place: "thread", Text: "Delete 2?",
		Buttons: []string{"Approve", "Reject all"}}},
	{"bot> Delete 2?\n  | Acme\n  | [Approve]", chat.Line{Kind: chat.Message, Text: "Delete 2?\nAcme", Buttons: []string{"Approve"}}},
	{"bot> array[1] is [not a button] here", chat.Line{Kind: chat.Message, Text: "array[1] is [not a button] here"}},
	{`bot~bob Hm`, chat.Line{Kind: chat.Ephemeral, To: "bob", Text: "Hm"}},
	{`dm>alice Done`, chat.Line{Kind: chat.Direct, To: "alice", Text: "Done"}},
	{`dm:alice Done`, chat.Line{Kind: chat.DirectUpdate, To: "alice", Text: "Done"}},
	{`file> a.csv (3 rows) id,userName`, chat.Line{Kind: chat.File, Text: "a.csv (3 rows) id,userName"}},
	{`dialog> Sure?: Yes. [Yes] [No]`, chat.Line{Kind: chat.Dialog, Text: "Sure?: Yes.", Buttons: []string{"Yes", "No"}}},
	{`form: [Close]`, chat.Line{Kind: chat.FormUpdate, Buttons: []string{"Close"}}},
	{`form! Reason: Say why.`, chat.Line{Kind: chat.FormError, Text: "Reason: Say why."}},
	{`slack~ operation_timeout`, chat.Line{Kind: chat.Notice, Text: "operation_timeout"}},
}

func TestTheNotation(t *testing.T) {
	for _, tt := range steps {
		t.Run(tt.text, func(t *testing.T) {
			step, err := chat.ParseLine(tt.text)
			require.NoError(t, err)
			require.Equal(t, tt.want, step)

			again, err := chat.ParseLine(step.String())
			require.NoError(t, err)
			assert.Equal(t, tt.want, again, "what is written again should mean the same: %q", step)
		})
	}
}

var unreadable = []struct{ name, text, want string }{
	{"no guard", "alice> go", `x.txt:1: The file does not say what it guards. Begin it with a comment such as "# P20: nobody approves what they asked for."`},
	{"a guard too late", "alice> go\n# P20: late", "x.txt:1: The file does not say what it guards."},
	{"a guard without a name", "# It works.\nalice> go", "x.txt:1: The file does not say what it guards."},
	{"nothing", "", "x.txt:1: The file does not say what it guards."},
	{"nobody acts", "# P20: x\n\nbot> Hello", "x.txt:3: Nobody does anything."},
	{"prose", "# P20: x\n\nHello there", `x.txt:3: I cannot read "Hello there".`},
	{"a missing blank", "# P20: x\nalice>help", `x.txt:2: A blank is missing behind ">". Write "alice> help".`},
	{"a missing blank in the channel", "# P20: x\nbot>help", `x.txt:2: A "bot>" line has no single reader.`},
	{"nothing said", "# P20: x\nalice>", "x.txt:2: alice does nothing."},
	{"a strange mark", "# P20: x\nalice~ hm", `x.txt:2: People do not act with "~".`},
	{"a strange line", "# P20: x\nfile~ hm", `x.txt:2: There is no "file~" line. There are bot:, bot>, bot~, dialog>, dm:, dm>, file>, form!, form:, form>, slack~.`},
	{"a field without a value", "# P20: x\nalice+ Reason", `x.txt:2: "Reason" fills in no field.`},
	{"an open parenthesis", "# P20: x\n(31 seconds pass", "x.txt:2: This stage direction has no end or says nothing."},
	{"an empty parenthesis", "# P20: x\n()", "x.txt:2: This stage direction has no end or says nothing."},
	{"an unknown unit", "# P20: x\n(3 fortnights pass)", `x.txt:2: I do not know how long "3 fortnights" is. There are day, hour, millisecond, minute, second.`},
	{"a very long time", "# P20: x\n(400 days pass)", "x.txt:2: That is too long."},
	{"an endless number", "# P20: x\n(99999999999999999999 days pass)", "x.txt:2: That is too long."},
	{"nothing to continue", "  | x\n# P20: x", "x.txt:1: There is nothing to continue."},
	{"a comment continued", "# P20: x\n  | y", "x.txt:1: A comment, a blank line and a stage direction have no second line."},
	{"together with nobody", "# P20: x\n& bob* Approve", "x.txt:2: There is no act directly above this &."},
	{"together after a look", "# P20: x\nbob* Approve\nbot> Hm\n& bob* Approve", "x.txt:4: There is no act directly above this &."},
	{"the bot together", "# P20: x\nalice> go\n& bot> Hm", "x.txt:3: Only people act together."},
	{"bytes", "# P20: x\n\xff", "x.txt:1: This is not plain text."},
	{"control characters", "# P20: x\nalice> a\x1bb", "x.txt:1: This is not plain text."},
}

func TestUnreadableFilesSayWhereAndWhatToWrite(t *testing.T) {
	for _, tt := range unreadable {
		t.Run(tt.name, func(t *testing.T) {
			_, err := chat.Parse("x.txt", []byte(tt.text))
			require.ErrorContains(t, err, tt.want)
			var syntax *chat.SyntaxError
			require.ErrorAs(t, err, &syntax)
			assert.NotEmpty(t, syntax.Hint)
		})
	}
}

func TestAFileSaysWhatItGuards(t *testing.T) {
	c, err := chat.Parse("x.txt", []byte("\n# P20, Promise 2: two people.\n# And P61.\n\n# P01\nalice> go\n"))
	require.NoError(t, err)
	assert.Equal(t, []string{"P20", "Promise 2", "P61"}, c.Guards())
	assert.Equal(t, "P20, Promise 2: two people.\nAnd P61.", c.Heading())
}

func TestTheConversationsOfTheHouse(t *testing.T) {
	all, err := chat.All()
	require.NoError(t, err)
	names, err := fs.Glob(chat.Files(), "*.txt")
	require.NoError(t, err)
	require.Len(t, all, len(names))
	for i, c := range all {
		assert.Equal(t, names[i], c.Name, "conversations should be sorted by name")
		text, err := fs.ReadFile(chat.Files(), c.Name)
		require.NoError(t, err)
		again, err := chat.Parse(c.Name, []byte(c.String()))
		require.NoError(t, err, "the file is\n%s", text)
		assert.Equal(t, c.Steps, again.Steps)
	}
	_, err = chat.Named("absent.txt")
	require.ErrorIs(t, err, fs.ErrNotExist)
}

// What was read can be written again and means the same.
func FuzzParse(f *testing.F) {
	for _, name := range []string{"testdata/two-people.txt", "testdata/form.txt"} {
		text, err := os.ReadFile(name)
		require.NoError(f, err)
		f.Add(string(text))
	}
	for _, tt := range steps {
		f.Add("# P20: x\nalice> go\n" + tt.text)
	}
	for _, tt := range unreadable {
		f.Add(tt.text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := chat.Parse("fuzz.txt", []byte(text))
		if err != nil {
			return
		}
		again, err := chat.Parse("fuzz.txt", []byte(c.String()))
		require.NoError(t, err, "written again: %q", c)
		require.Equal(t, c.Steps, again.Steps, "written again: %q", c)
		require.Equal(t, c.String(), again.String())
	})
}

// Whatever is seen can be written down, and what was written down is met when the
// same is seen again.
func FuzzTranscript(f *testing.F) {
	f.Add("Held as K7F3Q until 18:00.\nAcme", "Approve", "Held as Q2WLR")
	f.Add("#128 9f3ac1 ← 77b0de", "[x]", "3fa9c1d2ab07 … \r\n [a] [b]")
	f.Add("", "", "2026-01-02T15:04:05Z 2026-01-02 request ABCDE request ABCDEFGHIJK")
	f.Fuzz(func(t *testing.T, text, label, other string) {
		if strings.ContainsAny(text+label+other, "{") {
			return // a text that holds the name of a placeholder cannot be told from one
		}
		stage := func() *parrot {
			return answers(line(text, label), to("bob", line(other)), line(other), to("alice", line(text)))
		}
		r, err := chat.Play(t.Context(), script(t, "alice> go"), stage())
		if err != nil {
			t.Fatalf("Play(%q, %q, %q) = %v", text, label, other, err)
		}
		c, err := chat.Parse("fuzz.txt", []byte(r.Transcript()))
		require.NoError(t, err, "the transcript is %q", r.Transcript())
		r, err = chat.Play(t.Context(), c, stage())
		require.NoError(t, err)
		require.Empty(t, r.Diff())
	})
}

func ExampleParseLine() {
	step, err := chat.ParseLine(`bob* Approve @K7F3Q`)
	fmt.Println(step, err)
	if act, ok := step.(chat.Act); ok {
		fmt.Println(act.Who, "presses", act.Text, "on the card of", act.On.Request)
	}
	// Output:
	// bob* Approve @K7F3Q <nil>
	// bob presses Approve on the card of K7F3Q
}
