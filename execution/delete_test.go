package execution_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"countersign/approvals"
	"countersign/internal/miniqualys"
)

// Promise 1 and 4, design section 9: one user first, then 25 at a time; exactly
// the planned users; two calls a chunk plus one.
func TestADeleteReportsWhatQualysLost(t *testing.T) {
	inHouse(t, 49, func(h *house) {
		p := h.approved(h.plan())
		before := time.Now()
		h.start()
		p = h.await(p, 2*time.Minute, approvals.DONE)

		var sizes []int
		for _, w := range h.writes() {
			sizes = append(sizes, len(named(w)))
		}
		assert.Equal(t, []int{1, 25, 23}, sizes, "users a write names")
		assert.Len(t, h.api.SAQUsers(), 10)
		assert.Equal(t, 1+2*3, len(h.api.Requests()), "calls of Qualys")
		assert.Equal(t, 4, h.api.Calls(miniqualys.Search))
		assert.Equal(t, "done=49", h.event(p, approvals.Finished).Counts.String())
		assert.Equal(t, approvals.Outcome{Result: approvals.ResultDone, Sent: true, Answer: "named", Observed: "gone"}, h.outcome(p, 30))
		assert.GreaterOrEqual(t, h.writes()[0].At.Sub(before), coolDown, "the cool-down")
		assert.EqualValues(t, 1, p.Epoch)
		assert.Equal(t, approvals.Counts{"done": 49}, p.Counts)
		assert.Equal(t, 3, p.Chunk)
	})
}

// P49, P50, P31, reliability row 27: who changed since people approved is left
// alone and listed, and nobody is added.
func TestOnlyWhoIsAsApprovedIsTouched(t *testing.T) {
	inHouse(t, 30, func(h *house) {
		p := h.approved(h.plan())
		newcomer := h.api.AddSAQUsers(1, miniqualys.NewVendor)[0]
		again := h.api.Recreate(h.id(3))
		h.change(4, func(u *miniqualys.SAQUser) { u.Title = "Director" })
		h.change(5, func(u *miniqualys.SAQUser) { u.Company = "hands  off" })
		h.change(6, func(u *miniqualys.SAQUser) { u.Tags = append(u.Tags, miniqualys.Tag{ID: 9, Name: "VIP"}) })
		h.change(7, func(u *miniqualys.SAQUser) { u.UserName = "somebody.else@vendor" }) // P47
		h.change(8, func(u *miniqualys.SAQUser) { u.UserName = miniqualys.Username })
		h.api.RemoveSAQUser(h.id(29))
		h.start()
		p = h.await(p, 2*time.Minute, approvals.DONE_WITH_ERRORS)

		for n, want := range map[int]approvals.Outcome{
			3:  {Result: approvals.ResultAlready, Observed: "gone"},
			4:  {Result: approvals.ResultSkipped, Observed: "still there", Why: approvals.WhyDrifted},
			5:  {Result: approvals.ResultSkipped, Observed: "still there", Why: approvals.WhyProtected},
			6:  {Result: approvals.ResultSkipped, Observed: "still there", Why: approvals.WhyDrifted},
			7:  {Result: approvals.ResultSkipped, Observed: "still there", Why: approvals.WhyDrifted},
			8:  {Result: approvals.ResultSkipped, Observed: "still there", Why: approvals.WhyProtected},
			29: {Result: approvals.ResultAlready, Observed: "gone"},
		} {
			assert.Equal(t, want, h.outcome(p, n), "user %d of the plan", n)
			assert.Zero(t, h.api.Deletes(h.id(n)), "deletes of user %d", n)
		}
		for _, id := range []int64{newcomer.ID, again.ID} {
			_, there := h.api.SAQUser(id)
			assert.True(t, there, "user %d was never planned", id)
		}
		assert.Equal(t, "already=2 done=23 skipped=5", h.event(p, approvals.Finished).Counts.String())
	})
}

// change edits a user of the vendor, as somebody in Qualys' own pages would.
func (h *house) change(n int, edit func(*miniqualys.SAQUser)) {
	u, there := h.api.SAQUser(h.id(n))
	assert.True(h, there, "user %d", n)
	edit(&u)
	h.api.SetSAQUser(u)
}

// A reading speaks only of users that it asked for: when a whole chunk is gone,
// the one after it is read, not taken for gone as well.
func TestAChunkThatIsGoneDoesNotHideTheNext(t *testing.T) {
	inHouse(t, 60, func(h *house) {
		p := h.approved(h.plan())
		for n := 1; n <= 25; n++ {
			h.api.RemoveSAQUser(h.id(n))
		}
		h.start()
		p = h.await(p, 2*time.Minute, approvals.DONE)
		assert.Equal(t, "already=25 done=35", h.event(p, approvals.Finished).Counts.String())
		assert.Len(t, h.api.SAQUsers(), 10)
	})
}

// P33: nothing done is no success, even if all is as it should be.
func TestNothingDoneIsNoSuccess(t *testing.T) {
	inHouse(t, 3, func(h *house) {
		p := h.approved(h.plan())
		for n := range 3 {
			h.api.RemoveSAQUser(h.id(n))
		}
		h.start()
		p = h.await(p, 2*time.Minute, approvals.DONE_WITH_ERRORS)
		assert.Equal(t, "already=3", h.event(p, approvals.Finished).Counts.String())
		assert.Empty(t, h.writes())
	})
}

// P46: Qualys says success, and some remain.
func TestTheReportCountsWhatIsReallyGone(t *testing.T) {
	inHouse(t, 120, func(h *house) {
		p := h.approved(h.plan())
		h.api.DeleteOnly(117, 120)
		h.start()
		p = h.await(p, 5*time.Minute, approvals.DONE_WITH_ERRORS)
		assert.Equal(t, "done=117 failed=3", h.event(p, approvals.Finished).Counts.String())
		failed := 0
		for _, o := range h.outcomes(p) {
			if o.Result == approvals.ResultFailed {
				failed++
				assert.Equal(t, approvals.Outcome{Result: approvals.ResultFailed, Sent: true, Answer: "named", Observed: "still there"}, o)
			}
		}
		assert.Equal(t, 3, failed)
		assert.Empty(t, h.api.RepeatedDeletes(), "what Qualys claims to have done is not asked for again")
	})
}

// Design section 9: the run stops when the canary fails, and when more than a
// fifth of a chunk does.
func TestTooManyFailuresStopTheRun(t *testing.T) {
	for name, c := range map[string]struct {
		stubborn []int
		state    approvals.State
		counts   string
	}{
		"the canary":           {[]int{0}, approvals.STOPPED, "failed=1 not-run=59"},
		"more than a fifth":    {[]int{1, 2, 3, 4, 5, 6}, approvals.STOPPED, "done=20 failed=6 not-run=34"},
		"a fifth":              {[]int{1, 2, 3, 4, 5}, approvals.DONE_WITH_ERRORS, "done=55 failed=5"},
		"a fifth of the last":  {[]int{51, 52, 53}, approvals.STOPPED, "done=57 failed=3"},
		"a few of every chunk": {[]int{1, 2, 3, 26, 27, 28, 59}, approvals.DONE_WITH_ERRORS, "done=53 failed=7"},
	} {
		t.Run(name, func(t *testing.T) {
			inHouse(t, 60, func(h *house) {
				p := h.approved(h.plan())
				for _, n := range c.stubborn {
					h.api.Stubborn(h.id(n))
				}
				h.start()
				p = h.await(p, 5*time.Minute, c.state)
				kind := approvals.Finished
				if c.state == approvals.STOPPED {
					kind = approvals.Stopped
					assert.Equal(t, approvals.WhyFailures, p.Cause)
				}
				assert.Equal(t, c.counts, h.event(p, kind).Counts.String())
			})
		})
	}
}

// A run that should have stopped is not continued by the next owner.
func TestTheNextOwnerStopsToo(t *testing.T) {
	inHouse(t, 30, func(h *house) {
		p := h.approved(h.plan())
		h.api.Stubborn(h.id(0))
		first := h.replica()
		<-first.at("chunk.end", 1, first.crash).run(policyText).ended
		h.start()
		p = h.await(p, 2*time.Minute, approvals.STOPPED)
		assert.Equal(t, "failed=1 not-run=29", h.event(p, approvals.Stopped).Counts.String())
		assert.Len(t, h.writes(), 1)
		assert.EqualValues(t, 2, p.Epoch)
	})
}

// A success that does not show yet gets a second look.
func TestASuccessMayShowLate(t *testing.T) {
	inHouse(t, 2, func(h *house) {
		p := h.approved(h.plan())
		h.api.Stubborn(h.id(0))
		r := h.replica()
		r.at("qualys.after", 1, func() {
			go func() {
				time.Sleep(time.Second)
				h.api.RemoveSAQUser(h.id(0))
			}()
		})
		r.run(policyText)
		p = h.await(p, 2*time.Minute, approvals.DONE)
		assert.Equal(t, "done=2", h.event(p, approvals.Finished).Counts.String())
		at := slices.IndexFunc(h.api.Requests(), func(r miniqualys.Request) bool { return r.Op == miniqualys.Delete })
		assert.Equal(t, 3*time.Second, h.api.Requests()[at+2].At.Sub(h.api.Requests()[at+1].At).Round(time.Second))
	})
}
