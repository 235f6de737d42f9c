package approvals

import (
	"fmt"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// silly is what no script writes for a number.
var silly = []string{"", "x", "1.5", "-1", "007", "99999999999999999999"}

// countedWith are the fields that the scripts count with. Without a start or
// the number of its approval nothing approved can begin.
var countedWith = []string{
	"version", "round", "have", "need", "epoch", "lease", "deadline", "cool_down", "starts", "approved_seq", "floor",
}

// everyBreak breaks a fresh request in every way.
func everyBreak(t *testing.T, b *Book, make func(op string, from int) Pending, judge func(t *testing.T, p Pending, how string)) {
	from := 1
	for _, field := range countedWith {
		for _, value := range silly {
			if value == "" && field == "floor" {
				continue // it is absent until a first review
			}
			how := fmt.Sprintf("%s=%q", field, value)
			p := make(how, from)
			require.NoError(t, b.Client.HSet(t.Context(), b.key("r:"+p.ID), field, value).Err())
			judge(t, p, how)
			from += 3
		}
	}
}

// leftOnce says that people were told of a broken request once, that nobody
// looks at it again, and that it can be closed.
func leftOnce(t *testing.T, b *Book, p Pending, how string) {
	_, err := b.Claim(t.Context(), p.ID, "later", time.Minute)
	require.ErrorAs(t, err, new(*OverError), how)
	require.NoError(t, b.Expire(t.Context(), p.ID), how)
	ids, err := b.Client.ZRangeByScore(t.Context(), b.key("due"), &redis.ZRangeBy{Min: "-inf", Max: "+inf"}).Result()
	require.NoError(t, err)
	assert.NotContains(t, ids, p.ID, how)
	events := postAll(t, b)
	require.NotEmpty(t, events, how)
	last := events[len(events)-1]
	assert.Equal(t, Review, last.Kind, how)
	assert.Equal(t, WhyForged, last.Facts.Why, how)
	p, err = b.Close(t.Context(), p.ID, bob, "close "+p.ID, "looked")
	require.NoError(t, err, how)
	assert.Equal(t, CLOSED, p.State, how)
	assert.Equal(t, []Kind{Closed}, kinds(postAll(t, b)), how)
}

// A record whose numbers are none is never run, and never an error that comes
// back at every look.
func TestABrokenRecordIsLeftToPeopleOnce(t *testing.T) {
	onEveryRedis(t, func(t *testing.T, client redis.UniversalClient) {
		b := openBook(t, client)
		makes := func(op string, from int) Pending { return approved(t, b, op, from, 3) }
		everyBreak(t, b, makes, func(t *testing.T, p Pending, how string) {
			_, err := b.Pending(t.Context(), p.ID)
			require.ErrorIs(t, err, ErrForged, how)
			require.NoError(t, b.Review(t.Context(), p.ID, WhyForged), how)
			leftOnce(t, b, p, how)
		})
	})
}

// The same where it was broken after the executor had read it.
func TestABrokenRecordIsNotClaimed(t *testing.T) {
	onEveryRedis(t, func(t *testing.T, client redis.UniversalClient) {
		b := openBook(t, client)
		makes := func(op string, from int) Pending { return approved(t, b, op, from, 3) }
		everyBreak(t, b, makes, func(t *testing.T, p Pending, how string) {
			_, err := b.Claim(t.Context(), p.ID, "me", time.Minute)
			require.ErrorAs(t, err, new(*OverError), how)
			leftOnce(t, b, p, how)
		})
	})
}

// And where it was broken during the run: its owner is fenced, and the next one
// does not begin.
func TestABrokenRunIsNotTakenOver(t *testing.T) {
	onEveryRedis(t, func(t *testing.T, client redis.UniversalClient) {
		b := openBook(t, client)
		var run *Run
		makes := func(op string, from int) Pending {
			p := approved(t, b, op, from, 3)
			var err error
			run, err = b.Claim(t.Context(), p.ID, "me", time.Minute)
			require.NoError(t, err)
			return p
		}
		everyBreak(t, b, makes, func(t *testing.T, p Pending, how string) {
			if how == `starts=""` { // it began already
				require.NoError(t, run.Finish(t.Context(), DONE, "", nil, ""))
				return
			}
			if how != `approved_seq=""` { // only a claim asks for it
				require.ErrorIs(t, run.Renew(t.Context()), ErrFenced, how)
				require.ErrorIs(t, run.Sent(t.Context(), 0, 1, nil), ErrFenced, how)
				require.ErrorIs(t, run.Finish(t.Context(), DONE, "", nil, ""), ErrFenced, how)
			}
			_, err := b.Claim(t.Context(), p.ID, "next", time.Minute)
			require.ErrorAs(t, err, new(*OverError), how)
			leftOnce(t, b, p, how)
		})
	})
}

// What waits for approval and is broken takes no decision, and ends at its
// deadline.
func TestABrokenRequestExpires(t *testing.T) {
	onEveryRedis(t, func(t *testing.T, client redis.UniversalClient) {
		b := openBook(t, client)
		makes := func(op string, from int) Pending { return held(t, b, holding(t, op, from, 3)) }
		everyBreak(t, b, makes, func(t *testing.T, p Pending, how string) {
			if how == `starts=""` || how == `approved_seq=""` {
				require.NoError(t, second(b.Cancel(t.Context(), p.ID, alice, how)))
				postAll(t, b)
				return // nothing is approved yet
			}
			stale := yes(p, bob)
			stale.Seen = p // read before it was broken
			_, err := b.Decide(t.Context(), stale)
			require.ErrorIs(t, err, ErrForged, how)
			require.NoError(t, b.Expire(t.Context(), p.ID), how)
			require.NoError(t, b.Expire(t.Context(), p.ID), how)
			events := postAll(t, b)
			require.Equal(t, []Kind{Requested, Expired}, kinds(events), how)
			assert.Equal(t, WhyForged, events[1].Facts.Why, how)
		})
	})
}

// A state that no script wrote is for people, once.
func TestAnUnknownStateIsForPeople(t *testing.T) {
	onEveryRedis(t, func(t *testing.T, client redis.UniversalClient) {
		b := openBook(t, client)
		p := approved(t, b, "op", 1, 3)
		require.NoError(t, client.HSet(t.Context(), b.key("r:"+p.ID), "state", "FOO").Err())
		_, err := b.Pending(t.Context(), p.ID)
		require.ErrorIs(t, err, ErrForged)
		require.NoError(t, b.Expire(t.Context(), p.ID))
		leftOnce(t, b, p, "FOO")
	})
}

// A record that is lost while it was open is void: its users are free, and the
// trail says so once.
func TestALostRecordIsVoid(t *testing.T) {
	onEveryRedis(t, func(t *testing.T, client redis.UniversalClient) {
		b := openBook(t, client)
		p := approved(t, b, "op", 1, 3)
		run, err := b.Claim(t.Context(), p.ID, "me", time.Minute)
		require.NoError(t, err)
		require.NoError(t, client.Del(t.Context(), b.key("r:"+p.ID)).Err())
		require.ErrorIs(t, run.Sent(t.Context(), 0, 1, nil), ErrFenced)
		_, err = b.Pending(t.Context(), p.ID)
		require.ErrorIs(t, err, ErrNoRequest)
		require.NoError(t, b.Expire(t.Context(), p.ID))
		require.NoError(t, b.Expire(t.Context(), p.ID))
		assert.Equal(t, []Kind{Started, Void}, kinds(postAll(t, b)))
		assert.Positive(t, client.PTTL(t.Context(), b.key("p:"+p.ID)).Val(), "its users are not kept for ever")
		next := approved(t, b, "next", 1, 3)
		_, err = b.Claim(t.Context(), next.ID, "me", time.Minute)
		require.NoError(t, err)
	})
}

// What a card says of the plan is the plan's, whatever Redis says.
func TestACardSaysWhatThePlanSays(t *testing.T) {
	onEveryRedis(t, func(t *testing.T, client redis.UniversalClient) {
		b := openBook(t, client)
		for i, field := range []string{"users", "verb", "filter", "reason"} {
			p := held(t, b, holding(t, field, 1+10*i, 3))
			record := b.key("r:" + p.ID)
			require.NoError(t, client.HSet(t.Context(), record, field, map[string]string{"users": "1", "verb": "update", "filter": "id=1", "reason": "a harmless one"}[field]).Err())
			lie, err := b.Pending(t.Context(), p.ID)
			require.ErrorIs(t, err, ErrForged, field)
			assert.Equal(t, 3, lie.Users)
			assert.Equal(t, Delete, lie.Verb)
			assert.Equal(t, "firstName=NewVendor", lie.Filter)
			assert.Equal(t, "SEC-124", lie.Reason)
			stale := yes(p, bob)
			stale.Seen = p
			_, err = b.Decide(t.Context(), stale)
			require.ErrorIs(t, err, ErrForged, "%s: also where it was read before", field)
		}
	})
}

// A mark of the ledger that nobody wrote is forged.
func TestAForgedMarkIsNoticed(t *testing.T) {
	onEveryRedis(t, func(t *testing.T, client redis.UniversalClient) {
		b := openBook(t, client)
		p := approved(t, b, "op", 1, 3)
		run, err := b.Claim(t.Context(), p.ID, "me", time.Minute)
		require.NoError(t, err)
		for _, text := range []string{"done", "sent|1|1|soon", "done|1|-1", "sent|1|1|1|1"} {
			require.NoError(t, client.HSet(t.Context(), b.key("c:"+p.ID), "0", text).Err())
			_, err = run.Chunks(t.Context())
			require.ErrorIs(t, err, ErrForged, text)
			_, err = b.Fates(t.Context(), run.Pending)
			require.ErrorIs(t, err, ErrForged, text)
		}
	})
}
