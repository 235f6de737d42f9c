package wire

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/qualys/body"
)

func TestWhatABodySaysInOneSentence(t *testing.T) {
	l := &Line{hide: hider("quays_bot", "hunter2"), tokens: newTokens()}
	l.tokens.keep(token{value: "opaque-token"})
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
		{"the gateway's token", "your opaque-token is old", "your *** is old"},
		{"another's token", `{"access_token":"abc", "refresh_token": "def", "expires": 5}`, `{"access_token":***, "refresh_token": ***, "expires": 5}`},
		{"somebody's password", `password="x y", user=z`, `password=***, user=z`},
		{"a long text", long, long[:800] + "…"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			assert.Equal(t, tt.want, body.Sentence([]byte(tt.body), l.scrub))
		})
	}
}

// One line, short, without our secrets: whatever the body.
func FuzzSentence(f *testing.F) {
	for _, s := range []string{"<title>x", "{\"error\":", "password=hunter2", "https://x hunter2", "<<>>", "hunhunter2ter2"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		l := &Line{hide: hider("quays_bot", "hunter2"), tokens: newTokens()}
		said := body.Sentence([]byte(text), l.scrub)
		require.NotContains(t, said, "\n")
		require.NotContains(t, said, "\x1b")
		require.LessOrEqual(t, len([]rune(said)), 400+1)
		if !strings.Contains(strings.NewReplacer("hunter2", "").Replace(text), "hunter2") {
			require.NotContains(t, said, "hunter2")
		}
	})
}
