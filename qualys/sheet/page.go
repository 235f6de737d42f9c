package sheet

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// Bounds for a page that makes no sense.
const (
	preambleLimit = 50       // records before the header
	recordLimit   = 1 << 20  // bytes of one record
	otherLimit    = 64 << 10 // bytes kept of an answer that is no table
)

// A NotCSV is an answer that is no table: an error as JSON, or a web page.
type NotCSV struct{ Body []byte }

func (n NotCSV) Error() string { return "the answer is no CSV" }

var errLong = errors.New("the answer is too large: a record without end")

// A page reads one page of the download.
type page struct {
	total  int // matches according to the preamble, -1 if it does not say
	header []string

	csv   *csv.Reader
	guard *guard
}

// openPage reads up to the header. A page without a header and without any row
// is empty: its header is nil.
func openPage(r io.Reader) (*page, error) {
	p := &page{total: -1, guard: &guard{r: r, left: recordLimit}}
	buffered := bufio.NewReader(p.guard)
	if start, _ := buffered.Peek(3); string(start) == "\ufeff" {
		_, _ = buffered.Discard(3)
	}
	start, err := buffered.Peek(256)
	if err != nil && err != io.EOF {
		return nil, err
	}
	if text := strings.TrimSpace(string(start)); text != "" && strings.ContainsRune("{[<", rune(text[0])) {
		body, err := io.ReadAll(io.LimitReader(buffered, otherLimit))
		if err != nil {
			return nil, err
		}
		return nil, NotCSV{body}
	}
	p.csv = csv.NewReader(buffered)
	p.csv.FieldsPerRecord = -1
	p.csv.ReuseRecord = true
	return p, p.preamble()
}

func (p *page) preamble() error {
	begins := ""
	for n := 0; ; n++ {
		record, err := p.read()
		if n == 0 {
			begins = strings.Join(record, ", ")
		}
		switch {
		case err == io.EOF && n == 0:
			return nil
		case err == io.EOF, n > preambleLimit:
			return fmt.Errorf("the table has no header, and begins %q", begins)
		case err != nil:
			return err
		case isHeader(record):
			p.header = append([]string(nil), record...)
			return nil
		case len(record) >= 3 && strings.EqualFold(strings.TrimSpace(record[0]), "User Data"):
			if total, err := strconv.Atoi(strings.TrimSpace(record[2])); err == nil && total >= 0 {
				p.total = total
			}
		}
	}
}

// isHeader tells the header from the preamble, which may name somebody whose
// login is "username".
func isHeader(record []string) bool {
	c := newColumns(record)
	known := slices.DeleteFunc(c.known[:], func(at int) bool { return at < 0 })
	at, ok := c.byName["username"]
	return ok && (at == 0 || len(known) > 1)
}

// row returns the next row, valid until the next call, or io.EOF.
func (p *page) row() ([]string, error) {
	if p.header == nil {
		return nil, io.EOF
	}
	record, err := p.read()
	if err != nil {
		return nil, err
	}
	if len(record) != len(p.header) {
		line, _ := p.csv.FieldPos(0)
		return nil, fmt.Errorf("line %d has %d cells, the header %d", line, len(record), len(p.header))
	}
	return record, nil
}

func (p *page) read() ([]string, error) {
	record, err := p.csv.Read()
	p.guard.left = recordLimit
	return record, err
}

// A guard fails a record that does not end: its reader is given a new measure
// with each.
type guard struct {
	r    io.Reader
	left int
}

func (g *guard) Read(b []byte) (int, error) {
	if g.left <= 0 {
		return 0, errLong
	}
	n, err := g.r.Read(b[:min(len(b), g.left)])
	g.left -= n
	return n, err
}
