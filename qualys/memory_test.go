package qualys_test

import (
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/internal/miniqualys"
	"countersign/qualys"
)

// A meter sees what is held at its highest.
type meter struct{ before, peak uint64 }

func newMeter() *meter {
	m := &meter{before: held()}
	m.peak = m.before
	return m
}

// held is how much memory is in use once the garbage is gone.
func held() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func (m *meter) look()         { m.peak = max(m.peak, held()) }
func (m *meter) over() float64 { return float64(m.peak-m.before) / (1 << 20) }

// A tenant is never in memory as a whole: what stays behind a download is a
// hash of each username, and pages are the peak. From 100,000 to 1,000,000 rows
// (some 45 and 450 MB) only the hashes grow.
func TestADownloadPassesThrough(t *testing.T) {
	peak := func(users int) float64 {
		api := &canned{users: users}
		m, writes := newMeter(), 0
		d, err := api.client(t).Download(t.Context(), qualys.DownloadQuery{}, writer(func(p []byte) (int, error) {
			if writes++; writes%(users/2000) == 0 {
				m.look()
			}
			return len(p), nil
		}))
		require.NoError(t, err)
		assert.Equal(t, users, d.Rows)
		assert.Equal(t, users/1000, d.Calls)
		assert.True(t, d.Complete, "complete")
		require.Positive(t, writes)
		t.Logf("%d rows: %.1f MB at most", users, m.over())
		return m.over()
	}
	small := peak(qualys.Many / 10)
	assert.Less(t, small, 8.0, "MB for a tenth of the rows")
	const hash = 12  // bytes a row: the 8 of the hash, and room to find it
	const flight = 4 // MB: what two pages in flight hold differs from look to look
	assert.Less(t, peak(qualys.Many)-small, qualys.Many*0.9*hash/(1<<20)+flight, "MB more for all of them")
}

// 100,000 SAQ users pass through a search as well: a page is the peak, and the
// id of each is kept to yield nobody twice.
func TestASearchPassesThrough(t *testing.T) {
	const users = qualys.Many / 10
	api, c := setup(t)
	api.AddSAQUsers(users, "Acme")
	m, n := newMeter(), 0
	for _, err := range c.Search(t.Context(), nil) {
		require.NoError(t, err)
		if n++; n%(users/5) == 0 {
			m.look()
		}
	}
	assert.Equal(t, users, n)
	assert.Equal(t, (users-1000+998)/999+1, api.Calls(miniqualys.Search), "each page but the first begins with the last user of the one before")
	t.Logf("%.1f MB at most", m.over())
	assert.Less(t, m.over(), 10.0, "MB over idle")
}
