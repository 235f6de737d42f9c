package wire

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"
)

// An echo answers every call with the same status and body.
type echo struct {
	status int
	body   string
}

func (e echo) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: e.status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(e.body)), Request: r}, nil
}

// Whatever an error says, what is left of it is short, one line and without
// secrets; a write's fate is open or proven, never both, and only a success is
// no error.
func FuzzErrorBodies(f *testing.F) {
	for _, body := range []string{
		"", "<html><title>502 Bad Gateway</title>", `{"status":401,"error":"Unauthorized","message":"JWT expired"}`,
		"<ServiceResponse><responseCode>UNAUTHORIZED</responseCode><responseErrorDetails><errorMessage>no</errorMessage></responseErrorDetails></ServiceResponse>",
		"<ServiceResponse><responseCode>SUCCESS</responseCode></ServiceResponse>",
		"<ServiceResponse><responseCode>hunter2</responseCode><responseErrorDetails>x</responseErrorDetails></ServiceResponse>",
		"<ServiceResponse><hunter2></hunter3></ServiceResponse>", "<hunter2/>",
		"password=hunter2 at https://u:hunter2@host/path",
	} {
		for _, status := range []int{200, 302, 400, 401, 409, 500} {
			f.Add(status, body)
		}
	}
	f.Fuzz(func(t *testing.T, status int, text string) {
		if status < 200 || status > 599 {
			return
		}
		l, err := Open(Config{
			APIURL: "https://api.example", GatewayURL: "https://gateway.example", Username: "u", Password: "hunter2",
			HTTP: &http.Client{Transport: echo{status, text}},
		})
		require.NoError(t, err)
		k := Call{Op: "delete/saq/user", Method: http.MethodPost, Path: "/x", Write: true}
		err = l.Basic(context.Background(), k, func(body io.Reader) error {
			_, err := l.Answer(body, nil)
			return err
		})
		if err == nil {
			require.Equal(t, 2, status/100)
			require.Contains(t, text, "SUCCESS")
			return
		}
		var e *Error
		require.ErrorAs(t, err, &e)
		require.Equal(t, e.Fate != Refused, errors.Is(err, ErrUnknownOutcome))
		if errors.Is(err, ErrRateLimited) || errors.Is(err, ErrCredentials) && status != 500 {
			require.NotErrorIs(t, e, ErrUnreachable)
		}
		for _, part := range []string{e.Code, e.Message, e.Resolution, fmt.Sprint(e.Err)} {
			require.LessOrEqual(t, len([]rune(part)), 401)
			require.False(t, strings.ContainsFunc(part, unicode.IsControl), "%q", part)
			if !strings.Contains(strings.NewReplacer("hunter2", "").Replace(text), "hunter2") {
				require.NotContains(t, part, "hunter2")
			}
		}
	})
}
