package miniqualys

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // time zones, on any machine
)

const (
	downloadCap = 1000
	note        = "Note: User download is having limit of 1000 records. Try Using pagination API."
)

// header is the line above the rows.
var header = [...]string{"USERNAME", "First Name", "Last Name", "Email Address", "MODULE", "Roles", "Tags", "STATUS",
	"External ID", "Super User", "SAML Status"}

// A downloadRequest is the body and the query of a download.
type downloadRequest struct {
	Limit      *int              `json:"limit"`
	Offset     *int              `json:"offset"`
	SortFilter map[string]string `json:"sortFilter"`
	Filter     map[string]string `json:"filter"`

	zone *time.Location
}

// readDownload returns the request, or what is wrong with it.
func readDownload(r *http.Request, body []byte) (downloadRequest, string) {
	var d downloadRequest
	if err := json.Unmarshal(body, &d); err != nil {
		return d, "Malformed JSON request"
	}
	query := r.URL.Query()
	zone := query.Get("timezone")
	switch {
	case query.Get("format") == "":
		return d, "format is mandatory"
	case !strings.EqualFold(query.Get("format"), "CSV"):
		return d, "Invalid value for format: " + query.Get("format")
	case zone == "":
		return d, "timezone is mandatory"
	case d.Limit == nil:
		return d, "limit is mandatory"
	case *d.Limit < 1:
		return d, "Invalid value for limit: " + strconv.Itoa(*d.Limit)
	case d.Offset == nil:
		return d, "offset is mandatory"
	case *d.Offset < 0:
		return d, "Invalid value for offset: " + strconv.Itoa(*d.Offset)
	case d.SortFilter == nil:
		return d, "sortFilter is mandatory"
	case d.SortFilter["username"] != "ASC" && d.SortFilter["username"] != "DESC":
		return d, "sortFilter: username is ASC or DESC"
	case d.Filter == nil:
		return d, "filter is mandatory"
	}
	for name := range d.Filter {
		if name != "role" {
			return d, "Unknown filter: " + name
		}
	}
	var err error
	if d.zone, err = time.LoadLocation(zone); err != nil || zone == "Local" {
		return d, "Invalid value for timezone: " + zone
	}
	return d, ""
}

// download is POST /adminui/user-management/v1/users/download.
func (s *Server) download(r *http.Request, body []byte) reply {
	who, refused := s.bearer(r)
	if refused != nil {
		return *refused
	}
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind != "application/json" {
		return problem(http.StatusUnsupportedMediaType, "Content type '"+kind+"' not supported")
	}
	q := s.quirks
	switch {
	case q.NotEnabled:
		return problem(http.StatusForbidden, "The Administration application is not enabled for your subscription")
	case q.JSONError200:
		failed := problem(http.StatusInternalServerError, "Unable to download users")
		failed.status = http.StatusOK
		return failed
	case q.HTMLError:
		return page(http.StatusOK, "The service is temporarily unavailable.")
	}
	d, wrong := readDownload(r, body)
	if wrong != "" {
		return problem(http.StatusBadRequest, wrong)
	}
	users := s.platform.selected(d.Filter["role"], q.RoleList)
	users.desc = d.SortFilter["username"] == "DESC"
	from, to := q.window(*d.Offset, *d.Limit, users.total())
	sheet := sheet{quirks: q, users: users, from: from, to: to, preamble: [][]string{
		{note},
		{"User Data", s.now().In(d.zone).Format("2006-01-02T15:04:05.000Z07:00"), strconv.Itoa(users.total())},
		{"Acme", "California", "USA", "205656"},
		{who.fullName, who.username},
	}}
	return reply{status: http.StatusOK, kind: "application/csv;charset=UTF-8", stream: sheet.write,
		header: http.Header{"Content-Disposition": {`attachment; filename="users.csv"`}}}
}

// window says which rows of the total are in an answer.
func (q Quirks) window(offset, limit, total int) (from, to int) {
	most := q.Cap
	if most == 0 {
		most = downloadCap
	}
	if q.CapTotal {
		total = min(total, most)
	}
	if q.IgnoreOffset {
		offset = 0
	}
	if !q.IgnoreLimit {
		most = min(most, limit)
	}
	from = min(offset, total)
	return from, min(total, from+most)
}

// A sheet is the CSV file of one download. It is written without the server's
// mutex, row by row.
type sheet struct {
	quirks   Quirks
	preamble [][]string
	users    view
	from, to int
}

func (s sheet) write(w io.Writer) error {
	out := bufio.NewWriter(w)
	if s.quirks.BOM {
		_, _ = out.WriteString("\ufeff") // a bufio.Writer keeps its error
	}
	lines := s.preamble
	if s.quirks.NoNote {
		lines = lines[1:]
	}
	for i, cells := range lines {
		if i > 0 {
			s.newline(out)
		}
		line(out, cells)
	}
	s.newline(out)
	line(out, s.arrange(header[:], "Business Unit", "Last Password Change"))
	for i := s.from; i < s.to; i++ {
		s.newline(out)
		line(out, s.arrange(s.users.row(i).cells(), "Unassigned", ""))
	}
	return out.Flush()
}

func (s sheet) newline(out *bufio.Writer) {
	if s.quirks.CRLF {
		_ = out.WriteByte('\r')
	}
	_ = out.WriteByte('\n')
}

// arrange puts the cells where the quirks want them.
func (s sheet) arrange(cells []string, first, last string) []string {
	cells = slices.Clone(cells)
	if s.quirks.ReorderColumns {
		slices.Reverse(cells)
	}
	if s.quirks.ExtraColumns {
		cells = append(slices.Insert(cells, 3, first), last)
	}
	return cells
}

// line writes the cells, each in quotes, as Qualys does.
func line(out *bufio.Writer, cells []string) {
	for i, cell := range cells {
		if i > 0 {
			_ = out.WriteByte(',')
		}
		_ = out.WriteByte('"')
		_, _ = out.WriteString(strings.ReplaceAll(cell, `"`, `""`))
		_ = out.WriteByte('"')
	}
}

func (u PlatformUser) cells() []string {
	list := func(names []string) string { return "[" + strings.Join(names, ", ") + "]" }
	return []string{u.Username, u.FirstName, u.LastName, u.Email, list(u.Modules), list(u.Roles), list(u.Tags),
		u.Status, u.ExternalID, fmt.Sprint(u.SuperUser), fmt.Sprint(u.SAML)}
}
