package miniqualys

import (
	"encoding/csv"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A caller talks to the server as any client would.
type caller struct {
	t    *testing.T
	api  *Server
	http *http.Client
}

// callerOf returns a caller of the server. It connects in memory, so that it works
// inside a bubble as well.
func callerOf(t *testing.T, api *Server) caller {
	t.Helper()
	transport := &http.Transport{DialContext: api.Dial}
	t.Cleanup(transport.CloseIdleConnections)
	return caller{t: t, api: api, http: &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// begin starts a server with some users.
func begin(t *testing.T) (*Server, caller) {
	t.Helper()
	api := RunInMemoryT(t)
	return api, callerOf(t, api)
}

// do sends a request and returns the answer with its body read.
func (c caller) do(method, path, body string, header ...string) (*http.Response, string, error) {
	c.t.Helper()
	req, err := http.NewRequestWithContext(c.t.Context(), method, c.api.URL()+path, strings.NewReader(body))
	require.NoError(c.t, err)
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	if req.Header.Get("Authorization") == "" && strings.HasPrefix(path, "/qps/") {
		req.SetBasicAuth(Username, Password)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, "", err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	return res, string(text), err
}

// qps calls an operation on SAQ users.
func (c caller) qps(op Op, body string) (*http.Response, string, error) {
	c.t.Helper()
	return c.do("POST", "/qps/rest/1.0/"+string(op)+"/saq/user", body, "Content-Type", "text/xml")
}

// saq calls an operation on SAQ users and reads its answer.
func (c caller) saq(op Op, body string) answer {
	c.t.Helper()
	res, text, err := c.qps(op, body)
	require.NoError(c.t, err)
	require.Equal(c.t, http.StatusOK, res.StatusCode, text)
	return readAnswer(c.t, text)
}

// An answer is a ServiceResponse, read by encoding/xml.
type answer struct {
	Code       string     `xml:"responseCode"`
	Message    string     `xml:"responseErrorDetails>errorMessage"`
	Resolution string     `xml:"responseErrorDetails>errorResolution"`
	Count      int        `xml:"count"`
	More       string     `xml:"hasMoreRecords"`
	LastID     int64      `xml:"lastId"`
	Users      []seenUser `xml:"data>User"`
}

type seenUser struct {
	ID        int64    `xml:"id"`
	FirstName string   `xml:"firstName"`
	LastName  string   `xml:"lastName"`
	Title     *string  `xml:"title"`
	UserName  string   `xml:"userName"`
	Tags      []string `xml:"tags>Tag>name"`
}

func (a answer) ids() []int64 {
	ids := []int64{}
	for _, u := range a.Users {
		ids = append(ids, u.ID)
	}
	return ids
}

func readAnswer(t *testing.T, text string) answer {
	t.Helper()
	var a answer
	require.NoError(t, xml.Unmarshal([]byte(text), &a), text)
	return a
}

// ask builds a request body of criteria written as field, operator, value.
func ask(criteria ...string) string { return request("", criteria...) }

// request is ask with something behind the filters.
func request(rest string, criteria ...string) string {
	var b strings.Builder
	b.WriteString(xml.Header + "<ServiceRequest><filters>")
	for i := 0; i < len(criteria); i += 3 {
		fmt.Fprintf(&b, `<Criteria field=%q operator=%q>`, criteria[i], criteria[i+1])
		_ = xml.EscapeText(&b, []byte(criteria[i+2]))
		b.WriteString("</Criteria>")
	}
	b.WriteString("</filters>" + rest + "</ServiceRequest>")
	return b.String()
}

func list(ids ...int64) string {
	return strings.Trim(strings.ReplaceAll(fmt.Sprint(ids), " ", ","), "[]")
}

// login posts the form of /auth.
func (c caller) login(username, password string) (*http.Response, string) {
	c.t.Helper()
	form := url.Values{"username": {username}, "password": {password}, "token": {"true"}}
	res, text, err := c.do("POST", "/auth", form.Encode(), "Content-Type", "application/x-www-form-urlencoded")
	require.NoError(c.t, err)
	return res, text
}

// token logs in.
func (c caller) token() string {
	c.t.Helper()
	res, text := c.login(Username, Password)
	require.Equal(c.t, http.StatusCreated, res.StatusCode, text)
	return text
}

const downloadQuery = downloadPath + "?format=CSV&timezone=Asia%2FKolkata"

// get downloads one page with a new token.
func (c caller) get(body string) (*http.Response, string) {
	c.t.Helper()
	res, text, err := c.do("POST", downloadQuery, body,
		"Content-Type", "application/json", "Accept", "application/csv", "Authorization", "Bearer "+c.token())
	require.NoError(c.t, err)
	return res, text
}

func wanted(limit, offset int, order, role string) string {
	return fmt.Sprintf(`{"limit":%d,"offset":%d,"sortFilter":{"username":%q},"filter":{"role":%q}}`, limit, offset, order, role)
}

// rows reads a download: the lines before the header, and those from it on.
func rows(t *testing.T, text string) (preamble, table [][]string) {
	t.Helper()
	r := csv.NewReader(strings.NewReader(strings.TrimPrefix(text, "\ufeff")))
	r.FieldsPerRecord = -1
	all, err := r.ReadAll()
	require.NoError(t, err, text)
	for i, record := range all {
		if slices.Contains(record, "USERNAME") {
			return all[:i], all[i:]
		}
	}
	require.Fail(t, "no header", text)
	return nil, nil
}

// column returns one cell of each row.
func column(table [][]string, i int) []string {
	cells := []string{}
	for _, row := range table[1:] {
		cells = append(cells, row[i])
	}
	return cells
}

func file(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name)
	require.NoError(t, err)
	return string(text)
}
