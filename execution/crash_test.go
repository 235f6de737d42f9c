package execution_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"countersign/approvals"
	"countersign/internal/miniqualys"
)

// P42, reliability rows 9 to 12: the owner is killed at any place, down to the
// last user and the summary; another replica finishes, nobody is deleted twice,
// and there is one summary.
func TestAnotherReplicaFinishes(t *testing.T) {
	for point, times := range map[string]int{
		"poll": 1, "claim.before": 1, "claim.after": 1, "chunk.begin": 3, "qualys.before": 3, "qualys.after": 3,
		"chunk.end": 3, "finish.before": 1, "finish.after": 1,
	} {
		for nth := 1; nth <= times; nth++ {
			t.Run(fmt.Sprint(point, " ", nth), func(t *testing.T) {
				inHouse(t, 27, func(h *house) {
					p := h.approved(h.plan())
					first := h.replica()
					first.at(point, nth, first.crash).run(policyText)
					<-first.ended
					h.start()
					p = h.await(p, 3*time.Minute, approvals.DONE)
					assert.Equal(t, "done=27", h.event(p, approvals.Finished).Counts.String())
					assert.NotEmpty(t, h.event(p, approvals.Started))
					assert.Empty(t, h.api.RepeatedDeletes())
					assert.Len(t, h.api.SAQUsers(), 10)
				})
			})
		}
	}
}

// Two faults in a row: the answer is lost and the owner killed, and the next
// owner dies before it has read back.
func TestAThirdReplicaFinishes(t *testing.T) {
	for name, fault := range map[string]func(*miniqualys.Server){
		"a lost call":   func(s *miniqualys.Server) { s.LoseCalls(miniqualys.Delete, 1) },
		"a lost answer": func(s *miniqualys.Server) { s.LoseAnswers(miniqualys.Delete, 1) },
	} {
		t.Run(name, func(t *testing.T) {
			inHouse(t, 27, func(h *house) {
				p := h.approved(h.plan())
				first := h.replica()
				first.at("qualys.before", 2, func() { fault(h.api) }).at("qualys.after", 2, first.crash)
				<-first.run(policyText).ended
				second := h.replica()
				<-second.at("reconcile", 1, second.crash).run(policyText).ended
				h.start()
				p = h.await(p, 3*time.Minute, approvals.DONE)
				assert.EqualValues(t, 3, p.Epoch)
				assert.Equal(t, "done=27", h.event(p, approvals.Finished).Counts.String())
				assert.Empty(t, h.api.RepeatedDeletes())
			})
		})
	}
}

// A chunk whose owners die at each of three rounds is left to people.
func TestRoundsAreCountedOverOwners(t *testing.T) {
	inHouse(t, 27, func(h *house) {
		p := h.approved(h.plan())
		for range 3 {
			r := h.replica()
			<-r.at("qualys.before", 1, r.crash).run(policyText).ended
		}
		h.start()
		p = h.await(p, 3*time.Minute, approvals.NEEDS_REVIEW)
		assert.Equal(t, approvals.WhyUnknown, p.Cause)
		assert.Equal(t, "not-run=26 unknown=1", h.event(p, approvals.Review).Counts.String())
		assert.Empty(t, h.writes())
	})
}

// Reliability section 2: a takeover reads back 20 s after the write was sent,
// not earlier.
func TestATakeoverWaitsForTheWrite(t *testing.T) {
	inHouse(t, 27, func(h *house) {
		p := h.approved(h.plan())
		var sent time.Time
		first := h.replica()
		first.at("qualys.before", 2, func() {
			sent = time.Now()
			// As if the lease had run out at once.
			h.redis.HSet("countersign:{test}:r:"+p.ID, "lease", "0")
			_, err := h.redis.ZAdd("countersign:{test}:due", 0, p.ID)
			assert.NoError(t, err)
			first.crash()
		})
		<-first.run(policyText).ended
		h.api.ForgetRequests()
		h.start()
		h.await(p, 3*time.Minute, approvals.DONE)
		assert.InDelta(t, 20, h.api.Requests()[0].At.Sub(sent).Seconds(), 0.01)
	})
}

// P16: however many replicas see a request come due, one runs it, once.
func TestOneOfManyRuns(t *testing.T) {
	inHouse(t, 60, func(h *house) {
		p := h.approved(h.plan())
		replicas := []*replica{h.start(), h.start(), h.start(), h.start()}
		p = h.await(p, 2*time.Minute, approvals.DONE)
		assert.EqualValues(t, 1, p.Epoch)
		assert.NotEmpty(t, h.event(p, approvals.Started))
		assert.Len(t, h.api.Requests(), 1+2*4)
		busy := 0
		for _, r := range replicas {
			if len(r.writesLeft()) > 0 {
				busy++
			}
		}
		assert.Equal(t, 1, busy)
	})
}

// One destructive plan at a time: the second waits for the first.
func TestPlansRunOneAfterTheOther(t *testing.T) {
	inHouse(t, 27, func(h *house) {
		p := h.approved(h.plan())
		h.vendor = append(h.vendor, h.api.AddSAQUsers(27, miniqualys.NewVendor)...)
		second := h.approved(h.planOf(h.users()[27:]))
		release := h.api.Gate(miniqualys.Delete)
		h.start()
		h.start()
		time.Sleep(2 * time.Minute)
		assert.Len(t, h.writes(), 1)
		release()
		h.await(p, time.Minute, approvals.DONE)
		h.await(second, time.Minute, approvals.DONE)
		assert.Len(t, h.api.SAQUsers(), 10)
	})
}

// Reliability row 11: an owner that was paused beyond its lease sends nothing
// when it wakes.
func TestAStaleOwnerSendsNothing(t *testing.T) {
	for name, point := range map[string]string{"before the call": "qualys.before", "before the mark": "chunk.begin", "after the claim": "claim.after"} {
		t.Run(name, func(t *testing.T) {
			inHouse(t, 27, func(h *house) {
				p := h.approved(h.plan())
				stale := h.replica()
				nth := 2
				if point == "claim.after" {
					nth = 1
				}
				var woke time.Time
				stale.at(point, nth, func() {
					wake := stale.pause()
					time.Sleep(40 * time.Second)
					woke = time.Now()
					stale.stop() // so that what it does from now on is what it had begun
					go func() {  // this goroutine wakes before the heartbeat's
						time.Sleep(time.Second)
						wake()
					}()
				})
				<-stale.run(policyText).struck
				h.start()
				p = h.await(p, 5*time.Minute, approvals.DONE)
				<-stale.ended
				for _, left := range stale.writesLeft() {
					assert.True(t, left.Before(woke), "a stale owner wrote")
				}
				assert.NotZero(t, woke)
				assert.EqualValues(t, 2, p.Epoch)
				assert.Equal(t, "done=27", h.event(p, approvals.Finished).Counts.String())
				assert.Empty(t, h.api.RepeatedDeletes())
			})
		})
	}
}

// P53: an owner that only looks paused to Redis, and still has a call under way,
// drops it before its lease is anybody else's.
func TestAnOwnerThatCannotRenewLetsGo(t *testing.T) {
	inHouse(t, 27, func(h *house) {
		p := h.approved(h.plan())
		first := h.replica()
		first.at("qualys.before", 2, func() {
			first.link.set(func(l *link) { l.cut = true })
			h.api.Hang(miniqualys.Delete, 1)
		})
		<-first.run(policyText).struck
		cut := time.Now()
		assert.NoError(t, h.api.Arrived(h.Context(), miniqualys.Delete))
		first.stop()
		<-first.ended
		assert.Less(t, time.Since(cut), 30*time.Second, "the call is dropped within the lease")
		h.start()
		p = h.await(p, 3*time.Minute, approvals.DONE)
		assert.EqualValues(t, 2, p.Epoch)
		assert.Empty(t, h.api.RepeatedDeletes())
	})
}

// P53, reliability row 15: without Redis nothing further is written; the next
// owner reads back.
func TestWithoutRedisNothingIsWritten(t *testing.T) {
	for _, point := range []string{"chunk.begin", "qualys.before", "qualys.after", "chunk.end"} {
		t.Run(point, func(t *testing.T) {
			inHouse(t, 60, func(h *house) {
				p := h.approved(h.plan())
				first := h.replica()
				first.at(point, 2, func() { first.link.set(func(l *link) { l.cut = true }) })
				<-first.run(policyText).struck
				h.start()
				p = h.await(p, 5*time.Minute, approvals.DONE)
				assert.LessOrEqual(t, len(first.writesLeft()), 2, "a write that had its mark may still leave")
				assert.EqualValues(t, 2, p.Epoch)
				assert.Equal(t, "done=60", h.event(p, approvals.Finished).Counts.String())
				assert.Empty(t, h.api.RepeatedDeletes())
			})
		})
	}
}

// Reliability row 15: a result is kept until the lease ends, so a short outage
// costs nothing.
func TestAShortOutageIsWaitedFor(t *testing.T) {
	for point, times := range map[string]int{"chunk.begin": 2, "qualys.after": 2, "chunk.end": 2, "finish.before": 1} {
		t.Run(point, func(t *testing.T) {
			inHouse(t, 27, func(h *house) {
				p := h.approved(h.plan())
				r := h.replica()
				r.at(point, times, func() {
					r.link.set(func(l *link) { l.cut = true })
					go func() {
						time.Sleep(8 * time.Second)
						r.link.set(func(l *link) { l.cut = false })
					}()
				})
				r.run(policyText)
				p = h.await(p, 2*time.Minute, approvals.DONE)
				assert.EqualValues(t, 1, p.Epoch)
				assert.Equal(t, "done=27", h.event(p, approvals.Finished).Counts.String())
				assert.Len(t, h.writes(), 3)
			})
		})
	}
}

// A request that cannot be read right after its claim is no forgery.
func TestAnUnreadableClaimIsNoForgery(t *testing.T) {
	inHouse(t, 2, func(h *house) {
		p := h.approved(h.plan())
		r := h.replica()
		r.at("claim.after", 1, func() { r.link.set(func(l *link) { l.spoil = map[string]int{"get": 1} }) })
		r.run(policyText)
		h.await(p, 2*time.Minute, approvals.DONE)
	})
}

// Told to stop right after a claim, a replica hands the run on.
func TestAClaimAtTheEndIsHandedOn(t *testing.T) {
	inHouse(t, 2, func(h *house) {
		p := h.approved(h.plan())
		first := h.replica()
		first.at("claim.after", 1, func() { first.stop() })
		<-first.run(policyText).ended
		assert.Equal(t, approvals.RUNNING, h.read(p).State)
		h.start()
		h.await(p, 7*time.Second, approvals.DONE)
	})
}

// Design section 9, SIGTERM: the chunk at hand is finished, nothing more is
// begun, and another replica goes on within about a second.
func TestAStoppedReplicaHandsOn(t *testing.T) {
	for _, point := range []string{"chunk.begin", "qualys.before", "qualys.after", "chunk.end"} {
		t.Run(point, func(t *testing.T) {
			inHouse(t, 60, func(h *house) {
				p := h.approved(h.plan())
				first := h.replica()
				first.at(point, 2, func() { first.stop() }).run(policyText)
				<-first.ended
				handed := time.Now()
				assert.Equal(t, approvals.Counts{"done": 26}, h.read(p).Counts)
				assert.Len(t, h.writes(), 2)
				calls := len(h.api.Requests())
				h.start()
				p = h.await(p, time.Minute, approvals.DONE)
				assert.Less(t, h.api.Requests()[calls].At.Sub(handed), 1500*time.Millisecond)
				assert.EqualValues(t, 2, p.Epoch)
				assert.Empty(t, h.api.RepeatedDeletes())
			})
		})
	}
}

// A call that takes longer than any lease keeps its owner: the heartbeat does.
func TestASlowCallKeepsItsOwner(t *testing.T) {
	inHouse(t, 27, func(h *house) {
		p := h.approved(h.plan())
		h.api.Slow(miniqualys.Delete, 80*time.Second)
		h.start()
		h.start()
		p = h.await(p, 10*time.Minute, approvals.DONE)
		assert.EqualValues(t, 1, p.Epoch)
		assert.Len(t, h.writes(), 3)
	})
}

// Promise 4: what was so before a write is not the run's doing, also where the
// owner died over that write and another one reads back.
func TestWhatWasSoBeforeIsNotTheRunsDoing(t *testing.T) {
	for name, point := range map[string]string{"the write never left": "qualys.before", "the write was done": "qualys.after"} {
		t.Run(name, func(t *testing.T) {
			inHouse(t, 27, func(h *house) {
				p := h.approved(h.plan())
				h.api.RemoveSAQUser(h.id(5))
				h.change(7, func(u *miniqualys.SAQUser) { u.Title = "Chief Everything Officer" })
				first := h.replica()
				first.at(point, 2, first.crash)
				<-first.run(policyText).ended
				h.start()
				p = h.await(p, 3*time.Minute, approvals.DONE_WITH_ERRORS)
				assert.Equal(t, "already=1 done=25 skipped=1", h.event(p, approvals.Finished).Counts.String())
				gone, drifted := h.outcome(p, 5), h.outcome(p, 7)
				assert.Equal(t, approvals.ResultAlready, gone.Result)
				assert.False(t, gone.Sent)
				assert.Equal(t, approvals.WhyDrifted, drifted.Why)
				assert.False(t, drifted.Sent)
			})
		})
	}
}
