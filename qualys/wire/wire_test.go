package wire

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

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
			assert.Equal(t, tt.want, readRates(http.Header{tt.header: {tt.value}}, now).wait)
		})
	}
	assert.Equal(t, 9*time.Second, readRates(http.Header{"Retry-After": {"2", "9"}, "X-Ratelimit-Towait-Sec": {"5"}}, now).wait, "the longest counts")
}

// Every spelling that a page, a service or a client of Qualys shows.
func TestRatesInEverySpelling(t *testing.T) {
	now := time.Now()
	for _, tt := range []struct {
		name   string
		header map[string]string
		want   rates
	}{
		{"none", map[string]string{"Content-Type": "text/xml", "X-Powered-By": "Qualys:USPOD03:a:b"}, rates{remaining: -1}},
		{"as the page says", map[string]string{
			"X-RateLimit-Limit": "300", "X-RateLimit-Window-Sec": "3600", "X-RateLimit-Remaining": "299", "X-RateLimit-ToWait-Sec": "0",
			"X-Concurrency-Limit-Limit": "2", "X-Concurrency-Limit-Running": "1",
		}, rates{limit: 300, window: time.Hour, remaining: 299, atOnce: 2}},
		{"without dashes", map[string]string{
			"X-RateLimitLimit": "300", "x-ratelimit-window": "60", "X-Rate-Limit-Remaining": " 0 ", "RateLimit-ToWait-Sec": "17",
			"X-ConcurrencyLimit-Limit": "1",
		}, rates{limit: 300, window: time.Minute, wait: 17 * time.Second, atOnce: 1}},
		{"nonsense", map[string]string{
			"X-RateLimit-Limit": "many", "X-RateLimit-Window-Sec": "-5", "X-RateLimit-Remaining": "-1", "X-RateLimit-ToWait-Sec": "NaN",
			"X-Concurrency-Limit-Limit": "-2", "X-RateLimit": "7", "X-Limit": "7",
		}, rates{remaining: -1}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := http.Header{}
			for name, value := range tt.header {
				h[name] = []string{value}
			}
			assert.Equal(t, tt.want, readRates(h, now))
		})
	}
}

// Whatever the header says, a wait is between 0 and a day, and no count is
// negative; dashes and case do not matter.
func FuzzRates(f *testing.F) {
	for _, s := range []string{"5", "-1", "1e400", "NaN", "Sun, 01 Mar 2026 12:00:30 GMT", "0x1p-2", "300"} {
		for _, name := range []string{"Retry-After", "X-RateLimit-Limit", "X-RateLimit-Window-Sec", "X-RateLimit-Remaining", "X-RateLimit-ToWait-Sec", "X-Concurrency-Limit-Limit"} {
			f.Add(name, s)
		}
	}
	f.Fuzz(func(t *testing.T, name, value string) {
		now := time.Now()
		r := readRates(http.Header{name: {value}}, now)
		for _, wait := range []time.Duration{r.wait, r.window} {
			require.GreaterOrEqual(t, wait, time.Duration(0))
			require.LessOrEqual(t, wait, longestWait)
		}
		require.GreaterOrEqual(t, min(r.limit, r.atOnce, r.remaining+1), 0)
		require.Equal(t, r, readRates(http.Header{strings.ToUpper(strings.ReplaceAll(name, "-", "")): {value}}, now))

		l := newLimits() // and no answer makes it wait for more than a day, or panic
		l.heed("op", http.Header{name: {value}, "X-Ratelimit-Limit": {"1"}, "X-Ratelimit-Remaining": {"0"}}, now)
		l.reserve("op", now)
		require.LessOrEqual(t, l.reserve("op", now), longestWait)
		require.GreaterOrEqual(t, l.paced("op", 10), time.Duration(0))
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
		{"429", Error{Status: 429, Op: OpDownload}, []error{ErrRateLimited}},
		{"401", Error{Status: 401}, []error{ErrCredentials}},
		{"401 of the Administration with a fresh token", Error{Status: 401, Op: OpDownload}, []error{ErrNotEnabled}},
		{"403", Error{Status: 403}, []error{ErrPermission}},
		{"403 of the Administration", Error{Status: 403, Op: OpDownload}, []error{ErrPermission, ErrNotEnabled}},
		{"404", Error{Status: 404}, []error{ErrNotFound}},
		{"404 of the Administration", Error{Status: 404, Op: OpDownload}, []error{ErrNotEnabled, ErrNotFound}},
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
