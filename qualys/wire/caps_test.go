package wire

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Of a long answer no more is read than the caps allow, and that once.
func TestBodiesAreCapped(t *testing.T) {
	const listLimit, errorLimit = 32 << 20, 64 << 10
	for _, tt := range []struct {
		name      string
		status    int
		head      string
		cap, over int
		says      string
	}{
		{"a list", 200, "<ServiceResponse>", listLimit, errorLimit, "the answer is too large"},
		{"an error", 403, "", errorLimit, errorLimit, "HTTP 403: no no"},
		{"a page", 200, "<!doctype html>", errorLimit, 2 * errorLimit, "no XML"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			body := strings.NewReader(tt.head + strings.Repeat("no ", listLimit))
			calls := 0
			l, err := Open(Config{
				APIURL: "https://api.example", GatewayURL: "https://gateway.example", Username: "u", Password: "p",
				HTTP: &http.Client{Transport: answers(func(r *http.Request) *http.Response {
					calls++
					return &http.Response{StatusCode: tt.status, Body: io.NopCloser(body), Request: r}
				})},
			})
			require.NoError(t, err)
			_, err = Read(t.Context(), l, "search", func() (int, error) {
				return 0, l.Basic(t.Context(), Call{Op: "search", Method: http.MethodPost, Path: "/x"}, func(r io.Reader) error {
					if tt.cap == listLimit { // at once: to parse it takes minutes under the race detector
						_, err := io.Copy(io.Discard, Capped(r))
						return err
					}
					_, err := l.Answer(r, nil)
					return err
				})
			})
			require.ErrorContains(t, err, tt.says)
			assert.Less(t, len(err.Error()), 1000)
			assert.Equal(t, 1, calls)
			read := int(body.Size()) - body.Len()
			assert.GreaterOrEqual(t, read, tt.cap)
			assert.LessOrEqual(t, read, tt.cap+tt.over)
		})
	}
}

// answers is a transport.
type answers func(*http.Request) *http.Response

func (a answers) RoundTrip(r *http.Request) (*http.Response, error) { return a(r), nil }
