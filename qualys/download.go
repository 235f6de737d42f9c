package qualys

import (
	"bufio"
	"cmp"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// opDownload is the one call of the Administration API.
const opDownload = "users/download"

// tallyLimit bounds the different names that are counted; a table of statuses
// and roles is short, unless somebody wants to fill our memory.
const tallyLimit = 1000

// A DownloadQuery says which platform users to download. Its zero value means
// all of them.
type DownloadQuery struct {
	Roles      []string // users who hold at least one of them, whatever the case
	Descending bool     // order of the usernames
	Timezone   string   // an IANA name such as "Asia/Kolkata"; "" means UTC
	Limit      int      // rows wanted in all; 0 means everything
	Offset     int      // matches to leave out first
}

// A Download sums up what a download wrote.
type Download struct {
	Rows       int  // users written, each once
	Total      int  // users that match according to Qualys, Offset not counted off; 0 if it does not say
	Complete   bool // Rows is provably all that was asked for
	Duplicates int  // rows left out because their username had come before
	Strangers  int  // rows left out because they hold none of the roles asked for
	ByStatus   []Tally
	ByRole     []Tally // a user counts once for each of its roles
	SuperUsers int
	SAML       int
	Columns    []string // Qualys' header
	Calls      int      // pages asked for
}

// A Tally is a number of users under one name, the largest first.
type Tally struct {
	Name  string
	Count int
}

// Download writes the platform users to w as a clean CSV and counts them:
// RFC 4180, UTF-8, Qualys' own header first, one row a user, list cells as
// Qualys gave them, formulas neutralised (see [Neutralise]). Rows pass through;
// only 8 bytes of each username are kept, to find duplicates.
//
// Qualys gives at most 1000 rows a call, so it takes ⌈n/1000⌉ calls; where
// Qualys does not say how many match, one more. A server that ignores limit or
// offset is noticed: [Download].Complete tells whether the table is whole. After
// an error, what was written is no result.
//
// It is POST /adminui/user-management/v1/users/download with a token of the
// gateway. Errors: [ErrNotEnabled] (ask Qualys support for the Administration
// API), [ErrCredentials], [ErrRateLimited], [ErrUnreachable].
//
// Source: https://cdn2.qualys.com/docs/version/LCR/adminui-api/users/download_users_csv.htm
func (c *Client) Download(ctx context.Context, q DownloadQuery, w io.Writer) (Download, error) {
	if err := q.validate(); err != nil {
		return Download{}, fmt.Errorf("%s: %w", opDownload, err)
	}
	d := &download{
		client: c, query: q,
		out:    csv.NewWriter(bufio.NewWriterSize(w, 64<<10)),
		seed:   maphash.MakeSeed(),
		seen:   map[uint64]struct{}{},
		status: map[string]int{}, role: map[string]int{},
	}
	d.out.UseCRLF = true
	err := d.run(ctx)
	d.out.Flush()
	if err == nil {
		err = d.out.Error()
	}
	d.sum.ByStatus, d.sum.ByRole = tally(d.status), tally(d.role)
	return d.sum, err
}

var zone = regexp.MustCompile(`^[A-Za-z0-9_+/-]{1,64}$`)

func (q DownloadQuery) validate() error {
	var problems []error
	if q.Limit < 0 || q.Offset < 0 {
		problems = append(problems, errors.New("limit and offset must not be negative"))
	}
	if q.Timezone != "" && !zone.MatchString(q.Timezone) {
		problems = append(problems, fmt.Errorf("%q is no time zone", q.Timezone))
	}
	for _, r := range q.Roles {
		if strings.TrimSpace(r) == "" || printable(r) != nil {
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
func (q DownloadQuery) call(admin string, limit, offset int) (call, error) {
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
	return call{
		op: opDownload, method: http.MethodPost,
		url:    admin + "/adminui/user-management/v1/users/download?" + query.Encode(),
		accept: "application/csv, text/csv;q=0.9, */*;q=0.1", content: "application/json",
		body: body,
	}, err
}

// A download runs through the pages and writes each user once.
type download struct {
	client *Client
	query  DownloadQuery
	out    *csv.Writer
	sum    Download

	header columns // of the first page; later ones are brought into its order
	cells  []string

	seed         maphash.Seed
	seen         map[uint64]struct{}
	status, role map[string]int
	roles        []string // of the user being counted
}

// A stretch is one page of the download as it came.
type stretch struct {
	total int // -1 if the page does not say
	rows  int // rows on the page
	fresh int // users among them who had not come before
	full  bool
}

func (d *download) run(ctx context.Context) error {
	read, users, total := 0, 0, -1
	for {
		p, err := d.page(ctx, d.query.Offset+read)
		if err != nil {
			return err
		}
		read += p.rows
		users += p.fresh
		d.sum.Duplicates += max(p.rows-p.fresh, 0)
		if p.total >= 0 {
			total = p.total
			d.sum.Total = total
		}
		left := total - d.query.Offset - read // below 0 also if the total is unknown
		switch {
		case p.full:
			d.sum.Complete = true
			return nil
		case total >= 0 && d.query.Offset > 0 && left < 0 && read > max(total-d.query.Offset, 0):
			return fmt.Errorf("%s: %w: rows before the offset came as well", opDownload, ErrIgnoredCriteria)
		case total >= 0 && left <= 0:
			d.sum.Complete = users >= total-d.query.Offset
			return nil
		case p.rows == 0:
			d.sum.Complete = total < 0
			return nil
		case p.fresh == 0:
			return nil // the server ignores the offset
		}
	}
}

// page reads one page. When it breaks off and is read again, the rows already
// written are known by their usernames.
func (d *download) page(ctx context.Context, offset int) (stretch, error) {
	limit := pageSize
	if d.query.Limit > 0 {
		limit = min(limit, d.query.Limit-d.sum.Rows)
	}
	k, err := d.query.call(d.client.admin, limit, offset)
	if err != nil {
		return stretch{}, err
	}
	fresh := 0
	return retry(ctx, d.client, func() (stretch, error) {
		var p stretch
		d.sum.Calls++
		err := d.client.withToken(ctx, k, func(_ *http.Response, body io.Reader) error {
			var err error
			p, err = d.read(body)
			return d.client.tableError(err)
		})
		fresh += p.fresh
		p.fresh = fresh
		return p, err
	})
}

func (d *download) read(body io.Reader) (stretch, error) {
	p := stretch{total: -1}
	s, err := openSheet(body)
	if err != nil {
		return p, err
	}
	p.total = s.total
	order, err := d.order(s.header)
	if err != nil {
		return p, err
	}
	for {
		record, err := s.row()
		if err == io.EOF {
			return p, nil
		}
		if err != nil {
			return p, err
		}
		if p.full { // more than we asked for
			continue
		}
		p.rows++
		fresh, err := d.write(record, order)
		if err != nil {
			return p, ours{err}
		}
		if fresh {
			p.fresh++
		}
		p.full = d.query.Limit > 0 && d.sum.Rows >= d.query.Limit
	}
}

// order returns where in this page's records each column of the first page
// stands. The first header is written out.
func (d *download) order(header []string) ([]int, error) {
	switch {
	case header == nil && d.header == nil:
		return nil, errors.New("the answer is empty")
	case header == nil:
		return nil, nil // an empty page ends the table
	case d.header == nil:
		d.header = newColumns(header)
		d.sum.Columns = header
		d.cells = make([]string, len(header))
		if _, ok := d.header["roles"]; !ok && len(d.query.Roles) > 0 {
			return nil, errors.New("the table has no column Roles to check")
		}
		for i, h := range header {
			d.cells[i] = presentable(h)
		}
		if err := d.out.Write(d.cells); err != nil {
			return nil, ours{err}
		}
	}
	here := newColumns(header)
	if len(header) != len(d.sum.Columns) {
		return nil, errors.New("the columns changed from one page to the next")
	}
	order := make([]int, len(header))
	for i, name := range d.sum.Columns {
		at, ok := here[strings.ToLower(strings.TrimSpace(name))]
		if !ok {
			return nil, errors.New("the columns changed from one page to the next")
		}
		order[i] = at
	}
	return order, nil
}

// write counts and writes a user who has not come before.
func (d *download) write(record []string, order []int) (fresh bool, err error) {
	for i, at := range order {
		d.cells[i] = record[at]
	}
	key := d.header.cell(d.cells, "username")
	if key == "" {
		key = strings.Join(d.cells, "\x00") // without a name, only the same row is the same user
	}
	hash := maphash.String(d.seed, key)
	if _, known := d.seen[hash]; known {
		return false, nil
	}
	d.seen[hash] = struct{}{}

	u := d.header.user(d.cells)
	if len(d.query.Roles) > 0 && !slices.ContainsFunc(d.query.Roles, u.Roles.Has) {
		d.sum.Strangers++
		return true, nil
	}
	d.count(u)
	for i, cell := range d.cells {
		d.cells[i] = presentable(cell)
	}
	return true, d.out.Write(d.cells)
}

func (d *download) count(u PlatformUser) {
	d.sum.Rows++
	bump(d.status, u.Status)
	d.roles = d.roles[:0]
	for r := range u.Roles.Names() {
		if !slices.Contains(d.roles, r) {
			d.roles = append(d.roles, r)
			bump(d.role, r)
		}
	}
	if u.SuperUser {
		d.sum.SuperUsers++
	}
	if u.SAML {
		d.sum.SAML++
	}
}

// presentable returns a cell as it goes into the file.
func presentable(cell string) string { return Neutralise(strings.ToValidUTF8(cell, "�")) }

// bump counts a name. The name is cloned, because it is a part of a record
// that would stay in memory with it.
func bump(counts map[string]int, name string) {
	if _, known := counts[name]; !known {
		if len(counts) >= tallyLimit {
			name = "(others)"
		}
		name = strings.Clone(name)
	}
	counts[name]++
}

func tally(counts map[string]int) []Tally {
	var all []Tally
	for name, n := range maps.All(counts) {
		all = append(all, Tally{name, n})
	}
	slices.SortFunc(all, func(a, b Tally) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Name, b.Name))
	})
	return all
}

// tableError turns an answer that is no table into what it says: the gateway
// may answer 200 and mean 401.
func (c *Client) tableError(err error) error {
	n, ok := errors.AsType[notCSV](err)
	if !ok {
		return err
	}
	e := &Error{Status: jsonStatus(n.body), Message: c.sentence(n.body), Err: err}
	if a, err := decodeAnswer(strings.NewReader(string(n.body)), nil); err == nil && a.code != "" {
		e.Code, e.Message, e.Resolution = c.scrub(a.code), c.scrub(a.message), c.scrub(a.resolution)
	}
	return e
}
