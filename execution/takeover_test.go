package execution_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/approvals"
	"countersign/internal/miniqualys"
)

// The shipped times, written out: whoever changes one changes a promise.
const (
	lease  = 30 * time.Second
	settle = 20 * time.Second // of a write whose owner is gone
	look   = time.Second      // the longest time from one look for work to the next
)

// slowest is the jitter that leaves the longest time between two looks.
func slowest(int64) int64 { return 0 }

// The issue: any replica takes over within lease + settle after a kill -9. One that
// has looked for work all the time claims the run within the lease and a look,
// and then waits no longer than a lost write takes to settle.
func TestAKilledOwnerIsReplacedWithinLeaseAndSettle(t *testing.T) {
	for _, c := range []struct {
		point string
		nth   int
		later time.Duration // after the point; the owner goes on meanwhile
	}{
		{"claim.after", 1, 0},
		{"chunk.begin", 2, 0},
		{"qualys.before", 1, 0},
		{"qualys.before", 2, 0},
		{"qualys.before", 2, 3 * time.Second}, // during the call
		{"qualys.before", 3, 6 * time.Second}, // right after a heartbeat
		{"qualys.after", 2, 0},
		{"chunk.end", 2, 0},
		{"qualys.after", 3, 0}, // the last one: only reading is left
		{"finish.before", 1, 0},
	} {
		t.Run(fmt.Sprint(c.point, " ", c.nth, " ", c.later), func(t *testing.T) {
			inHouse(t, 27, func(h *house) {
				p := h.approved(h.plan())
				h.api.Slow(miniqualys.Delete, 7*time.Second)
				var killed, claimed, finished time.Time
				first, second := h.replica(), h.replica()
				kill := func() {
					time.Sleep(c.later)
					killed = time.Now()
					first.crash()
				}
				first.at("claim.after", 1, func() {}).at(c.point, c.nth, func() {
					if c.later > 0 {
						go kill()
						return
					}
					kill()
				})
				<-first.run(policyText).struck // claimed: from now on the second finds nothing to do
				second.rand = slowest
				second.at("claim.after", 1, func() { claimed = time.Now() })
				second.at("finish.before", 1, func() { finished = time.Now() })
				second.run(policyText)
				<-first.ended
				p = h.await(p, 3*time.Minute, approvals.DONE)

				acted := finished
				if writes := second.writesLeft(); len(writes) > 0 {
					acted = writes[0]
				}
				require.False(t, killed.IsZero() || claimed.IsZero() || acted.IsZero())
				assert.LessOrEqual(t, claimed.Sub(killed), lease+look)
				assert.LessOrEqual(t, acted.Sub(claimed), settle)
				assert.LessOrEqual(t, acted.Sub(killed), lease+settle)
				assert.EqualValues(t, 2, p.Epoch)
				assert.Equal(t, "done=27", h.event(p, approvals.Finished).Counts.String())
				assert.Empty(t, h.api.RepeatedDeletes())
			})
		})
	}
}

// The issue: within a second after SIGTERM, that is at the next look of a replica
// that has looked for work all the time, however the two clocks lie.
func TestAStoppedOwnerIsReplacedAtTheNextLook(t *testing.T) {
	for name, pausing := range map[string]bool{"between chunks": false, "in a pause between chunks": true} {
		for _, after := range []time.Duration{time.Millisecond, 500 * time.Millisecond, look - time.Millisecond} {
			t.Run(fmt.Sprint(name, ", ", after, " after a look"), func(t *testing.T) {
				inHouse(t, 27, func(h *house) {
					p := h.approved(h.plan())
					var claimed time.Time
					first, second := h.replica(), h.replica()
					looked, goOn := make(chan struct{}), make(chan struct{})
					first.at("chunk.end", 1, func() {
						if h.people.fail(pausing); !pausing {
							<-goOn
						}
					})
					<-first.run(policyText).struck
					second.rand = slowest
					second.at("poll", 4, func() { close(looked) }).at("claim.after", 1, func() { claimed = time.Now() })
					second.run(policyText)
					<-looked
					time.Sleep(after)
					told := time.Now()
					h.people.fail(false)
					first.stop()
					close(goOn)
					<-first.ended
					assert.Zero(t, time.Since(told))
					p = h.await(p, time.Minute, approvals.DONE)
					require.False(t, claimed.IsZero())
					assert.LessOrEqual(t, claimed.Sub(told), look)
					assert.EqualValues(t, 2, p.Epoch)
					assert.Len(t, first.writesLeft(), 1)
					assert.Empty(t, h.api.RepeatedDeletes())
				})
			})
		}
	}
}

// Before every chunk the request is read anew. An owner that lost the run just
// after it renewed its lease judges no rights for it and begins no chunk.
func TestAnOwnerThatLostTheRunBeginsNoChunk(t *testing.T) {
	for name, lose := range map[string]func(h *house, p approvals.Pending){
		"to another owner": func(h *house, p approvals.Pending) {
			h.redis.HSet("countersign:{test}:r:"+p.ID, "lease", "0") // as if it had run out at once
			_, err := h.book.Claim(h.Context(), p.ID, "another", lease)
			require.NoError(h, err)
		},
		"to people": func(h *house, p approvals.Pending) { // the channel is ahead of Redis: its epoch stays
			o := h.book.Outbox()
			head, _, err := o.Head(h.Context())
			require.NoError(h, err)
			require.NoError(h, o.SetBack(h.Context(), "poster", head+1, strings.Repeat("f", 64), approvals.Freeze{}))
			require.Equal(h, approvals.NEEDS_REVIEW, h.read(p).State)
		},
	} {
		t.Run(name, func(t *testing.T) {
			inHouse(t, 27, func(h *house) {
				p := h.approved(h.plan())
				first, reads, goOn := h.replica(), make(chan struct{}), make(chan struct{})
				first.at("chunk.end", 1, func() {
					first.link.set(func(l *link) {
						l.ahead = map[string]func(){"hgetall countersign:{test}:r:" + p.ID: func() {
							close(reads)
							<-goOn
						}}
					})
				}).run(policyText)
				<-reads
				h.post()
				lose(h, p)
				calls, lookUps := len(h.api.Requests()), h.people.lookUps()
				close(goOn)
				first.stop() // it is beyond the place where it would hand on
				<-first.ended
				assert.Equal(t, 1, first.count("chunk.begin"))
				assert.Len(t, h.api.Requests(), calls)
				assert.Equal(t, lookUps, h.people.lookUps())
				assert.Len(t, h.api.SAQUsers(), 36)
			})
		})
	}
}

// Promise 1: before every chunk the fingerprint is compared with the one that was
// claimed. A record and a plan that fit each other and every seal, but were held
// before Redis lost them and the same command came again, end the run.
func TestAnotherSealedPlanEndsTheRun(t *testing.T) {
	inHouse(t, 5, func(h *house) {
		users := h.users()
		older := h.approvedAs("command", h.planOf(users[:1]))
		record, payload := "countersign:{test}:r:"+older.ID, "countersign:{test}:p:"+older.ID
		box, err := h.redis.Get(payload)
		require.NoError(h, err)
		sealed := map[string]string{}
		fields, err := h.redis.HKeys(record)
		require.NoError(h, err)
		for _, field := range fields {
			sealed[field] = h.redis.HGet(record, field)
		}
		for _, field := range []string{"state", "version", "epoch", "lease", "chunk"} { // the run's own, under no seal
			delete(sealed, field)
		}
		h.redis.FlushAll()
		require.NoError(h, h.book.Record(h.Context(), "policy", h.book.Policy))

		p := h.approvedAs("command", h.planOf(users[1:]))
		require.Equal(t, older.ID, p.ID)
		r := h.replica()
		r.at("chunk.end", 1, func() {
			for field, value := range sealed {
				h.redis.HSet(record, field, value)
			}
			assert.NoError(t, h.redis.Set(payload, box))
			now, err := h.book.Pending(h.Context(), p.ID)
			assert.NoError(t, err, "it fits its seals")
			assert.Equal(t, older.Fingerprint, now.Fingerprint)
		}).run(policyText)
		h.awaitState(p.ID, time.Minute, approvals.NEEDS_REVIEW)
		review := h.event(p, approvals.Review)
		assert.Equal(t, approvals.WhyForged, review.Facts.Why)
		assert.Equal(t, "done=1 not-run=3", review.Counts.String())
		assert.Len(t, h.api.SAQUsers(), 14)
	})
}
