package qualys_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"countersign/qualys"
)

// seedRows are rows as wide as those of Qualys' page.
func seedRows(from, n int) string {
	var b strings.Builder
	for i := from; i < from+n; i++ {
		fmt.Fprintf(&b, `"quays_%07d","John","S","johndoe@acme.com","[QWEB_PC, ITAM, QWEB_VM, ADMIN, ASSET_MANAGEMENT, PM, CA, UD]","[Unified Dashboard User, CSAM Job User, PC User, Reporting Manager, READER, Reporting Manager, Reporting Reader, VM User, Unified Dashboard User, CSAM Job Manager, Reporting Manager, Reporting Reader, Reporting Reader]","[Unassigned Business Unit]","ACTIVE","","false","false"`+"\n", i)
	}
	return b.String()
}

// canned is a transport that answers downloads of n users without a network.
type canned struct {
	users  int
	served int
}

func (c *canned) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.HasSuffix(r.URL.Path, "/auth") {
		return &http.Response{StatusCode: http.StatusCreated, Body: io.NopCloser(strings.NewReader("token")), Request: r}, nil
	}
	n := min(1000, c.users-c.served)
	body := fmt.Sprintf("\"User Data\",\"now\",\"%d\"\n%s\n%s", c.users, header, seedRows(c.served, n))
	c.served += n
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

// The way of a table through us, beside copying its bytes and beside
// encoding/csv alone.
func BenchmarkDownload(b *testing.B) {
	const users = 20_000
	text := header + "\n" + seedRows(0, users)
	b.Run("floor", func(b *testing.B) {
		b.SetBytes(int64(len(text)))
		for b.Loop() {
			_, _ = io.Copy(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{strings.NewReader(text)})
		}
	})
	b.Run("stdlib", func(b *testing.B) {
		b.SetBytes(int64(len(text)))
		for b.Loop() {
			r, w := csv.NewReader(strings.NewReader(text)), csv.NewWriter(io.Discard)
			r.ReuseRecord = true
			for record, err := r.Read(); err == nil; record, err = r.Read() {
				_ = w.Write(record)
			}
			w.Flush()
		}
	})
	b.Run("ours", func(b *testing.B) {
		b.SetBytes(int64(len(text)))
		b.ReportAllocs()
		_, c := script(b, says(200, fmt.Sprintf("\"User Data\",\"now\",\"%d\"\n%s", users, text)))
		for b.Loop() {
			d, err := c.Download(context.Background(), qualys.DownloadQuery{}, io.Discard)
			if err != nil || d.Rows != users {
				b.Fatal(d.Rows, err)
			}
		}
	})
}

// A page of users as a stream, beside encoding/xml at once.
func BenchmarkSearch(b *testing.B) {
	var list strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&list, "<User><id>%d</id><uuid>d78bbe2c-5396-48ea-92cc-03d0076ee839</uuid><firstName>Invitee</firstName><lastName>Renamed</lastName><company>Vendor</company><emailAddress>a@b.com</emailAddress><userName>invitee%d@vendor</userName><tags><Tag><id>7</id><name>CLV</name></Tag></tags></User>", i+1, i)
	}
	text := response("<responseCode>SUCCESS</responseCode><hasMoreRecords>false</hasMoreRecords><data>" + list.String() + "</data>")
	b.Run("floor", func(b *testing.B) {
		for b.Loop() {
			_, _ = io.Copy(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{strings.NewReader(text)})
		}
	})
	b.Run("stdlib", func(b *testing.B) {
		for b.Loop() {
			var all struct {
				Users []struct {
					ID   string `xml:"id"`
					Name string `xml:"userName"`
					Tags []struct {
						ID   int64  `xml:"id"`
						Name string `xml:"name"`
					} `xml:"tags>Tag"`
				} `xml:"data>User"`
			}
			if err := xml.NewDecoder(bytes.NewReader([]byte(text))).Decode(&all); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("ours", func(b *testing.B) {
		b.ReportAllocs()
		_, c := script(b, says(200, text))
		for b.Loop() {
			if ids, err := collect(context.Background(), c, nil); err != nil || len(ids) != 1000 {
				b.Fatal(len(ids), err)
			}
		}
	})
}
