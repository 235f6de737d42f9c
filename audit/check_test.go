package audit

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// shows is the trail as people see it: the small lines alone.
func shows(lines []Line) []Line {
	var all []Line
	for _, l := range lines {
		all = append(all, Line{Channel: l.Channel, TS: l.TS, Visible: l.Entry.Line()})
	}
	return all
}

func print(t *testing.T, r Report) string {
	t.Helper()
	var b strings.Builder
	require.NoError(t, r.Print(&b))
	return b.String()
}

// Without metadata the numbers and heads are checked, and it is said that this is
// not everything.
func TestVisibleHeadsAreCheckedAlone(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func([]Line) []Line
		want string
	}{
		{"all of them", func(l []Line) []Line { return l },
			"6 entries of chain , #1 to #6.\n" +
				"6 entries are here without metadata: only the numbers and the visible heads of these were checked.\n" +
				"What could be checked is sound. Not everything could be checked.\n"},
		{"one among others", func(l []Line) []Line { return append(history(t, 5), l[5]) },
			"6 entries of chain default, #1 to #6.\n" +
				"1 entry is here without metadata: only the numbers and the visible heads of these were checked.\n" +
				"What could be checked is sound. Not everything could be checked.\n"},
		{"the same twice", func(l []Line) []Line { return append(l[:1], l[0]) },
			"1 entry of chain , #1 to #1.\n" +
				"note: #1: was posted twice, the same both times (C0AUDIT/1795269785.123000)\n" +
				"2 entries are here without metadata: only the numbers and the visible heads of these were checked.\n" +
				"What could be checked is sound. Not everything could be checked.\n"},
		{"one is missing", func(l []Line) []Line { return slices.Delete(l, 1, 2) },
			"5 entries of chain , #1 to #6.\n" +
				"BROKEN #2: 1 entry is missing between #1 and #3\n" +
				"5 entries are here without metadata: only the numbers and the visible heads of these were checked.\n" +
				"Broken: 1 problem.\n"},
		{"one says nothing", func(l []Line) []Line { l[0].Visible = "#1"; return l[:1] },
			"1 entry of chain , #0 to #0.\n" +
				"BROKEN the line of the chain cannot be read (C0AUDIT/1795269785.123000)\n" +
				"1 entry is here without metadata: only the numbers and the visible heads of these were checked.\n" +
				"Broken: 1 problem.\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			assert.Equal(t, strings.ReplaceAll(c.want, "of chain ,", "without metadata,"), print(t, verify(t, public, c.do(shows(history(t, 6))))))
		})
	}
	for line, is := range map[string]bool{
		"#128 9f3ac1 ← 77b0de": true, "#0 9f3ac1 ← 77b0de": false, "#128 9F3AC1 ← 77b0de": false, "#128 9f3ac1 ← 77b0de ": false,
		"#99999999999999999999 9f3ac1 ← 77b0de": false, "": false,
	} {
		assert.Equal(t, is, IsLine(line), line)
	}
}

// Who posted the entries is who posted most of what the key signed.
func TestWhatOthersPostedDoesNotCount(t *testing.T) {
	by := func(who, channel string, lines []Line) []Line {
		for i := range lines {
			lines[i].By, lines[i].Channel = who, channel
		}
		return lines
	}
	ours := by("UBOT", "C1", history(t, 3))
	copied := by("UMALLORY", "C1", history(t, 3)[1:2])
	assert.Equal(t, "3 entries of chain default, #1 to #3.\n"+
		"BROKEN #2: UMALLORY posted it, and not Countersign (UBOT): it does not count (C1/1795269786.123000)\n"+
		"Broken: 1 problem.\n", print(t, verify(t, public, slices.Concat(copied, ours))))

	elsewhere := by("UMALLORY", "C2", history(t, 9))
	for i := range elsewhere { // many, and none of them signed
		elsewhere[i].Entry.Sig = history(t, 1)[0].Entry.Sig
	}
	elsewhere[0].Entry.Sig = ours[1].Entry.Sig
	r := verify(t, public, slices.Concat(elsewhere, ours))
	assert.Equal(t, []string{"left out: 9 entries of others, in other channels"}, texts(r.Notes))
	assert.Equal(t, CodeSound, r.Code(), texts(r.Problems))

	r = verify(t, public, slices.Concat(history(t, 3), by("UBOT", "C1", history(t, 5)[3:])))
	assert.Equal(t, CodeSound, r.Code(), "lines of a file, which say nothing of who posted them, and an export: %q", texts(r.Problems))

	r, err := Check{Key: public, Bot: "UMALLORY"}.Verify(each(slices.Concat(ours, by("UMALLORY", "C1", history(t, 3)))))
	require.NoError(t, err)
	assert.Len(t, r.Problems, 3)
	assert.Contains(t, r.Problems[0].Text, "UBOT posted it, and not Countersign (UMALLORY)")
}

// What whoever read Slack saw stands in the report: what is wrong breaks the trail,
// what could not be looked at does not.
func TestWhatTheReaderSawIsReported(t *testing.T) {
	lines := history(t, 2)
	lines[0].Wrong, lines[1].Unsure = []string{"it was edited"}, []string{"its CSV was not checked"}
	assert.Equal(t, "2 entries of chain default, #1 to #2.\n"+
		"note: #2: its CSV was not checked (C0AUDIT/1795269786.123000)\n"+
		"BROKEN #1: it was edited (C0AUDIT/1795269785.123000)\n"+
		"Broken: 1 problem.\n", print(t, verify(t, public, lines)))
	r := verify(t, public, lines[1:])
	assert.Equal(t, []string{"#1: the first entry is missing"}, texts(r.Problems))

	r, err := Verify(public, func(yield func(Line, error) bool) {
		_ = yield(history(t, 1)[0], nil) && yield(Line{}, &LineError{Where: "C1/1.1", Err: errors.New("no entry")})
	})
	require.NoError(t, err)
	assert.Equal(t, []string{"message C1/1.1: no entry"}, texts(r.Problems))
}

// A part of a trail is checked for being whole, up to the entry that it must end with.
func TestAPartOfATrailIsChecked(t *testing.T) {
	all := history(t, 20)
	head := all[14].Entry.Hash
	for _, c := range []struct {
		name string
		do   func([]Line) []Line
		head string
		want []string
	}{
		{"untouched", func(l []Line) []Line { return l }, head, nil},
		{"what stands outside does not matter", func(l []Line) []Line { l[2].Text, l[17].Text = "", ""; return slices.Delete(l, 5, 6) }, head, nil},
		{"its beginning is missing", func(l []Line) []Line { return slices.Delete(l, 8, 12) }, head, []string{"#10: entries #10 to #12 are missing"}},
		{"its first is missing", func(l []Line) []Line { return slices.Delete(l, 9, 10) }, head, []string{"#10: the entry is missing"}},
		{"its end is missing", func(l []Line) []Line { return slices.Delete(l, 13, 20) }, head, []string{"#14: entries #14 to #15 are missing"}},
		{"all of it is missing", func(l []Line) []Line { return l[:9] }, head, []string{"#10: entries #10 to #15 are missing"}},
		{"another head", func(l []Line) []Line { return l }, strings.Repeat("1", 64),
			[]string{"#15: is not the entry that was posted: its hash is " + head[:6] + ", and was 111111 (C0AUDIT/1795269799.123000)"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := Check{Key: public, First: 10, Last: 15, Head: c.head}.Verify(each(c.do(slices.Clone(all))))
			require.NoError(t, err)
			assert.Equal(t, c.want, texts(r.Problems))
		})
	}
	r, err := Check{Key: public, First: 10, Last: 15}.Verify(each(slices.Delete(slices.Clone(all), 9, 12)))
	require.NoError(t, err)
	assert.Equal(t, []Finding{{Seq: 10, Until: 12, Text: "entries #10 to #12 are missing"}}, r.Problems)
}
