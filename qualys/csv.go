package qualys

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strconv"
	"strings"
)

// Bounds for a page of the download that makes no sense.
const (
	preambleLimit = 50      // records before the header
	recordLimit   = 1 << 20 // bytes of one record
)

// A PlatformUser is an account of the Qualys platform as a row of the download
// shows it. Its key is Username; the download holds no id. It is not a
// [SAQUser], and nothing documents a key between the two.
type PlatformUser struct {
	Username     string
	FirstName    string
	LastName     string
	EmailAddress string
	Modules      List
	Roles        List
	Tags         List   // business units among it
	Status       string // such as ACTIVE, PENDING_ACTIVATION, INACTIVE
	ExternalID   string // may be "-"
	SuperUser    bool
	SAML         bool
}

// A List is a cell that lists names, such as "[READER, PC User, READER]".
type List string

// Names yields the names as Qualys lists them, duplicates among it. A name that
// holds a comma cannot be told from two names.
func (l List) Names() iter.Seq[string] {
	return func(yield func(string) bool) {
		cell := strings.TrimSpace(string(l))
		cell = strings.TrimSuffix(strings.TrimPrefix(cell, "["), "]")
		for name := range strings.SplitSeq(cell, ",") {
			if name = strings.TrimSpace(name); name != "" && !yield(name) {
				return
			}
		}
	}
}

// Has reports whether a name is in the list, whatever the case; also one that
// holds a comma.
func (l List) Has(name string) bool {
	return strings.Contains(l.joined(), List(name).joined())
}

func (l List) joined() string {
	return strings.ToLower(", " + strings.Join(slices.Collect(l.Names()), ", ") + ", ")
}

// columns says where in a record each column stands, by its name in lower case.
type columns map[string]int

func newColumns(header []string) columns {
	c := columns{}
	for i, name := range header {
		key := strings.ToLower(strings.TrimSpace(name))
		if _, taken := c[key]; !taken {
			c[key] = i
		}
	}
	return c
}

func (c columns) cell(record []string, name string) string {
	if i, ok := c[name]; ok {
		return record[i]
	}
	return ""
}

// user reads a record of the download by the names of its columns.
func (c columns) user(record []string) PlatformUser {
	return PlatformUser{
		Username:     c.cell(record, "username"),
		FirstName:    c.cell(record, "first name"),
		LastName:     c.cell(record, "last name"),
		EmailAddress: c.cell(record, "email address"),
		Modules:      List(c.cell(record, "module")),
		Roles:        List(c.cell(record, "roles")),
		Tags:         List(c.cell(record, "tags")),
		Status:       c.cell(record, "status"),
		ExternalID:   c.cell(record, "external id"),
		SuperUser:    yes(c.cell(record, "super user")),
		SAML:         yes(c.cell(record, "saml status")),
	}
}

func yes(cell string) bool {
	cell = strings.TrimSpace(cell)
	return strings.EqualFold(cell, "true") || strings.EqualFold(cell, "enabled")
}

// A notCSV is an answer that is no table: an error as JSON, or a web page.
type notCSV struct{ body []byte }

func (n notCSV) Error() string { return "the answer is no CSV" }

// A sheet reads one page of the download: the preamble (a note, "User Data"
// with the total, the company, the requester), the header, the rows. Any line
// of the preamble may be missing, and columns may come in any order.
//
// Source: the sample at https://cdn2.qualys.com/docs/version/LCR/adminui-api/users/download_users_csv.htm
type sheet struct {
	total  int // matches according to the preamble, -1 if it does not say
	header []string

	csv   *csv.Reader
	guard *capped
}

// openSheet reads up to the header. A sheet without a header and without any
// row is empty: its header is nil.
func openSheet(r io.Reader) (*sheet, error) {
	s := &sheet{total: -1, guard: &capped{r: r, n: recordLimit}}
	buffered := bufio.NewReader(s.guard)
	if start, _ := buffered.Peek(3); string(start) == "\ufeff" {
		_, _ = buffered.Discard(3)
	}
	start, err := buffered.Peek(256)
	if err != nil && err != io.EOF {
		return nil, err
	}
	if text := strings.TrimSpace(string(start)); text != "" && strings.ContainsRune("{[<", rune(text[0])) {
		body, err := io.ReadAll(io.LimitReader(buffered, errorLimit))
		if err != nil {
			return nil, err
		}
		return nil, notCSV{body}
	}
	s.csv = csv.NewReader(buffered)
	s.csv.FieldsPerRecord = -1
	s.csv.ReuseRecord = true
	return s, s.preamble()
}

func (s *sheet) preamble() error {
	for n := 0; ; n++ {
		record, err := s.read()
		switch {
		case err == io.EOF && n == 0:
			return nil
		case err == io.EOF:
			return errors.New("the table has no header")
		case err != nil:
			return err
		case strings.EqualFold(strings.TrimSpace(record[0]), "USERNAME"):
			s.header = append([]string(nil), record...)
			return nil
		case len(record) >= 3 && strings.EqualFold(strings.TrimSpace(record[0]), "User Data"):
			if total, err := strconv.Atoi(strings.TrimSpace(record[2])); err == nil && total >= 0 {
				s.total = total
			}
		case n >= preambleLimit:
			return errors.New("the table has no header")
		}
	}
}

// row returns the next row, valid until the next call, or io.EOF.
func (s *sheet) row() ([]string, error) {
	if s.header == nil {
		return nil, io.EOF
	}
	record, err := s.read()
	if err != nil {
		return nil, err
	}
	if len(record) != len(s.header) {
		line, _ := s.csv.FieldPos(0)
		return nil, fmt.Errorf("line %d has %d cells, the header %d", line, len(record), len(s.header))
	}
	return record, nil
}

func (s *sheet) read() ([]string, error) {
	record, err := s.csv.Read()
	s.guard.n = recordLimit
	return record, err
}
