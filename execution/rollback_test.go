package execution_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"countersign/approvals"
	"countersign/approvals/rules"
	"countersign/audit"
	"countersign/execution"
)

func said(kinds ...approvals.Kind) []audit.Entry {
	var all []audit.Entry
	for i, k := range kinds {
		all = append(all, audit.Entry{Seq: int64(i) + 1, Kind: k})
	}
	return all
}

// saidBy takes persons and kinds in turn.
func saidBy(who ...any) []audit.Entry {
	var all []audit.Entry
	for i := 0; i < len(who); i += 2 {
		all = append(all, audit.Entry{Seq: int64(i) + 1, By: who[i].(rules.Person).String(), Kind: who[i+1].(approvals.Kind)})
	}
	return all
}

// Reliability row 14: nothing runs from a Redis that was rolled back. The
// channel remembers what Redis lost.
func TestTheChannelKnowsMore(t *testing.T) {
	for name, tt := range map[string]struct {
		ahead   uint64 // the channel's newest number, over Redis'
		entries []audit.Entry
		want    approvals.State
	}{
		"what Redis knows":               {0, said(approvals.Requested, approvals.Approved), approvals.DONE},
		"numbers that Redis lost":        {1, said(approvals.Requested, approvals.Approved), approvals.NEEDS_REVIEW},
		"no approval at all":             {0, nil, approvals.DONE},
		"a withdrawal":                   {0, said(approvals.Approved, approvals.Withdrawn), approvals.NEEDS_REVIEW},
		"a withdrawal that was made up":  {0, said(approvals.Approved, approvals.Withdrawn, approvals.Approved), approvals.DONE},
		"an approval that was put back":  {0, saidBy(bob, approvals.Approved, bob, approvals.Withdrawn, carol, approvals.Approved), approvals.NEEDS_REVIEW},
		"a withdrawal of somebody else":  {0, saidBy(carol, approvals.Approved, carol, approvals.Withdrawn, bob, approvals.Approved), approvals.DONE},
		"a withdrawal thought over":      {0, saidBy(bob, approvals.Approved, bob, approvals.Withdrawn, bob, approvals.Approved), approvals.DONE},
		"a review":                       {0, said(approvals.Approved, approvals.Started, approvals.Review), approvals.NEEDS_REVIEW},
		"a review that was resumed":      {0, said(approvals.Approved, approvals.Review, approvals.Approved, approvals.Resumed), approvals.DONE},
		"a rejection":                    {0, said(approvals.Approved, approvals.Rejected), approvals.NEEDS_REVIEW},
		"a cancellation":                 {0, said(approvals.Approved, approvals.Cancelled), approvals.NEEDS_REVIEW},
		"an approval of what is over":    {0, said(approvals.Approved, approvals.Cancelled, approvals.Approved), approvals.NEEDS_REVIEW},
		"the end of its time":            {0, said(approvals.Requested, approvals.Expired), approvals.NEEDS_REVIEW},
		"a run that was finished before": {0, said(approvals.Approved, approvals.Started, approvals.Finished), approvals.NEEDS_REVIEW},
	} {
		t.Run(name, func(t *testing.T) {
			inHouse(t, 2, func(h *house) {
				p := h.approved(h.plan())
				r := h.replica()
				r.entries = func(ctx context.Context, request string) (uint64, []audit.Entry, error) {
					assert.Equal(t, p.ID, request)
					last, err := h.book.Last(ctx)
					return uint64(last) + tt.ahead, tt.entries, err
				}
				r.run(policyText)
				p = h.await(p, time.Minute, tt.want)
				if tt.want == approvals.NEEDS_REVIEW {
					assert.Equal(t, approvals.WhyRolledBack, p.Cause)
					assert.Empty(t, h.writes())
				}
			})
		})
	}
}

// Promise 7: while the channel cannot be read nothing is written, and nothing
// is lost.
func TestAChannelThatCannotBeReadIsWaitedFor(t *testing.T) {
	inHouse(t, 2, func(h *house) {
		p := h.approved(h.plan())
		begun, down := time.Now(), 20*time.Second
		var asked atomic.Int64
		r := h.replica()
		r.entries = func(ctx context.Context, _ string) (uint64, []audit.Entry, error) {
			asked.Add(1)
			if time.Since(begun) < down {
				return 0, nil, errors.New("slack is down")
			}
			last, err := h.book.Last(ctx)
			return uint64(last), said(approvals.Approved), err
		}
		r.run(policyText)
		p = h.await(p, 2*time.Minute, approvals.DONE)
		assert.EqualValues(t, 1, p.Epoch)
		assert.Greater(t, h.writes()[0].At.Sub(begun), down)
		assert.Less(t, asked.Load(), int64(8), "once a claim, when it could be read")
	})
}

// It is not waited for without end: after an hour people have to look.
func TestAChannelThatStaysAwayEndsTheRun(t *testing.T) {
	inHouse(t, 2, func(h *house) {
		p, begun := h.approved(h.plan()), time.Now()
		r := h.replica()
		r.entries = func(context.Context, string) (uint64, []audit.Entry, error) {
			return 0, nil, errors.New("slack is down")
		}
		r.run(policyText)
		p = h.await(p, 2*time.Hour, approvals.NEEDS_REVIEW)
		assert.Equal(t, execution.WhyUnread, p.Cause)
		assert.WithinDuration(t, begun.Add(time.Hour), time.Now(), 3*time.Minute)
		assert.Equal(t, "not-run=2", h.event(p, approvals.Review).Counts.String())
		assert.Empty(t, h.writes())
	})
}

// A takeover looks again.
func TestATakeoverComparesAgain(t *testing.T) {
	inHouse(t, 27, func(h *house) {
		p := h.approved(h.plan())
		first := h.replica()
		<-first.at("chunk.end", 1, first.crash).run(policyText).ended
		second := h.replica()
		second.entries = func(ctx context.Context, _ string) (uint64, []audit.Entry, error) {
			last, err := h.book.Last(ctx)
			return uint64(last), said(approvals.Approved, approvals.Stopped), err
		}
		second.run(policyText)
		p = h.await(p, 2*time.Minute, approvals.NEEDS_REVIEW)
		assert.Equal(t, approvals.WhyRolledBack, p.Cause)
		assert.Equal(t, "done=1 unknown=26", h.event(p, approvals.Review).Counts.String())
	})
}

// Reliability row 14: a Redis that loses its tail while a run goes on has
// forgotten what was done. Its owner knows better than to sum that up.
func TestALedgerThatForgotAChunkIsNotSummedUp(t *testing.T) {
	for name, end := range map[string]func(r *replica, p approvals.Pending){
		"at the end":          func(*replica, approvals.Pending) {},
		"where it is stopped": func(r *replica, p approvals.Pending) { r.at("chunk.begin", 3, func() { r.stopRun(p) }) },
	} {
		t.Run(name, func(t *testing.T) {
			inHouse(t, 60, func(h *house) {
				p := h.approved(h.plan())
				r := h.replica()
				r.at("chunk.end", 2, func() {
					ledger := "countersign:{test}:c:" + p.ID
					h.redis.HDel(ledger, "1")
					h.redis.HDel(ledger, "o:1")
					h.redis.HSet("countersign:{test}:r:"+p.ID, "chunk", "1", "n:done", "1")
				})
				end(r, p)
				r.run(policyText)
				p = h.await(p, 3*time.Minute, approvals.NEEDS_REVIEW)
				assert.Equal(t, approvals.WhyRolledBack, p.Cause)
				assert.Zero(t, p.Counts["not-run"], "nobody is said to be untouched")
				assert.Equal(t, 60, p.Counts["done"]+p.Counts["unknown"])
			})
		})
	}
}
