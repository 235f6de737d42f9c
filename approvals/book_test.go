package approvals

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/approvals/rules"
	"countersign/qualys"
)

// P04, P05: a command that arrives again is the same request.
func TestTheSameCommandIsTheSameRequest(t *testing.T) {
	onEveryRedis(t, func(t *testing.T, client redis.UniversalClient) {
		b := openBook(t, client)
		p, err := b.Hold(t.Context(), holding(t, "trigger1", 1, 49))
		require.NoError(t, err)
		again, err := b.Hold(t.Context(), holding(t, "trigger1", 1, 49))
		require.NoError(t, err)
		assert.Equal(t, p, again)
		assert.Equal(t, b.ID("trigger1"), p.ID)
		assert.Equal(t, PENDING, p.State)
		assert.Equal(t, 49, p.Users)
		assert.Len(t, p.Plan.Users(), 49)
		assert.Equal(t, alice, p.Requester)
		assert.Equal(t, time.Hour, p.Deadline.Sub(p.Created).Round(time.Minute))
		assert.Equal(t, "delete-saq-49-users-"+p.Fingerprint[:12]+".csv", p.PlanFile())
		assert.Equal(t, []Kind{Requested}, kinds(postAll(t, b)))
	})
}

// P18, P19: the quorum counts distinct people, and the last one completes it.
func TestQuorumCountsDistinctPeople(t *testing.T) {
	onEveryRedis(t, func(t *testing.T, client redis.UniversalClient) {
		b := openBook(t, client)
		h := holding(t, "op", 1, 3)
		h.Need = 2
		p := held(t, b, h)

		p, err := b.Decide(t.Context(), yes(p, bob))
		require.NoError(t, err)
		assert.Equal(t, PENDING, p.State)
		again, err := b.Decide(t.Context(), yes(p, bob)) // the same click, redelivered
		require.NoError(t, err)
		assert.Equal(t, p, again)
		second := yes(p, bob)
		second.Op = "another click"
		_, err = b.Decide(t.Context(), second)
		require.ErrorIs(t, err, ErrAlready)

		p, err = b.Decide(t.Context(), yes(p, carol))
		require.NoError(t, err)
		assert.Equal(t, APPROVED, p.State)
		assert.Len(t, p.Approvals, 2)
		_, err = b.Decide(t.Context(), yes(p, dave))
		var over *OverError
		require.ErrorAs(t, err, &over)
		assert.Equal(t, APPROVED, over.State)
		assert.Equal(t, carol, over.By)
		events := postAll(t, b)
		assert.Equal(t, []Kind{Requested, Approved, Approved}, kinds(events))
		assert.Equal(t, 2, events[2].Facts.Have)
	})
}

// P20: nobody approves what they asked for, and nobody rejects it either.
func TestNobodyDecidesTheirOwn(t *testing.T) {
	onEveryRedis(t, func(t *testing.T, client redis.UniversalClient) {
		b := openBook(t, client)
		p := held(t, b, holding(t, "op", 1, 1))
		_, err := b.Decide(t.Context(), yes(p, alice))
		require.ErrorIs(t, err, rules.ErrOwnRequest)
		_, err = b.Decide(t.Context(), no(p, alice))
		require.ErrorIs(t, err, rules.ErrOwnRequest)
		p, err = b.Pending(t.Context(), p.ID)
		require.NoError(t, err)
		assert.Equal(t, PENDING, p.State)
		assert.Empty(t, p.Approvals)
	})
}

// P27, reliability row 3: at the deadline it is expired, and nothing approves.
func TestExpiryWinsTies(t *testing.T) {
	onEveryRedis(t, func(t *testing.T, client redis.UniversalClient) {
		b := openBook(t, client)
		h := holding(t, "op", 1, 2)
		h.Expires = time.Millisecond
		p := held(t, b, h)
		awaitRedis(t, b, p.Deadline)
		_, err := b.Decide(t.Context(), yes(p, bob))
		require.ErrorIs(t, err, ErrExpired)
		p, err = b.Pending(t.Context(), p.ID)
		require.NoError(t, err)
		assert.Equal(t, EXPIRED, p.State)
		assert.Equal(t, WhyDeadline, p.Cause)
		_, err = b.Cancel(t.Context(), p.ID, alice, "late")
		require.ErrorAs(t, err, new(*OverError))
		require.NoError(t, b.Expire(t.Context(), p.ID))
		assert.Equal(t, []Kind{Requested, Expired}, kinds(postAll(t, b)))
	})
}

// awaitRedis waits until Redis' clock has reached a moment.
func awaitRedis(t *testing.T, b *Book, until time.Time) {
	require.Eventually(t, func() bool {
		now, err := b.Now(t.Context())
		return err == nil && !now.Before(until)
	}, 20*time.Second, time.Millisecond)
}

// P32: what was never shown cannot be approved, and a button of another plan
// approves nothing.
func TestNothingIsApprovedUnseen(t *testing.T) {
	onEveryRedis(t, func(t *testing.T, client redis.UniversalClient) {
		b := openBook(t, client)
		p, err := b.Hold(t.Context(), holding(t, "op", 1, 2))
		require.NoError(t, err)
		_, err = b.Decide(t.Context(), yes(p, bob))
		require.ErrorIs(t, err, ErrNotReady)
		show(t, b, p.ID)
		forged := yes(p, bob)
		forged.Fingerprint = "000000000000"
		_, err = b.Decide(t.Context(), forged)
		require.ErrorIs(t, err, ErrFingerprint)
		missing := yes(p, bob)
		missing.Request = "NOONE"
		_, err = b.Decide(t.Context(), missing)
		require.ErrorIs(t, err, ErrNoRequest)
		p, err = b.Decide(t.Context(), yes(p, bob))
		require.NoError(t, err)
		assert.Equal(t, APPROVED, p.State)
	})
}

// P31: two open requests never hold the same user.
func TestOverlapIsRefusedWhileTheOtherIsOpen(t *testing.T) {
	onEveryRedis(t, func(t *testing.T, client redis.UniversalClient) {
		b := openBook(t, client)
		first := held(t, b, holding(t, "first", 1, 10))
		_, err := b.Hold(t.Context(), holding(t, "second", 10, 5))
		var overlap *OverlapError
		require.ErrorAs(t, err, &overlap)
		assert.Equal(t, OverlapError{Request: first.ID, User: 10}, *overlap)

		_, err = b.Cancel(t.Context(), first.ID, bob, "not yours")
		require.ErrorIs(t, err, ErrNotYours)
		_, err = b.Cancel(t.Context(), first.ID, alice, "cancel")
		require.NoError(t, err)
		_, err = b.Cancel(t.Context(), first.ID, alice, "cancel")
		require.NoError(t, err, "the same cancel again")
		_, err = b.Hold(t.Context(), holding(t, "second", 10, 5))
		require.NoError(t, err)
		assert.Equal(t, []Kind{Requested, Cancelled, Requested}, kinds(postAll(t, b)))
	})
}

func TestOpenRequestsAreLimited(t *testing.T) {
	onEveryRedis(t, func(t *testing.T, client redis.UniversalClient) {
		b := openBook(t, client)
		limited := func(op string, from int, by rules.Person) error {
			h := holding(t, op, from, 1)
			h.By, h.MaxOpen, h.MaxOpenEach = by, 3, 2
			_, err := b.Hold(t.Context(), h)
			return err
		}
		require.NoError(t, limited("1", 1, alice))
		require.NoError(t, limited("2", 2, alice))
		require.ErrorIs(t, limited("3", 3, alice), ErrTooManyYours)
		require.NoError(t, limited("3", 3, bob))
		require.ErrorIs(t, limited("4", 4, carol), ErrTooManyOpen)
		open, err := b.Open(t.Context())
		require.NoError(t, err)
		assert.Len(t, open, 3)
		all, err := b.All(t.Context(), 2)
		require.NoError(t, err)
		assert.Len(t, all, 2)
	})
}

// P16, P17: whatever people press at once, one thing happens.
func TestDecisionsAtOnceHaveOneOutcome(t *testing.T) {
	onEveryRedis(t, func(t *testing.T, client redis.UniversalClient) {
		b := openBook(t, client)
		for round := range 5 {
			p := held(t, b, holding(t, fmt.Sprint("op", round), 100*round+1, 2))
			var all sync.WaitGroup
			errs := make(chan error, 50)
			for i := range cap(errs) {
				all.Go(func() {
					who := rules.Person{Team: "T1", ID: fmt.Sprintf("U%d", i)}
					d := yes(p, who)
					if i%5 == 0 {
						d = no(p, who)
					}
					_, err := b.Decide(context.Background(), d)
					errs <- err
				})
			}
			all.Wait()
			close(errs)
			yeses, noes := 0, 0
			for err := range errs {
				if err != nil {
					require.ErrorAs(t, err, new(*OverError))
				}
			}
			for _, e := range postAll(t, b) {
				switch e.Kind {
				case Approved:
					yeses++
				case Rejected:
					noes++
				}
			}
			p, err := b.Pending(t.Context(), p.ID)
			require.NoError(t, err)
			assert.LessOrEqual(t, yeses, 1)
			assert.Equal(t, 1, noes, "one no ends it, before or after the yes")
			assert.Equal(t, REJECTED, p.State)
		}
	})
}

// P30 and reliability 4.1: whatever somebody writes into Redis by hand, it is
// noticed and nothing comes of it.
func TestForgedRecordsAreNoticed(t *testing.T) {
	for _, tt := range []struct{ field, value string }{
		{"op", "other"}, {"fp", "00"}, {"by", "T1/UBOB"}, {"enterprise", "E1"}, {"need", "0"}, {"channel", "C2"},
		{"policy", "x"}, {"deadline", "9999999999999"}, {"state", "APPROVED"}, {"mac", ""},
		{"a:T1/UBOB", "0|1|beef||click"}, {"a:T1/UBOB", "nonsense"}, {"floor", "1"},
	} {
		t.Run(tt.field+"="+tt.value, func(t *testing.T) {
			onEveryRedis(t, func(t *testing.T, client redis.UniversalClient) {
				b := openBook(t, client)
				p := held(t, b, holding(t, "op", 1, 3))
				if tt.field == "floor" { // an approval before a review counts no more
					_, err := b.Decide(t.Context(), yes(p, bob))
					require.NoError(t, err)
				}
				require.NoError(t, client.HSet(t.Context(), b.key("r:"+p.ID), tt.field, tt.value).Err())
				_, err := b.Pending(t.Context(), p.ID)
				require.ErrorIs(t, err, ErrForged)
				_, err = b.Decide(t.Context(), yes(p, carol))
				require.ErrorIs(t, err, ErrForged)
			})
		})
	}
}

// P30: the approved plan swapped for another one, or for garbage.
func TestASwappedPlanIsNoticed(t *testing.T) {
	onEveryRedis(t, func(t *testing.T, client redis.UniversalClient) {
		b := openBook(t, client)
		p := held(t, b, holding(t, "op", 1, 3))
		other := held(t, b, holding(t, "other", 11, 3))
		for name, box := range map[string]string{
			"another request's": client.Get(t.Context(), b.key("p:"+other.ID)).Val(),
			"re-encrypted":      string(b.Keys.encrypt(mustPayload(t, deletion(t, 500, 3)), "plan "+p.ID)),
			"garbage":           "garbage",
		} {
			require.NoError(t, client.Set(t.Context(), b.key("p:"+p.ID), box, 0).Err())
			_, err := b.Pending(t.Context(), p.ID)
			require.ErrorIs(t, err, ErrForged, name)
		}
	})
}

func mustPayload(t *testing.T, p Plan) []byte {
	raw, err := p.payload()
	require.NoError(t, err)
	return raw
}

// P59: two tenants on one Redis never meet.
func TestTenantsNeverMeet(t *testing.T) {
	onEveryRedis(t, func(t *testing.T, client redis.UniversalClient) {
		one := openBook(t, client)
		two, err := NewBook(Config{Client: client, Tenant: one.Tenant + "-two", Keys: one.Keys, Policy: one.Policy})
		require.NoError(t, err)
		p := held(t, one, holding(t, "op", 1, 3))
		_, err = two.Pending(t.Context(), p.ID)
		require.ErrorIs(t, err, ErrNoRequest)
		_, err = two.Hold(t.Context(), holding(t, "op2", 1, 3))
		require.NoError(t, err, "the other tenant's users are other users")
		ok, err := two.Outbox().Lease(t.Context(), "somebody else", time.Minute)
		require.NoError(t, err)
		assert.True(t, ok)
		fields := client.HGetAll(t.Context(), one.key("r:"+p.ID)).Val()
		require.NoError(t, client.HSet(t.Context(), two.key("r:"+p.ID), fields).Err())
		_, err = two.Pending(t.Context(), p.ID)
		require.ErrorIs(t, err, ErrForged, "a record moved to another tenant")
	})
}

// A key that was replaced still opens what it sealed.
func TestTheFormerKeyOpensWhatItSealed(t *testing.T) {
	onEveryRedis(t, func(t *testing.T, client redis.UniversalClient) {
		b := openBook(t, client)
		p := held(t, b, holding(t, "op", 1, 3))
		former := b.Keys
		b.Keys = testKeys(t, 1)
		_, err := b.Pending(t.Context(), p.ID)
		require.ErrorIs(t, err, ErrForged)
		b.Old = &former
		now, err := b.Decide(t.Context(), yes(p, bob))
		require.NoError(t, err)
		assert.Equal(t, APPROVED, now.State)
	})
}

// Reliability 1.3: after a lost answer every script may run again.
func TestLostAnswersChangeNothing(t *testing.T) {
	onEveryRedis(t, func(t *testing.T, client redis.UniversalClient) {
		loser := &loseAnswers{seen: map[string]bool{}}
		hook(t, client, loser)
		b := openBook(t, client)
		first, err := b.Ask(t.Context(), Asked{Op: "op", By: alice, Text: "delete"})
		require.NoError(t, err)
		assert.True(t, first, "a repeated call is not a repeated command")
		p := approved(t, b, "op", 1, 30)
		run, err := b.Claim(t.Context(), p.ID, "me", time.Minute)
		require.NoError(t, err)
		assert.EqualValues(t, 1, run.Pending.Epoch)
		runAll(t, run)
		require.NoError(t, b.Note(t.Context(), "note", Event{Kind: Found, By: alice, Counts: Counts{"users": 3}}))
		assert.Equal(t, []Kind{Started, Finished, Found}, kinds(postAll(t, b)))
		p, err = b.Pending(t.Context(), p.ID)
		require.NoError(t, err)
		assert.Equal(t, DONE, p.State)
		assert.Equal(t, Counts{"done": 30}, p.Counts)
		assert.Greater(t, loser.lost, 10)
	})
}

// runAll does every chunk of a run, as if Qualys obeyed.
func runAll(t *testing.T, r *Run) {
	chunks, err := r.Chunks(t.Context())
	require.NoError(t, err)
	for _, c := range chunks {
		require.NoError(t, r.Sent(t.Context(), c.N, 1, nil))
		outcomes := map[qualys.SAQUserID]Outcome{}
		for _, u := range c.Users {
			outcomes[u.ID] = Outcome{Result: ResultDone, Sent: true, Observed: "gone"}
		}
		require.NoError(t, r.Done(t.Context(), c.N, outcomes))
	}
	require.NoError(t, r.Finish(t.Context(), DONE, "", Counts{"done": r.Pending.Users}, "sha"))
}

func TestAnUnreachableRedisIsSaidSo(t *testing.T) {
	client := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1", MaxRetries: -1, DialTimeout: time.Second})
	t.Cleanup(func() { _ = client.Close() })
	b := &Book{Config: Config{Client: client, Tenant: "t", Keys: testKeys(t, 0), Point: func(string) {}}}
	for name, call := range map[string]func() error{
		"hold":    func() error { _, err := b.Hold(t.Context(), holding(t, "op", 1, 1)); return err },
		"decide":  func() error { _, err := b.Decide(t.Context(), Decision{Request: "X"}); return err },
		"cancel":  func() error { _, err := b.Cancel(t.Context(), "X", alice, "op"); return err },
		"pending": func() error { _, err := b.Pending(t.Context(), "X"); return err },
		"due":     func() error { _, err := b.Due(t.Context(), 1); return err },
		"note":    func() error { return b.Note(t.Context(), "op", Event{Kind: Start}) },
	} {
		assert.True(t, errors.Is(call(), ErrUnavailable), name)
	}
}
