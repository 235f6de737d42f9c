package body

import (
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"
)

// One short line, whatever comes; cleaning it again changes nothing.
func FuzzClean(f *testing.F) {
	for _, s := range []string{"", "two\nlines", "see https://u:p@host/x", "token=abc", "a\u202eb", "ht\u200btp://u:p@host", "1http://x", "\xff", strings.Repeat("é", 500), "password: \"x y\" z"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		line := Clean(text)
		require.LessOrEqual(t, len([]rune(line)), messageLimit+1)
		require.False(t, strings.ContainsFunc(line, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) }), "%q", line)
		require.NotRegexp(t, `[a-zA-Z]://[^\s"'<>]`, line)
	})
}
