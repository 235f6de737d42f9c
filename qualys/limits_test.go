package qualys_test

import (
	"context"
	"fmt"
	"io"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/internal/miniqualys"
	"countersign/qualys"
)

// Where Qualys tells its limit, no call is turned away: reads wait for their
// turn, the last tenth of a window is spent slowly.
func TestReadsKeepTheirPace(t *testing.T) {
	for _, spelt := range []miniqualys.Spelling{miniqualys.Dashes, miniqualys.Together} {
		synctest.Test(t, func(t *testing.T) {
			api, c := inMemory(t)
			api.SetLimit(miniqualys.Count, miniqualys.Limit{Calls: 30, Window: time.Minute, Spelt: spelt})
			began := time.Now()
			var at []time.Duration
			for range 40 {
				_, err := c.Count(t.Context(), nil)
				require.NoError(t, err)
				at = append(at, time.Since(began))
			}
			assert.Equal(t, 40, api.Calls(miniqualys.Count), "nothing was turned away")
			assert.Zero(t, at[26], "as fast as it goes, at first")
			assert.Equal(t, 2*time.Second, at[27]-at[26], "the last tenth: window/limit apart")
			assert.Equal(t, time.Minute, at[30], "until the window has slid on")
		})
	}
}

// Two who read at once take turns as well.
func TestManyReadersKeepOnePace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api, c := inMemory(t)
		api.SetLimit(miniqualys.Count, miniqualys.Limit{Calls: 5, Window: 10 * time.Second})
		var wait sync.WaitGroup
		for range 12 {
			wait.Go(func() {
				_, err := c.Count(t.Context(), nil)
				assert.NoError(t, err)
			})
		}
		wait.Wait()
		// Two at once may be answered in another order than they were counted.
		assert.LessOrEqual(t, api.Calls(miniqualys.Count), 13, "hardly anything was turned away")
	})
}

func TestALimitOfOneCallAtATimeIsHeeded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api, c := inMemory(t)
		api.AddPlatformUsers(9_500)
		api.SetLimit(miniqualys.Download, miniqualys.Limit{AtOnce: 1, Spelt: miniqualys.Together})
		api.Slow(miniqualys.Download, time.Second)
		d, err := c.Download(t.Context(), qualys.DownloadQuery{}, io.Discard)
		require.NoError(t, err)
		assert.True(t, d.Complete, "complete")
		assert.Equal(t, 10, api.Calls(miniqualys.Download), "nothing was turned away")
	})
}

// A write is never kept waiting here, because the right to write might run out
// meanwhile: it comes back, unsent, with the time to wait.
func TestAWriteIsNotKeptWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api, c := inMemory(t)
		api.SetLimit(miniqualys.Delete, miniqualys.Limit{Calls: 1, Window: time.Minute})
		ids := []qualys.SAQUserID{qualys.SAQUserID(api.AddSAQUsers(1, "Acme")[0].ID)}
		_, err := c.Delete(t.Context(), ids)
		require.NoError(t, err)
		began := time.Now()
		_, err = c.Delete(t.Context(), ids)
		require.ErrorIs(t, err, qualys.ErrRateLimited)
		assert.NotErrorIs(t, err, qualys.ErrUnknownOutcome)
		assert.NotErrorIs(t, err, qualys.ErrUnreachable)
		var e *qualys.Error
		require.ErrorAs(t, err, &e)
		assert.Equal(t, time.Minute, e.RetryAfter)
		assert.Zero(t, time.Since(began))
		assert.Equal(t, 1, api.Calls(miniqualys.Delete), "it was not even sent")
		time.Sleep(e.RetryAfter)
		_, err = c.Delete(t.Context(), ids)
		require.NoError(t, err)
	})
}

// A pause that is longer than anybody's patience ends a read at once, and the
// next one too: asking again would only be turned away.
func TestALongPauseIsHeededByTheNextRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api, c := inMemory(t)
		api.RateLimit(miniqualys.Search, 409, map[string]string{"X-RateLimit-ToWait-Sec": "3000"}, 1)
		for range 3 {
			_, err := collect(t.Context(), c, nil)
			require.ErrorIs(t, err, qualys.ErrRateLimited)
			var e *qualys.Error
			require.ErrorAs(t, err, &e)
			assert.Equal(t, 3000*time.Second, e.RetryAfter)
		}
		assert.Equal(t, 1, api.Calls(miniqualys.Search))
		_, err := c.Count(t.Context(), nil)
		require.NoError(t, err, "another API has a limit of its own")
		time.Sleep(3000 * time.Second)
		_, err = collect(t.Context(), c, nil)
		require.NoError(t, err)
	})
}

func TestWhoStopsWaitingForALimitHearsWhy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api, c := inMemory(t)
		api.SetLimit(miniqualys.Count, miniqualys.Limit{Calls: 1, Window: time.Minute})
		_, err := c.Count(t.Context(), nil)
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		_, err = c.Count(ctx, nil)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorIs(t, err, qualys.ErrRateLimited)
	})
}

// The account behind the credentials is nobody's target, once a search has
// shown its id.
func TestOurOwnAccountCannotBeWritten(t *testing.T) {
	api, c := setup(t)
	own := qualys.SAQUserID(api.SetSAQUser(miniqualys.SAQUser{FirstName: "Bot", UserName: " Quays_WY40 "}))
	other := qualys.SAQUserID(api.AddSAQUsers(1, "Acme")[0].ID)
	_, err := c.Find(t.Context(), []qualys.SAQUserID{own, other})
	require.NoError(t, err)

	_, err = c.Delete(t.Context(), []qualys.SAQUserID{other, own})
	require.ErrorIs(t, err, qualys.ErrOwnAccount)
	_, err = c.Update(t.Context(), []qualys.SAQUserID{own}, qualys.NewChange(qualys.Set{Field: qualys.Title, Value: "x"}))
	require.ErrorIs(t, err, qualys.ErrOwnAccount)
	assert.Zero(t, api.Calls(miniqualys.Delete)+api.Calls(miniqualys.Update))
	_, err = c.Delete(t.Context(), []qualys.SAQUserID{other})
	require.NoError(t, err)
}

func TestDiffer(t *testing.T) {
	missing, extra := qualys.Differ([]qualys.SAQUserID{1, 2, 3}, []qualys.SAQUserID{3, 4, 1})
	assert.Equal(t, []qualys.SAQUserID{2}, missing)
	assert.Equal(t, []qualys.SAQUserID{4}, extra)
	missing, extra = qualys.Differ([]qualys.SAQUserID{1}, []qualys.SAQUserID{1})
	assert.Empty(t, missing)
	assert.Empty(t, extra)
}

// All ten fields with each of their operators, alone and in pairs: the count,
// the users that come, and what miniqualys holds agree.
func TestEveryFieldAndOperatorSelects(t *testing.T) {
	api, c := setup(t)
	for _, company := range []string{"Acme", "Globex", miniqualys.NewVendor} {
		api.AddSAQUsers(40, company)
	}
	var all []qualys.SAQUser
	for u, err := range c.Search(t.Context(), nil) {
		require.NoError(t, err)
		all = append(all, u)
	}
	require.Len(t, all, 120)
	qualys.SortSAQUsers(all)
	one := all[59] // has a title and tags
	require.NotEmpty(t, one.Title)
	require.NotEmpty(t, one.Tags)

	var conditions []qualys.Condition
	for _, f := range qualys.Fields {
		value, part := one.Value(f), ""
		switch f {
		case qualys.TagID:
			value = fmt.Sprint(one.Tags[0].ID)
		case qualys.TagName:
			value = one.Tags[0].Name
		}
		part = value[1 : len(value)-1]
		for _, o := range f.Operators() {
			v := map[qualys.Operator][]string{qualys.Equals: {value}, qualys.Contains: {part}, qualys.In: {value, "1", "2"}}[o]
			conditions = append(conditions, qualys.Condition{Field: f, Operator: o, Values: v})
		}
	}
	require.Len(t, conditions, 2+1+6*2+2+2)

	agree := func(f qualys.Filter) {
		want := 0
		for _, u := range all {
			if f.Matches(u) {
				want++
			}
		}
		require.Positive(t, want, "%v", f)
		n, err := c.Count(t.Context(), f)
		require.NoError(t, err)
		require.Equal(t, want, n, "%v", f)
		ids, err := collect(t.Context(), c, f)
		require.NoError(t, err)
		require.Len(t, ids, want, "%v", f)
		require.Contains(t, ids, one.ID, "%v", f)
	}
	for i, a := range conditions {
		agree(qualys.Filter{a})
		for _, b := range conditions[i+1:] {
			if b.Field != a.Field {
				agree(qualys.Filter{a, b})
			}
		}
	}
}

// What pages and recordings of Qualys show in other shapes says the same.
func TestOddAnswersAreReadAllTheSame(t *testing.T) {
	for _, tt := range []struct {
		name   string
		quirks miniqualys.Quirks
	}{
		{"a count in capitals", miniqualys.Quirks{CountInCapitals: true}},
		{"CDATA", miniqualys.Quirks{CDATA: true}},
		{"another order", miniqualys.Quirks{ReverseElements: true}},
		{"another schema", miniqualys.Quirks{WrongSchema: true}},
		{"empty data", miniqualys.Quirks{EmptyData: true}},
		{"all of it", miniqualys.Quirks{CountInCapitals: true, CDATA: true, ReverseElements: true, WrongSchema: true, EmptyData: true}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			api, c := setup(t)
			api.AddSAQUsers(1500, "Acme")
			api.AddNastyUsers()
			read := func() map[qualys.SAQUserID]string {
				all := map[qualys.SAQUserID]string{}
				for u, err := range c.Search(t.Context(), nil) {
					require.NoError(t, err)

					all[u.ID] = fmt.Sprint(u)
				}
				return all
			}
			plain := read()
			api.SetQuirks(tt.quirks)
			assert.Equal(t, plain, read())
			n, err := c.Count(t.Context(), qualys.Filter{is(qualys.Company, "Acme")})
			require.NoError(t, err)
			assert.Equal(t, len(plain), n)
			n, err = c.Count(t.Context(), qualys.Filter{is(qualys.Company, "Nobody's")})
			require.NoError(t, err)
			assert.Zero(t, n)

			id := qualys.SAQUserID(api.SAQUsers()[3].ID)
			touched, err := c.Update(t.Context(), []qualys.SAQUserID{id}, qualys.NewChange(qualys.Set{Field: qualys.Title, Value: "x"}))
			require.NoError(t, err)
			assert.Equal(t, []qualys.SAQUserID{id}, touched)
			touched, err = c.Delete(t.Context(), []qualys.SAQUserID{id})
			require.NoError(t, err)
			assert.Equal(t, []qualys.SAQUserID{id}, touched)
			found, err := c.Find(t.Context(), []qualys.SAQUserID{id})
			require.NoError(t, err)
			assert.Empty(t, found)
		})
	}
}
