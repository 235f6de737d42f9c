package qualys

import (
	"encoding/xml"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/qualys/body"
)

// manyUsers is an answer with so many users, made while it is read.
func manyUsers(n int) io.Reader {
	r, w := io.Pipe()
	go func() {
		_, err := fmt.Fprintf(w, "%s<responseCode>SUCCESS</responseCode><count>%d</count><data>\n", head, n)
		for i := 0; i < n && err == nil; i++ {
			_, err = fmt.Fprintf(w, manyUser, 700_000_000+i, i)
		}
		if err == nil {
			_, err = io.WriteString(w, "</data></ServiceResponse>")
		}
		w.CloseWithError(err)
	}()
	return r
}

const manyUser = `        <User>
            <id>%d</id>
            <uuid>d78bbe2c-5396-48ea-92cc-03d0076ee839</uuid>
            <firstName>Invitee123123</firstName>
            <lastName>user-api-renamed3</lastName>
            <company>VendorForExistingUser_gs4</company>
            <emailAddress>maher@qualys.com</emailAddress>
            <userName>invitee.user%d@qualys</userName>
            <tags>
                <Tag>
                    <id>18975646</id>
                    <name>CLV-ALL</name>
                </Tag>
            </tags>
        </User>
`

// 100,000 users in one answer (some 55 MB) are read in constant memory.
func TestAnAnswerIsReadAsAStream(t *testing.T) {
	held := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	before, peak, n := held(), int64(0), 0
	a, err := body.ReadAnswer(manyUsers(Many/10), users(func(u SAQUser) error {
		if n++; n%(Many/100) == 0 {
			peak = max(peak, held())
		}
		return nil
	}))
	require.NoError(t, err)
	assert.Equal(t, Many/10, n)
	assert.Equal(t, n, a.Rows)
	assert.Equal(t, n, a.Count)
	t.Logf("%.2f MB over idle", float64(peak-before)/(1<<20))
	assert.Less(t, peak-before, int64(1<<20), "bytes over idle")
}

// 100,000 users: their bytes read, all at once by encoding/xml, and as a stream.
func BenchmarkUsers(b *testing.B) {
	var all strings.Builder
	_, err := io.Copy(&all, manyUsers(100_000))
	require.NoError(b, err)
	text := all.String()
	b.Run("floor", func(b *testing.B) {
		for b.Loop() {
			_, _ = io.Copy(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{strings.NewReader(text)})
		}
	})
	b.Run("stdlib", func(b *testing.B) {
		for b.Loop() {
			var all struct {
				Users []struct {
					ID           int64  `xml:"id"`
					UUID         string `xml:"uuid"`
					UserName     string `xml:"userName"`
					FirstName    string `xml:"firstName"`
					LastName     string `xml:"lastName"`
					EmailAddress string `xml:"emailAddress"`
					Company      string `xml:"company"`
					Title        string `xml:"title"`
					Tags         []struct {
						ID   int64  `xml:"id"`
						Name string `xml:"name"`
					} `xml:"tags>Tag"`
				} `xml:"data>User"`
			}
			require.NoError(b, xml.Unmarshal([]byte(text), &all))
			require.Len(b, all.Users, 100_000)
		}
	})
	b.Run("ours", func(b *testing.B) {
		for b.Loop() {
			n := 0
			_, err := body.ReadAnswer(strings.NewReader(text), users(func(SAQUser) error { n++; return nil }))
			require.NoError(b, err)
			require.Equal(b, 100_000, n)
		}
	})
}
