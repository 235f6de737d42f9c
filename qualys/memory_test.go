package qualys_test

import (
	"net/http"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/qualys"
)

// A tenant is never in memory as a whole: what stays behind a download of
// 100,000 users (some 45 MB) is a few bytes for each, and pages are the peak.
func TestADownloadPassesThrough(t *testing.T) {
	const users = 100_000
	api := &canned{users: users}
	c := client(t, qualys.Config{
		APIURL: "https://qualys.example", GatewayURL: "https://qualys.example", Username: "u", Password: "p",
		HTTP: &http.Client{Transport: api},
	})
	var peak, before runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	writes := 0
	d, err := c.Download(t.Context(), qualys.DownloadQuery{}, writer(func(p []byte) (int, error) {
		if writes++; writes%50 == 0 {
			var now runtime.MemStats
			runtime.GC() // what is left is what is held
			runtime.ReadMemStats(&now)
			peak.HeapAlloc = max(peak.HeapAlloc, now.HeapAlloc)
		}
		return len(p), nil
	}))
	require.NoError(t, err)
	assert.Equal(t, users, d.Rows)
	assert.Equal(t, 100, d.Calls)
	assert.True(t, d.Complete, "complete")
	require.Positive(t, writes)
	assert.Less(t, peak.HeapAlloc-min(before.HeapAlloc, peak.HeapAlloc), uint64(8<<20), "bytes held")
}
