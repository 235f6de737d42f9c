package execution_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/approvals"
	"countersign/internal/miniqualys"
)

// P47, promise 3, reliability rows 10, 24 and 25: after a write whose fate is
// unknown the run waits until it must have had its effect, reads back, and
// sends again only what is untouched.
var unknown = []struct {
	name   string
	fault  func(*miniqualys.Server, int)
	settle time.Duration // from the write to the reading
	done   bool          // the write had its effect
}{
	{"a lost answer", func(s *miniqualys.Server, n int) { s.LoseAnswers(miniqualys.Delete, n) }, 20 * time.Second, true},
	{"a lost call", func(s *miniqualys.Server, n int) { s.LoseCalls(miniqualys.Delete, n) }, 20 * time.Second, false},
	{"an answer that never comes", func(s *miniqualys.Server, n int) { s.HangAnswers(miniqualys.Delete, n) }, 150 * time.Second, true},
	{"a call that hangs", func(s *miniqualys.Server, n int) { s.Hang(miniqualys.Delete, n) }, 150 * time.Second, false},
	{"500", func(s *miniqualys.Server, n int) { s.Fail(miniqualys.Delete, 500, "oops", n) }, 3 * time.Second, false},
	{"502 in HTML", func(s *miniqualys.Server, n int) { s.Fail(miniqualys.Delete, 502, "<html>bad gateway</html>", n) }, 3 * time.Second, false},
	{"503", func(s *miniqualys.Server, n int) { s.Fail(miniqualys.Delete, 503, "", n) }, 3 * time.Second, false},
	{"HTML with 200", func(s *miniqualys.Server, n int) { s.Fail(miniqualys.Delete, 200, "<html>log in</html>", n) }, 3 * time.Second, false},
	{"half an answer", func(s *miniqualys.Server, n int) {
		s.Fail(miniqualys.Delete, 200, "<ServiceResponse><responseCode>SUCC", n)
	}, 3 * time.Second, false},
}

func TestAnUnknownWriteIsReadBack(t *testing.T) {
	for _, c := range unknown {
		t.Run(c.name, func(t *testing.T) {
			inHouse(t, 27, func(h *house) {
				p := h.approved(h.plan())
				r := h.replica()
				r.at("chunk.begin", 2, func() { c.fault(h.api, 1) })
				r.run(policyText)
				p = h.await(p, 10*time.Minute, approvals.DONE)

				calls := h.api.Requests()
				want := []miniqualys.Op{"search", "delete", "search", "delete", "search", "delete", "search", "delete", "search"}
				switch {
				case c.done:
					want = append(want[:5:5], want[7:]...)
				case c.settle > time.Minute: // rights are judged anew, and so is the chunk
					want = slices.Insert(want, 5, miniqualys.Search)
				}
				var ops []miniqualys.Op
				for _, call := range calls {
					ops = append(ops, call.Op)
				}
				assert.Equal(t, want, ops)
				waited := calls[4].At.Sub(calls[3].At)
				assert.InDelta(t, c.settle.Seconds(), waited.Seconds(), 1, "settle time")
				assert.Equal(t, "done=27", h.event(p, approvals.Finished).Counts.String())
				answer := "named"
				if c.done {
					answer = "lost"
				}
				assert.Equal(t, answer, h.outcome(p, 5).Answer)
				assert.EqualValues(t, 1, p.Epoch, "the lease was kept all the time")
				assert.Empty(t, h.api.RepeatedDeletes())
			})
		})
	}
}

// Told to stop while such a write settles, a replica lets go at once, and the
// next one reads back no sooner than it would have done.
func TestASettlingWriteIsHandedOn(t *testing.T) {
	for _, c := range unknown {
		t.Run(c.name, func(t *testing.T) {
			inHouse(t, 27, func(h *house) {
				p := h.approved(h.plan())
				first, sent := h.replica(), make(chan struct{})
				first.at("chunk.begin", 2, func() { c.fault(h.api, 1) }).at("qualys.after", 2, func() { close(sent) })
				first.run(policyText)
				<-sent
				time.Sleep(time.Second)
				before := time.Now()
				first.stop()
				<-first.ended
				assert.LessOrEqual(t, time.Since(before), 2*time.Second, "a moment is waited out")
				h.start()
				p = h.await(p, 3*time.Minute, approvals.DONE)
				calls := h.api.Requests()
				require.Equal(h, miniqualys.Search, calls[4].Op)
				waited := calls[4].At.Sub(calls[3].At)
				assert.InDelta(t, c.settle.Seconds(), waited.Seconds(), 2, "settle time")
				assert.Equal(t, "done=27", h.event(p, approvals.Finished).Counts.String())
				assert.Empty(t, h.api.RepeatedDeletes())
			})
		})
	}
}

// After three rounds nobody guesses: people look, and nothing is called failed.
func TestThreeUnknownRoundsNeedReview(t *testing.T) {
	for _, c := range unknown {
		if c.done {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			inHouse(t, 27, func(h *house) {
				p := h.approved(h.plan())
				r := h.replica()
				r.at("chunk.begin", 2, func() { c.fault(h.api, 3) })
				r.run(policyText)
				p = h.await(p, 20*time.Minute, approvals.NEEDS_REVIEW)
				assert.Equal(t, approvals.WhyUnknown, p.Cause)
				assert.Len(t, h.writes(), 4, "the canary and three rounds")
				assert.Equal(t, "done=1 not-run=1 unknown=25", h.event(p, approvals.Review).Counts.String())
				assert.Len(t, h.outcomes(p), 1)
			})
		})
	}
}

// Only what a reading proves untouched is sent again: not who was deleted by the
// lost call, nor who changed meanwhile.
func TestOnlyTheUntouchedAreSentAgain(t *testing.T) {
	inHouse(t, 27, func(h *house) {
		p := h.approved(h.plan())
		r := h.replica()
		r.at("chunk.begin", 2, func() {
			h.api.Stubborn(h.id(23), h.id(24))
			h.api.LoseAnswers(miniqualys.Delete, 1)
		})
		r.at("qualys.after", 2, func() {
			h.change(24, func(u *miniqualys.SAQUser) { u.UserName = "new.owner@vendor" }) // P47
		})
		r.run(policyText)
		p = h.await(p, 10*time.Minute, approvals.DONE_WITH_ERRORS)
		assert.Len(t, named(h.writes()[2]), 1)
		assert.Equal(t, "done=25 failed=1 skipped=1", h.event(p, approvals.Finished).Counts.String())
	})
}

// Reads that fail for a while hold the run up, and no more.
func TestTheRunWaitsForReads(t *testing.T) {
	inHouse(t, 27, func(h *house) {
		p := h.approved(h.plan())
		r := h.replica()
		r.at("qualys.after", 2, func() { h.api.Fail(miniqualys.Search, 500, "", 6) })
		r.run(policyText)
		p = h.await(p, 10*time.Minute, approvals.DONE)
		assert.Empty(t, h.api.RepeatedDeletes())
		assert.EqualValues(t, 1, p.Epoch)
	})
}

// Reads that go on failing leave a written chunk unknown.
func TestAChunkThatCannotBeReadIsUnknown(t *testing.T) {
	inHouse(t, 27, func(h *house) {
		p := h.approved(h.plan())
		r := h.replica()
		r.at("qualys.after", 2, func() { h.api.Fail(miniqualys.Search, 500, "", -1) })
		r.run(policyText)
		p = h.await(p, time.Hour, approvals.NEEDS_REVIEW)
		assert.Equal(t, approvals.WhyUnknown, p.Cause)
		assert.Equal(t, "done=1 not-run=1 unknown=25", h.event(p, approvals.Review).Counts.String())
		h.api.Heal()
	})
}
