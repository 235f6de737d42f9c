package download

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"
	_ "time/tzdata" // time zones are judged the same way whatever the image holds
	"unicode"
	"unicode/utf8"

	"countersign/qualys/sheet"
	"countersign/qualys/wire"
)

// pageSize is how many rows Qualys gives in one call at most.
const pageSize = 1000

// A Query says which platform users to download. Its zero value means
// all of them.
type Query struct {
	Roles      []string // users who hold at least one of them, whatever the case
	Descending bool     // order of the usernames
	Timezone   string   // an IANA name such as "Asia/Kolkata"; "" means UTC
	Limit      int      // rows wanted in all; 0 means everything
	Offset     int      // matches to leave out first
}

// A Result sums up what a download wrote.
type Result struct {
	Rows       int  // users written, each once
	Total      int  // users that match according to Qualys, Offset not counted off; 0 if it does not say
	Complete   bool // Rows is provably all that was asked for
	Duplicates int  // rows left out because their username had come before
	Strangers  int  // rows left out because they hold none of the roles asked for
	ByStatus   []sheet.Tally
	ByRole     []sheet.Tally // a user counts once for each of its roles
	SuperUsers int
	SAML       int
	Columns    []string // Qualys' header
	Calls      int      // calls it took, those that failed or served to understand a list of roles among them
}

// A Downloader downloads platform users over a line, and remembers what it
// learned of Qualys' ways.
type Downloader struct {
	line  *wire.Line
	roles roleReading
}

// New returns a downloader.
func New(line *wire.Line) *Downloader { return &Downloader{line: line} }

// Run writes the platform users to w. After an error, what was written is no
// result.
func (l *Downloader) Run(ctx context.Context, q Query, w io.Writer) (Result, error) {
	if err := q.validate(); err != nil {
		return Result{}, fmt.Errorf("%s: %w", wire.OpDownload, err)
	}
	d := &download{line: l.line, query: q, table: sheet.NewTable(w), total: -1, tell: progress(ctx)}
	ctx = wire.OnWait(ctx, func(_ string, wait time.Duration) { d.report(wait) })
	d.table.Roles, d.table.Limit = q.Roles, q.Limit
	alike, err := l.roles.anyOf(ctx, d)
	if err == nil && !alike {
		d.here = true
		d.query.Roles, d.query.Offset = nil, 0
		d.table.Skip = q.Offset
	}
	if err == nil {
		err = d.run(ctx)
	}
	if end := d.table.Close(); err == nil {
		err = end
	}
	return d.summary(), advise(err)
}

// advise says what to do where only Qualys can help.
func advise(err error) error {
	if e, ok := errors.AsType[*wire.Error](err); ok && e.Is(wire.ErrNotEnabled) {
		e.Resolution = cmp.Or(e.Resolution, "the Administration API is not in every subscription: ask Qualys support to enable it, and give the account the right to list users")
	}
	return err
}

var zone = regexp.MustCompile(`^[A-Za-z0-9_+/-]{1,64}$`)

func (q Query) validate() error {
	var problems []error
	if q.Limit < 0 || q.Offset < 0 {
		problems = append(problems, errors.New("limit and offset must not be negative"))
	}
	if _, err := time.LoadLocation(q.Timezone); err != nil || q.Timezone == "Local" || q.Timezone != "" && !zone.MatchString(q.Timezone) {
		problems = append(problems, fmt.Errorf("%q is no time zone; they are named like Asia/Kolkata", q.Timezone))
	}
	for _, r := range q.Roles {
		if strings.TrimSpace(r) == "" || !utf8.ValidString(r) || strings.ContainsFunc(r, unicode.IsControl) {
			problems = append(problems, fmt.Errorf("%q is no role", r))
		}
	}
	return errors.Join(problems...)
}

// downloadRequest is the body of the call. Qualys' page calls all of it mandatory.
type downloadRequest struct {
	Limit  int            `json:"limit"`
	Offset int            `json:"offset"`
	Sort   sortFilter     `json:"sortFilter"`
	Filter downloadFilter `json:"filter"`
}

type sortFilter struct {
	Username string `json:"username"`
}

type downloadFilter struct {
	Role string `json:"role,omitempty"`
}

// call returns the call for one page.
func (q Query) call(limit, offset int) (wire.Call, error) {
	order := "ASC"
	if q.Descending {
		order = "DESC"
	}
	var roles []string
	for _, r := range q.Roles {
		roles = append(roles, strings.TrimSpace(r))
	}
	body, err := json.Marshal(downloadRequest{limit, offset, sortFilter{order}, downloadFilter{strings.Join(roles, ", ")}})
	query := url.Values{"format": {"CSV"}, "timezone": {cmp.Or(q.Timezone, "UTC")}}
	return wire.Call{
		Op: wire.OpDownload, Method: http.MethodPost,
		Path:   "/adminui/user-management/v1/users/download?" + query.Encode(),
		Accept: "application/csv, text/csv;q=0.9, */*;q=0.1", Content: "application/json",
		Body: body,
	}, err
}

// A download runs through the pages.
type download struct {
	line  *wire.Line
	query Query // what Qualys is asked
	here  bool  // roles, limit and offset are our business alone
	table *sheet.Table
	ahead *ahead // pages fetched before they are needed, or nil

	read, users, doubles int // rows read, users among them, rows that had come before
	total                int // users that match, or -1
	complete             bool
	calls                counter
	plan                 int // calls, as page 1 showed
	pages                int // written
	began                time.Time
	tell                 func(Progress)
}

func (d *download) summary() Result {
	t := d.table.Counts()
	sum := Result{
		Rows: t.Rows, Total: max(d.total, 0), Complete: d.complete, Duplicates: d.doubles, Strangers: t.Strangers,
		ByStatus: t.ByStatus, ByRole: t.ByRole, SuperUsers: t.SuperUsers, SAML: t.SAML, Columns: t.Columns,
		Calls: d.calls.value(),
	}
	if d.here { // Qualys' total is that of everybody
		sum.Total = 0
		if d.complete && d.query.Limit == 0 {
			sum.Total = t.Rows + t.Skipped
		}
	}
	return sum
}

func (d *download) run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer func() {
		cancel()
		d.ahead.wait()
	}()
	d.began = time.Now()
	for {
		asked := d.limit()
		p, err := d.page(ctx)
		if err != nil {
			return err
		}
		d.pages++
		d.read += p.Rows
		d.users += p.Fresh
		d.doubles += max(p.Rows-p.Fresh, 0)
		if p.Total >= 0 {
			d.total = p.Total
		}
		done, err := d.ended(p)
		if done || err != nil {
			return err
		}
		d.report(0)
		if d.pages == 1 && p.Rows == asked && d.total >= 0 {
			d.ahead = d.fetchAhead(ctx)
		}
	}
}

// ended judges after each page whether another one is to be asked for.
func (d *download) ended(p sheet.Page) (bool, error) {
	wanted := d.total - d.query.Offset // below 0 also if the total is unknown
	switch {
	case p.Full:
		d.complete = true
	case d.total >= 0 && d.query.Offset > 0 && d.read > max(wanted, 0):
		return true, fmt.Errorf("%s: %w: rows before the offset came as well", wire.OpDownload, wire.ErrIgnoredCriteria)
	case d.total >= 0 && d.read >= wanted:
		d.complete = d.users >= wanted
	case p.Rows == 0:
		d.complete = d.total < 0
	case p.Fresh == 0: // the server ignores the offset
	default:
		return false, nil
	}
	return true, nil
}

// limit is how many rows the next page should have.
func (d *download) limit() int {
	if d.query.Limit == 0 || d.here {
		return pageSize
	}
	return min(pageSize, d.query.Limit-d.table.Rows())
}

// page reads the next page, which may have been fetched already. When it breaks
// off and is read again, the users already written are known by their names.
func (d *download) page(ctx context.Context) (sheet.Page, error) {
	offset, fresh := d.query.Offset+d.read, 0
	add := func(body io.Reader) (sheet.Page, error) {
		p, err := d.table.Add(body)
		fresh += p.Fresh
		p.Fresh = fresh
		return p, d.explain(err)
	}
	if body := d.ahead.take(ctx, offset); body != nil {
		p, err := add(bytes.NewReader(body))
		if err == nil || errors.As(err, new(sheet.WriteError)) {
			return p, err
		}
		d.line.Log().WarnContext(ctx, "asking for a page again", "offset", offset, "err", err)
	}
	k, err := d.query.call(d.limit(), offset)
	if err != nil {
		return sheet.Page{}, err
	}
	k.Sent = d.calls.add
	return wire.Read(ctx, d.line, wire.OpDownload, func() (p sheet.Page, err error) {
		err = d.line.Bearer(ctx, k, func(body io.Reader) error {
			p, err = add(body)
			return err
		})
		return p, err
	})
}

// explain turns an answer that is no table into what it says, and marks what is
// not Qualys' fault.
func (d *download) explain(err error) error {
	if n, ok := errors.AsType[sheet.NotCSV](err); ok {
		return d.line.Unexpected(n.Body, err)
	}
	if w, ok := errors.AsType[sheet.WriteError](err); ok {
		return wire.Ours(w)
	}
	return err
}

// report tells how far the download is.
func (d *download) report(wait time.Duration) {
	p := Progress{Op: wire.OpDownload, Rows: d.table.Rows(), Total: max(d.total, 0), Calls: d.calls.value(), Wait: wait, Left: wait}
	if d.total >= 0 && d.pages > 0 {
		left := (d.end() - d.query.Offset - d.read + pageSize - 1) / pageSize
		took := time.Since(d.began) / time.Duration(d.pages) * time.Duration(left)
		if d.pages == 1 {
			d.plan = p.Calls + left
			took = (took + atOnce - 1) / atOnce // from here on
		}
		p.Plan = max(d.plan, p.Calls)
		p.Left += max(took, d.line.Paced(wire.OpDownload, left))
	}
	d.tell(p)
}

// end is where the last page ends, as far as it is known.
func (d *download) end() int {
	if d.query.Limit > 0 && !d.here {
		return min(d.total, d.query.Offset+d.read+d.query.Limit-d.table.Rows())
	}
	return d.total
}
