package grammar

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/qualys"
)

// P41b, P44: whatever a spreadsheet made of a list of ids, it is read or
// explained.
func TestIdsAreReadFromWhatSpreadsheetsWrite(t *testing.T) {
	for _, tt := range []struct{ name, file string }{
		{"one column", "1\n2\n3\n"},
		{"no newline at the end", "1\n2\n3"},
		{"a header", "id\n1\n2\n3\n"},
		{"a header in capitals", "ID\n1\n2\n3\n"},
		{"a header of two words", "User ID\n1\n2\n3\n"},
		{"a byte order mark", "\ufeffid\n1\n2\n3\n"},
		{"a byte order mark and no header", "\ufeff1\n2\n3\n"},
		{"CRLF", "id\r\n1\r\n2\r\n3\r\n"},
		{"CR alone", "id\r1\r2\r3\r"},
		{"blanks around ids", "id\n 1\n2 \n\t3\u00a0\n"},
		{"empty rows", "\n\nid\n\n1\n2\n\n,,\n3\n"},
		{"quotes", "\"id\"\n\"1\"\n\"2 \"\n\" 3\"\n"},
		{"an apostrophe before each", "id\n'1\n'2\n'3\n"},
		{"more columns, as find writes them", "id,userName,firstName\n1,a,b\n2,c,\"d,e\"\n3,,\n"},
		{"id is not the first column", "userName,Id\na,1\nb,2\nc,3\n"},
		{"more columns without a header", "1,a\n2,b\n3,c\n"},
		{"semicolons", "id;userName\n1;a\n2;b\n3;c\n"},
		{"tabs", "userName\tid\na\t1\nb\t2\nc\t3\n"},
		{"the version row of a template", "version:v1.0\nid\n1\n2\n3\n"},
		{"ids twice", "1\n2\n1\n3\n03\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ids, err := ReadIDs([]byte(tt.file))
			require.NoError(t, err)
			assert.Equal(t, []string{"1", "2", "3"}, ids)
		})
	}
}

func TestABadFileIsExplainedWithItsRow(t *testing.T) {
	var many strings.Builder
	for i := range 5001 {
		fmt.Fprintf(&many, "%d\n", i+1)
	}
	for _, tt := range []struct{ name, file, problem string }{
		{"empty", "", "The file is empty."},
		{"a byte order mark alone", "\ufeff", "The file is empty."},
		{"empty rows alone", "\r\n \r\n", "The file is empty."},
		{"a header alone", "id\n", "There is no id in this file."},
		{"another header", "userName,company\na,b\n", "Row 1 looks like a header, and no column in it is called id."},
		{"a word", "id\n1\n2\nx3\n", `Row 4: "x3" is no id.`},
		{"a word, CRLF", "id\r\n1\r\n2\r\nx3\r\n", `Row 4: "x3" is no id.`},
		{"nought", "0\n", `Row 1: "0" is no id.`},
		{"a negative number", "1\n-5\n", `Row 2: "-5" is no id.`},
		{"a row without an id", "userName,id\na,1\nb,\n", "Row 3 has no id."},
		{"a short row", "userName,id\na,1\nb\n", "Row 3 has no id."},
		{"a number that was shortened", "id\n7.67232E+08\n", `Row 2: a spreadsheet has shortened the id to "7.67232E+08".`},
		{"a number with a point", "1.0\n", `Row 1: a spreadsheet has shortened the id to "1.0".`},
		{"a workbook", "PK\x03\x04…", "This is a workbook."},
		{"UTF-16", "\xff\xfe1\x00\n\x00", "I can read this file only as UTF-8."},
		{"too many", many.String(), "The file has more than 5,000 ids"},
		{"markup", "id\n<!channel>\n", `Row 2: "<!channel>" is no id.`},
		{"an empty row before", "id\n\n1\n\nx\n", `Row 5: "x" is no id.`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := ReadIDs([]byte(tt.file))
			require.Error(t, err)
			assert.True(t, strings.HasPrefix(err.Error(), tt.problem), "got %q, want %q", err, tt.problem)
		})
	}
}

// Any bytes are ids that can be asked for, or an explanation.
func FuzzReadIDs(f *testing.F) {
	f.Add([]byte("id;x\r\n1;2\r\n"))
	f.Add([]byte("\ufeff'1\n\"2 \"\n"))
	f.Fuzz(func(t *testing.T, file []byte) {
		ids, err := ReadIDs(file)
		if err != nil {
			require.NotEmpty(t, err.Error())
			return
		}
		require.NotEmpty(t, ids)
		f := qualys.Filter{{Field: qualys.ID, Operator: qualys.In, Values: ids}}
		require.NoError(t, f.Validate(), "what is read can be asked for")
	})
}
