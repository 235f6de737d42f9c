package qualys_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"countersign/qualys"
)

// seedRow is as wide as the rows of Qualys' page; the username goes in front.
const seedRow = `","John","S","johndoe@acme.com","[QWEB_PC, ITAM, QWEB_VM, ADMIN, ASSET_MANAGEMENT, PM, CA, UD]","[Unified Dashboard User, CSAM Job User, PC User, Reporting Manager, READER, Reporting Manager, Reporting Reader, VM User, Unified Dashboard User, CSAM Job Manager, Reporting Manager, Reporting Reader, Reporting Reader]","[Unassigned Business Unit]","ACTIVE","","false","false"` + "\n"

// seedPage is one page of a download, from the offset on, with the rows as wide
// as those of Qualys' page.
func seedPage(total, offset, rows int) []byte {
	var b bytes.Buffer
	b.Grow(rows*(len(seedRow)+14) + 200)
	fmt.Fprintf(&b, "\"User Data\",\"now\",\"%d\"\n%s\n", total, header)
	for i := range rows {
		fmt.Fprintf(&b, "\"quays_%07d", offset+i)
		b.WriteString(seedRow)
	}
	return b.Bytes()
}

// canned is a transport that answers downloads of so many users without a
// network, after a while if it is told to.
type canned struct {
	users int
	takes func(offset int) time.Duration // nil means no time at all

	mu           sync.Mutex
	calls        []int // the offsets, in the order in which they were asked for
	inside, most int   // calls under way together
}

func (c *canned) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.HasSuffix(r.URL.Path, "/auth") {
		return &http.Response{StatusCode: http.StatusCreated, Body: io.NopCloser(strings.NewReader("token")), Request: r}, nil
	}
	var asked struct{ Limit, Offset int }
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
		return nil, err
	}
	began := time.Now()
	c.mu.Lock()
	c.calls = append(c.calls, asked.Offset)
	c.inside++
	c.most = max(c.most, c.inside)
	c.mu.Unlock()
	page := seedPage(c.users, asked.Offset, min(asked.Limit, c.users-asked.Offset))
	if c.takes != nil {
		time.Sleep(c.takes(asked.Offset) - time.Since(began)) // making the page among it
	}
	c.mu.Lock()
	c.inside--
	c.mu.Unlock()
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(bytes.NewReader(page)), Request: r}, nil
}

func (c *canned) client(t testing.TB) *qualys.Client {
	return client(t, qualys.Config{
		APIURL: "https://qualys.example", GatewayURL: "https://qualys.example", Username: "u", Password: "p",
		HTTP: &http.Client{Transport: c},
	})
}
