package miniqualys

import (
	"cmp"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A party is one of two servers that are sent the same calls.
type party struct {
	api, gateway       string
	username, password string
	http               *http.Client
	token              string
}

// A probe is a call that only reads, and that any account may make.
type probe struct {
	name, method, path, body string
}

func probes() []probe {
	criteria := func(field, operator, value string) string { return ask(field, operator, value) }
	page := request("<preferences><startFromOffset>1</startFromOffset><limitResults>3</limitResults></preferences>")
	const qps = "/qps/rest/1.0/"
	return []probe{
		{"log in", "POST", "/auth", ""},
		{"version", "GET", versionPath, ""},
		{"count everybody", "POST", qps + "count/saq/user", ask()},
		{"count by GET", "GET", qps + "count/saq/user", ""},
		{"a page", "POST", qps + "search/saq/user", page},
		{"nobody", "POST", qps + "search/saq/user", criteria("userName", "EQUALS", "nobody has this name 7f3a")},
		{"an id in a list", "POST", qps + "search/saq/user", criteria("id", "IN", "1,2,3")},
		{"an unknown field", "POST", qps + "search/saq/user", criteria("shoeSize", "EQUALS", "1")},
		{"an operator that the field lacks", "POST", qps + "search/saq/user", criteria("uuid", "CONTAINS", "a")},
		{"an id that is no number", "POST", qps + "count/saq/user", criteria("id", "EQUALS", "x")},
		{"no XML", "POST", qps + "count/saq/user", "hello"},
		{"a download", "POST", downloadQuery, wanted(3, 0, "ASC", "")},
		{"a download of a role", "POST", downloadQuery, wanted(3, 0, "ASC", "READER")},
		{"a download of a list of roles", "POST", downloadQuery, wanted(3, 0, "ASC", "READER, SCANNER")},
		{"a download without a limit", "POST", downloadQuery, `{"offset":0,"sortFilter":{"username":"ASC"},"filter":{}}`},
		{"a download in no zone", "POST", downloadPath + "?format=CSV&timezone=Nowhere", wanted(3, 0, "ASC", "")},
	}
}

// send makes the call, with the credentials that belong to its path.
func (s *party) send(p probe) (*http.Response, string, error) {
	base, kind, body := s.api, "text/xml", p.body
	switch {
	case p.path == authPath:
		base, kind = s.gateway, "application/x-www-form-urlencoded"
		body = url.Values{"username": {s.username}, "password": {s.password}, "token": {"true"}}.Encode()
	case strings.HasPrefix(p.path, downloadPath):
		base, kind = s.gateway, "application/json"
	}
	req, err := http.NewRequest(p.method, base+p.path, strings.NewReader(body))
	if err != nil {
		return nil, "", err
	}
	req.Header.Set("Content-Type", kind)
	req.Header.Set("X-Requested-With", "countersign")
	switch {
	case base == s.api && strings.HasPrefix(p.path, "/qps/"):
		req.SetBasicAuth(s.username, s.password)
	case p.path != authPath:
		req.Header.Set("Authorization", "Bearer "+s.token)
	}
	res, err := s.http.Do(req)
	if err != nil {
		return nil, "", err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, maxBody))
	if p.path == authPath && res.StatusCode == http.StatusCreated {
		s.token = strings.TrimSpace(string(text))
	}
	return res, string(text), err
}

// A shape is what an answer looks like, whatever it says.
type shape struct {
	status int
	kind   string   // the content type
	code   string   // the responseCode
	parts  []string // elements with their parents, columns, or members
}

func shapeOf(res *http.Response, text string) shape {
	s := shape{status: res.StatusCode}
	s.kind, _, _ = mime.ParseMediaType(res.Header.Get("Content-Type"))
	parts := map[string]bool{}
	switch {
	case strings.HasPrefix(strings.TrimSpace(text), "<"):
		s.code = elements(text, parts)
	case strings.HasPrefix(strings.TrimSpace(text), "{"):
		var members map[string]json.RawMessage
		_ = json.Unmarshal([]byte(text), &members) // what is no object has no members
		for name := range members {
			parts[name] = true
		}
	case strings.Contains(text, "USERNAME"):
		r := csv.NewReader(strings.NewReader(text))
		r.FieldsPerRecord = -1
		for line := 1; ; line++ {
			record, err := r.Read()
			if err != nil {
				break
			}
			if record[0] == "USERNAME" {
				parts["columns: "+strings.Join(record, ", ")] = true
				break
			}
			parts[fmt.Sprintf("line %d of %d cells", line, len(record))] = true
		}
	}
	s.parts = slices.Sorted(maps.Keys(parts))
	return s
}

// elements notes the elements of a document and returns its responseCode.
func elements(text string, parts map[string]bool) (code string) {
	d := xml.NewDecoder(strings.NewReader(text))
	d.Strict = false
	var path []string
	for {
		t, err := d.Token()
		if err != nil {
			return code
		}
		switch t := t.(type) {
		case xml.StartElement:
			path = append(path, t.Name.Local)
			parts[strings.Join(path, "/")] = true
		case xml.EndElement:
			path = path[:max(len(path)-1, 0)]
		case xml.CharData:
			if len(path) > 0 && path[len(path)-1] == "responseCode" {
				code += strings.TrimSpace(string(t))
			}
		}
	}
}

// compareParties sends the same calls to both and says in what they differ. Parts that
// only we have are no difference: an element may be absent.
func compareParties(ours, theirs *party) (differences []string, err error) {
	for _, p := range probes() {
		here, ourText, err := ours.send(p)
		if err != nil {
			return nil, fmt.Errorf("%s, ours: %w", p.name, err)
		}
		there, theirText, err := theirs.send(p)
		if err != nil {
			return nil, fmt.Errorf("%s, theirs: %w", p.name, err)
		}
		a, b := shapeOf(here, ourText), shapeOf(there, theirText)
		differ := func(what, ours, theirs string) {
			if ours != theirs {
				differences = append(differences, fmt.Sprintf("%s: %s: we answer %q, they %q", p.name, what, ours, theirs))
			}
		}
		differ("status", fmt.Sprint(a.status), fmt.Sprint(b.status))
		differ("content type", a.kind, b.kind)
		differ("responseCode", a.code, b.code)
		for _, part := range b.parts {
			if !slices.Contains(a.parts, part) {
				differences = append(differences, fmt.Sprintf("%s: they have %q", p.name, part))
			}
		}
		if p.path == authPath && b.status != http.StatusCreated {
			return differences, fmt.Errorf("they refuse the login: nothing else is tried, so that the account is not locked")
		}
	}
	return differences, nil
}

// mini is a miniqualys with users of every shape.
func mini(t *testing.T) (*Server, *party) {
	api := RunT(t)
	api.Example()
	s := &party{api: api.URL(), gateway: api.URL(), username: Username, password: Password, http: callerOf(t, api).http}
	return api, s
}

// Sends the same calls, which only read, to miniqualys and to a real account, or
// to a second miniqualys while no account is named:
//
//	COMPARE_API_URL=https://qualysapi… COMPARE_GATEWAY_URL=https://gateway… \
//	COMPARE_USERNAME=… COMPARE_PASSWORD=… go test -run TestCompare ./internal/miniqualys
//
// The environment of the bot is not looked at, so that no test reaches the real
// Qualys by accident.
func TestCompare(t *testing.T) {
	theirs := &party{
		api: os.Getenv("COMPARE_API_URL"), username: os.Getenv("COMPARE_USERNAME"), password: os.Getenv("COMPARE_PASSWORD"),
		gateway: os.Getenv("COMPARE_GATEWAY_URL"), http: &http.Client{
			Transport:     &http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
	if cmp.Or(theirs.api, theirs.gateway, theirs.username, theirs.password) == "" {
		_, theirs = mini(t)
	}
	require.NotContains(t, []string{theirs.api, theirs.gateway, theirs.username, theirs.password}, "", "all four are needed")
	_, ours := mini(t)
	differences, err := compareParties(ours, theirs)
	for _, d := range differences {
		t.Error(d)
	}
	require.NoError(t, err)
}

func TestCompareFindsDifferences(t *testing.T) {
	_, ours := mini(t)
	api, theirs := mini(t)
	for _, tt := range []struct {
		name   string
		quirks Quirks
		says   string
	}{
		{"another column", Quirks{ExtraColumns: true}, `a download: they have "columns: USERNAME, First Name, Last Name, Business Unit, `},
		{"an element in capitals", Quirks{CountInCapitals: true}, `count everybody: they have "ServiceResponse/COUNT"`},
		{"another status", Quirks{RedirectSlash: true}, `a page: status: we answer "200", they "302"`},
		{"not enabled", Quirks{NotEnabled: true}, `a download: status: we answer "200", they "403"`},
		{"a page instead of a file", Quirks{HTMLError: true}, `a download: content type: we answer "application/csv", they "text/html"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			api.SetQuirks(tt.quirks)
			differences, err := compareParties(ours, theirs)
			require.NoError(t, err)
			assert.Contains(t, strings.Join(differences, "\n"), tt.says)
		})
	}
	api.SetQuirks(Quirks{})
	theirs.password = "wrong"
	_, err := compareParties(ours, theirs)
	require.ErrorContains(t, err, "they refuse the login")
	assert.Equal(t, 1, api.RefusedLogins(), "a wrong password is shown once")
}
