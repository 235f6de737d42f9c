package qualys_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/internal/miniqualys"
	"countersign/qualys"
)

func TestSearchAndCountAgree(t *testing.T) {
	api, c := setup(t)
	api.Example()
	api.AddNastyUsers()
	one := api.SAQUsers()[100]
	tagged := api.SAQUsers()[slices.IndexFunc(api.SAQUsers(), func(u miniqualys.SAQUser) bool { return len(u.Tags) > 0 })]

	for _, tt := range []struct {
		name   string
		filter qualys.Filter
	}{
		{"everybody", nil},
		{"nobody", qualys.Filter{is(qualys.Company, "no such company")}},
		{"a name", qualys.Filter{is(qualys.FirstName, "NewVendor")}},
		{"a name in another case", qualys.Filter{is(qualys.FirstName, "newVENDOR")}},
		{"a part of a name", qualys.Filter{hasText(qualys.LastName, "a")}},
		{"an id", qualys.Filter{is(qualys.ID, fmt.Sprint(one.ID))}},
		{"ids", qualys.Filter{among(qualys.ID, "767231594,767231600,1")}},
		{"a uuid", qualys.Filter{is(qualys.UUID, one.UUID)}},
		{"a company", qualys.Filter{is(qualys.Company, one.Company)}},
		{"a title", qualys.Filter{hasText(qualys.Title, "e")}},
		{"an address", qualys.Filter{is(qualys.EmailAddress, one.EmailAddress)}},
		{"a login", qualys.Filter{hasText(qualys.UserName, one.UserName[:3])}},
		{"a tag's id", qualys.Filter{is(qualys.TagID, fmt.Sprint(tagged.Tags[0].ID))}},
		{"tags' ids", qualys.Filter{among(qualys.TagID, fmt.Sprint(tagged.Tags[0].ID))}},
		{"a tag's name", qualys.Filter{is(qualys.TagName, tagged.Tags[0].Name)}},
		{"two conditions", qualys.Filter{is(qualys.FirstName, "NewVendor"), hasText(qualys.LastName, "e")}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n, err := c.Count(t.Context(), tt.filter)
			require.NoError(t, err)
			ids, err := collect(t.Context(), c, tt.filter)
			require.NoError(t, err)
			assert.Len(t, ids, n)
			assert.Len(t, slices.Compact(slices.Sorted(slices.Values(ids))), n, "each user once")
		})
	}
}

func TestSearchReadsEveryField(t *testing.T) {
	api, c := setup(t)
	want := miniqualys.SAQUser{
		ID: 42, UUID: "d78bbe2c-5396-48ea-92cc-03d0076ee839", FirstName: "Zoë <&>", LastName: `O"Neil`, Company: "Acme, Inc.",
		Title: "Head\tof IT", EmailAddress: "z@acme.com", UserName: "zoe@acme", Tags: []miniqualys.Tag{{ID: 7, Name: "CLV-ALL"}, {ID: 8, Name: "x"}},
	}
	api.SetSAQUser(want)

	found, err := c.Find(t.Context(), []qualys.SAQUserID{42})
	require.NoError(t, err)
	assert.Equal(t, []qualys.SAQUser{{
		ID: 42, UUID: want.UUID, FirstName: want.FirstName, LastName: want.LastName, Company: want.Company,
		Title: want.Title, EmailAddress: want.EmailAddress, UserName: want.UserName, Tags: []qualys.Tag{{ID: 7, Name: "CLV-ALL"}, {ID: 8, Name: "x"}},
	}}, found)
}

func TestFindNamesOnlyWhomItFinds(t *testing.T) {
	api, c := setup(t)
	users := api.AddSAQUsers(3, "Acme")
	api.Hide(users[1].ID)
	api.RemoveSAQUser(users[2].ID)

	ids := []qualys.SAQUserID{qualys.SAQUserID(users[2].ID), qualys.SAQUserID(users[0].ID), qualys.SAQUserID(users[1].ID), qualys.SAQUserID(users[0].ID)}
	found, err := c.Find(t.Context(), ids)
	require.NoError(t, err)
	require.Len(t, found, 1)
	assert.Equal(t, ids[1], found[0].ID)
	assert.Equal(t, 1, api.Calls(miniqualys.Search))

	found, err = c.Find(t.Context(), nil)
	require.NoError(t, err)
	assert.Empty(t, found)
	assert.Equal(t, 1, api.Calls(miniqualys.Search), "nobody asked for, nothing sent")

	_, err = c.Find(t.Context(), []qualys.SAQUserID{5, -5})
	require.ErrorContains(t, err, "-5 is no user id")
}

func TestWritesTouchExactlyTheNamedUsers(t *testing.T) {
	api, c := setup(t)
	var ids []qualys.SAQUserID
	for _, u := range api.AddSAQUsers(30, "Acme") {
		ids = append(ids, qualys.SAQUserID(u.ID))
	}
	change := qualys.NewChange(qualys.Set{Field: qualys.Title, Value: ""}, qualys.Set{Field: qualys.LastName, Value: "Left & gone"})
	touched, err := c.Update(t.Context(), slices.Concat(ids[3:5], ids[3:5]), change)
	require.NoError(t, err)
	assert.Equal(t, ids[3:5], touched)
	for i, u := range api.SAQUsers() {
		assert.Equal(t, i == 3 || i == 4, u.LastName == "Left & gone", "user %d", i)
		assert.NotEmpty(t, u.FirstName, "unnamed fields stay")
	}

	touched, err = c.Delete(t.Context(), ids[10:30])
	require.NoError(t, err)
	assert.Equal(t, ids[10:30], touched)
	assert.Len(t, api.SAQUsers(), 10)
	assert.Zero(t, api.Wild(), "no write without ids")
}

func TestWritesAnswerWhatQualysClaims(t *testing.T) {
	api, c := setup(t)
	users := api.AddSAQUsers(3, "Acme")
	api.RemoveSAQUser(users[0].ID)
	api.SetQuirks(miniqualys.Quirks{ExtraIDs: 1})
	ids := []qualys.SAQUserID{qualys.SAQUserID(users[0].ID), qualys.SAQUserID(users[1].ID)}

	touched, err := c.Delete(t.Context(), ids)
	require.NoError(t, err)
	assert.NotContains(t, touched, ids[0], "who was gone is missing")
	assert.Contains(t, touched, ids[1])
	assert.Len(t, touched, 2, "whom nobody named is there")
}

// P51: an empty filter deletes all.
func TestAWriteWithoutUsersCannotBeSent(t *testing.T) {
	api, c := setup(t)
	_, err := c.Delete(t.Context(), nil)
	require.ErrorIs(t, err, qualys.ErrNobody)
	_, err = c.Update(t.Context(), nil, qualys.NewChange(qualys.Set{Field: qualys.Title, Value: "x"}))
	require.ErrorIs(t, err, qualys.ErrNobody)
	_, err = c.Delete(t.Context(), []qualys.SAQUserID{0})
	require.ErrorContains(t, err, "0 is no user id")
	_, err = c.Delete(t.Context(), manyIDs(1001))
	require.ErrorContains(t, err, "1001 ids in one call")
	_, err = c.Update(t.Context(), manyIDs(1), nil)
	require.ErrorContains(t, err, "without a field")
	_, err = c.Update(t.Context(), manyIDs(2), qualys.NewChange(qualys.Set{Field: qualys.EmailAddress, Value: "a@b.c"}))
	require.ErrorContains(t, err, "only one user")
	_, err = c.Update(t.Context(), manyIDs(2), qualys.Change{{Field: qualys.ID, Value: "7"}})
	require.ErrorContains(t, err, "cannot be written")
	assert.Empty(t, api.Requests())
}

func manyIDs(n int) []qualys.SAQUserID {
	ids := make([]qualys.SAQUserID, n)
	for i := range ids {
		ids[i] = qualys.SAQUserID(i + 1)
	}
	return ids
}

// The classes of design section 9: what proves that nothing was done, and how
// long to wait where it is open.
func TestAFailedWriteSaysWhetherItMayHaveHappened(t *testing.T) {
	header := map[string]string{"x-ratelimit-towait-sec": "17"}
	for _, tt := range []struct {
		name  string
		fault func(*miniqualys.Server)
		kind  error
		fate  qualys.Fate
		after time.Duration // RetryAfter
		done  bool
		took  time.Duration
	}{
		{"turned away with a wait", func(s *miniqualys.Server) { s.RateLimit(miniqualys.Delete, 409, header, 1) }, qualys.ErrRateLimited, qualys.Refused, 17 * time.Second, false, 0},
		{"turned away without", func(s *miniqualys.Server) { s.RateLimit(miniqualys.Delete, 429, nil, 1) }, qualys.ErrRateLimited, qualys.Refused, 0, false, 0},
		{"an error of the server", func(s *miniqualys.Server) { s.Fail(miniqualys.Delete, 503, "<html><title>Busy</title></html>", 1) }, qualys.ErrUnknownOutcome, qualys.Answered, 0, false, 0},
		{"garbage", func(s *miniqualys.Server) { s.Fail(miniqualys.Delete, 200, "done", 1) }, qualys.ErrUnknownOutcome, qualys.Answered, 0, false, 0},
		{"a redirect", func(s *miniqualys.Server) { s.SetQuirks(miniqualys.Quirks{RedirectSlash: true}) }, qualys.ErrUnknownOutcome, qualys.Answered, 0, false, 0},
		{"no right", func(s *miniqualys.Server) { s.DenyAPI(true) }, qualys.ErrPermission, qualys.Refused, 0, false, 0},
		{"a refused login", func(s *miniqualys.Server) { s.RevokeCredentials() }, qualys.ErrCredentials, qualys.Refused, 0, false, 0},
		{"a lost call", func(s *miniqualys.Server) { s.LoseCalls(miniqualys.Delete, 1) }, qualys.ErrUnknownOutcome, qualys.Lost, 0, false, 0},
		{"a lost answer", func(s *miniqualys.Server) { s.LoseAnswers(miniqualys.Delete, 1) }, qualys.ErrUnknownOutcome, qualys.Lost, 0, true, 0},
		{"no answer in time", func(s *miniqualys.Server) { s.HangAnswers(miniqualys.Delete, 1) }, qualys.ErrUnknownOutcome, qualys.TimedOut, 0, true, 90 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				api, c := inMemory(t)
				id := qualys.SAQUserID(api.AddSAQUsers(1, "Acme")[0].ID)
				tt.fault(api)
				began := time.Now()
				_, err := c.Delete(t.Context(), []qualys.SAQUserID{id})
				require.ErrorIs(t, err, tt.kind)
				var e *qualys.Error
				require.ErrorAs(t, err, &e)
				assert.Equal(t, tt.fate, e.Fate)
				assert.Equal(t, tt.fate != qualys.Refused, e.Settle() > 0)
				assert.Equal(t, tt.after, e.RetryAfter)
				assert.Equal(t, tt.took, time.Since(began), "how long it took")
				assert.Equal(t, 1, api.Calls(miniqualys.Delete), "a write is never repeated here")
				assert.Equal(t, tt.done, len(api.SAQUsers()) == 0)
			})
		})
	}
}

func TestAWriteThatWasNeverSentDidNothing(t *testing.T) {
	api, c := setup(t)
	api.Close()
	_, err := c.Delete(t.Context(), []qualys.SAQUserID{1})
	require.ErrorIs(t, err, qualys.ErrUnreachable)
	assert.NotErrorIs(t, err, qualys.ErrUnknownOutcome)

	_, c = setup(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = c.Delete(ctx, []qualys.SAQUserID{1})
	require.ErrorIs(t, err, context.Canceled)
	assert.NotErrorIs(t, err, qualys.ErrUnknownOutcome)
}

func TestAWriteAbandonedByItsCallerIsOpen(t *testing.T) {
	for _, why := range []error{context.DeadlineExceeded, context.Canceled, errors.New("the lease is gone")} {
		synctest.Test(t, func(t *testing.T) {
			api, c := inMemory(t)
			id := qualys.SAQUserID(api.AddSAQUsers(1, "Acme")[0].ID)
			api.HangAnswers(miniqualys.Delete, 1)
			ctx, cancel := context.WithCancelCause(t.Context())
			time.AfterFunc(5*time.Second, func() { cancel(why) })
			_, err := c.Delete(ctx, []qualys.SAQUserID{id})
			require.ErrorIs(t, err, why)
			require.ErrorIs(t, err, qualys.ErrUnknownOutcome)
			var e *qualys.Error
			require.ErrorAs(t, err, &e)
			assert.Equal(t, qualys.TimedOut, e.Fate)
		})
	}
}

// P43: stopped at a rate limit and never went on.
func TestReadsAreRepeatedAndEnd(t *testing.T) {
	towait := map[string]string{"X-RateLimit-ToWait-Sec": "30"}
	for _, tt := range []struct {
		name  string
		fault func(*miniqualys.Server)
		kind  error
		calls int
		least time.Duration
		most  time.Duration
	}{
		{"a lost answer", func(s *miniqualys.Server) { s.LoseAnswers(miniqualys.Count, 1) }, nil, 2, 0, time.Second},
		{"a busy server", func(s *miniqualys.Server) { s.Fail(miniqualys.Count, 503, "", 2) }, nil, 3, time.Second, 3 * time.Second},
		{"a hanging server", func(s *miniqualys.Server) { s.Hang(miniqualys.Count, 1) }, nil, 2, 2 * time.Minute, 3 * time.Minute},
		{"a limit that says how long", func(s *miniqualys.Server) { s.RateLimit(miniqualys.Count, 409, towait, 1) }, nil, 2, 30 * time.Second, 31 * time.Second},
		{"a limit that does not", func(s *miniqualys.Server) { s.RateLimit(miniqualys.Count, 429, nil, 2) }, nil, 3, 12 * time.Second, 18 * time.Second},
		{"a limit for today", func(s *miniqualys.Server) {
			s.RateLimit(miniqualys.Count, 409, map[string]string{"X-RateLimit-ToWait-Sec": "7200"}, 1)
		}, qualys.ErrRateLimited, 1, 0, 0},
		{"a limit without end", func(s *miniqualys.Server) { s.RateLimit(miniqualys.Count, 429, nil, -1) }, qualys.ErrRateLimited, 0, 2 * time.Minute, 5 * time.Minute},
		{"a server that stays down", func(s *miniqualys.Server) { s.Fail(miniqualys.Count, 500, "", -1) }, new(qualys.Error), 4, time.Second, 10 * time.Second},
		{"a refusal", func(s *miniqualys.Server) { s.DenyAPI(true) }, qualys.ErrPermission, 1, 0, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				api, c := inMemory(t)
				_, err := c.Count(t.Context(), nil) // the credentials are proven
				require.NoError(t, err)
				api.ForgetRequests()
				before := api.Calls(miniqualys.Count)
				tt.fault(api)
				began := time.Now()
				_, err = c.Count(t.Context(), nil)
				switch _, any := tt.kind.(*qualys.Error); {
				case any:
					require.Error(t, err)
				default:
					require.ErrorIs(t, err, tt.kind)
				}
				took := time.Since(began)
				assert.GreaterOrEqual(t, took, tt.least)
				assert.LessOrEqual(t, took, tt.most)
				if tt.calls > 0 {
					assert.Equal(t, tt.calls, api.Calls(miniqualys.Count)-before)
				}
			})
		})
	}
}

func TestACallerWhoStopsWaitingHearsWhy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api, c := inMemory(t)
		api.RateLimit(miniqualys.Count, 429, nil, -1)
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		_, err := c.Count(ctx, nil)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorIs(t, err, qualys.ErrRateLimited)
	})
}

func TestTwoReadsAndOneWriteAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api, c := inMemory(t)
		_, err := c.Count(t.Context(), nil)
		require.NoError(t, err)
		for _, op := range []miniqualys.Op{miniqualys.Count, miniqualys.Delete} {
			api.Slow(op, time.Second)
		}
		began := time.Now()
		ends := make(chan time.Duration, 8)
		for range 4 {
			go func() {
				_, err := c.Count(t.Context(), nil)
				assert.NoError(t, err)
				ends <- time.Since(began)
			}()
		}
		var reads []time.Duration
		for range 4 {
			reads = append(reads, <-ends)
		}
		assert.Equal(t, []time.Duration{time.Second, time.Second, 2 * time.Second, 2 * time.Second}, reads)

		began = time.Now()
		for range 2 {
			go func() {
				_, err := c.Delete(t.Context(), []qualys.SAQUserID{1})
				assert.NoError(t, err)
				ends <- time.Since(began)
			}()
		}
		assert.Equal(t, []time.Duration{time.Second, 2 * time.Second}, []time.Duration{<-ends, <-ends})
	})
}

func TestVersion(t *testing.T) {
	_, c := setup(t)
	v, err := c.Version(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "3.19.0.0-12", v)
}
