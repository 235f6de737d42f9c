package sheet

import (
	"encoding/csv"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// rows reads a sheet to its end.
func rows(r io.Reader) (*page, [][]string, error) {
	s, err := openPage(r)
	if err != nil {
		return s, nil, err
	}
	var all [][]string
	for {
		record, err := s.row()
		if err == io.EOF {
			return s, all, nil
		}
		if err != nil {
			return s, all, err
		}
		all = append(all, append([]string(nil), record...))
	}
}

// Rows out equal rows in, for any names and any chunking.
func FuzzPage(f *testing.F) {
	f.Add("ada", `O"Neil, Jr.`, "line\nbreak", true)
	f.Add("", "[A, B]", "=1", false)
	f.Add("USERNAME", "User Data", "\ufeff", true)
	f.Fuzz(func(t *testing.T, a, b, c string, preamble bool) {
		var text strings.Builder
		if preamble {
			text.WriteString("\ufeff\"Note: x\"\r\n\"User Data\",\"now\",\"2\"\r\n\"Acme\",\"CA\",\"USA\",\"1\"\r\n\"John\",\"login\"\r\n")
		}
		w := csv.NewWriter(&text)
		in := [][]string{{a, b, c}, {b, c, a}}
		require.NoError(t, w.WriteAll(append([][]string{{"USERNAME", "Roles", "STATUS"}}, in...)))
		for _, in := range in {
			for i := range in {
				in[i] = strings.ReplaceAll(in[i], "\r\n", "\n") // as encoding/csv reads it
			}
		}
		for _, r := range []io.Reader{
			strings.NewReader(text.String()), iotest.OneByteReader(strings.NewReader(text.String())), iotest.HalfReader(strings.NewReader(text.String())),
		} {
			s, out, err := rows(r)
			require.NoError(t, err)
			require.Equal(t, in, out)
			require.Equal(t, preamble, s.total == 2)
		}
	})
}

// Whatever comes instead of a sheet ends in rows as wide as the header, or an error.
func FuzzPageGarbage(f *testing.F) {
	f.Add("\"User Data\",\"now\",\"x\"\nUSERNAME,a\n1,2\n")
	f.Add("{\"status\":401}")
	f.Add("<html>")
	f.Add("USERNAME,\"")
	f.Fuzz(func(t *testing.T, text string) {
		s, all, err := rows(strings.NewReader(text))
		if err != nil {
			return
		}
		for _, row := range all {
			require.Len(t, row, len(s.header))
		}
		_, again, err := rows(iotest.OneByteReader(strings.NewReader(text)))
		require.NoError(t, err)
		require.Equal(t, all, again)
	})
}

func TestARecordWithoutEndIsNotKept(t *testing.T) {
	text := "USERNAME\n\"" + strings.Repeat("x", 2*recordLimit)
	_, _, err := rows(strings.NewReader(text))
	require.ErrorIs(t, err, errLong)
}

func TestPlatformUsersAreReadByColumnName(t *testing.T) {
	c := newColumns([]string{"status", " USERNAME ", "Roles", "MODULE", "Super User", "SAML Status", "New"})
	u := c.user([]string{"ACTIVE", "ada", "[READER, PC User, READER]", "[]", "TRUE", "false", "x"})
	assert.Equal(t, PlatformUser{Username: "ada", Status: "ACTIVE", Modules: "[]", Roles: "[READER, PC User, READER]", SuperUser: true}, u)
}

func TestLists(t *testing.T) {
	for _, tt := range []struct {
		cell  List
		names []string
	}{
		{"", nil}, {"[]", nil}, {"[ ]", nil}, {"[READER]", []string{"READER"}},
		{"[READER, PC User, READER]", []string{"READER", "PC User", "READER"}},
		{"READER,SCANNER", []string{"READER", "SCANNER"}},
	} {
		assert.Equal(t, tt.names, slices.Collect(tt.cell.Names()), "%q", tt.cell)
	}
	l := List("[Reporting Reader, PC User,Reader, Senior]")
	for name, want := range map[string]bool{"pc user": true, "PC_USER": true, "Reader": true, "Reader, Senior": true, "Reporting": false, "User": false} {
		assert.Equal(t, want, l.Has(name), "%q has %q", l, name)
	}
}
