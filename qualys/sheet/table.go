package sheet

import (
	"bufio"
	"cmp"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// tallyLimit bounds the different names that are counted; a table of statuses
// and roles is short, unless somebody wants to fill our memory.
const tallyLimit = 1000

// Counts say what is in a table.
type Counts struct {
	Rows       int // users written, each once
	Strangers  int // users left out because they hold none of the roles
	Skipped    int // users left out because they stand before the offset
	ByStatus   []Tally
	ByRole     []Tally // a user counts once for each of its roles
	SuperUsers int
	SAML       int
	Columns    []string // Qualys' header
}

// A Tally is a number of users under one name, the largest first.
type Tally struct {
	Name  string
	Count int
}

// A Table writes platform users, each once.
type Table struct {
	Roles []string // leaves out who holds none of them; nil means nobody
	Limit int      // rows wanted; 0 means all
	Skip  int      // users to leave out first

	out          *csv.Writer
	counts       Counts
	status, role tallies
	lists        map[List][]*int // the counters of lists of roles that came before

	header *columns // of the first page; later ones are brought into its order
	cells  []string
	seen   *seen
}

// NewTable returns a table that is written to w.
func NewTable(w io.Writer) *Table {
	t := &Table{
		out: csv.NewWriter(bufio.NewWriterSize(w, 64<<10)), seen: newSeen(),
		status: tallies{}, role: tallies{}, lists: map[List][]*int{},
	}
	t.out.UseCRLF = true
	return t
}

// A Page sums up what [Table.Add] read.
type Page struct {
	Total int  // users that match according to Qualys, -1 if the page does not say
	Rows  int  // rows read
	Fresh int  // users among them who had not come before
	Full  bool // the limit is reached: what follows was not looked at
}

// A WriteError is a failure of the writer, such as a full disk.
type WriteError struct{ Err error }

func (e WriteError) Error() string { return e.Err.Error() }

// Unwrap returns the writer's own error.
func (e WriteError) Unwrap() error { return e.Err }

// Add reads a page to its end. After an error the page may be added again: the
// users it had brought are known by their names. Errors: [NotCSV],
// [WriteError], those of the reader, and what is wrong with the table.
func (t *Table) Add(r io.Reader) (Page, error) {
	sum := Page{Total: -1}
	p, err := openPage(r)
	if err != nil {
		return sum, err
	}
	sum.Total = p.total
	order, err := t.order(p.header)
	if err != nil {
		return sum, err
	}
	for {
		record, err := p.row()
		if err == io.EOF {
			return sum, nil
		}
		if err != nil {
			return sum, err
		}
		if sum.Full {
			continue
		}
		sum.Rows++
		fresh, err := t.add(record, order)
		if err != nil {
			return sum, WriteError{err}
		}
		if fresh {
			sum.Fresh++
		}
		sum.Full = t.Limit > 0 && t.counts.Rows >= t.Limit
	}
}

// Rows is how many users were written so far.
func (t *Table) Rows() int { return t.counts.Rows }

// Close writes what is still kept back.
func (t *Table) Close() error {
	t.out.Flush()
	if err := t.out.Error(); err != nil {
		return WriteError{err}
	}
	return nil
}

// Counts returns what is in the table.
func (t *Table) Counts() Counts {
	c := t.counts
	c.ByStatus, c.ByRole = t.status.sorted(), t.role.sorted()
	return c
}

// order returns where in this page's records each column of the first page
// stands. The first header is written out.
func (t *Table) order(header []string) ([]int, error) {
	switch {
	case header == nil && t.header == nil:
		return nil, errors.New("the answer is empty")
	case header == nil:
		return nil, nil // an empty page ends the table
	case t.header == nil:
		if err := t.begin(header); err != nil {
			return nil, err
		}
	}
	changed := errors.New("the columns changed from one page to the next")
	here := newColumns(header)
	if len(header) != len(t.counts.Columns) {
		return nil, changed
	}
	order := make([]int, len(header))
	for i, name := range t.counts.Columns {
		at, ok := here.byName[strings.ToLower(strings.TrimSpace(name))]
		if header[i] == name {
			at = i // also where two columns have one name
		}
		if !ok || slices.Contains(order[:i], at) {
			return nil, changed
		}
		order[i] = at
	}
	return order, nil
}

func (t *Table) begin(header []string) error {
	c := newColumns(header)
	t.header = &c
	t.counts.Columns = header
	t.cells = make([]string, len(header))
	if _, ok := c.byName["roles"]; !ok && len(t.Roles) > 0 {
		return errors.New("the table has no column Roles to check")
	}
	for i, h := range header {
		t.cells[i] = presentable(h)
	}
	if err := t.out.Write(t.cells); err != nil {
		return WriteError{err}
	}
	return nil
}

// add counts and writes a user who has not come before.
func (t *Table) add(record []string, order []int) (fresh bool, err error) {
	for i, at := range order {
		t.cells[i] = record[at]
	}
	u := t.header.user(t.cells)
	key := u.Username
	if key == "" {
		key = strings.Join(t.cells, "\x00") // without a name, only the same row is the same user
	}
	if !t.seen.add(key) {
		return false, nil
	}
	switch {
	case len(t.Roles) > 0 && !slices.ContainsFunc(t.Roles, u.Roles.Has):
		t.counts.Strangers++
		return true, nil
	case t.counts.Skipped < t.Skip:
		t.counts.Skipped++
		return true, nil
	}
	t.count(u)
	for i, cell := range t.cells {
		t.cells[i] = presentable(cell)
	}
	return true, t.out.Write(t.cells)
}

func (t *Table) count(u PlatformUser) {
	t.counts.Rows++
	*t.status.of(u.Status)++
	for _, n := range t.roles(u.Roles) {
		*n++
	}
	if u.SuperUser {
		t.counts.SuperUsers++
	}
	if u.SAML {
		t.counts.SAML++
	}
}

// roles returns the counters of the roles in a list, each once. Most users
// share their list with others, so that it is taken apart once.
func (t *Table) roles(list List) []*int {
	counters, known := t.lists[list]
	if known {
		return counters
	}
	var names []string
	for r := range list.Names() {
		if !slices.Contains(names, r) {
			names = append(names, r)
			counters = append(counters, t.role.of(r))
		}
	}
	if len(t.lists) < tallyLimit && len(list) < 4096 {
		t.lists[List(strings.Clone(string(list)))] = counters
	}
	return counters
}

// presentable returns a cell as it goes into the file.
func presentable(cell string) string {
	if !utf8.ValidString(cell) {
		cell = strings.ToValidUTF8(cell, "�")
	}
	return Neutralise(cell)
}

// tallies count users under names.
type tallies map[string]*int

// of returns the counter of a name. The name is cloned, because it is a part of
// a record that would stay in memory with it.
func (t tallies) of(name string) *int {
	n, known := t[name]
	if known {
		return n
	}
	if len(t) >= tallyLimit {
		name = "(others)"
		if n, known = t[name]; known {
			return n
		}
	}
	n = new(int)
	t[strings.Clone(name)] = n
	return n
}

func (t tallies) sorted() []Tally {
	var all []Tally
	for name, n := range t {
		all = append(all, Tally{name, *n})
	}
	slices.SortFunc(all, func(a, b Tally) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Name, b.Name))
	})
	return all
}
