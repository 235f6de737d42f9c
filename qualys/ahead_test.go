package qualys_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/internal/miniqualys"
	"countersign/qualys"
)

// 100 pages from a server that takes 50 ms for each: the first alone, because it
// tells how many there are, then two at a time. (The clock is the bubble's: what
// our own work takes is the benchmark's business.)
func TestPagesAreFetchedTwoAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api, c := inMemory(t)
		api.AddPlatformUsers(100_000)
		api.Slow(miniqualys.Download, 50*time.Millisecond)
		began := time.Now()
		d, err := c.Download(t.Context(), qualys.DownloadQuery{}, io.Discard)
		require.NoError(t, err)
		assert.Equal(t, 100_000, d.Rows)
		assert.True(t, d.Complete, "complete")
		assert.Equal(t, 100, api.Calls(miniqualys.Download))
		const bound = (1 + 50) * 50 * time.Millisecond
		assert.LessOrEqual(t, time.Since(began), bound*110/100)
	})
}

func TestPagesAreWrittenInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &canned{users: 12_345, takes: func(offset int) time.Duration {
			return time.Duration(offset/1000%3) * time.Second // the later of two often comes first
		}}
		var out strings.Builder
		d, err := api.client(t).Download(t.Context(), qualys.DownloadQuery{}, &out)
		require.NoError(t, err)
		assert.True(t, d.Complete, "complete")
		assert.Zero(t, d.Duplicates)
		_, rows := table(t, out.String())
		require.Len(t, rows, 12_345)
		assert.True(t, slices.IsSorted(names(rows)), "in order")
		assert.Equal(t, 2, api.most, "two at a time")
		slices.Sort(api.calls)
		assert.Equal(t, []int{0, 1000, 2000, 3000, 4000, 5000, 6000, 7000, 8000, 9000, 10000, 11000, 12000}, api.calls, "each page once")
	})
}

// What goes wrong with a page that was fetched ahead is seen to when its turn
// comes.
func TestAPageFetchedAheadMayFail(t *testing.T) {
	for _, tt := range []struct {
		name  string
		fault func(*miniqualys.Server)
		calls int // those that failed among them; with an expired token perhaps one fewer, if one waited for the other's refresh
	}{
		{"nothing", func(*miniqualys.Server) {}, 5},
		{"a lost answer", func(s *miniqualys.Server) { s.LoseAnswers(miniqualys.Download, 1) }, 6},
		{"both are lost", func(s *miniqualys.Server) { s.LoseAnswers(miniqualys.Download, 2) }, 7},
		{"a busy server", func(s *miniqualys.Server) { s.Fail(miniqualys.Download, 503, "", 1) }, 6},
		{"a web page", func(s *miniqualys.Server) { s.Fail(miniqualys.Download, 200, "<html>log in</html>", 1) }, 6},
		{"a short row", func(s *miniqualys.Server) {
			s.Fail(miniqualys.Download, 200, "User Data,now,5000\n"+header+"\n\"quays_aabmm\",\"x\"\n", 1)
		}, 6},
		{"an expired token", func(s *miniqualys.Server) { s.ExpireTokens() }, 7}, // P48
		{"a limit", func(s *miniqualys.Server) { // P43
			s.RateLimit(miniqualys.Download, 429, map[string]string{"X-RateLimit-ToWait-Sec": "40"}, 2)
		}, 7},
		{"a limit that does not say how long", func(s *miniqualys.Server) { s.RateLimit(miniqualys.Download, 429, nil, 3) }, 8},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				api, c := inMemory(t)
				api.AddPlatformUsers(5000)
				first := true
				ctx := qualys.WithProgress(t.Context(), func(qualys.Progress) {
					if first { // page 1 is there, the next two are about to be asked for
						tt.fault(api)
					}
					first = false
				})
				var out strings.Builder
				d, err := c.Download(ctx, qualys.DownloadQuery{}, &out)
				require.NoError(t, err)
				assert.True(t, d.Complete, "complete")
				assert.Equal(t, 5000, d.Rows)
				_, rows := table(t, out.String())
				assert.True(t, slices.IsSorted(names(rows)), "in order")
				refreshed := api.Calls(miniqualys.Auth) - 1
				assert.LessOrEqual(t, refreshed, 1, "one refresh")
				assert.InDelta(t, tt.calls, d.Calls, float64(refreshed))
				assert.Equal(t, api.Calls(miniqualys.Download), d.Calls, "calls are counted, also those that failed")
			})
		})
	}
}

// Users come and go while they are read: nobody is written twice, and who is
// missing makes the table incomplete.
func TestTotalsThatMove(t *testing.T) {
	for _, tt := range []struct {
		name     string
		second   string // page 2
		third    string
		rows     int
		complete bool
	}{
		{"one more at the end", page(2001, 1000, 1000), page(2001, 2000, 1), 2001, true},
		{"one fewer", page(1999, 1000, 999), "", 1999, true},
		{"one shifted from page 1 to page 2", page(2001, 999, 1000), page(2001, 2000, 1), 2000, false},
		{"a short page, then the rest", page(2000, 1000, 300), page(2000, 1300, 700), 2000, true},
		{"a short page, then nothing", page(2000, 1000, 300), page(2000, 0, 0), 1300, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, c := script(t, says(200, page(2000, 0, 1000)), says(200, tt.second), says(200, tt.third))
			d, err := c.Download(t.Context(), qualys.DownloadQuery{}, io.Discard)
			require.NoError(t, err)
			assert.Equal(t, tt.rows, d.Rows)
			assert.Equal(t, tt.complete, d.Complete)
		})
	}
}

func page(total, offset, rows int) string { return string(seedPage(total, offset, rows)) }

// Page 1's total gives plan, cost and time before the second call is made.
func TestThePlanIsKnownBeforeCallTwo(t *testing.T) {
	for _, tt := range []struct {
		name  string
		query qualys.DownloadQuery
		want  qualys.Progress
	}{
		{"everybody", qualys.DownloadQuery{}, qualys.Progress{Rows: 1000, Total: 4200, Calls: 1, Plan: 5, Left: 4 * time.Second}},
		{"a limit", qualys.DownloadQuery{Limit: 2500}, qualys.Progress{Rows: 1000, Total: 4200, Calls: 1, Plan: 3, Left: 2 * time.Second}},
		{"an offset", qualys.DownloadQuery{Offset: 2200}, qualys.Progress{Rows: 1000, Total: 4200, Calls: 1, Plan: 2, Left: time.Second}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				api, c := inMemory(t)
				api.AddPlatformUsers(4200)
				api.Slow(miniqualys.Download, 2*time.Second)
				var news []qualys.Progress
				ctx := qualys.WithProgress(t.Context(), func(p qualys.Progress) {
					if news = append(news, p); len(news) == 1 {
						assert.Equal(t, 1, api.Calls(miniqualys.Download))
					}
				})
				d, err := c.Download(ctx, tt.query, io.Discard)
				require.NoError(t, err)
				tt.want.Op = "users/download"
				assert.Equal(t, tt.want, news[0])
				assert.Equal(t, d.Calls, news[0].Plan, "the plan holds")
				assert.Len(t, news, d.Calls-1, "news after each page but the last")
				for _, p := range news[1:] {
					assert.LessOrEqual(t, p.Left, news[0].Left+2*time.Second)
					assert.Equal(t, d.Calls, p.Plan)
				}
			})
		})
	}
}

// An estimate counts what the limit of the subscription costs.
func TestTheEstimateKnowsTheLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api, c := inMemory(t)
		api.AddPlatformUsers(30_000)
		api.SetLimit(miniqualys.Download, miniqualys.Limit{Calls: 20, Window: time.Minute})
		var first qualys.Progress
		began := time.Now()
		d, err := c.Download(qualys.WithProgress(t.Context(), func(p qualys.Progress) {
			if first.Op == "" {
				first = p
			}
		}), qualys.DownloadQuery{}, io.Discard)
		require.NoError(t, err)
		assert.True(t, d.Complete, "complete")
		assert.Equal(t, 30, api.Calls(miniqualys.Download), "nothing was turned away")
		took := time.Since(began)
		assert.InDelta(t, took.Seconds(), first.Left.Seconds(), 40, "took %v, estimated %v", took, first.Left)
		assert.Greater(t, took, 30*time.Second)
	})
}

func TestWaitsAreTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api, c := inMemory(t)
		api.AddPlatformUsers(1)
		var waits []qualys.Progress
		ctx := qualys.WithProgress(t.Context(), func(p qualys.Progress) { waits = append(waits, p) })

		api.RateLimit(miniqualys.Download, 429, map[string]string{"X-RateLimit-ToWait-Sec": "30"}, 1)
		_, err := c.Download(ctx, qualys.DownloadQuery{}, io.Discard)
		require.NoError(t, err)
		api.RateLimit(miniqualys.Count, 409, map[string]string{"Retry-After": "20"}, 1)
		_, err = c.Count(ctx, nil)
		require.NoError(t, err)
		assert.Equal(t, []qualys.Progress{
			{Op: "users/download", Calls: 1, Wait: 30 * time.Second, Left: 30 * time.Second},
			{Op: "count/saq/user", Wait: 20 * time.Second, Left: 20 * time.Second},
		}, waits)
	})
}

func TestADownloadThatIsGivenUpLeavesNothingBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api, c := inMemory(t)
		api.AddPlatformUsers(50_000)
		api.Slow(miniqualys.Download, time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		_, err := c.Download(ctx, qualys.DownloadQuery{}, io.Discard)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		c.Close()
		synctest.Wait() // a goroutine that is left would keep the bubble open

		full := errors.New("no space left")
		began := time.Now()
		_, err = c.Download(t.Context(), qualys.DownloadQuery{}, writer(func([]byte) (int, error) { return 0, full }))
		require.ErrorIs(t, err, full)
		assert.Equal(t, time.Second, time.Since(began), "pages under way are not waited for")
	})
}

// Odd servers get one call at a time.
func TestOddServersAreAskedPageByPage(t *testing.T) {
	for _, tt := range []struct {
		name   string
		quirks miniqualys.Quirks
		calls  int
	}{
		{"sends short pages", miniqualys.Quirks{Cap: 400}, 7},
		{"ignores limit", miniqualys.Quirks{IgnoreLimit: true, Cap: 1500}, 2},
		{"sends all at once", miniqualys.Quirks{IgnoreLimit: true, Cap: 9999}, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			api, c := setup(t)
			api.AddPlatformUsers(2500)
			api.SetQuirks(tt.quirks)
			d, err := c.Download(t.Context(), qualys.DownloadQuery{}, io.Discard)
			require.NoError(t, err)
			assert.True(t, d.Complete, "complete")
			assert.Equal(t, tt.calls, api.Calls(miniqualys.Download))
		})
	}
}

// READER, SCANNER means at least one of them, whatever Qualys takes it for.
func TestAListOfRolesMeansAtLeastOne(t *testing.T) {
	for _, tt := range []struct {
		name    string
		reading miniqualys.RoleReading
		calls   []int // of the first download and of the second
	}{
		{"as we do", miniqualys.AnyOf, []int{3 + 3, 3}},
		{"all of them", miniqualys.AllOf, []int{3 + 4, 4}},
		{"a role of that name", miniqualys.Literal, []int{3 + 4, 4}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			api, c := setup(t)
			api.AddPlatformUsers(4000)
			api.SetQuirks(miniqualys.Quirks{RoleList: tt.reading})
			var want []string
			for u := range api.PlatformUsers() {
				if slices.Contains(u.Roles, "READER") || slices.Contains(u.Roles, "MANAGER") {
					want = append(want, u.Username)
				}
			}
			require.Equal(t, 2642, len(want))
			for round, calls := range tt.calls {
				before := api.Calls(miniqualys.Download)
				var out strings.Builder
				d, err := c.Download(t.Context(), qualys.DownloadQuery{Roles: []string{"reader", "Manager"}}, &out)
				require.NoError(t, err)
				_, rows := table(t, out.String())
				assert.True(t, slices.Equal(want, names(rows)), "exactly those who hold one, in order")
				assert.True(t, d.Complete, "complete")
				assert.Equal(t, len(want), d.Total)
				assert.Equal(t, calls, api.Calls(miniqualys.Download)-before, "download %d", round)
				assert.Equal(t, calls, d.Calls)
			}
			var out strings.Builder
			d, err := c.Download(t.Context(), qualys.DownloadQuery{Roles: []string{"READER", "MANAGER"}, Offset: 1500, Limit: 700}, &out)
			require.NoError(t, err)
			_, rows := table(t, out.String())
			assert.True(t, slices.Equal(want[1500:2200], names(rows)), "offset and limit count matches")
			assert.True(t, d.Complete, "complete")
		})
	}
}

func TestTimeZonesAreJudgedBeforeACall(t *testing.T) {
	api, c := setup(t)
	for _, zone := range []string{"", "UTC", "Asia/Kolkata", "America/Argentina/Buenos_Aires", "Etc/GMT+5"} {
		_, err := c.Download(t.Context(), qualys.DownloadQuery{Timezone: zone}, io.Discard)
		require.NoError(t, err, zone)
	}
	api.ForgetRequests()
	for _, zone := range []string{"Local", "Mars/Base", "+05:30", "Asia/Kolkata; x", "../../etc/passwd", "Europe/Berlin\n"} {
		_, err := c.Download(t.Context(), qualys.DownloadQuery{Timezone: zone}, io.Discard)
		require.ErrorContains(t, err, fmt.Sprintf("%q is no time zone", zone))
	}
	assert.Empty(t, api.Requests())
}

func TestNotEnabledSaysWhatToDo(t *testing.T) {
	api, c := setup(t)
	api.SetQuirks(miniqualys.Quirks{NotEnabled: true})
	_, err := c.Download(t.Context(), qualys.DownloadQuery{}, io.Discard)
	require.ErrorIs(t, err, qualys.ErrNotEnabled)
	assert.ErrorContains(t, err, "ask Qualys support")
	assert.Equal(t, 1, api.Calls(miniqualys.Download), "asking again would not help")

	_, c = script(t, says(http.StatusNotFound, "<html><title>404</title></html>"))
	_, err = c.Download(t.Context(), qualys.DownloadQuery{}, io.Discard)
	require.ErrorIs(t, err, qualys.ErrNotEnabled)
	assert.ErrorContains(t, err, "ask Qualys support")
}
