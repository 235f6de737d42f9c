package approvals

import (
	"fmt"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/approvals/rules"
)

// An approver may take their own yes back until the run begins.
func TestAnApprovalIsWithdrawn(t *testing.T) {
	onEveryRedis(t, func(t *testing.T, client redis.UniversalClient) {
		b := openBook(t, client)
		h := holding(t, "op", 1, 3)
		h.Need, h.CoolDown = 2, time.Hour
		p := held(t, b, h)
		_, err := b.Withdraw(t.Context(), p.ID, bob, "early")
		require.ErrorIs(t, err, ErrNotYours)
		_, err = b.Decide(t.Context(), yes(p, bob))
		require.NoError(t, err)
		p, err = b.Decide(t.Context(), yes(p, carol))
		require.NoError(t, err)
		require.Equal(t, APPROVED, p.State)

		p, err = b.Withdraw(t.Context(), p.ID, bob, "w")
		require.NoError(t, err)
		assert.Equal(t, PENDING, p.State)
		assert.Equal(t, []Approval{{carol, p.Approvals[0].At}}, p.Approvals, "carol's stands")
		assert.Zero(t, p.Starts)
		again, err := b.Withdraw(t.Context(), p.ID, bob, "w")
		require.NoError(t, err)
		assert.Equal(t, p, again)

		d := yes(p, bob)
		d.Op = "bob has thought again"
		p, err = b.Decide(t.Context(), d)
		require.NoError(t, err)
		assert.Equal(t, APPROVED, p.State)
		assert.Equal(t, []Kind{Requested, Approved, Approved, Withdrawn, Approved}, kinds(postAll(t, b)))
	})
}

func TestAStopIsSeenBeforeTheNextWrite(t *testing.T) {
	onEveryRedis(t, func(t *testing.T, client redis.UniversalClient) {
		b := openBook(t, client)
		p := approved(t, b, "op", 1, 30)
		_, err := b.Stop(t.Context(), p.ID, bob, "early")
		require.ErrorAs(t, err, new(*OverError))
		run, err := b.Claim(t.Context(), p.ID, "me", time.Minute)
		require.NoError(t, err)
		require.NoError(t, run.Sent(t.Context(), 0, 1, nil))
		p, err = b.Stop(t.Context(), p.ID, bob, "stop")
		require.NoError(t, err)
		assert.Equal(t, bob, p.Stopper)
		var stopped *StoppedError
		require.ErrorAs(t, run.Sent(t.Context(), 1, 1, nil), &stopped)
		assert.Equal(t, bob.String(), stopped.By)
		require.ErrorAs(t, run.Renew(t.Context()), &stopped)
		require.NoError(t, run.Finish(t.Context(), STOPPED, WhyStopped, Counts{"done": 1, "not-run": 29}, "sha"))
		p, err = b.Pending(t.Context(), p.ID)
		require.NoError(t, err)
		assert.Equal(t, STOPPED, p.State)
		assert.Equal(t, bob, p.EndedBy)
		events := postAll(t, b)
		assert.Equal(t, []Kind{Started, Stopped}, kinds(events))
		assert.Equal(t, bob, events[1].By)
	})
}

// While frozen, decisions are stored, claims wait and writes do not leave.
func TestAFreezeHoldsEverything(t *testing.T) {
	onEveryRedis(t, func(t *testing.T, client redis.UniversalClient) {
		b := openBook(t, client)
		running := approved(t, b, "running", 1, 30)
		run, err := b.Claim(t.Context(), running.ID, "me", time.Minute)
		require.NoError(t, err)
		require.NoError(t, b.Freeze(t.Context(), bob, "f"))
		require.NoError(t, b.Freeze(t.Context(), bob, "f"), "the same again")
		require.ErrorIs(t, b.Freeze(t.Context(), carol, "f2"), ErrFrozen)
		f, err := b.Frozen(t.Context())
		require.NoError(t, err)
		assert.Equal(t, bob, f.By)
		assert.NotZero(t, f.At)
		require.ErrorIs(t, run.Sent(t.Context(), 0, 1, nil), ErrFrozen)
		require.ErrorIs(t, run.Renew(t.Context()), ErrFrozen)
		require.NoError(t, run.Release(t.Context(), 0))
		_, err = b.Claim(t.Context(), running.ID, "other", time.Minute)
		require.ErrorIs(t, err, ErrFrozen)

		require.NoError(t, b.Unfreeze(t.Context(), carol, "u"))
		require.ErrorIs(t, b.Unfreeze(t.Context(), carol, "u2"), ErrThawed)
		run, err = b.Claim(t.Context(), running.ID, "other", time.Minute)
		require.NoError(t, err)
		runAll(t, run)
	})
}

// Design section 7: an approved request whose deadline passed while everything
// stood still has expired, whoever looks first, when, and whatever else runs.
func TestADeadlineUnderAFreezeIsTheEnd(t *testing.T) {
	onEveryRedis(t, func(t *testing.T, client redis.UniversalClient) {
		claim := func(b *Book, p Pending) {
			_, err := b.Claim(t.Context(), p.ID, "me", time.Minute)
			require.ErrorAs(t, err, new(*OverError))
		}
		late := map[string]Pending{}
		looks := map[string]func(b *Book, p Pending){
			"a claim": claim,
			"a claim after the freeze": func(b *Book, p Pending) {
				require.NoError(t, b.Unfreeze(t.Context(), carol, "unfreeze"))
				claim(b, p)
			},
			"who looks for work": func(b *Book, p Pending) { require.NoError(t, b.Expire(t.Context(), p.ID)) },
			"a withdrawal": func(b *Book, p Pending) {
				_, err := b.Withdraw(t.Context(), p.ID, bob, "withdraw")
				require.ErrorIs(t, err, ErrExpired)
			},
			"a no after the freeze": func(b *Book, p Pending) {
				require.NoError(t, b.Unfreeze(t.Context(), carol, "unfreeze"))
				_, err := b.Decide(t.Context(), no(p, carol))
				require.ErrorIs(t, err, ErrExpired)
			},
		}
		b := openBook(t, client)
		for name := range looks {
			b := b.of(t, name)
			running := approved(t, b, "running", 1, 30)
			_, err := b.Claim(t.Context(), running.ID, "paused", time.Minute)
			require.NoError(t, err)
			h := holding(t, "late", 101, 3)
			h.Expires = 5 * time.Second
			p := held(t, b, h)
			require.NoError(t, b.Freeze(t.Context(), bob, "freeze"))
			late[name], err = b.Decide(t.Context(), yes(p, bob))
			require.NoError(t, err, "decisions are stored")
			postAll(t, b)
			require.NoError(t, b.Expire(t.Context(), p.ID))
			_, err = b.Claim(t.Context(), p.ID, "me", time.Minute)
			require.ErrorIs(t, err, ErrBusy)
		}
		for name, look := range looks {
			b := b.of(t, name)
			awaitRedis(t, b, late[name].Deadline)
			look(b, late[name])
			p, err := b.Pending(t.Context(), late[name].ID)
			require.NoError(t, err)
			assert.Equal(t, EXPIRED, p.State, name)
			assert.Equal(t, WhyFrozen, p.Cause, name)
		}
	})
}

// A freeze that ended before the deadline ends nothing, and what runs goes on.
func TestADeadlineAfterAFreezeIsNone(t *testing.T) {
	m := miniredis.RunT(t)
	m.SetTime(time.Now())
	b := openBook(t, dial(t, m.Addr()))
	p := approved(t, b, "op", 1, 3)
	require.NoError(t, b.Freeze(t.Context(), bob, "freeze"))
	require.NoError(t, b.Unfreeze(t.Context(), carol, "unfreeze"))
	m.SetTime(p.Deadline)
	run, err := b.Claim(t.Context(), p.ID, "me", time.Minute)
	require.NoError(t, err)
	require.NoError(t, b.Freeze(t.Context(), bob, "freeze again"))
	require.NoError(t, b.Expire(t.Context(), p.ID))
	require.NoError(t, b.Unfreeze(t.Context(), carol, "unfreeze again"))
	runAll(t, run)
}

// A run that lost its owner and was stopped by a person ends although everything
// is frozen: whoever claims it only ends it.
func TestAStopDoesNotWaitForTheFreeze(t *testing.T) {
	onEveryRedis(t, func(t *testing.T, client redis.UniversalClient) {
		b := openBook(t, client)
		p := approved(t, b, "op", 1, 30)
		lost, err := b.Claim(t.Context(), p.ID, "lost", time.Millisecond)
		require.NoError(t, err)
		require.NoError(t, b.Freeze(t.Context(), bob, "freeze"))
		require.Eventually(t, func() bool { return lost.Renew(t.Context()) == ErrFenced }, 20*time.Second, time.Millisecond)
		_, err = b.Claim(t.Context(), p.ID, "waits", time.Minute)
		require.ErrorIs(t, err, ErrFrozen)
		require.NoError(t, b.Later(t.Context(), p.ID, time.Hour))

		_, err = b.Stop(t.Context(), p.ID, carol, "stop")
		require.NoError(t, err)
		due, err := b.Due(t.Context(), 10)
		require.NoError(t, err)
		assert.Equal(t, []string{p.ID}, due, "at once")
		run, err := b.Claim(t.Context(), p.ID, "ends it", time.Minute)
		require.NoError(t, err)
		require.ErrorAs(t, run.Renew(t.Context()), new(*StoppedError))
		require.ErrorAs(t, run.Sent(t.Context(), 0, 1, nil), new(*StoppedError), "and nothing is written")
		require.NoError(t, run.Finish(t.Context(), STOPPED, WhyStopped, Counts{"not-run": 30}, "sha"))
		p, err = b.Pending(t.Context(), p.ID)
		require.NoError(t, err)
		assert.Equal(t, STOPPED, p.State)
	})
}

// Withdrawals that come in between make an approval late, and never forged.
func TestALateApprovalIsNotForged(t *testing.T) {
	onEveryRedis(t, func(t *testing.T, client redis.UniversalClient) {
		b := openBook(t, client)
		h := holding(t, "op", 1, 3)
		h.Need = 3
		p := held(t, b, h)
		d := yes(p, dave)
		d.Seen = p
		click := func(by rules.Person, n int) {
			again := yes(p, by)
			again.Op = fmt.Sprint(by.ID, n)
			_, err := b.Decide(t.Context(), again)
			require.NoError(t, err)
			_, err = b.Withdraw(t.Context(), p.ID, by, fmt.Sprint("not ", by.ID, n))
			require.NoError(t, err)
		}
		click(bob, 0)
		click(bob, 1)
		now, err := b.Decide(t.Context(), d)
		require.NoError(t, err, "two withdrawals later")
		require.Len(t, now.Approvals, 1)

		c := b.Config
		n := 1
		c.Point = func(at string) {
			if at == "approve.before" {
				n++
				click(bob, n)
			}
		}
		busy, err := NewBook(c)
		require.NoError(t, err)
		d = yes(p, carol)
		_, err = busy.Decide(t.Context(), d)
		require.ErrorIs(t, err, ErrRound)
		require.NotErrorIs(t, err, ErrForged)
		_, err = b.Decide(t.Context(), d)
		require.NoError(t, err, "nothing was stored")
	})
}

// A review is resumed by a full quorum, given anew and without the requester.
func TestAReviewIsResumedByAFreshQuorum(t *testing.T) {
	onEveryRedis(t, func(t *testing.T, client redis.UniversalClient) {
		b := openBook(t, client)
		h := holding(t, "op", 1, 30)
		h.Need = 2
		p := held(t, b, h)
		for _, who := range []Decision{yes(p, bob), yes(p, carol)} {
			_, err := b.Decide(t.Context(), who)
			require.NoError(t, err)
		}
		postAll(t, b)
		run, err := b.Claim(t.Context(), p.ID, "me", time.Minute)
		require.NoError(t, err)
		require.NoError(t, run.Review(t.Context(), WhyCredentials, nil))
		early := yes(p, dave)
		_, err = b.Decide(t.Context(), early)
		require.ErrorAs(t, err, new(*OverError), "nobody resumes it yet")

		_, err = b.Resume(t.Context(), p.ID, alice, "r1")
		require.ErrorIs(t, err, ErrOwnRequest)
		p, err = b.Resume(t.Context(), p.ID, bob, "r2")
		require.NoError(t, err)
		assert.Equal(t, NEEDS_REVIEW, p.State)
		assert.True(t, p.Resuming)
		events := postAll(t, b)
		left := events[len(events)-2]
		assert.Equal(t, Review, left.Kind)
		assert.Equal(t, 2, left.Facts.Have, "what it had when it was left")
		assert.Equal(t, 2, left.Facts.Need)
		assert.Len(t, p.Approvals, 1, "earlier approvals count no more")
		_, err = b.Resume(t.Context(), p.ID, bob, "r3")
		require.ErrorIs(t, err, ErrAlready)
		own := yes(p, alice)
		_, err = b.Decide(t.Context(), own)
		require.ErrorIs(t, err, ErrOwnRequest)
		_, err = b.Decide(t.Context(), no(p, dave))
		require.ErrorAs(t, err, new(*OverError))
		d := yes(p, carol)
		d.Op = "carol again"
		p, err = b.Decide(t.Context(), d)
		require.NoError(t, err)
		assert.Equal(t, RUNNING, p.State)
		assert.False(t, p.Resuming)
		postAll(t, b)
		run, err = b.Claim(t.Context(), p.ID, "again", time.Minute)
		require.NoError(t, err)
		assert.EqualValues(t, 2, run.Pending.Epoch)
		runAll(t, run)
		p, err = b.Pending(t.Context(), p.ID)
		require.NoError(t, err)
		assert.Equal(t, DONE, p.State)
	})
}

// An approval of before a review cannot be put back to count again.
func TestAnApprovalFromBeforeAReviewIsWorthless(t *testing.T) {
	onEveryRedis(t, func(t *testing.T, client redis.UniversalClient) {
		b := openBook(t, client)
		p := approved(t, b, "op", 1, 3)
		require.NoError(t, b.Review(t.Context(), p.ID, WhyApproverRights))
		require.NoError(t, client.HSet(t.Context(), b.key("r:"+p.ID), "state", "APPROVED").Err())
		_, err := b.Pending(t.Context(), p.ID)
		require.ErrorIs(t, err, ErrForged)
	})
}
