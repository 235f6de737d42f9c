package grammar

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strings"

	"countersign/approvals"
	"countersign/audit"
	"countersign/qualys"
)

// ReadIDs reads ids from a CSV that somebody saved somewhere: one column, or one
// called id among others; with a header or without; separated by commas,
// semicolons or tabs; with or without a byte order mark, a version row before
// the header, empty rows, blanks and a leading apostrophe. Each id counts once. Any
// error is a [*UsageError] that names the row.
func ReadIDs(file []byte) ([]string, error) {
	file = bytes.TrimPrefix(file, []byte("\ufeff"))
	switch {
	case len(bytes.TrimSpace(file)) == 0:
		return nil, problem("The file is empty.")
	case bytes.HasPrefix(file, []byte("PK")):
		return nil, problem("This is a workbook. Save it as CSV UTF-8 and choose that file.")
	case bytes.HasPrefix(file, []byte{0xff, 0xfe}), bytes.HasPrefix(file, []byte{0xfe, 0xff}), bytes.IndexByte(file, 0) >= 0:
		return nil, problem("I can read this file only as UTF-8. Save it as CSV UTF-8.")
	}
	rows := csv.NewReader(bytes.NewReader(bytes.ReplaceAll(file, []byte("\r"), []byte("\n"))))
	rows.Comma = separator(file)
	rows.FieldsPerRecord, rows.LazyQuotes, rows.TrimLeadingSpace = -1, true, true
	s := sheet{column: -1, seen: map[string]bool{}}
	for {
		record, err := rows.Read()
		if err == io.EOF {
			return s.ids, s.enough()
		}
		if err != nil {
			return nil, problem("I cannot read this file as a CSV: %v.", err)
		}
		at, _ := rows.FieldPos(0)
		if err := s.row(record, rowNumber(file, at)); err != nil {
			return nil, err
		}
	}
}

func problem(format string, args ...any) error {
	return &UsageError{Problem: fmt.Sprintf(format, args...)}
}

// rowNumber is the line as a spreadsheet counts it. Every \r was made a \n
// before reading, so each \r\n counted twice.
func rowNumber(file []byte, at int) int {
	if bytes.Contains(file, []byte("\r\n")) {
		return (at + 1) / 2
	}
	return at
}

// separator guesses what stands between the cells, from the first line.
func separator(file []byte) rune {
	first, _, _ := bytes.Cut(bytes.TrimSpace(file), []byte("\n"))
	for _, s := range ";\t" {
		if !bytes.ContainsRune(first, ',') && bytes.ContainsRune(first, s) {
			return s
		}
	}
	return ','
}

// A sheet is a CSV of ids being read.
type sheet struct {
	column int // where the ids are; -1 before the first row with something in it
	seen   map[string]bool
	ids    []string
}

func (s *sheet) row(record []string, number int) error {
	cells := make([]string, len(record))
	for i, c := range record {
		cells[i] = strings.Trim(qualys.Restore(strings.TrimSpace(Plain(Visible(c)))), ` "`)
	}
	if strings.Join(cells, "") == "" {
		return nil
	}
	if s.column < 0 {
		if strings.HasPrefix(strings.ToLower(cells[0]), "version:") {
			return nil
		}
		s.column = 0
		if i := slices.IndexFunc(cells, func(c string) bool { f, ok := field(c); return ok && f == qualys.ID }); i >= 0 {
			s.column = i
			return nil
		}
		if !digits(cells[0]) && HasWord(cells[0]) && !strings.ContainsAny(cells[0], "0123456789") {
			return problem("Row %d looks like a header, and no column in it is called id.", number)
		}
	}
	if s.column >= len(cells) || cells[s.column] == "" {
		return problem("Row %d has no id.", number)
	}
	return s.add(cells[s.column], number)
}

func (s *sheet) add(cell string, number int) error {
	id, err := qualys.ParseSAQUserID(cell)
	switch {
	case err != nil && strings.ContainsAny(cell, "eE+.") && digits(strings.Trim(strings.NewReplacer("E", "", "e", "", "+", "", ".", "").Replace(cell), " ")):
		return problem("Row %d: a spreadsheet has shortened the id to %s. Format the column as a whole number and save again.", number, show(cell))
	case err != nil:
		return problem("Row %d: %s is no id.", number, show(cell))
	case s.seen[id.String()]:
		return nil
	case len(s.ids) == approvals.MaxUsers:
		return problem("The file has more than %s ids, which is the most that one request can name.", audit.Number(approvals.MaxUsers))
	}
	s.seen[id.String()] = true
	s.ids = append(s.ids, id.String())
	return nil
}

func (s *sheet) enough() error {
	if len(s.ids) == 0 {
		return problem("There is no id in this file.")
	}
	return nil
}
