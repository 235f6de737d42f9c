package grammar

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestWhatSlackDoesToTextIsUndoneOnce(t *testing.T) {
	for _, tt := range []struct{ name, sent, typed string }{
		{"nothing", "a=b", "a=b"},
		{"entities", "a &amp; b &lt;c&gt;", "a & b <c>"},
		{"entities of entities", "&amp;lt; &amp;amp;", "&lt; &amp;"},
		{"an unknown entity", "&nbsp; &quot;", "&nbsp; &quot;"},
		{"a link", "<http://acme.com|acme.com>", "acme.com"},
		{"a link without a label", "<https://acme.com/a?b=c>", "https://acme.com/a?b=c"},
		{"a link with an entity", "<https://acme.com/?a&amp;b>", "https://acme.com/?a&b"},
		{"an address", "<mailto:jo@example.com|jo@example.com>", "jo@example.com"},
		{"a number", "<tel:+4930123|030 123>", "030 123"},
		{"a person", "<@U1|jo>", "@jo"},
		{"a person without a name", "<@U1>", "@U1"},
		{"a channel", "<#C1|general>", "#general"},
		{"a private channel", "<#C1|>", "#C1"},
		{"a group", "<!subteam^S1|@ops>", "@ops"},
		{"everybody", "<!channel>", "@channel"},
		{"less and more", "a < b > c", "a < b > c"},
		{"no wrapping", "<b>bold</b>", "<b>bold</b>"},
		{"curly quotes", "“a” ‘b’ „c‟", `"a" 'b' "c"`},
		{"an em dash", "a—b", "a--b"},
		{"blanks", "a\u00a0b\u2009c\u3000d\te", "a b c d e"},
		{"line ends", "a\r\nb\rc\u2028d", "a\nb\nc\nd"},
		{"what has no width", "a\u200bb\ufeffc\u00add", "abcd"},
		{"a joiner, which letters need", "क्\u200dष", "क्\u200dष"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			assert.Equal(t, tt.typed, normal(tt.sent))
			assert.Equal(t, tt.typed, normal(sent(tt.typed)), "written again")
		})
	}
}

// Whatever was typed can be sent again and is the same.
func FuzzSent(f *testing.F) {
	f.Add("<@U1|jo> &amp;lt; “x” e\u0301 <\u0338")
	f.Fuzz(func(t *testing.T, text string) {
		typed := normal(text)
		require.Equal(t, typed, normal(sent(typed)))
	})
}

func TestNearFindsWhatWasMeant(t *testing.T) {
	words := []string{"delete", "download", "find", "count", "id", "uuid"}
	for typed, want := range map[string]string{
		"delte": "delete", "dleete": "delete", "DELETE": "delete", "deletee": "delete", "donwload": "download",
		"fnd": "find", "cuont": "count", "uid": "uuid", "ID": "id",
		"i": "", "x": "", "undo": "", "withdraw": "", "": "", "supercalifragilistic": "",
	} {
		got, _ := near(typed, words)
		assert.Equal(t, want, got, "near(%q)", typed)
	}
}

func TestOneLineCutsAndShowsOnlyWhatCanBeSeen(t *testing.T) {
	assert.Equal(t, "a b c", OneLine(" a\n b\u202e \tc ", 10))
	assert.Equal(t, "abcd…", OneLine("abcdefgh", 5))
	assert.Equal(t, "äöüß…", OneLine("äöüßäöüß", 5))
	assert.Empty(t, OneLine("\u202e\n", 5))
}
