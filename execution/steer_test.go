package execution_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/approvals"
	"countersign/internal/miniqualys"
)

// Design section 7: stop ends a run between chunks, partial and counted.
func TestAPersonStopsARun(t *testing.T) {
	inHouse(t, 27, func(h *house) {
		p := h.approved(h.plan())
		r := h.replica()
		r.at("chunk.end", 1, func() { h.stopRun(p) }).run(policyText)
		p = h.await(p, time.Minute, approvals.STOPPED)
		end := h.event(p, approvals.Stopped)
		assert.Equal(t, approvals.WhyStopped, p.Cause)
		assert.Equal(t, carol, end.By)
		assert.Equal(t, "done=1 not-run=26", end.Counts.String())
		assert.Len(t, h.writes(), 1)
	})
}

func (h *house) stopRun(p approvals.Pending) {
	_, err := h.book.Stop(h.Context(), p.ID, carol, "stop")
	assert.NoError(h, err)
}

// A chunk whose write was lost is read back before the run is stopped, and not
// sent again.
func TestAStopSettlesWhatWasSent(t *testing.T) {
	for name, c := range map[string]struct {
		fault  func(*miniqualys.Server)
		counts string
	}{
		"a lost call":   {func(s *miniqualys.Server) { s.LoseCalls(miniqualys.Delete, 1) }, "done=1 not-run=1 unknown=25"},
		"a lost answer": {func(s *miniqualys.Server) { s.LoseAnswers(miniqualys.Delete, 1) }, "done=26 not-run=1"},
	} {
		t.Run(name, func(t *testing.T) {
			inHouse(t, 27, func(h *house) {
				p := h.approved(h.plan())
				r := h.replica()
				r.at("qualys.before", 2, func() { c.fault(h.api) }).at("qualys.after", 2, func() { h.stopRun(p) })
				r.run(policyText)
				p = h.await(p, 2*time.Minute, approvals.STOPPED)
				assert.Equal(t, c.counts, h.event(p, approvals.Stopped).Counts.String())
				assert.Len(t, h.writes(), 2)
			})
		})
	}
}

// Design section 7: a freeze lets nothing start and pauses a run between chunks.
func TestAFreezePauses(t *testing.T) {
	for _, point := range []string{"poll", "chunk.begin", "chunk.end"} {
		t.Run(point, func(t *testing.T) {
			inHouse(t, 27, func(h *house) {
				p := h.approved(h.plan())
				r := h.replica()
				<-r.at(point, 1, func() { assert.NoError(h, h.book.Freeze(h.Context(), carol, "freeze")) }).run(policyText).struck
				time.Sleep(2 * time.Minute)
				assert.LessOrEqual(t, len(h.writes()), 1, "the canary at most")
				require.NoError(h, h.book.Unfreeze(h.Context(), bob, "unfreeze"))
				p = h.await(p, time.Minute, approvals.DONE)
				assert.EqualValues(t, 1, p.Epoch)
				assert.Equal(t, "done=27", h.event(p, approvals.Finished).Counts.String())
			})
		})
	}
}

// Design section 7: what was approved, and had to wait for a run until its time
// was over under a freeze, never starts.
func TestADeadlineUnderAFreezeIsTheEnd(t *testing.T) {
	inHouse(t, 4, func(h *house) {
		users := h.users()
		first := h.approved(h.planOf(users[:2]))
		time.Sleep(time.Second)
		late := h.approved(h.planOf(users[2:]))
		time.Sleep(58 * time.Minute)
		r := h.replica()
		<-r.at("chunk.end", 1, func() { assert.NoError(h, h.book.Freeze(h.Context(), carol, "freeze")) }).run(policyText).struck
		h.people.fail(true) // it is not a matter of rights
		time.Sleep(time.Until(late.Deadline) - time.Second)
		assert.Equal(t, approvals.APPROVED, h.read(late).State)
		time.Sleep(3 * time.Second)
		assert.Equal(t, approvals.EXPIRED, h.read(late).State, "at once")
		assert.Equal(t, approvals.WhyFrozen, h.read(late).Cause)
		h.people.fail(false)
		require.NoError(h, h.book.Unfreeze(h.Context(), bob, "unfreeze"))
		h.await(first, 2*time.Minute, approvals.DONE)
	})
}

// A run that stood still for a day is left to people, whoever holds it then.
func TestADayOfFrostNeedsReview(t *testing.T) {
	for name, stop := range map[string]bool{"by its owner": false, "by the next owner": true} {
		t.Run(name, func(t *testing.T) {
			inHouse(t, 2, func(h *house) {
				p := h.approved(h.plan())
				first := h.replica()
				<-first.at("chunk.end", 1, func() {
					assert.NoError(h, h.book.Freeze(h.Context(), carol, "freeze"))
					since := time.Now().Add(3*time.Minute - approvals.FrozenAtMost)
					h.redis.HSet("countersign:{test}:freeze", "at", strconv.FormatInt(since.UnixMilli(), 10))
				}).run(policyText).struck
				if stop {
					first.stop()
					<-first.ended
					h.start()
				}
				time.Sleep(2*time.Minute + 50*time.Second)
				assert.Equal(t, approvals.RUNNING, h.read(p).State)
				p = h.await(p, 20*time.Second, approvals.NEEDS_REVIEW)
				assert.Equal(t, approvals.WhyFrozen, p.Cause)
				assert.Equal(t, "done=1 not-run=1", h.event(p, approvals.Review).Counts.String())
			})
		})
	}
}

// Whoever resumes a run after three unknown rounds grants it new ones; nothing
// is sent before a reading.
func TestAResumedRunHasNewRounds(t *testing.T) {
	inHouse(t, 27, func(h *house) {
		p := h.approved(h.plan())
		r := h.replica()
		r.at("chunk.begin", 2, func() { h.api.Fail(miniqualys.Delete, 500, "", 3) }).run(policyText)
		p = h.await(p, 5*time.Minute, approvals.NEEDS_REVIEW)
		assert.Equal(t, approvals.WhyUnknown, p.Cause)
		_, err := h.book.Resume(h.Context(), p.ID, carol, "resume")
		require.NoError(h, err)
		h.post()
		p = h.await(p, time.Minute, approvals.DONE)
		assert.Equal(t, "done=27", h.event(p, approvals.Finished).Counts.String())
		assert.EqualValues(t, 2, p.Epoch)
	})
}

// What was deleted before people looked is still our own doing when the first
// new round is turned away.
func TestATurnedAwayRoundForgetsNothing(t *testing.T) {
	inHouse(t, 27, func(h *house) {
		p := h.approved(h.plan())
		r := h.replica()
		r.at("chunk.begin", 2, func() {
			h.api.Stubborn(h.id(23), h.id(24))
			h.api.LoseAnswers(miniqualys.Delete, 1)
		}).at("qualys.after", 2, func() { h.api.Fail(miniqualys.Delete, 500, "", 2) }).run(policyText)
		p = h.await(p, 5*time.Minute, approvals.NEEDS_REVIEW)
		h.api.RateLimit(miniqualys.Delete, 409, nil, 1)
		_, err := h.book.Resume(h.Context(), p.ID, carol, "resume")
		require.NoError(h, err)
		h.post()
		p = h.await(p, 2*time.Minute, approvals.DONE_WITH_ERRORS)
		assert.Equal(t, "done=25 failed=2", h.event(p, approvals.Finished).Counts.String())
	})
}

// A resumed run that somebody stops ends at once, also while the same replica is
// at another plan.
func TestAStopDoesNotWaitForAnotherRun(t *testing.T) {
	inHouse(t, 4, func(h *house) {
		users := h.users()
		first := h.approved(h.planOf(users[:2]))
		time.Sleep(coolDown)
		run, err := h.book.Claim(h.Context(), first.ID, "somebody", time.Minute)
		require.NoError(h, err)
		require.NoError(h, run.Review(h.Context(), approvals.WhyCredentials, approvals.Counts{"not-run": 2}))
		second := h.approved(h.planOf(users[2:]))
		h.api.RateLimit(miniqualys.Delete, 409, map[string]string{"X-RateLimit-ToWait-Sec": "50"}, 1)
		r := h.replica()
		<-r.at("qualys.after", 1, func() {}).run(policyText).struck
		_, err = h.book.Resume(h.Context(), first.ID, bob, "resume")
		require.NoError(h, err)
		_, err = h.book.Stop(h.Context(), first.ID, carol, "stop")
		require.NoError(h, err)
		h.post()
		first = h.await(first, 20*time.Second, approvals.STOPPED)
		assert.Equal(t, "not-run=2", h.event(first, approvals.Stopped).Counts.String())
		assert.Equal(t, approvals.RUNNING, h.read(second).State)
		h.await(second, 2*time.Minute, approvals.DONE)
	})
}
