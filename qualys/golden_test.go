package qualys_test

import (
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/qualys"
)

var update = flag.Bool("update", false, "rewrite the golden requests")

// Every call as it goes over the wire, byte for byte. The files in testdata are
// what a reviewer compares with Qualys' pages.
func TestRequestsAreWhatQualysPagesShow(t *testing.T) {
	ids := []qualys.SAQUserID{767231592, 713091591, 767231592}
	for _, tt := range []struct {
		name string
		call func(*testing.T, *qualys.Client) error
	}{
		{"count-all", func(t *testing.T, c *qualys.Client) error {
			_, err := c.Count(t.Context(), nil)
			return err
		}},
		{"count", func(t *testing.T, c *qualys.Client) error {
			_, err := c.Count(t.Context(), qualys.Filter{hasText(qualys.Company, " Acme & <Sons> "), is(qualys.TagName, "Vendors")})
			return err
		}},
		{"search-all", func(t *testing.T, c *qualys.Client) error {
			_, err := collect(t.Context(), c, nil)
			return err
		}},
		{"search", func(t *testing.T, c *qualys.Client) error {
			_, err := collect(t.Context(), c, qualys.Filter{
				is(qualys.FirstName, "NewVendor"), among(qualys.TagID, "0012, 7,12"), is(qualys.UUID, "d78bbe2c-5396-48ea-92cc-03d0076ee839"),
			})
			return err
		}},
		{"find", func(t *testing.T, c *qualys.Client) error {
			_, err := c.Find(t.Context(), ids)
			return err
		}},
		{"update", func(t *testing.T, c *qualys.Client) error {
			_, err := c.Update(t.Context(), ids, qualys.NewChange(
				qualys.Set{Field: qualys.Title, Value: ""}, qualys.Set{Field: qualys.LastName, Value: `user-api "renamed" 3`}))
			return err
		}},
		{"delete", func(t *testing.T, c *qualys.Client) error {
			_, err := c.Delete(t.Context(), ids)
			return err
		}},
		{"version", func(t *testing.T, c *qualys.Client) error {
			_, err := c.Version(t.Context())
			return err
		}},
		{"download", func(t *testing.T, c *qualys.Client) error {
			_, err := c.Download(t.Context(), qualys.DownloadQuery{Limit: 5, Roles: []string{"READER"}, Timezone: "Asia/Kolkata"}, io.Discard)
			return err
		}},
		{"download-roles", func(t *testing.T, c *qualys.Client) error {
			_, err := c.Download(t.Context(), qualys.DownloadQuery{Roles: []string{"READER", "SCANNER"}}, io.Discard)
			return err
		}},
		{"download-all", func(t *testing.T, c *qualys.Client) error {
			_, err := c.Download(t.Context(), qualys.DownloadQuery{Descending: true, Offset: 20}, io.Discard)
			return err
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var seen strings.Builder
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				record(&seen, r)
				answer(w, r)
			}))
			defer srv.Close()
			c := client(t, qualys.Config{APIURL: srv.URL + "/", GatewayURL: srv.URL, Username: "quays_bot", Password: "s3cret + 50%&word"})
			require.NoError(t, tt.call(t, c))

			file := filepath.Join("testdata", tt.name+".request.golden")
			if *update {
				require.NoError(t, os.WriteFile(file, []byte(seen.String()), 0o644))
			}
			want, err := os.ReadFile(file)
			require.NoError(t, err)
			assert.Equal(t, string(want), seen.String())
		})
	}
}

func record(b *strings.Builder, r *http.Request) {
	fmt.Fprintf(b, "%s %s\n", r.Method, r.RequestURI)
	var lines []string
	for name, values := range r.Header {
		lines = append(lines, name+": "+strings.Join(values, ", "))
	}
	slices.Sort(lines)
	body, _ := io.ReadAll(r.Body)
	fmt.Fprintf(b, "%s\n\n%s\n\n", strings.Join(lines, "\n"), body)
}

// answer is just enough of Qualys for each call to be content.
func answer(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path == "/auth":
		says(http.StatusCreated, "a-token")(w, r)
	case strings.HasPrefix(r.URL.Path, "/adminui"):
		says(http.StatusOK, "User Data,now,0\nUSERNAME,Roles")(w, r)
	default:
		success("<count>0</count>")(w, r)
	}
}
