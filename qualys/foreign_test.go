package qualys_test

import (
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/internal/miniqualys"
	"countersign/qualys"
)

// A Qualys that is none of ours: what its pages leave open, it does otherwise.

// Answers come compressed and in pieces, whatever is asked.
func TestAnswersMayComeCompressedAndInPieces(t *testing.T) {
	packed := func(answer http.HandlerFunc) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			assert.Equal(t, "gzip", r.Header.Get("Accept-Encoding"))
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			answer(pieces{w, z}, r)
			assert.NoError(t, z.Close())
		}
	}
	_, c := script(t, packed(success("<count>2</count>"+user(1, 2))), packed(says(200, page(3, 0, 3))), packed(says(403, "<title>no</title>")))
	ids, err := collect(t.Context(), c, nil)
	require.NoError(t, err)
	assert.Equal(t, []qualys.SAQUserID{1, 2}, ids)
	d, err := c.Download(t.Context(), qualys.DownloadQuery{}, io.Discard)
	require.NoError(t, err)
	assert.Equal(t, 3, d.Rows)
	_, err = c.Count(t.Context(), nil)
	require.ErrorContains(t, err, `a web page titled "no"`)
}

// pieces writes compressed chunks.
type pieces struct {
	http.ResponseWriter
	z *gzip.Writer
}

func (p pieces) Write(b []byte) (int, error) {
	for i := range b {
		if _, err := p.z.Write(b[i : i+1]); err != nil {
			return i, err
		}
		if i%40 == 0 {
			_ = p.z.Flush()
			p.ResponseWriter.(http.Flusher).Flush()
		}
	}
	return len(b), nil
}

func TestUsersInOtherShapes(t *testing.T) {
	ada := qualys.SAQUser{ID: 9_000_000_001, FirstName: "Ada", Tags: []qualys.Tag{{ID: 7, Name: "x"}}}
	for _, tt := range []struct{ name, body string }{
		{"as documented", "<User><id>9000000001</id><firstName>Ada</firstName><tags><Tag><id>7</id><name>x</name></Tag></tags></User>"},
		{"tags in a list", "<User><id>9000000001</id><firstName>Ada</firstName><tags><list><TagSimple><id>7</id><name>x</name></TagSimple></list></tags></User>"},
		{"in a namespace", `<q:User xmlns:q="urn:q"><q:id>9000000001</q:id><q:firstName>Ada</q:firstName><q:tags><q:Tag><q:name>x</q:name><q:id> 7 </q:id></q:Tag></q:tags></q:User>`},
		{"empty and unknown elements", "<User><new><id>1</id></new><uuid/><company></company><id>\n9000000001\n</id><firstName>A<!-- -->da</firstName><tags count='1'><Tag kind='x'><id>7</id><colour/><name>x</name></Tag></tags></User>"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, c := script(t, success("<data>"+tt.body+"</data>"))
			for u, err := range c.Search(t.Context(), qualys.Filter{is(qualys.TagName, "X")}) {
				require.NoError(t, err)
				assert.Equal(t, ada, u)
			}
		})
	}
	for name, declared := range map[string]string{
		"ASCII": `<?xml version='1.0' encoding='us-ascii'?>`, "none": "", "a BOM": "\ufeff" + `<?xml version="1.0"?>`, "blanks before": "\n " + `<?xml version="1.0" encoding="utf-8"?>`,
	} {
		t.Run(name, func(t *testing.T) {
			_, c := script(t, says(200, declared+"<ServiceResponse><responseCode>success</responseCode><count> 5\n</count></ServiceResponse>"))
			n, err := c.Count(t.Context(), nil)
			require.NoError(t, err)
			assert.Equal(t, 5, n)
		})
	}
	_, c := script(t, says(403, ""), says(200, `<?xml version="1.0" encoding="iso-8859-1"?><ServiceResponse><responseCode>SUCCESS</responseCode><data><User><id>1</id><company>Zo`+"\xeb"+`</company></User></data></ServiceResponse>`))
	_, err := c.Delete(t.Context(), []qualys.SAQUserID{1})
	require.ErrorIs(t, err, qualys.ErrPermission)
	_, err = c.Delete(t.Context(), []qualys.SAQUserID{1})
	require.ErrorContains(t, err, "invalid UTF-8", "no name is read wrongly")
	require.ErrorIs(t, err, qualys.ErrUnknownOutcome)
}

func TestDownloadsInOtherShapes(t *testing.T) {
	for _, tt := range []struct{ name, body, want string }{
		{"no quotes, other words", "Hinweis: nur 1000\nuser data,now,2\nusername,status\na,ACTIVE\nb,ACTIVE\n\n", "username,status\r\na,ACTIVE\r\nb,ACTIVE\r\n"},
		{"the username last", "\"User Data\",now, 2 \nSTATUS,Username\nACTIVE,a\nACTIVE,b", "STATUS,Username\r\nACTIVE,a\r\nACTIVE,b\r\n"},
		{"somebody called username", "User Data,now,2\nJohn Doe,username\nSTATUS,USERNAME\nACTIVE,a\nACTIVE,b", "STATUS,USERNAME\r\nACTIVE,a\r\nACTIVE,b\r\n"},
		{"two columns with one name", "User Data,now,2\nUSERNAME,Tags,Tags\na,1,2\nb,3,4", "USERNAME,Tags,Tags\r\na,1,2\r\nb,3,4\r\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, c := script(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "text/plain; charset=utf-8")
				says(200, tt.body)(w, r)
			})
			var out strings.Builder
			d, err := c.Download(t.Context(), qualys.DownloadQuery{}, &out)
			require.NoError(t, err)
			assert.Equal(t, tt.want, out.String())
			assert.True(t, d.Complete, "complete")
			assert.Equal(t, 2, d.Total)
		})
	}
	synctest.Test(t, func(t *testing.T) {
		_, c := memoryScript(t, says(200, "User Data,now,2\nUSERNAME,Tags,Tags,x\na,1,2,3"), says(200, "User Data,now,2\nUSERNAME,x,Tags,Tags\nb,1,2,3"))
		_, err := c.Download(t.Context(), qualys.DownloadQuery{}, io.Discard)
		require.ErrorContains(t, err, "the columns changed", "nobody can tell which is which")
	})
}

func TestTokensInOtherShapes(t *testing.T) {
	ours := jwt(`{"sub":"portal_name"}`)
	for name, body := range map[string]string{
		"a new line": ours + "\n", "quoted": `"` + ours + `"`, "JSON": `{"token":"` + ours + `","expires":14400}`, "OAuth": `{"access_token": "` + ours + `", "token_type": "bearer"}`,
	} {
		t.Run(name, func(t *testing.T) {
			c := client(t, serveAlways(t, says(200, body), says(200, page(1, 0, 1))))
			_, err := c.Download(t.Context(), qualys.DownloadQuery{}, io.Discard)
			require.NoError(t, err)
			assert.Contains(t, c.Logins(), "portal_name")
		})
	}
}

// serveAlways gives the same answer to every login, and another to every call.
func serveAlways(t *testing.T, auth, other http.HandlerFunc) qualys.Config {
	return serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/auth" {
			auth(w, r)
			return
		}
		other(w, r)
	})
}

// A page that calls itself a success may be the refusal of a login.
func TestUnprovenCredentialsAreNotShownAgainAfterAPage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api, c := inMemory(t)
		api.Fail(miniqualys.Auth, 200, "<html><title>Sign in</title></html>", -1)
		_, err := c.Download(t.Context(), qualys.DownloadQuery{}, io.Discard)
		require.ErrorContains(t, err, "no token")
		assert.Equal(t, 1, api.Calls(miniqualys.Auth))

		api.Fail(miniqualys.Count, 200, "<html><title>Sign in</title></html>", -1)
		_, err = c.Count(t.Context(), nil)
		require.ErrorContains(t, err, "Sign in")
		assert.Equal(t, 1, api.Calls(miniqualys.Count))
		require.NoError(t, c.Refusal(), "nor is it proof of one")
	})
}

// A refusal is final, even if the next login would have been accepted.
func TestALoginThatWasRefusedOnceIsNotTriedAgain(t *testing.T) {
	api, c := setup(t)
	api.Fail(miniqualys.Auth, 401, "", 1)
	for range 3 {
		_, err := c.Download(t.Context(), qualys.DownloadQuery{}, io.Discard)
		require.ErrorIs(t, err, qualys.ErrCredentials)
	}
	assert.Equal(t, 1, api.Calls(miniqualys.Auth))
	require.ErrorIs(t, c.Refusal(), qualys.ErrCredentials)
	_, err := client(t, config(api)).Download(t.Context(), qualys.DownloadQuery{}, io.Discard)
	require.NoError(t, err, "a new start tries again, where no replica remembers")
}

func TestAWrongAddressSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, status := range []int{301, 302, 308, 404} {
			c := client(t, serveAlways(t, says(status, ""), says(status, "<html>x")))
			_, err := c.Download(t.Context(), qualys.DownloadQuery{}, io.Discard)
			require.ErrorContains(t, err, "check the platform", status)
			_, err = c.Count(t.Context(), nil)
			require.ErrorContains(t, err, "check the platform", status)
			require.NoError(t, c.Refusal())
		}
	})
}

// The connection breaks in the middle of an answer that began well.
func TestAnAnswerThatBreaksOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		whole := response("<responseCode>SUCCESS</responseCode><count>2</count>" + user(1, 2))
		half := func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", fmt.Sprint(len(whole)))
			_, _ = io.WriteString(w, whole[:len(whole)-40])
		}
		s, c := memoryScript(t, says(200, whole), half, says(200, whole), half)
		_, err := collect(t.Context(), c, nil)
		require.NoError(t, err)
		ids, err := collect(t.Context(), c, nil)
		require.NoError(t, err, "a read is repeated")
		assert.Equal(t, []qualys.SAQUserID{1, 2}, ids)
		assert.EqualValues(t, 3, s.calls.Load())

		_, err = c.Delete(t.Context(), []qualys.SAQUserID{1})
		require.ErrorIs(t, err, qualys.ErrUnknownOutcome)
		var e *qualys.Error
		require.ErrorAs(t, err, &e)
		assert.Equal(t, qualys.Lost, e.Fate)
		assert.EqualValues(t, 4, s.calls.Load(), "a write is not")
	})
}

// Whatever a limit says, a read ends within its patience, and a write at once.
func TestLimitsInOtherWords(t *testing.T) {
	for _, tt := range []struct {
		name, header, value string
		wait                time.Duration // before the second attempt; 0 means there is none
	}{
		{"a date", "Retry-After", "Sat, 01 Jan 2000 00:00:42 GMT", 42 * time.Second},
		{"seconds below zero", "X-RateLimit-ToWait-Sec", "-99999999999999999999", 5 * time.Second},
		{"seconds without end", "X-RateLimit-ToWait-Sec", "99999999999999999999", 0},
		{"a word", "Retry-After", "later", 5 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { // begins at midnight of 2000-01-01, UTC
				api, c := inMemory(t)
				api.RateLimit(miniqualys.Count, 409, map[string]string{tt.header: tt.value}, 1)
				began := time.Now()
				_, err := c.Count(t.Context(), nil)
				if tt.wait == 0 {
					require.ErrorIs(t, err, qualys.ErrRateLimited)
					assert.Zero(t, time.Since(began))
					return
				}
				require.NoError(t, err)
				assert.InDelta(t, tt.wait.Seconds(), time.Since(began).Seconds(), 1)
			})
		})
	}
}
