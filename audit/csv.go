package audit

import (
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"hash"
	"io"
	"strings"

	"countersign/approvals"
	"countersign/qualys"
)

// columns are those of a SAQ user, in every file that lists some.
var columns = []string{"id", "userName", "firstName", "lastName", "emailAddress", "company", "title", "tags"}

// cells returns the user's values in the order of columns.
func cells(u qualys.SAQUser) []string {
	tags := make([]string, 0, len(u.Tags))
	for _, t := range u.Tags {
		tags = append(tags, t.Name)
	}
	return []string{
		u.ID.String(), u.UserName, u.FirstName, u.LastName, u.EmailAddress, u.Company, u.Title,
		strings.Join(tags, "; "),
	}
}

// A table writes rows as the package comment says.
type table struct{ csv *csv.Writer }

func newTable(w io.Writer) table { return table{csv.NewWriter(w)} }

func (t table) row(cells []string) error {
	safe := make([]string, len(cells))
	for i, c := range cells {
		safe[i] = qualys.Neutralise(c)
	}
	return t.csv.Write(safe)
}

func (t table) flush() error {
	t.csv.Flush()
	return t.csv.Error()
}

// PlanCSV writes the users of a plan by id, all of them. An update adds two
// columns for each field it sets: what the user has, and what it gets. An
// empty new value clears the field.
func PlanCSV(w io.Writer, p approvals.Plan) error {
	t := newTable(w)
	if err := t.row(planHeader(p)); err != nil {
		return err
	}
	for _, u := range p.Users() {
		if err := t.row(planRow(p, u)); err != nil {
			return err
		}
	}
	return t.flush()
}

func planHeader(p approvals.Plan) []string {
	header := append([]string(nil), columns...)
	for _, f := range p.Fields() {
		header = append(header, "old:"+string(f), "new:"+string(f))
	}
	return header
}

func planRow(p approvals.Plan, u qualys.SAQUser) []string {
	row := cells(u)
	for _, s := range p.ChangeFor(u.ID) {
		row = append(row, u.Value(s.Field), s.Value)
	}
	return row
}

// ResultCSV writes what became of each user of a plan: the columns of
// [PlanCSV], then approved (what was approved, in the words of observed), sent
// (whether a write named the user), answer (Qualys' answer about it), observed
// (what reading back showed) and outcome. A user without an outcome was not
// run.
func ResultCSV(w io.Writer, p approvals.Plan, outcomes map[qualys.SAQUserID]approvals.Outcome) error {
	t := newTable(w)
	header := append(planHeader(p), "approved", "sent", "answer", "observed", "outcome")
	if err := t.row(header); err != nil {
		return err
	}
	for _, u := range p.Users() {
		o, ok := outcomes[u.ID]
		if !ok {
			o.Result = approvals.ResultNotRun
		}
		sent := "no"
		if o.Sent {
			sent = "yes"
		}
		if err := t.row(append(planRow(p, u), wanted(p, u), sent, o.Answer, o.Observed, word(o))); err != nil {
			return err
		}
	}
	return t.flush()
}

// word is the result, with the reason where it says more: "skipped: changed".
func word(o approvals.Outcome) string {
	if o.Why == "" || o.Why == approvals.WhyAlreadySo {
		return string(o.Result)
	}
	return string(o.Result) + ": " + string(o.Why)
}

// wanted is what reading a user back should show: "gone", or the new values.
func wanted(p approvals.Plan, u qualys.SAQUser) string {
	if p.Verb() == approvals.Delete {
		return "gone"
	}
	var sets []string
	for _, s := range p.ChangeFor(u.ID) {
		sets = append(sets, string(s.Field)+"="+s.Value)
	}
	return strings.Join(sets, "; ")
}

// A UsersWriter writes SAQ users as they come, for find.
type UsersWriter struct {
	table table
	n     int
	begun bool
}

// UsersCSV returns a writer that starts with the header. Nothing is complete
// before [UsersWriter.Close].
func UsersCSV(w io.Writer) *UsersWriter { return &UsersWriter{table: newTable(w)} }

// Write adds one user.
func (w *UsersWriter) Write(u qualys.SAQUser) error {
	if err := w.header(); err != nil {
		return err
	}
	w.n++
	return w.table.row(cells(u))
}

// Users is how many were written.
func (w *UsersWriter) Users() int { return w.n }

// Close writes what is still buffered. It does not close the file below.
func (w *UsersWriter) Close() error {
	if err := w.header(); err != nil {
		return err
	}
	return w.table.flush()
}

func (w *UsersWriter) header() error {
	if w.begun {
		return nil
	}
	w.begun = true
	return w.table.row(columns)
}

// A Hashed passes bytes on and hashes them, so that a CSV's SHA-256 is known
// when it is written.
type Hashed struct {
	w    io.Writer
	hash hash.Hash
	size int64
}

// SHA returns a writer that hashes what goes through it to w.
func SHA(w io.Writer) *Hashed { return &Hashed{w: w, hash: sha256.New()} }

// Write passes p on, and hashes what was taken.
func (h *Hashed) Write(p []byte) (int, error) {
	n, err := h.w.Write(p)
	h.hash.Write(p[:n])
	h.size += int64(n)
	return n, err
}

// Sum returns the SHA-256 of everything written, as the file_sha of an entry:
// 64 lower-case hex digits.
func (h *Hashed) Sum() string { return hex.EncodeToString(h.hash.Sum(nil)) }

// Size is how many bytes were written.
func (h *Hashed) Size() int64 { return h.size }
