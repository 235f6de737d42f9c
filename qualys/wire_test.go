package qualys

import (
	"encoding/base64"
	"encoding/csv"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// read is decodeAnswer with all users at once.
func read(text string) (answer, []SAQUser, error) {
	var all []SAQUser
	a, err := decodeAnswer(strings.NewReader(text), users(func(u SAQUser) error {
		all = append(all, u)
		return nil
	}))
	return a, all, err
}

const head = `<?xml version="1.0" encoding="UTF-8"?>
<ServiceResponse xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:noNamespaceSchemaLocation="https://qualysapi.p01.eng.sjc01.qualys.com/qps/xsd/1.0/saq/user.xsd">
`

// Every shape of an answer that Qualys' pages or recordings show.
func TestEveryDocumentedAnswerIsRead(t *testing.T) {
	for _, tt := range []struct {
		name, body string
		want       answer
		users      []SAQUser
	}{
		{"an update, in full", `<responseCode>SUCCESS</responseCode><count>2</count><data>
        <User>
            <id>713091591</id>
            <uuid>d78bbe2c-5396-48ea-92cc-03d0076ee839</uuid>
            <firstName>Invitee123123</firstName>
            <lastName>user-api-renamed3</lastName>
            <company>VendorForExistingUser_gs4</company>
            <emailAddress>maher@qualys.com</emailAddress>
            <userName>invitee.user23@qualys</userName>
            <tags><Tag><id>18975646</id><name>CLV-ALL</name></Tag><Tag><id>24504212</id><name>AssetTagTest</name></Tag></tags>
        </User>
        <User><id>767231592</id><userName>newvendor.lastnamevendor@vendor_5hm</userName></User></data>`,
			answer{code: "SUCCESS", count: 2, rows: 2}, []SAQUser{
				{ID: 713091591, UUID: "d78bbe2c-5396-48ea-92cc-03d0076ee839", FirstName: "Invitee123123", LastName: "user-api-renamed3",
					Company: "VendorForExistingUser_gs4", EmailAddress: "maher@qualys.com", UserName: "invitee.user23@qualys",
					Tags: []Tag{{18975646, "CLV-ALL"}, {24504212, "AssetTagTest"}}},
				{ID: 767231592, UserName: "newvendor.lastnamevendor@vendor_5hm"},
			}},
		{"a delete, ids alone", `<responseCode>SUCCESS</responseCode><count>49</count><data><User><id>767231594</id></User><User><id>
			801690392 </id></User></data>`, answer{code: "SUCCESS", count: 49, rows: 2}, []SAQUser{{ID: 767231594}, {ID: 801690392}}},
		{"nobody", `<responseCode>SUCCESS</responseCode><count>0</count>`, answer{code: "SUCCESS"}, nil},
		{"empty data", `<responseCode>SUCCESS</responseCode><count>0</count><hasMoreRecords>false</hasMoreRecords><data/>`, answer{code: "SUCCESS", more: "false"}, nil},
		{"no count", `<responseCode>SUCCESS</responseCode><data></data>`, answer{code: "SUCCESS", count: -1}, nil},
		{"a count in capitals", `<responseCode>SUCCESS</responseCode><COUNT>7</COUNT>`, answer{code: "SUCCESS", count: 7}, nil},
		{"another order", `<data><User><title>T</title><tags></tags><userName>u</userName><id>1</id></User></data><lastId>1</lastId><hasMoreRecords>TRUE</hasMoreRecords><count> 1 </count><responseCode> SUCCESS </responseCode>`,
			answer{code: "SUCCESS", count: 1, rows: 1, more: "true"}, []SAQUser{{ID: 1, UserName: "u", Title: "T"}}},
		{"CDATA", `<responseCode>SUCCESS</responseCode><data><User><id>1</id><firstName><![CDATA[A & <B>]]></firstName></User></data>`,
			answer{code: "SUCCESS", count: -1, rows: 1}, []SAQUser{{ID: 1, FirstName: "A & <B>"}}},
		{"a refusal", `<responseCode>INVALID_REQUEST</responseCode><responseErrorDetails><errorMessage>Criteria: Invalid value format for criteria 'id' (x)</errorMessage><errorResolution>Specify criteria value(s) as Long.</errorResolution></responseErrorDetails>`,
			answer{code: "INVALID_REQUEST", message: "Criteria: Invalid value format for criteria 'id' (x)", resolution: "Specify criteria value(s) as Long.", count: -1}, nil},
		{"a refusal without advice", `<responseCode>UNAUTHORIZED</responseCode><responseErrorDetails><errorMessage>no</errorMessage></responseErrorDetails>`,
			answer{code: "UNAUTHORIZED", message: "no", count: -1}, nil},
		{"a refusal in plain text", `<responseCode>UNAUTHORIZED</responseCode><responseErrorDetails> no </responseErrorDetails>`,
			answer{code: "UNAUTHORIZED", message: "no", count: -1}, nil},
		{"elements nobody knows", `<responseCode>SUCCESS</responseCode><new><data>x</data></new><data><User><id>1</id><new><id>2</id></new></User></data>`,
			answer{code: "SUCCESS", count: -1, rows: 1}, []SAQUser{{ID: 1}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a, all, err := read(head + tt.body + "</ServiceResponse>\n")
			require.NoError(t, err)
			assert.Equal(t, tt.want, a)
			assert.Equal(t, tt.users, all)
		})
	}
}

func TestAnswersThatMakeNoSense(t *testing.T) {
	for _, tt := range []struct{ name, text, says string }{
		{"nothing", "", "unexpected EOF"},
		{"another root", "<html></html>", `the answer is a "html"`},
		{"cut off", head + "<responseCode>SUCCESS</responseCode>", "EOF"},
		{"cut off in a user", head + "<data><User><id>1</id>", "EOF"},
		{"two documents", head + "</ServiceResponse><ServiceResponse/>", "second document"},
		{"text behind", head + "</ServiceResponse>x", "text after the end"},
		{"a user without id", head + "<data><User><firstName>x</firstName></User></data></ServiceResponse>", "without a proper id"},
		{"a user with id 0", head + "<data><User><id>0</id></User></data></ServiceResponse>", "without a proper id"},
		{"a tag with a word for id", head + "<data><User><id>1</id><tags><Tag><id>x</id></Tag></tags></User></data></ServiceResponse>", "user 1 has a tag"},
		{"somebody else among users", head + "<data><HostAsset/></data></ServiceResponse>", `"HostAsset" among the users`},
		{"a count of words", head + "<count>many</count></ServiceResponse>", "count is no number"},
		{"a negative count", head + "<count>-1</count></ServiceResponse>", "count is no number"},
		{"an entity of its own", `<!DOCTYPE x [<!ENTITY a "b">]><ServiceResponse><responseCode>&a;</responseCode></ServiceResponse>`, "invalid character entity"},
		{"a file from outside", `<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><ServiceResponse><responseCode>&a;</responseCode></ServiceResponse>`, "invalid character entity"},
		{"laughs", `<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><ServiceResponse><responseCode>&b;</responseCode></ServiceResponse>`, "invalid character entity"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, _, err := read(tt.text)
			require.ErrorContains(t, err, tt.says)
		})
	}
}

// Whatever comes, it is an answer with proper ids or an error, and the same
// for any chunking.
func FuzzAnswer(f *testing.F) {
	f.Add(head + "<responseCode>SUCCESS</responseCode><count>1</count><data><User><id>1</id><tags><Tag><id>2</id><name>x</name></Tag></tags></User></data></ServiceResponse>")
	f.Add(head + "<responseCode>UNAUTHORIZED</responseCode><responseErrorDetails><errorMessage>m</errorMessage></responseErrorDetails></ServiceResponse>")
	f.Add("<ServiceResponse><data><User><id>9223372036854775808</id></User></data></ServiceResponse>")
	f.Fuzz(func(t *testing.T, text string) {
		a, all, err := read(text)
		if err != nil {
			return
		}
		require.Equal(t, a.rows, len(all))
		for _, u := range all {
			require.Positive(t, int64(u.ID))
		}
		var n int
		again, err := decodeAnswer(iotest.OneByteReader(strings.NewReader(text)), users(func(SAQUser) error { n++; return nil }))
		require.NoError(t, err)
		require.Equal(t, a, again)
		require.Len(t, all, n)
	})
}

// What a request says comes out as it went in, whatever the name.
func FuzzRequest(f *testing.F) {
	f.Add("Acme & <Sons>")
	f.Add(`]]> "quoted" 'x'`)
	f.Fuzz(func(t *testing.T, value string) {
		filter := Filter{{Field: Company, Operator: Equals, Values: []string{value}}}
		change := NewChange(Set{Field: Company, Value: value})
		if filter.Validate() != nil || change.Validate(2) != nil {
			return
		}
		body, err := marshal(searchRequest{Filters: filter.wire()})
		require.NoError(t, err)
		var got searchRequest
		require.NoError(t, xml.Unmarshal(body, &got))
		require.Equal(t, []criterion{{Company, Equals, strings.TrimSpace(value)}}, got.Filters.Criteria)

		users, err := name([]SAQUserID{3, 1, 3})
		require.NoError(t, err)
		body, err = marshal(updateRequest{Users: users, Patch: change.patch()})
		require.NoError(t, err)
		var patched updateRequest
		require.NoError(t, xml.Unmarshal(body, &patched))
		require.Equal(t, named{ID, In, "1,3"}, patched.Users)
		require.Equal(t, patch{Company: &value}, patched.Patch)
	})
}

// rows reads a sheet to its end.
func rows(r io.Reader) (*sheet, [][]string, error) {
	s, err := openSheet(r)
	if err != nil {
		return s, nil, err
	}
	var all [][]string
	for {
		record, err := s.row()
		if err == io.EOF {
			return s, all, nil
		}
		if err != nil {
			return s, all, err
		}
		all = append(all, append([]string(nil), record...))
	}
}

// Rows out equal rows in, for any names and any chunking.
func FuzzSheet(f *testing.F) {
	f.Add("ada", `O"Neil, Jr.`, "line\nbreak", true)
	f.Add("", "[A, B]", "=1", false)
	f.Add("USERNAME", "User Data", "\ufeff", true)
	f.Fuzz(func(t *testing.T, a, b, c string, preamble bool) {
		var text strings.Builder
		if preamble {
			text.WriteString("\ufeff\"Note: x\"\r\n\"User Data\",\"now\",\"2\"\r\n\"Acme\",\"CA\",\"USA\",\"1\"\r\n\"John\",\"login\"\r\n")
		}
		w := csv.NewWriter(&text)
		in := [][]string{{a, b, c}, {b, c, a}}
		require.NoError(t, w.WriteAll(append([][]string{{"USERNAME", "Roles", "STATUS"}}, in...)))
		for _, in := range in {
			for i := range in {
				in[i] = strings.ReplaceAll(in[i], "\r\n", "\n") // as encoding/csv reads it
			}
		}
		for _, r := range []io.Reader{
			strings.NewReader(text.String()), iotest.OneByteReader(strings.NewReader(text.String())), iotest.HalfReader(strings.NewReader(text.String())),
		} {
			s, out, err := rows(r)
			require.NoError(t, err)
			require.Equal(t, in, out)
			require.Equal(t, preamble, s.total == 2)
		}
	})
}

// Whatever comes instead of a sheet ends in rows as wide as the header, or an error.
func FuzzSheetGarbage(f *testing.F) {
	f.Add("\"User Data\",\"now\",\"x\"\nUSERNAME,a\n1,2\n")
	f.Add("{\"status\":401}")
	f.Add("<html>")
	f.Add("USERNAME,\"")
	f.Fuzz(func(t *testing.T, text string) {
		s, all, err := rows(strings.NewReader(text))
		if err != nil {
			return
		}
		for _, row := range all {
			require.Len(t, row, len(s.header))
		}
		_, again, err := rows(iotest.OneByteReader(strings.NewReader(text)))
		require.NoError(t, err)
		require.Equal(t, all, again)
	})
}

func TestARecordWithoutEndIsNotKept(t *testing.T) {
	text := "USERNAME\n\"" + strings.Repeat("x", 2*recordLimit)
	_, _, err := rows(strings.NewReader(text))
	require.ErrorIs(t, err, errTooLarge)
}

func TestPlatformUsersAreReadByColumnName(t *testing.T) {
	c := newColumns([]string{"status", " USERNAME ", "Roles", "MODULE", "Super User", "SAML Status", "New"})
	u := c.user([]string{"ACTIVE", "ada", "[READER, PC User, READER]", "[]", "TRUE", "false", "x"})
	assert.Equal(t, PlatformUser{Username: "ada", Status: "ACTIVE", Modules: "[]", Roles: "[READER, PC User, READER]", SuperUser: true}, u)
}

func TestLists(t *testing.T) {
	for _, tt := range []struct {
		cell  List
		names []string
	}{
		{"", nil}, {"[]", nil}, {"[ ]", nil}, {"[READER]", []string{"READER"}},
		{"[READER, PC User, READER]", []string{"READER", "PC User", "READER"}},
		{"READER,SCANNER", []string{"READER", "SCANNER"}},
	} {
		assert.Equal(t, tt.names, slices.Collect(tt.cell.Names()), "%q", tt.cell)
	}
	l := List("[Reporting Reader, PC User,Reader, Senior]")
	for name, want := range map[string]bool{"pc user": true, "Reader": true, "Reader, Senior": true, "Reporting": false, "User": false} {
		assert.Equal(t, want, l.Has(name), "%q has %q", l, name)
	}
}

func TestHowLongToWait(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		name, header, value string
		want                time.Duration
	}{
		{"nothing", "Date", "5", 0},
		{"seconds", "Retry-After", "120", 2 * time.Minute},
		{"a date", "Retry-After", "Sun, 01 Mar 2026 12:00:30 GMT", 30 * time.Second},
		{"a date gone by", "Retry-After", "Sun, 01 Mar 2026 11:00:00 GMT", 0},
		{"Qualys' way", "X-RateLimit-ToWait-Sec", "5", 5 * time.Second},
		{"without dashes", "X-RateLimitToWaitSec", "7", 7 * time.Second},
		{"in another case", "x-ratelimit-towait-sec", " 7200 ", 2 * time.Hour},
		{"a fraction", "Retry-After", "0.5", 500 * time.Millisecond},
		{"zero", "Retry-After", "0", 0},
		{"negative", "Retry-After", "-5", 0},
		{"silly", "Retry-After", "soon", 0},
		{"infinite", "Retry-After", "Inf", 24 * time.Hour},
		{"no number", "Retry-After", "NaN", 0},
		{"too long", "Retry-After", "1e30", 24 * time.Hour},
	} {
		t.Run(tt.name, func(t *testing.T) {
			assert.Equal(t, tt.want, retryAfter(http.Header{tt.header: {tt.value}}, now))
		})
	}
	assert.Equal(t, 9*time.Second, retryAfter(http.Header{"Retry-After": {"2", "9"}, "X-Ratelimit-Towait-Sec": {"5"}}, now), "the longest counts")
}

// A wait is never negative and never longer than a day.
func FuzzRetryAfter(f *testing.F) {
	for _, s := range []string{"5", "-1", "1e400", "NaN", "Sun, 01 Mar 2026 12:00:30 GMT", "0x1p-2"} {
		f.Add("Retry-After", s)
	}
	f.Fuzz(func(t *testing.T, name, value string) {
		wait := retryAfter(http.Header{name: {value}}, time.Now())
		require.GreaterOrEqual(t, wait, time.Duration(0))
		require.LessOrEqual(t, wait, longestWait)
	})
}

func TestTokens(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	make := func(claims string) string {
		return "h." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + ".s"
	}
	for _, tt := range []struct {
		name, value string
		life        time.Duration // until it is renewed
		subject     string
	}{
		{"four hours if it says nothing", make(`{"sub":"ada"}`), 4*time.Hour - 10*time.Minute, "ada"},
		{"what it says", make(fmt.Sprintf(`{"exp":%d}`, now.Add(8*time.Hour).Unix())), 8*time.Hour - 10*time.Minute, ""},
		{"a clock that is wrong", make(fmt.Sprintf(`{"iat":%d,"exp":%d}`, now.Add(-9*time.Hour).Unix(), now.Add(-8*time.Hour).Unix())), 54 * time.Minute, ""},
		{"expired already, by our clock", make(fmt.Sprintf(`{"exp":%d}`, now.Add(-time.Hour).Unix())), 4*time.Hour - 10*time.Minute, ""},
		{"a short one", make(fmt.Sprintf(`{"exp":%d}`, now.Add(time.Minute).Unix())), 54 * time.Second, ""},
		{"opaque", "0123456789abcdef", 4*time.Hour - 10*time.Minute, ""},
		{"claims of other types", make(`{"sub":7,"exp":"soon"}`), 4*time.Hour - 10*time.Minute, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := readToken(tt.value, now)
			require.NoError(t, err)
			assert.Equal(t, token{value: tt.value, subject: tt.subject, renewAt: now.Add(tt.life)}, got)
		})
	}
	for _, bad := range []string{"", "two words", "line\nbreak", "ünicode"} {
		_, err := readToken(bad, now)
		require.Error(t, err, "%q", bad)
	}
}

func TestErrorsHaveKinds(t *testing.T) {
	kinds := []error{ErrRateLimited, ErrUnknownOutcome, ErrCredentials, ErrPermission, ErrNotEnabled, ErrNotFound, ErrInvalidRequest, ErrUnreachable}
	for _, tt := range []struct {
		name string
		err  Error
		want []error
	}{
		{"409", Error{Status: 409}, []error{ErrRateLimited}},
		{"429", Error{Status: 429, Op: opDownload}, []error{ErrRateLimited}},
		{"401", Error{Status: 401}, []error{ErrCredentials}},
		{"401 of the Administration with a fresh token", Error{Status: 401, Op: opDownload}, []error{ErrNotEnabled}},
		{"403", Error{Status: 403}, []error{ErrPermission}},
		{"403 of the Administration", Error{Status: 403, Op: opDownload}, []error{ErrPermission, ErrNotEnabled}},
		{"404", Error{Status: 404}, []error{ErrNotFound}},
		{"404 of the Administration", Error{Status: 404, Op: opDownload}, []error{ErrNotEnabled, ErrNotFound}},
		{"400", Error{Status: 400}, []error{ErrInvalidRequest}},
		{"a wrong password", Error{Status: 200, Code: "INVALID_CREDENTIALS"}, []error{ErrCredentials}},
		{"no password", Error{Status: 200, Code: "AUTH_CREDENTIALS_NEEDED"}, []error{ErrCredentials}},
		{"no right to the API", Error{Status: 200, Code: "UNAUTHORIZED"}, []error{ErrPermission}},
		{"no right to the object", Error{Status: 200, Code: "INSUFFICIENT_PERMISSION"}, []error{ErrPermission}},
		{"no such object", Error{Status: 200, Code: "OBJECT_NOT_FOUND"}, []error{ErrNotFound}},
		{"a wrong request", Error{Status: 200, Code: "INVALID_REQUEST"}, []error{ErrInvalidRequest}},
		{"a code nobody knows", Error{Status: 200, Code: "NEW"}, nil},
		{"a server in trouble", Error{Status: 502}, nil},
		{"a write and a server in trouble", Error{Status: 502, Fate: Answered}, []error{ErrUnknownOutcome}},
		{"a write without an answer", Error{Fate: Lost}, []error{ErrUnknownOutcome}},
		{"no connection", Error{}, []error{ErrUnreachable}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []error
			for _, k := range kinds {
				if tt.err.Is(k) {
					got = append(got, k)
				}
			}
			assert.ElementsMatch(t, tt.want, got)
		})
	}
	assert.Equal(t, []time.Duration{0, 3 * time.Second, 20 * time.Second, time.Minute},
		[]time.Duration{Refused.Settle(), Answered.Settle(), Lost.Settle(), TimedOut.Settle()})
}

// Which answers prove that a write was not done.
func TestWhatProvesThatNothingWasDone(t *testing.T) {
	for _, tt := range []struct {
		status int
		code   string
		proof  bool
	}{
		{200, "INVALID_REQUEST", true}, {200, "UNAUTHORIZED", true}, {200, "INVALID_CREDENTIALS", true},
		{200, "LIMIT_EXCEEDED", false}, {200, "INTERNAL_ERROR", false}, {200, "", false},
		{400, "", true}, {401, "", true}, {403, "", true}, {404, "", true}, {409, "", true}, {429, "ANY", true},
		{302, "", false}, {408, "", false}, {500, "", false}, {500, "INVALID_REQUEST", false}, {502, "", false}, {504, "", false},
	} {
		assert.Equal(t, tt.proof, refuses(tt.status, tt.code), "%d %s", tt.status, tt.code)
	}
}

func TestWhatABodySaysInOneSentence(t *testing.T) {
	c := &Client{hide: hider("quays_bot", "hunter2"), tokens: newTokens()}
	long := strings.Repeat("é", 1000)
	for _, tt := range []struct{ name, body, want string }{
		{"nothing", " \n", ""},
		{"a page", "<html><head><title>\n 503 Service  Unavailable</title></head><body>x</body></html>", `a web page titled "503 Service Unavailable"`},
		{"a page with a heading", "<html><body><h1>Bad <b>Gateway</b></h1></body></html>", `a web page titled "Bad Gateway"`},
		{"a page without either", "<html><script>x()</script><body><p>Please&nbsp;wait</p></body></html>", "Please wait"},
		{"the gateway's way", `{"status":401,"error":"Unauthorized","message":"JWT expired"}`, "Unauthorized: JWT expired"},
		{"the login's way", `{"authentication_exceptions":[["a.b.InvalidCredentialsException"]]}`, `[["a.b.InvalidCredentialsException"]]`},
		{"other types", `{"error":{"x":1},"errorCode":17,"errors":["a"]}`, `{"x":1}: 17: ["a"]`},
		{"JSON that says nothing known", `{"a":"b"}`, `{"a":"b"}`},
		{"text", "Out\tof\r\norder \u202egnp", "Out of order gnp"},
		{"broken text", "a\xffb", "a\ufffdb"},
		{"an address", "see https://qualysapi.qualys.com/x?y=1 now", "see (address removed) now"},
		{"our password", "wrong: hunter2!", "wrong: ***!"},
		{"a token", "Bearer abcdef.ghi and eyJhbGci.eyJzdWIi.c2ln", "*** and ***"},
		{"somebody's password", `password="x y", user=z`, `password=***, user=z`},
		{"a long text", long, long[:2*messageLimit] + "…"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			assert.Equal(t, tt.want, c.sentence([]byte(tt.body)))
		})
	}
}

// One line, short, without our secrets: whatever the body.
func FuzzSentence(f *testing.F) {
	for _, s := range []string{"<title>x", "{\"error\":", "password=hunter2", "https://x hunter2", "<<>>", "hunhunter2ter2"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, body string) {
		c := &Client{hide: hider("quays_bot", "hunter2"), tokens: newTokens()}
		said := c.sentence([]byte(body))
		require.NotContains(t, said, "\n")
		require.NotContains(t, said, "\x1b")
		require.LessOrEqual(t, len([]rune(said)), messageLimit+1)
		if !strings.Contains(strings.NewReplacer("hunter2", "").Replace(body), "hunter2") {
			require.NotContains(t, said, "hunter2")
		}
	})
}
