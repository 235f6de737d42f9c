package qualys_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/internal/miniqualys"
	"countersign/qualys"
)

func TestAnErrorIsNeverTakenForRows(t *testing.T) {
	expired := `{"status":401,"error":"Unauthorized","message":"JWT expired"}`
	for _, tt := range []struct {
		name, body, says string
		status           int
		kind             error
	}{
		{"JSON with 200", `{"status":500,"error":"Internal Server Error","message":"Unable to download users"}`, "Unable to download users", 200, nil},
		{"JSON with 200 that means 401", expired, "JWT expired", 200, qualys.ErrNotEnabled},
		{"a list", `[{"code":1}]`, "", 200, nil},
		{"a web page", "<!DOCTYPE html><html><head><title>Log in &amp; go</title></head></html>", `a web page titled "Log in & go"`, 200, nil},
		{"XML", response("<responseCode>UNAUTHORIZED</responseCode>"), "UNAUTHORIZED", 200, qualys.ErrPermission},
		{"text", "Sorry.", "no header", 200, nil},
		{"nothing", "", "the answer is empty", 200, nil},
		{"a preamble only", "User Data,now,5\nAcme,CA,USA,1\n", "no header", 200, nil},
		{"forbidden", `{"message":"The Administration application is not enabled"}`, "not enabled", 403, qualys.ErrNotEnabled},
		{"no such path", "", "Not Found", 404, qualys.ErrNotEnabled},
		{"a wrong request", `{"errorCode":"400-1","message":"bad timezone"}`, "400-1: bad timezone", 400, qualys.ErrInvalidRequest},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, c := memoryScript(t, says(tt.status, tt.body))
				var out strings.Builder
				d, err := c.Download(t.Context(), qualys.DownloadQuery{}, &out)
				require.ErrorContains(t, err, tt.says)
				var e *qualys.Error
				require.ErrorAs(t, err, &e)
				if tt.kind != nil {
					require.ErrorIs(t, err, tt.kind)
				}
				assert.Zero(t, d.Rows)
				assert.Empty(t, out.String())
			})
		})
	}
}

func TestAPageThatBreaksOffIsReadAgainWithoutRepeatingRows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		page := "User Data,now,3\nUSERNAME\na\nb\nc\n"
		broken := func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", fmt.Sprint(len(page)))
			_, _ = w.Write([]byte(page[:len(page)-4]))
		}
		s, c := memoryScript(t, broken, broken, says(200, page))
		var out strings.Builder
		d, err := c.Download(t.Context(), qualys.DownloadQuery{}, &out)
		require.NoError(t, err)
		assert.Equal(t, "USERNAME\r\na\r\nb\r\nc\r\n", out.String())
		assert.Equal(t, 3, d.Rows)
		assert.Zero(t, d.Duplicates)
		assert.EqualValues(t, 3, s.calls.Load())
	})
}

func TestAFullDiskIsNotQualysFault(t *testing.T) {
	api, c := setup(t)
	api.AddPlatformUsers(2500)
	full := errors.New("no space left")
	_, err := c.Download(t.Context(), qualys.DownloadQuery{}, writer(func([]byte) (int, error) { return 0, full }))
	require.ErrorIs(t, err, full)
	assert.LessOrEqual(t, api.Calls(miniqualys.Download), 2, "no page is asked for again")
}

type writer func([]byte) (int, error)

func (w writer) Write(p []byte) (int, error) { return w(p) }
