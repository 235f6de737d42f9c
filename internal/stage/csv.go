package stage

import (
	"bytes"
	"encoding/csv"
	"strings"

	"countersign/audit"
)

// rowsOf counts the rows of a CSV below its header, and returns the header.
func rowsOf(content []byte) (rows int, header string) {
	r := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(content, []byte("\uFEFF"))))
	r.FieldsPerRecord, r.LazyQuotes = -1, true
	all, err := r.ReadAll()
	if err != nil || len(all) == 0 {
		return 0, "(no CSV)"
	}
	return len(all) - 1, strings.Join(all[0], ",")
}

func counted(n int, what string) string { return audit.Plural(n, what) }
