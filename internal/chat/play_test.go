package chat_test

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/internal/chat"
)

// sample reads a conversation of testdata.
func sample(t *testing.T, name string) *chat.Conversation {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	require.NoError(t, err)
	c, err := chat.Parse(name, text)
	require.NoError(t, err)
	return c
}

// script reads a conversation that a test writes down, below a comment.
func script(t *testing.T, lines ...string) *chat.Conversation {
	t.Helper()
	text := "# P20: a test.\n" + strings.Join(lines, "\n")
	c, err := chat.Parse("test.txt", []byte(text))
	require.NoError(t, err)
	return c
}

// play plays lines on a parrot.
func play(t *testing.T, p chat.Stage, lines ...string) *chat.Result {
	t.Helper()
	r, err := chat.Play(t.Context(), script(t, lines...), p)
	require.NoError(t, err)
	return r
}

// answers returns a parrot that answers "alice> go" with lines.
func answers(lines ...chat.Line) *parrot {
	return &parrot{taught: map[string][]chat.Line{"alice> go": lines}}
}

func TestConversationsThatGoAsWritten(t *testing.T) {
	for name, stage := range map[string]chat.Stage{
		"two-people.txt": decided{twoPeople()},
		"form.txt":       form(),
	} {
		t.Run(name, func(t *testing.T) {
			c := sample(t, name)
			r, err := chat.Play(t.Context(), c, stage)
			require.NoError(t, err)
			assert.Empty(t, r.Diff())
			assert.True(t, r.OK(), "a conversation without a diff should be OK")
			assert.Equal(t, c.String(), r.Transcript(), "what was met should stay as it is written")
		})
	}
}

func TestPeopleActWithTheValuesTheySaw(t *testing.T) {
	stage := form()
	_, err := chat.Play(t.Context(), sample(t, "form.txt"), stage)
	require.NoError(t, err)
	assert.Contains(t, stage.heard, "bob> /qualys-users show Q2WLR")
}

func TestTwoPeopleActBeforeAnybodyLooks(t *testing.T) {
	stage := twoPeople()
	c := script(t, "bob* Approve", "& carol* Reject @K7F3Q stale",
		"dialog>bob Delete 2 users: It cannot be undone. [Approve] [Back]")
	r, err := chat.Play(t.Context(), c, stage)
	require.NoError(t, err)
	assert.Empty(t, r.Diff())
}

// What is met and what is not: seen by Alice, who acted.
var matches = []struct {
	name    string
	seen    chat.Line
	written string
	met     bool
}{
	{"the same text", line("Deleted 2."), "bot> Deleted 2.", true},
	{"another text", line("Deleted 2."), "bot> Deleted 3.", false},
	{"a longer text", line("Deleted 2. Done."), "bot> Deleted 2.", false},
	{"… at the end", line("Deleted 2 of 2."), "bot> Deleted 2 …", true},
	{"… for nothing at the end", line("Deleted 2"), "bot> Deleted 2 …", true},
	{"… does not cut a word", line("Deleted 27"), "bot> Deleted 2 …", false},
	{"… inside a word", line("Deleted 27"), "bot> Deleted 2…", true},
	{"… at the start", line("49 users, all gone"), "bot> … all gone", true},
	{"… in the middle for nothing", line("a b"), "bot> a … b", true},
	{"… in the middle keeps the gap", line("ab"), "bot> a … b", false},
	{"… before a word's end", line("ask Bob, unasked"), "bot> ask …asked", true},
	{"… before a word's end needs its gap", line("asked"), "bot> a …sked", false},
	{"… behind a word's start", line("Held as ever"), "bot> He… ever", true},
	{"… over lines", line("a\nx\ny\nb"), "bot> a … b", true},
	{"… on a line of its own", line("a\nx\ny\nb"), "bot> a\n  | …\n  | b", true},
	{"… alone", line("whatever\nthere is"), "bot> …", true},
	{"… hides no button", line("Done", "Stop"), "bot> …", false},
	{"a button that is gone", line("Done"), "bot> Done [Stop]", false},
	{"the same buttons", line("Done", "Stop", "Undo"), "bot> Done [Stop] [Undo]", true},
	{"buttons in another order", line("Done", "Stop", "Undo"), "bot> Done [Undo] [Stop]", false},
	{"any buttons", line("Done", "Stop", "Undo"), "bot> Done […]", true},
	{"one button and any", line("Done", "Stop", "Undo"), "bot> Done [Stop] […]", true},
	{"any buttons, but none", line("Done"), "bot> Done […]", false},
	{"another place", in("thread", line("Done")), "bot> Done", false},
	{"its place", in("thread", line("Done")), "bot[thread]> Done", true},
	{"another kind", line("Done"), "bot: Done", false},
	{"for her who acted", to("alice", line("Hm")), "bot~ Hm", true},
	{"for her by name", to("alice", line("Hm")), "bot~alice Hm", true},
	{"for somebody else", to("bob", line("Hm")), "bot~ Hm", false},
	{"for somebody else by name", to("bob", line("Hm")), "bot~bob Hm", true},
	{"a request", line("Held as K7F3Q."), "bot> Held as {id}.", true},
	{"no request", line("Held as ever."), "bot> Held as {id}.", false},
	{"one request twice", line("K7F3Q, K7F3Q"), "bot> {id}, {id}", true},
	{"two requests under one name", line("K7F3Q, Q2WLR"), "bot> {id}, {id}", false},
	{"one request under two names", line("K7F3Q, K7F3Q"), "bot> {id}, {id2}", false},
	{"two requests", line("K7F3Q, Q2WLR"), "bot> {id}, {id2}", true},
	{"times may differ", line("14:03 to 15:04:05"), "bot> {time} to {time}", true},
	{"a time in full", line("at 2026-01-02T15:04:05.123Z"), "bot> at {time}", true},
	{"a date and a number", line("2026-01-02: 2,500 users"), "bot> {date}: {n} users", true},
	{"signs mean themselves", line("a.b*c (d) {x}"), "bot> a.b*c (d) {x}", true},
	{"a dot is no pattern", line("axb"), "bot> a.b", false},
}

func line(text string, buttons ...string) chat.Line {
	return chat.Line{Kind: chat.Message, Text: text, Buttons: buttons}
}

func in(place string, l chat.Line) chat.Line {
	l.Place = place
	return l
}

func to(who string, l chat.Line) chat.Line {
	l.Kind, l.To = chat.Ephemeral, who
	return l
}

func TestWhatMeetsAWrittenLine(t *testing.T) {
	for _, tt := range matches {
		t.Run(tt.name, func(t *testing.T) {
			r := play(t, answers(tt.seen), "alice> go", tt.written)
			assert.Equal(t, tt.met, r.OK(), "%q for %q:\n%s", tt.written, tt.seen, r.Diff())
		})
	}
}

func TestARequestKeepsItsNameToTheEnd(t *testing.T) {
	p := answers(line("Held as K7F3Q."))
	p.taught["bob> look"] = []chat.Line{to("bob", line("Q2WLR waits."))}
	r := play(t, p, "alice> go", "bot> Held as {id}.", "bob> look", "bot~ {id} waits.")
	assert.Equal(t, strings.Join([]string{
		"test.txt:4: after bob> look (- written, + happened)",
		"- bot~ {id} waits.",
		"+ bot~ Q2WLR waits.",
		"{id} is K7F3Q",
		"",
	}, "\n"), r.Diff())
}

func TestOrderCountsOnlyWherePeopleCanSeeIt(t *testing.T) {
	first, second := line("first"), line("second")
	aside := to("alice", line("aside"))
	file := chat.Line{Kind: chat.File, Text: "x.csv (1 row) id"}
	tests := []struct {
		name    string
		seen    []chat.Line
		written []string
		ok      bool
	}{
		{"messages in order", []chat.Line{first, second}, []string{"bot> first", "bot> second"}, true},
		{"messages out of order", []chat.Line{second, first}, []string{"bot> first", "bot> second"}, false},
		{"a line for one person may come before or after", []chat.Line{first, aside}, []string{"bot~ aside", "bot> first"}, true},
		{"threads are another place", []chat.Line{in("thread", first), second}, []string{"bot> second", "bot[thread]> first"}, true},
		{"the file comes before the card", []chat.Line{first, file}, []string{"file> x.csv (1 row) id", "bot> first"}, false},
		{"the same twice", []chat.Line{first, first}, []string{"bot> first"}, false},
		{"once instead of twice", []chat.Line{first}, []string{"bot> first", "bot> first"}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := play(t, answers(tt.seen...), append([]string{"alice> go"}, tt.written...)...)
			assert.Equal(t, tt.ok, r.OK(), "Diff:\n%s", r.Diff())
		})
	}
}

func TestTheDiffSaysWhereAndWhat(t *testing.T) {
	p := answers(to("alice", line("Held as K7F3Q until 18:00.")), line("Delete 2?\nAcme", "Approve"), line("Surprise"))
	r := play(t, p, "alice> go", "bot~ Held as {id}.", "dm>bob Look.", "bot> Delete 2? … [Approve]")
	assert.Equal(t, strings.Join([]string{
		"test.txt:2: after alice> go (- written, + happened)",
		"- bot~ Held as {id}.",
		"+ bot~ Held as {id} until {time}.",
		"- dm>bob Look.",
		"  bot> Delete 2? … [Approve]",
		"+ bot> Surprise",
		"{id} is K7F3Q",
		"",
	}, "\n"), r.Diff())
}

func TestATranscriptPlaysAgain(t *testing.T) {
	bare := script(t, "alice> go", "bot> gone", "# a comment stays", "bot> Delete 2? … [Approve]", "",
		"# so does this one", "alice> show {id}", "(31 seconds pass)")
	stage := func() *parrot {
		p := answers(
			to("bob", line("K7F3Q is yours, bob.")),
			line("Delete 2?\nAcme", "Approve"),
			line("Q2WLR, K7F3Q at 14:03 on 2026-01-02; 3fa9c1d2ab07; #128 9f3ac1 ← 77b0de"),
			to("alice", line("Held as K7F3Q.")),
			to("alice", line("")),
			in("thread", line("  Q2WLR\r\n\r\nclosed \x00 \n")),
		)
		p.taught["alice> show K7F3Q"] = []chat.Line{line("request Q2WLR follows K7F3Q")}
		p.taught["31s"] = nil
		return p
	}
	ids := regexp.MustCompile(`^(?P<id>\w{5}), `)
	r, err := chat.Play(t.Context(), bare, stage(), ids)
	require.NoError(t, err)
	want := strings.Join([]string{
		"# P20: a test.",
		"alice> go",
		"bot~ Held as {id}.",
		"bot~",
		"bot~bob {id} is yours, bob.",
		"# a comment stays",
		"bot> Delete 2? … [Approve]",
		"bot> {id2}, {id} at {time} on {date}; {fp}; #{n} {hash6} ← {hash6}",
		"bot[thread]> {id2}",
		"  |",
		"  | closed \uFFFD",
		"",
		"# so does this one",
		"alice> show {id}",
		"bot> request {id2} follows {id}",
		"(31 seconds pass)",
		"",
	}, "\n")
	require.Equal(t, want, r.Transcript())

	again, err := chat.Parse("test.txt", []byte(r.Transcript()))
	require.NoError(t, err)
	r, err = chat.Play(t.Context(), again, stage(), ids)
	require.NoError(t, err)
	assert.Empty(t, r.Diff())
	assert.Equal(t, want, r.Transcript())
}

func TestAStageThatCannotGoOn(t *testing.T) {
	c := script(t, "alice> go", "bot> Nothing.", "alice> dance", "bot> Never.")
	r, err := chat.Play(t.Context(), c, answers(line("Something.")))
	require.EqualError(t, err, "test.txt:4: alice> dance: nobody taught me that; I know alice> go")
	assert.False(t, r.OK(), "a conversation that was not played to its end is not OK")
	assert.Contains(t, r.Diff(), "- bot> Nothing.\n+ bot> Something.\n")
	assert.Equal(t, "# P20: a test.\nalice> go\nbot> Something.\nalice> dance\nbot> Never.\n", r.Transcript(),
		"what was not played should stay as it is")
}

func TestWhatIsSeenBeforeAnybodyActs(t *testing.T) {
	p := answers()
	p.waiting = []chat.Line{line("Countersign started.")}
	r := play(t, p, "alice> go")
	assert.Equal(t, "test.txt:1: at the beginning (- written, + happened)\n+ bot> Countersign started.\n", r.Diff())
}

var impossible = []struct {
	name, act string
	seen      chat.Line
	want      string
}{
	{"a request nobody has seen", "alice> show {id2}", line(""), "nobody has seen a {id2} yet"},
	{"a field with a request nobody has seen", "alice+ Id={id}", line(""), "nobody has seen a {id} yet"},
	{"a direction with a request nobody has seen", "({id} is broken)", line(""), "nobody has seen a {id} yet"},
	{"a name no file can hold", "alice> go", to("U012", line("Hm")), "the stage shows a line that no file can hold"},
	{"a kind no file knows", "alice> go", chat.Line{Kind: "cat>", Text: "meow"}, "the stage shows a line of an unknown kind"},
}

func TestImpossibleThingsAreErrors(t *testing.T) {
	for _, tt := range impossible {
		t.Run(tt.name, func(t *testing.T) {
			_, err := chat.Play(t.Context(), script(t, tt.act, "alice> go"), answers(tt.seen))
			require.ErrorContains(t, err, tt.want)
			assert.ErrorContains(t, err, "test.txt:2: ")
		})
	}
}

func TestAVolatileGroupIsNamedAfterAPlaceholder(t *testing.T) {
	_, err := chat.Play(t.Context(), script(t, "alice> go"), answers(), regexp.MustCompile(`(?P<card>\d+)`))
	require.EqualError(t, err, `the group "card" of "(?P<card>\\d+)" is named after no placeholder; there are date, fp, hash6, id, n, time`)
}

func TestAStageThatSeesLess(t *testing.T) {
	c := script(t, "alice> go", "bot[thread]> #1 …", "bot> Done.", "alice> dance")
	quiet := c.Without(func(l chat.Line) bool { return l.Place == "thread" })
	r, err := chat.Play(t.Context(), quiet, answers(line("Done.")))
	require.ErrorContains(t, err, "test.txt:5: alice> dance", "line numbers should be those of the file")
	assert.Empty(t, r.Diff())
	assert.Contains(t, c.String(), "#1", "the conversation itself should not change")
}

func TestAloudTellsTheStory(t *testing.T) {
	var out strings.Builder
	stage := chat.Aloud(decided{twoPeople()}, &out)
	r, err := chat.Play(t.Context(), sample(t, "two-people.txt"), stage)
	require.NoError(t, err)
	assert.Empty(t, r.Diff())
	assert.Contains(t, out.String(), "alice* Approve @K7F3Q\n"+
		"bot~ You asked for this one. A second person has to approve it.\n"+
		"bob* Approve\n"+
		"dialog> Delete 2 users: It cannot be undone. [Approve] [Back]\n")
	assert.Contains(t, out.String(), "(31 seconds pass)\nbot> Deleted 2 of 2 SAQ users.\n")
}

func TestAloudRepeatsDirectionsAndTimes(t *testing.T) {
	p := answers()
	p.taught["(bob leaves)"], p.taught["25h0m1.5s"], p.taught["0s"] = nil, nil, nil
	var out strings.Builder
	written := "(bob leaves)\n(1 day 1 hour 1 second 500 milliseconds pass)\n(0 seconds pass)\nalice> go\n"
	r, err := chat.Play(t.Context(), script(t, written), chat.Aloud(p, &out))
	require.NoError(t, err)
	assert.True(t, r.OK(), "Diff:\n%s", r.Diff())
	assert.Equal(t, written, out.String())
}

func TestDirectionsKnowTheirWords(t *testing.T) {
	var heard []string
	note := func(name string) func(context.Context, []string) error {
		return func(_ context.Context, words []string) error {
			heard = append(heard, name+": "+strings.Join(words, ", "))
			return nil
		}
	}
	d := chat.Directions{
		"* leaves the *":         note("leave"),
		"* leaves the approvers": note("resign"),
		"Qualys is slow":         note("slow"),
	}
	for _, text := range []string{"bob leaves the approvers", "carol leaves the channel", "Qualys is slow"} {
		require.NoError(t, d.Direct(t.Context(), text))
	}
	assert.Equal(t, []string{"resign: bob", "leave: carol, channel", "slow: "}, heard)

	err := d.Direct(t.Context(), "Qualys is on fire")
	var unknown *chat.UnknownDirection
	require.ErrorAs(t, err, &unknown)
	assert.EqualError(t, err, "This stage does not know (Qualys is on fire). It knows (31 seconds pass) and "+
		"(* leaves the *), (* leaves the approvers), (Qualys is slow).")
}

func TestAPromptTakesTheNotation(t *testing.T) {
	p := twoPeople()
	step, err := chat.ParseLine("(31 seconds pass)\n")
	require.NoError(t, err)
	require.Equal(t, chat.Pause{For: 31 * time.Second, Text: "31 seconds pass"}, step)

	lines, err := chat.Perform(t.Context(), p, step)
	require.NoError(t, err)
	var out strings.Builder
	require.NoError(t, chat.Print(&out, lines...))
	assert.Equal(t, "bot> Deleted 2 of 2 SAQ users.\nbot[thread]> #128 9f3ac1 ← 77b0de\nbot: Deleted 2 of 2 · 14:03\n", out.String())

	_, err = chat.Perform(t.Context(), p, line("Approved."))
	require.EqualError(t, err, `bot> Approved.: Nobody can act for the bot. Write a person, as in "alice> …".`)
}

func TestACanceledContextIsTheCallersError(t *testing.T) {
	_, err := chat.Perform(t.Context(), &failing{}, chat.Note(""))
	require.ErrorIs(t, err, context.Canceled)
}

// failing is a stage that cannot look.
type failing struct{ *parrot }

func (*failing) Seen(context.Context) ([]chat.Line, error) {
	return nil, context.Canceled
}
