package execution_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"countersign/approvals"
	"countersign/internal/miniqualys"
	"countersign/qualys"
)

var left = qualys.Set{Field: qualys.LastName, Value: "Left"}

// Promise 4: an update is done when reading back shows it.
func TestAnUpdateReportsWhatQualysShows(t *testing.T) {
	inHouse(t, 30, func(h *house) {
		h.change(4, func(u *miniqualys.SAQUser) { u.Title = "Director" })
		p := h.approved(h.plan(left, qualys.Set{Field: qualys.Title}))
		h.change(2, func(u *miniqualys.SAQUser) { u.LastName, u.Title = "Left", "" })
		h.change(3, func(u *miniqualys.SAQUser) { u.LastName, u.Title = " LEFT", "" })
		h.change(5, func(u *miniqualys.SAQUser) { u.FirstName = "Renamed" })
		h.api.RemoveSAQUser(h.id(6))
		h.start()
		p = h.await(p, 2*time.Minute, approvals.DONE_WITH_ERRORS)

		for n, want := range map[int]approvals.Outcome{
			0: {Result: approvals.ResultDone, Sent: true, Answer: "named", Observed: "lastName=Left; title="},
			2: {Result: approvals.ResultAlready, Observed: "lastName=Left; title="},
			3: {Result: approvals.ResultAlready, Observed: "lastName= LEFT; title="},
			4: {Result: approvals.ResultDone, Sent: true, Answer: "named", Observed: "lastName=Left; title="},
			5: {Result: approvals.ResultSkipped, Observed: h.observed(5), Why: approvals.WhyDrifted},
			6: {Result: approvals.ResultSkipped, Observed: "gone", Why: approvals.WhyGone},
		} {
			assert.Equal(t, want, h.outcome(p, n), "user %d of the plan", n)
		}
		for n := range 30 {
			u, _ := h.api.SAQUser(h.id(n))
			if n < 2 || n == 4 || n > 6 {
				assert.Equal(t, "Left", u.LastName)
				assert.Empty(t, u.Title, "cleared")
				assert.Equal(t, 1, h.api.Updates(u.ID))
			} else {
				assert.Zero(t, h.api.Updates(h.id(n)), "updates of user %d", n)
			}
		}
		assert.Equal(t, "already=2 done=26 skipped=2", h.event(p, approvals.Finished).Counts.String())
		assert.Equal(t, 1+2*3, len(h.api.Requests()), "calls of Qualys")
	})
}

// observed is what a reading shows of the fields that left and a title are.
func (h *house) observed(n int) string {
	u, _ := h.api.SAQUser(h.id(n))
	return "lastName=" + u.LastName + "; title=" + u.Title
}

// Design section 9: a value that Qualys wrote differing only in case or blanks
// counts as done, and both are shown.
func TestAValueThatQualysTidiedIsDone(t *testing.T) {
	inHouse(t, 3, func(h *house) {
		h.api.SetQuirks(miniqualys.Quirks{UpperValues: true})
		p := h.approved(h.plan(left))
		h.start()
		p = h.await(p, 2*time.Minute, approvals.DONE)
		assert.Equal(t, "lastName=LEFT", h.outcome(p, 2).Observed)
		assert.Equal(t, "done=3", h.event(p, approvals.Finished).Counts.String())
	})
}

// A change of nothing but case or blanks is a change: it is written, and when
// the first write is lost, it is written again.
func TestAChangeOfCaseIsWritten(t *testing.T) {
	for name, lose := range map[string]int{"at once": 0, "a lost call": 1} {
		t.Run(name, func(t *testing.T) {
			inHouse(t, 3, func(h *house) {
				for n := range 3 {
					h.change(n, func(u *miniqualys.SAQUser) { u.LastName = "LEFT" })
				}
				p := h.approved(h.plan(left))
				h.api.LoseCalls(miniqualys.Update, lose)
				h.start()
				p = h.await(p, 5*time.Minute, approvals.DONE)
				for n := range 3 {
					u, _ := h.api.SAQUser(h.id(n))
					assert.Equal(t, "Left", u.LastName)
				}
				assert.Equal(t, "done=3", h.event(p, approvals.Finished).Counts.String())
			})
		})
	}
}

// Reliability row 26: a request that Qualys refuses fails its users, who keep
// what they had.
func TestARefusedWriteFails(t *testing.T) {
	inHouse(t, 3, func(h *house) {
		p := h.approved(h.plan(left))
		refusal := `<ServiceResponse><responseCode>INVALID_REQUEST</responseCode><responseErrorDetails>` +
			`<errorMessage>no</errorMessage></responseErrorDetails></ServiceResponse>`
		h.api.Fail(miniqualys.Update, 200, refusal, -1)
		h.start()
		p = h.await(p, 2*time.Minute, approvals.STOPPED)
		o := h.outcome(p, 0)
		assert.Equal(t, approvals.ResultFailed, o.Result)
		assert.Equal(t, "INVALID_REQUEST", o.Answer)
		assert.Equal(t, "failed=1 not-run=2", h.event(p, approvals.Stopped).Counts.String())
	})
}
