package miniqualys

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// limitHeaders are the headers of an answer that speak of limits.
func limitHeaders(res *http.Response) map[string]string {
	all := map[string]string{}
	for name := range res.Header {
		if strings.Contains(strings.ToLower(name), "limit") {
			all[name] = res.Header.Get(name)
		}
	}
	return all
}

func TestALimitSlidesAndShowsItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api, c := begin(t)
		api.SetLimit(Count, Limit{Calls: 2, Window: time.Minute})
		count := func() *http.Response {
			res, _, err := c.qps(Count, ask())
			require.NoError(t, err)
			return res
		}
		assert.Equal(t, map[string]string{"X-Ratelimit-Limit": "2", "X-Ratelimit-Window-Sec": "60", "X-Ratelimit-Remaining": "1", "X-Ratelimit-Towait-Sec": "0"}, limitHeaders(count()))
		time.Sleep(20 * time.Second)
		assert.Equal(t, "40", count().Header.Get("X-RateLimit-ToWait-Sec"), "the next call has to wait")
		away := count()
		assert.Equal(t, http.StatusConflict, away.StatusCode)
		assert.Equal(t, "40", away.Header.Get("X-RateLimit-ToWait-Sec"))
		time.Sleep(39 * time.Second)
		assert.Equal(t, http.StatusConflict, count().StatusCode)
		time.Sleep(time.Second)
		assert.Equal(t, http.StatusOK, count().StatusCode, "the first call is out of the window")
		assert.Equal(t, http.StatusConflict, count().StatusCode)
		api.SetLimit(Count, Limit{})
		assert.Empty(t, limitHeaders(count()))
	})
}

func TestALimitOfCallsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api, c := begin(t)
		api.SetLimit(Download, Limit{AtOnce: 1, Spelt: Together})
		api.Slow(Download, time.Second)
		first := make(chan *http.Response)
		go func() {
			res, _ := c.get(wanted(1, 0, "ASC", ""))
			first <- res
		}()
		time.Sleep(500 * time.Millisecond)
		away, _ := c.get(wanted(1, 0, "ASC", ""))
		assert.Equal(t, http.StatusTooManyRequests, away.StatusCode)
		assert.Equal(t, map[string]string{"X-Concurrencylimit-Limit": "1", "X-Concurrencylimit-Running": "1"}, limitHeaders(away))
		assert.Equal(t, http.StatusOK, (<-first).StatusCode)
		again, _ := c.get(wanted(1, 0, "ASC", ""))
		assert.Equal(t, http.StatusOK, again.StatusCode)
	})
}

func TestASilentLimit(t *testing.T) {
	api, c := begin(t)
	api.SetLimit(Search, Limit{Calls: 1, Window: time.Hour, Spelt: Silent})
	c.saq(Search, ask())
	away, _, err := c.qps(Search, ask())
	require.NoError(t, err)
	assert.Equal(t, http.StatusConflict, away.StatusCode)
	assert.Empty(t, limitHeaders(away))
}
