package qualys_test

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/internal/miniqualys"
	"countersign/qualys"
)

func TestSearchReadsAllPages(t *testing.T) {
	for _, n := range []int{0, 1, 999, 1000, 1001, 1999, 2000, 2500} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			api, c := setup(t)
			api.AddSAQUsers(n, "Acme")
			ids, err := collect(t.Context(), c, nil)
			require.NoError(t, err)
			assert.Len(t, ids, n)
		})
	}
}

func TestSearchEndsWhenTheCallerHasSeenEnough(t *testing.T) {
	api, c := setup(t)
	api.AddSAQUsers(2500, "Acme")
	for _, err := range c.Search(t.Context(), nil) {
		require.NoError(t, err)
		break
	}
	assert.Equal(t, 1, api.Calls(miniqualys.Search))
}

func TestSearchRefusesIgnoredConditions(t *testing.T) {
	api, c := setup(t)
	api.AddSAQUsers(10, "Acme")
	api.AddSAQUsers(10, "Other")
	api.SetQuirks(miniqualys.Quirks{IgnoreCriteria: []string{"company", "id"}})

	ids, err := collect(t.Context(), c, qualys.Filter{is(qualys.Company, "Acme")})
	require.ErrorIs(t, err, qualys.ErrIgnoredCriteria)
	assert.Empty(t, ids, "a page is checked before any of it is used")

	_, err = c.Find(t.Context(), []qualys.SAQUserID{767231594})
	require.ErrorIs(t, err, qualys.ErrIgnoredCriteria)
}

func user(ids ...int) string {
	var b strings.Builder
	for _, id := range ids {
		fmt.Fprintf(&b, "<User><id>%d</id></User>", id)
	}
	return "<data>" + b.String() + "</data>"
}

func TestSearchIsNeverSilentlyShort(t *testing.T) {
	more, done := "<hasMoreRecords>true</hasMoreRecords>", "<hasMoreRecords>false</hasMoreRecords>"
	for _, tt := range []struct {
		name  string
		page  []string
		count int // what a count would say, or 0: nobody asks
		want  []qualys.SAQUserID
		err   error
	}{
		{"one page", []string{user(1, 2) + done}, 0, []qualys.SAQUserID{1, 2}, nil},
		{"a short page without a word about more", []string{user(1, 2)}, 0, []qualys.SAQUserID{1, 2}, nil},
		{"pages that share a user", []string{user(1, 2) + more, user(2, 3) + done}, 0, []qualys.SAQUserID{1, 2, 3}, nil},
		{"numbers for yes and no", []string{user(1, 2) + "<hasMoreRecords>1</hasMoreRecords>", user(2, 3) + "<hasMoreRecords>0</hasMoreRecords>"}, 0, []qualys.SAQUserID{1, 2, 3}, nil},
		{"an offset that is ignored", []string{user(1, 2) + more}, 3, []qualys.SAQUserID{1, 2}, qualys.ErrIncomplete},
		{"more that does not exist", []string{user(1, 2) + more}, 2, []qualys.SAQUserID{1, 2}, nil},
		{"someone left between two pages, then all is quiet",
			[]string{user(1, 2) + more, user(4) + done, user(2, 3) + more, user(3, 4) + done}, 0, []qualys.SAQUserID{1, 2, 3, 4}, nil},
		{"they never stop moving", []string{user(1, 2) + more, user(4) + done, user(2, 3) + more, user(5) + done}, 4, []qualys.SAQUserID{1, 2, 3, 5}, qualys.ErrIncomplete},
		{"more, and then nobody", []string{user(1, 2) + more, done, user(1, 2) + more, done}, 3, []qualys.SAQUserID{1, 2}, qualys.ErrIncomplete},
		{"more without end", []string{user(1) + more, user(1) + more}, 2, []qualys.SAQUserID{1}, qualys.ErrIncomplete},
		{"one comes twice, another not at all", []string{user(1, 2, 2) + done}, 3, []qualys.SAQUserID{1, 2}, qualys.ErrIncomplete},
		{"fewer than counted", []string{"<count>3</count>" + user(1, 2) + done}, 0, []qualys.SAQUserID{1, 2}, qualys.ErrIncomplete},
		{"a count without users", []string{"<count>3</count>"}, 0, nil, qualys.ErrIncomplete},
		{"more than counted: the users are what counts", []string{"<count>1</count>" + user(1, 2) + done}, 0, []qualys.SAQUserID{1, 2}, nil},
		{"a count of all pages", []string{"<count>3</count>" + user(1, 2) + more, "<COUNT>3</COUNT>" + user(2, 3) + done}, 0, []qualys.SAQUserID{1, 2, 3}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			i, counted := 0, 0
			_, c := script(t, func(w http.ResponseWriter, r *http.Request) {
				if strings.Contains(r.URL.Path, "/count/") {
					counted++
					success(fmt.Sprintf("<count>%d</count>", tt.count))(w, r)
					return
				}
				success(tt.page[min(i, len(tt.page)-1)])(w, r)
				i++
			})
			ids, err := collect(t.Context(), c, nil)
			require.ErrorIs(t, err, tt.err)
			assert.Equal(t, tt.want, ids)
			assert.Equal(t, min(tt.count, 1), counted, "a count decides where pages prove nothing, and only there")
		})
	}
}

// Nothing but a sample or two says how Qualys pages. Whatever a server makes of
// our preferences, everybody comes once, in calls that end.
func TestSearchUnderstandsOtherWaysOfPaging(t *testing.T) {
	type asked struct{ offset, id, limit int } // 0 if absent
	for _, tt := range []struct {
		name  string
		page  func(all []int, a asked) []int
		tells bool // whether it says that there are more
		calls map[int]int
	}{
		{"as documented", func(all []int, a asked) []int { return window(all, max(a.offset, 1)-1, a.limit) }, true, map[int]int{99: 1, 100: 1, 1000: 1, 2500: 3}},
		{"without a word about more", func(all []int, a asked) []int { return window(all, max(a.offset, 1)-1, a.limit) }, false, map[int]int{99: 1, 100: 2, 1000: 2, 2500: 3}},
		{"offsets from 0", func(all []int, a asked) []int { return window(all, a.offset, a.limit) }, true, map[int]int{99: 1, 1000: 1, 2500: 6}},
		{"pages of 100, whatever we want", func(all []int, a asked) []int { return window(all, max(a.offset, 1)-1, 100) }, true, map[int]int{99: 1, 100: 1, 250: 3}},
		{"pages of 100, without a word", func(all []int, a asked) []int { return window(all, max(a.offset, 1)-1, 100) }, false, map[int]int{99: 1, 100: 2, 250: 3}},
		{"by id alone", func(all []int, a asked) []int { return window(all, max(0, slices.Index(all, a.id)), a.limit) }, true, map[int]int{1000: 1, 2500: 5}},
		{"behind an id", func(all []int, a asked) []int { return window(all, slices.Index(all, a.id)+1, a.limit) }, true, map[int]int{1000: 1, 2500: 6}},
		{"all at once", func(all []int, a asked) []int { return all }, false, map[int]int{99: 1, 100: 5, 1000: 5, 2500: 1}},
	} {
		for n, calls := range tt.calls {
			t.Run(fmt.Sprint(tt.name, n), func(t *testing.T) {
				all := make([]int, n)
				for i := range all {
					all[i] = i + 1
				}
				s, c := script(t, func(w http.ResponseWriter, r *http.Request) {
					if strings.Contains(r.URL.Path, "/count/") {
						success(fmt.Sprintf("<count>%d</count>", n))(w, r)
						return
					}
					var q struct {
						Offset int `xml:"preferences>startFromOffset"`
						ID     int `xml:"preferences>startFromId"`
						Limit  int `xml:"preferences>limitResults"`
					}
					assert.NoError(t, xml.NewDecoder(r.Body).Decode(&q))
					page := tt.page(all, asked{q.Offset, q.ID, q.Limit})
					more := ""
					if tt.tells {
						more = fmt.Sprintf("<hasMoreRecords>%t</hasMoreRecords>", len(page) > 0 && page[len(page)-1] < n)
					}
					success(fmt.Sprintf("<count>%d</count>", len(page))+more+user(page...))(w, r)
				})
				ids, err := collect(t.Context(), c, nil)
				require.NoError(t, err)
				require.Len(t, ids, n)
				assert.Len(t, slices.Compact(slices.Sorted(slices.Values(ids))), n, "each once")
				assert.EqualValues(t, calls, s.calls.Load())
			})
		}
	}
}

// window returns so many of all, from an index on.
func window(all []int, from, n int) []int {
	from = min(from, len(all))
	return all[from:min(len(all), from+n)]
}
