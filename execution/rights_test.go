package execution_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/approvals"
	"countersign/approvals/rules"
	"countersign/internal/miniqualys"
	"countersign/qualys"
)

// Promise 2, reliability row 5: rights that no longer stand, before the start
// and during the run. A changed policy comes with a new replica.
var lost = []struct {
	name   string
	change func(*office) // what changes in Slack
	policy [2]string     // what changes in the policy: this for that
	why    approvals.Why
}{
	{"the requester left", func(o *office) { o.change(alice, func(f *rules.Profile) { f.Deleted = true }) }, [2]string{}, approvals.WhyRequesterRights},
	{"the requester is a guest now", func(o *office) { o.change(alice, func(f *rules.Profile) { f.Restricted = true }) }, [2]string{}, approvals.WhyRequesterRights},
	{"the requester may not ask any more", nil, [2]string{"requesters: [UALICE]", "requesters: [UCAROL]"}, approvals.WhyRequesterRights},
	{"the approver left", func(o *office) { o.change(bob, func(f *rules.Profile) { f.Deleted = true }) }, [2]string{}, approvals.WhyApproverRights},
	{"the approver may not approve any more", nil, [2]string{"[UBOB, UCAROL]", "[UCAROL]"}, approvals.WhyApproverRights},
	{"the approver turns out to be the requester", func(o *office) { // P20
		o.change(bob, func(f *rules.Profile) { f.Email = "ALICE@example.com" })
	}, [2]string{}, approvals.WhyApproverRights},
	{"the policy says so", nil, [2]string{"max_percent", "same_person: [[UALICE, UBOB]]\nmax_percent"}, approvals.WhyApproverRights},
	{"the quorum was raised", nil, [2]string{"need: 1", "need: 2"}, approvals.WhyQuorum},
	{"the cap was lowered", nil, [2]string{"up_to: 500", "up_to: 20"}, approvals.WhyCap},
	{"the share was lowered", nil, [2]string{"max_percent: 100", "max_percent: 50"}, approvals.WhyCap},
	{"the channel is not listed any more", nil, [2]string{"channels: [C1]", "channels: [C2]"}, approvals.WhyChannel},
}

func (h *house) take(change func(*office), policy [2]string) (newPolicy string) {
	if change != nil {
		change(h.people)
	}
	if policy[0] == "" {
		return policyText
	}
	changed := strings.Replace(policyText, policy[0], policy[1], 1)
	require.NotEqual(h, policyText, changed)
	return changed
}

func TestRightsAreJudgedBeforeTheStart(t *testing.T) {
	for _, c := range lost {
		t.Run(c.name, func(t *testing.T) {
			inHouse(t, 27, func(h *house) {
				p := h.approved(h.plan())
				h.replica().run(h.take(c.change, c.policy))
				p = h.await(p, time.Minute, approvals.NEEDS_REVIEW)
				assert.Equal(t, c.why, p.Cause)
				assert.Equal(t, c.why, h.event(p, approvals.Review).Facts.Why)
				assert.Empty(t, h.api.Requests(), "calls of Qualys")
				assert.Zero(t, p.Epoch, "never claimed")
			})
		})
	}
}

func TestRightsAreJudgedBetweenChunks(t *testing.T) {
	for _, c := range lost {
		t.Run(c.name, func(t *testing.T) {
			inHouse(t, 27, func(h *house) {
				p := h.approved(h.plan())
				first := h.replica()
				policy := policyText
				first.at("chunk.end", 1, func() {
					if policy = h.take(c.change, c.policy); policy != policyText {
						first.stop() // a policy is read at start only
					}
				})
				<-first.run(policyText).struck
				if c.change == nil {
					<-first.ended
					h.replica().run(policy)
				}
				p = h.await(p, time.Minute, approvals.NEEDS_REVIEW)
				assert.Equal(t, c.why, p.Cause)
				assert.Len(t, h.writes(), 1, "the canary")
				assert.Equal(t, "done=1 not-run=26", h.event(p, approvals.Review).Counts.String())
			})
		})
	}
}

// P21: a claim, also of a run whose owner is silent, is judged by the fresh
// look-ups, and between chunks older ones will do.
func TestAClaimIsJudgedByFreshLookUps(t *testing.T) {
	for name, killed := range map[string]bool{"between chunks": false, "after a takeover": true} {
		t.Run(name, func(t *testing.T) {
			inHouse(t, 3, func(h *house) {
				p := h.approved(h.plan())
				first, old := h.replica(), newOffice()
				first.between = old
				first.at("chunk.end", 1, func() {
					h.people.change(alice, func(f *rules.Profile) { f.Deleted = true })
					if killed {
						first.crash()
					}
				}).run(policyText)
				if !killed {
					h.await(p, time.Minute, approvals.DONE)
					return
				}
				<-first.ended
				second := h.replica()
				second.between = old
				second.run(policyText)
				p = h.await(p, time.Minute, approvals.NEEDS_REVIEW)
				assert.Equal(t, approvals.WhyRequesterRights, p.Cause)
			})
		})
	}
}

// Promise 7: when nobody can say who may, nothing starts, and a run pauses. It
// goes on as soon as somebody can.
func TestALookUpThatFailsPauses(t *testing.T) {
	for name, point := range map[string]string{"before the start": "poll", "during the run": "chunk.end"} {
		t.Run(name, func(t *testing.T) {
			inHouse(t, 27, func(h *house) {
				p := h.approved(h.plan())
				r := h.replica()
				<-r.at(point, 1, func() { h.people.fail(true) }).run(policyText).struck
				time.Sleep(3 * time.Minute)
				writes := len(h.writes())
				assert.LessOrEqual(t, writes, 1, "the canary at most")
				if point == "poll" {
					assert.Equal(t, approvals.APPROVED, h.read(p).State)
					assert.Empty(t, h.api.Requests())
				}
				h.people.fail(false)
				p = h.await(p, 2*time.Minute, approvals.DONE)
				assert.EqualValues(t, 1, p.Epoch)
				assert.Equal(t, "done=27", h.event(p, approvals.Finished).Counts.String())
			})
		})
	}
}

// Reliability row 30: what was approved does not start days later, whatever held it
// up, and says so.
func TestWhatCouldNotStartForADayExpires(t *testing.T) {
	inHouse(t, 2, func(h *house) {
		p := h.approved(h.plan())
		h.people.fail(true)
		r := h.replica()
		r.poll = 10 * time.Minute
		r.run(policyText)
		time.Sleep(time.Until(p.Deadline.Add(23 * time.Hour)))
		assert.Equal(t, approvals.APPROVED, h.read(p).State)
		p = h.await(p, 2*time.Hour, approvals.EXPIRED)
		assert.Equal(t, approvals.WhyDeadline, p.Cause)
		assert.Empty(t, h.api.Requests())
	})
}

// A pause for a look-up is handed on when the replica is told to stop.
func TestAPauseIsHandedOn(t *testing.T) {
	inHouse(t, 27, func(h *house) {
		p := h.approved(h.plan())
		first := h.replica()
		<-first.at("chunk.end", 1, func() { h.people.fail(true) }).run(policyText).struck
		time.Sleep(3 * time.Minute)
		before := time.Now()
		first.stop()
		<-first.ended
		assert.Zero(t, time.Since(before))
		h.people.fail(false)
		h.start()
		h.await(p, 5*time.Second, approvals.DONE)
	})
}

// P30, promise 1: what does not fit its seals is never carried out, and the
// reason is said.
func TestAForgedRequestIsNotCarriedOut(t *testing.T) {
	record := func(field, value string) func(*house, approvals.Pending) {
		return func(h *house, p approvals.Pending) { h.redis.HSet("countersign:{test}:r:"+p.ID, field, value) }
	}
	swap := func(h *house, p approvals.Pending) {
		box, err := h.redis.Get("countersign:{test}:p:" + h.other)
		require.NoError(h, err)
		require.NoError(h, h.redis.Set("countersign:{test}:p:"+p.ID, box))
	}
	for name, forge := range map[string]func(*house, approvals.Pending){
		"another fingerprint":               record("fp", strings.Repeat("0", 64)),
		"another requester":                 record("by", "T1/UCAROL"),
		"another quorum":                    record("need", "0"),
		"another channel":                   record("channel", "C9"),
		"a later deadline":                  record("deadline", "99999999999999"),
		"another verb":                      record("verb", "delete"),
		"fewer users":                       record("users", "1"),
		"an approval of one's own":          record("a:T1/UALICE", fmt.Sprintf("0|1|%s||click", strings.Repeat("0", 64))),
		"an approval that is cut":           record("a:T1/UBOB", "0|1"),
		"approvals of a round that is over": record("floor", "1"),
		"another plan":                      swap,
		"a plan that is no plan": func(h *house, p approvals.Pending) {
			require.NoError(h, h.redis.Set("countersign:{test}:p:"+p.ID, "x"))
		},
	} {
		for _, when := range []string{"before the start", "during the run"} {
			t.Run(name+" "+when, func(t *testing.T) {
				inHouse(t, 5, func(h *house) {
					users := h.users()
					h.other = h.approved(h.planOf(users[4:])).ID
					_, err := h.book.Cancel(h.Context(), h.other, alice, "cancel")
					require.NoError(h, err)
					p := h.approved(h.planOf(users[:4], left))
					done := ""
					r := h.replica()
					if when == "before the start" {
						forge(h, p)
					} else {
						done = "done=1 not-run=3"
						r.at("chunk.end", 1, func() { forge(h, p) })
					}
					r.run(policyText)
					h.awaitState(p.ID, time.Minute, approvals.NEEDS_REVIEW)
					review := h.event(p, approvals.Review)
					assert.Equal(t, approvals.WhyForged, review.Facts.Why)
					assert.Equal(t, done, review.Counts.String())
					assert.Len(t, h.api.SAQUsers(), 15, "nobody was deleted")
					written := 0
					for n := range 5 {
						written += h.api.Updates(h.id(n))
					}
					assert.Len(t, h.outcomes(p), written, "users updated")
				})
			})
		}
	}
}

// Whatever is wrong with one request, the others run.
func TestABrokenRequestDoesNotHoldUpOthers(t *testing.T) {
	inHouse(t, 4, func(h *house) {
		users := h.users()
		broken := h.approved(h.planOf(users[:2]))
		h.redis.HSet("countersign:{test}:r:"+broken.ID, "approved_seq", "not a number")
		time.Sleep(time.Second)
		p := h.approved(h.planOf(users[2:]))
		h.start()
		h.await(p, time.Minute, approvals.DONE)
		assert.Zero(t, h.api.Deletes(h.id(0)), "the broken one did not run")
		assert.Equal(t, "0", h.redis.HGet("countersign:{test}:r:"+broken.ID, "epoch"))
	})
}

// Reliability row 16: a plan that is gone before the start has expired.
func TestAPlanThatIsGoneDoesNotStart(t *testing.T) {
	inHouse(t, 27, func(h *house) {
		p := h.approved(h.plan())
		h.redis.Del("countersign:{test}:p:" + p.ID)
		h.start()
		h.await(p, time.Minute, approvals.EXPIRED)
		assert.Empty(t, h.api.Requests())
	})
}

// When it goes during the run, people have to look.
func TestAPlanThatGoesDuringTheRun(t *testing.T) {
	inHouse(t, 27, func(h *house) {
		p := h.approved(h.plan())
		r := h.replica()
		r.at("chunk.end", 1, func() { h.redis.Del("countersign:{test}:p:" + p.ID) }).run(policyText)
		p = h.await(p, time.Minute, approvals.NEEDS_REVIEW)
		assert.Equal(t, approvals.WhyPayloadGone, p.Cause)
		assert.Equal(t, "done=1 not-run=26", h.event(p, approvals.Review).Counts.String())
	})
}

// Of a ledger that somebody changed nobody knows anything, and every user is
// counted as unknown.
func TestAForgedLedgerTellsNothing(t *testing.T) {
	inHouse(t, 27, func(h *house) {
		p := h.approved(h.plan())
		r := h.replica()
		r.at("chunk.end", 1, func() { h.redis.HSet("countersign:{test}:c:"+p.ID, "o:0", "nothing sealed") }).run(policyText)
		h.awaitState(p.ID, time.Minute, approvals.NEEDS_REVIEW)
		review := h.event(p, approvals.Review)
		assert.Equal(t, approvals.WhyForged, review.Facts.Why)
		assert.Equal(t, "unknown=27", review.Counts.String())
	})
}

// P27: a timeout never approves; who looks ends what nobody decided.
func TestNobodyDecidedInTime(t *testing.T) {
	inHouse(t, 2, func(h *house) {
		p, err := h.book.Hold(h.Context(), approvals.Holding{
			Plan: h.plan(), By: alice, Op: "command", Channel: "C1", Reason: "SEC-124", Need: 1,
			Expires: time.Minute, MaxOpen: 100, MaxOpenEach: 10,
		})
		require.NoError(h, err)
		h.api.ForgetRequests()
		h.start()
		time.Sleep(62 * time.Second)
		p = h.read(p)
		assert.Equal(t, approvals.EXPIRED, p.State)
		assert.Equal(t, approvals.WhyDeadline, p.Cause)
		assert.Empty(t, h.api.Requests())
	})
}

// Users that a newer policy protects are left alone, also when an older
// replica's write of them was lost.
func TestNewlyProtectedUsersAreLeftAlone(t *testing.T) {
	protects := strings.Replace(policyText, "Hands Off", "Hands Off, NewVendor", 1)
	inHouse(t, 27, func(h *house) {
		p := h.approved(h.plan())
		first := h.replica()
		<-first.at("qualys.before", 2, first.crash).run(policyText).ended
		h.replica().run(protects)
		p = h.await(p, 2*time.Minute, approvals.DONE_WITH_ERRORS)
		assert.Equal(t, "done=1 skipped=26", h.event(p, approvals.Finished).Counts.String())
		assert.Equal(t, approvals.WhyProtected, h.outcomes(p)[qualys.SAQUserID(h.id(5))].Why)
		assert.Len(t, h.writes(), 1)
	})
}

// Promise 2: however long Qualys lets the run wait, for a reading or for the fate of
// a write, nothing is written by rights that were judged over a minute ago.
func TestRightsDoNotGoStaleInWaits(t *testing.T) {
	for name, wait := range map[string]func(*miniqualys.Server){
		"for a reading": func(s *miniqualys.Server) {
			s.RateLimit(miniqualys.Search, 409, map[string]string{"X-RateLimit-ToWait-Sec": "50"}, 40)
		},
		"for a write": func(s *miniqualys.Server) { s.Hang(miniqualys.Delete, 1) },
	} {
		t.Run(name, func(t *testing.T) {
			inHouse(t, 27, func(h *house) {
				p := h.approved(h.plan())
				first := h.replica()
				first.at("chunk.end", 1, first.crash)
				<-first.run(policyText).ended
				second, left := h.replica(), time.Time{}
				second.at("chunk.begin", 1, func() { // it has read nothing yet
					left = time.Now()
					h.people.change(bob, func(f *rules.Profile) { f.Deleted = true })
					wait(h.api)
				}).run(policyText)
				p = h.await(p, time.Hour, approvals.NEEDS_REVIEW)
				assert.Equal(t, approvals.WhyApproverRights, p.Cause)
				for _, at := range second.writesLeft() {
					assert.LessOrEqual(t, at.Sub(left), time.Minute)
				}
			})
		})
	}
}
