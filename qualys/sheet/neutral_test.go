package sheet_test

import (
	"encoding/csv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/qualys/sheet"
)

// P61: formula injection in a CSV opened by a spreadsheet.
func TestNeutralise(t *testing.T) {
	for _, tt := range []struct{ name, cell, want string }{
		{"a name", "Ada", "Ada"},
		{"empty", "", ""},
		{"a formula", "=1+1", "'=1+1"},
		{"a plus", "+49 30", "'+49 30"},
		{"a minus", "-5", "'-5"},
		{"a lone minus, which means nothing", "-", "-"},
		{"an at", "@SUM(A1)", "'@SUM(A1)"},
		{"a tab", "\tx", "'\tx"},
		{"a carriage return", "\rx", "'\rx"},
		{"a NUL", "\x00x", "'\x00x"},
		{"behind blanks", "  =1", "'  =1"},
		{"behind a no-break space", "\u00a0=1", "'\u00a0=1"},
		{"behind an invisible character", "\u200b=1", "'\u200b=1"},
		{"behind a quote", `"=1`, `'"=1`},
		{"full-width", "＝1", "'＝1"},
		{"full-width behind an ideographic space", "\u3000＠x", "'\u3000＠x"},
		{"an apostrophe already", "'x", "''x"},
		{"in the middle", "a=b", "a=b"},
		{"a list", "[READER, =x]", "[READER, =x]"},
		{"an address", "a@b.c", "a@b.c"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			assert.Equal(t, tt.want, sheet.Neutralise(tt.cell))
			assert.Equal(t, tt.cell, sheet.Restore(sheet.Neutralise(tt.cell)))
		})
	}
}

// Whatever the cell, it is restored, and no spreadsheet takes it for a formula,
// also after a way through a CSV.
func FuzzNeutralise(f *testing.F) {
	for _, s := range []string{"Ada", "=1", "-", " -", "'", "''=", "\u200b\t@", `"+`, "\xff=", "\r\n=1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, cell string) {
		safe := sheet.Neutralise(cell)
		require.Equal(t, cell, sheet.Restore(safe))
		if safe == "-" {
			return
		}
		seen := strings.TrimLeft(safe, " \"\u00a0\u200b\u3000")
		require.NotRegexp(t, "^[=+\\-@＝＋－＠\t\r\n\x00]", seen)

		var file strings.Builder
		w := csv.NewWriter(&file)
		require.NoError(t, w.Write([]string{safe, "end"}))
		w.Flush()
		row, err := csv.NewReader(strings.NewReader(file.String())).Read()
		require.NoError(t, err)
		require.Equal(t, strings.ReplaceAll(safe, "\r\n", "\n"), row[0])
	})
}
