package execution_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/approvals"
	"countersign/internal/miniqualys"
	"countersign/qualys"
)

// P43, reliability row 23: 409 and 429 prove that nothing was done. The run
// waits and goes on, and no round is counted.
func TestARunWaitsForItsTurn(t *testing.T) {
	const wait = "X-RateLimit-ToWait-Sec"
	for name, c := range map[string]struct {
		status   int
		header   map[string]string
		times    int
		from, to time.Duration // how long the first wait may take
	}{
		"409 without headers":  {409, nil, 1, 5 * time.Second, 6 * time.Second},
		"409, five times":      {409, nil, 5, 5 * time.Second, 6 * time.Second},
		"409, 0 s":             {409, map[string]string{wait: "0"}, 1, 5 * time.Second, 6 * time.Second},
		"409, 5 s":             {409, map[string]string{wait: "5"}, 4, 5 * time.Second, 6 * time.Second},
		"409, 40 s":            {409, map[string]string{wait: "40"}, 4, 40 * time.Second, 45 * time.Second},
		"429, 7 s":             {429, map[string]string{"Retry-After": "7"}, 4, 7 * time.Second, 8 * time.Second},
		"429 without headers":  {429, nil, 1, 5 * time.Second, 6 * time.Second},
		"a header of words":    {409, map[string]string{wait: "soon"}, 1, 5 * time.Second, 6 * time.Second},
		"a negative header":    {409, map[string]string{wait: "-3"}, 1, 5 * time.Second, 6 * time.Second},
		"a header with spaces": {409, map[string]string{wait: " 11 "}, 1, 11 * time.Second, 13 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			inHouse(t, 3, func(h *house) {
				p := h.approved(h.plan())
				r := h.replica()
				r.at("chunk.begin", 2, func() { h.api.RateLimit(miniqualys.Delete, c.status, c.header, c.times) })
				r.run(policyText)
				p = h.await(p, 30*time.Minute, approvals.DONE)
				writes := h.writes()
				assert.Len(t, writes, 2+c.times)
				waited := writes[2].At.Sub(writes[1].At)
				assert.GreaterOrEqual(t, waited, c.from)
				assert.LessOrEqual(t, waited, c.to)
				assert.EqualValues(t, 1, p.Epoch, "the lease was kept")
				assert.Equal(t, "done=3", h.event(p, approvals.Finished).Counts.String())
				assert.Equal(t, "named", h.outcome(p, 2).Answer)
			})
		})
	}
}

// Waiting doubles to five minutes as long as Qualys says no word about it.
func TestWaitsDouble(t *testing.T) {
	inHouse(t, 1, func(h *house) {
		p := h.approved(h.plan())
		h.api.RateLimit(miniqualys.Delete, 409, nil, 9)
		h.start()
		h.await(p, time.Hour, approvals.DONE)
		writes := h.writes()
		for i, want := range []float64{5, 10, 20, 40, 80, 160, 300, 300, 300} {
			waited := writes[i+1].At.Sub(writes[i].At).Seconds()
			assert.GreaterOrEqual(t, waited, want)
			assert.LessOrEqual(t, waited, 1.1*want+0.1)
		}
	})
}

// A wait for a rate limit makes the reading stale: who changed meanwhile is
// left alone.
func TestUsersAreReadAgainAfterAWait(t *testing.T) {
	inHouse(t, 3, func(h *house) {
		p := h.approved(h.plan())
		r := h.replica()
		r.at("chunk.begin", 2, func() { h.api.RateLimit(miniqualys.Delete, 409, nil, 1) })
		r.at("qualys.after", 2, func() { h.change(2, func(u *miniqualys.SAQUser) { u.Title = "Director" }) })
		r.run(policyText)
		p = h.await(p, 5*time.Minute, approvals.DONE_WITH_ERRORS)
		assert.Equal(t, approvals.WhyDrifted, h.outcome(p, 2).Why)
	})
}

// Reliability row 23: a long wait releases the lease, and whoever is there
// afterwards goes on.
func TestALongWaitReleasesTheLease(t *testing.T) {
	for name, op := range map[string]miniqualys.Op{"of a write": miniqualys.Delete, "of a reading": miniqualys.Search} {
		t.Run(name, func(t *testing.T) {
			inHouse(t, 27, func(h *house) {
				p := h.approved(h.plan())
				first := h.replica()
				first.poll = 20 * time.Second // two hours of looking every second take a while
				header := map[string]string{"X-RateLimit-ToWait-Sec": "7200"}
				first.at("qualys.before", 2, func() { h.api.RateLimit(op, 409, header, 1) })
				first.run(policyText)
				time.Sleep(3 * time.Minute)
				before := time.Now()
				first.stop()
				<-first.ended
				assert.Zero(t, time.Since(before), "nobody holds the run while it waits")

				second := h.replica()
				second.poll = first.poll
				second.run(policyText)
				time.Sleep(110 * time.Minute)
				assert.Equal(t, approvals.RUNNING, h.read(p).State)
				assert.LessOrEqual(t, len(h.writes()), 2)
				p = h.await(p, 20*time.Minute, approvals.DONE)
				assert.EqualValues(t, 2, p.Epoch)
				assert.Equal(t, "done=27", h.event(p, approvals.Finished).Counts.String())
				assert.Empty(t, h.api.RepeatedDeletes())
			})
		})
	}
}

// Told to stop while it waits for Qualys, a replica lets go at once. Who comes
// next waits for the rest: Qualys knows nothing of replicas.
func TestAWaitIsHandedOn(t *testing.T) {
	for name, c := range map[string]struct {
		header map[string]string
		times  int
		till   time.Duration // the end of the wait, from the call that was turned away
	}{
		"as long as Qualys asked": {map[string]string{"X-RateLimit-ToWait-Sec": "50"}, 1, 50 * time.Second},
		"the fourth in a row":     {nil, 4, 40 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			inHouse(t, 27, func(h *house) {
				p := h.approved(h.plan())
				first, away := h.replica(), make(chan struct{})
				first.at("chunk.begin", 2, func() { h.api.RateLimit(miniqualys.Delete, 409, c.header, c.times) })
				first.at("qualys.after", 1+c.times, func() { close(away) }).run(policyText)
				<-away
				time.Sleep(10 * time.Second)
				before := time.Now()
				first.stop()
				<-first.ended
				assert.Zero(t, time.Since(before))
				h.start()
				p = h.await(p, time.Minute, approvals.DONE)
				writes := h.writes()
				waited := writes[len(writes)-2].At.Sub(writes[len(writes)-3].At)
				assert.GreaterOrEqual(t, waited, c.till)
				assert.LessOrEqual(t, waited, c.till+c.till/10+2*time.Second)
				assert.Equal(t, "done=27", h.event(p, approvals.Finished).Counts.String())
			})
		})
	}
}

// A person who stops a run need not wait for Qualys, nor for Slack or a thaw.
func TestAStopIsSeenInAWait(t *testing.T) {
	for name, wait := range map[string]func(h *house){
		"of a write":              func(h *house) { h.api.RateLimit(miniqualys.Delete, 409, nil, 99) },
		"of a write, by a header": func(h *house) { h.api.RateLimit(miniqualys.Delete, 409, map[string]string{"Retry-After": "59"}, 99) },
		"of a reading": func(h *house) {
			time.Sleep(11 * time.Second) // the last reading is stale
			h.api.RateLimit(miniqualys.Search, 429, nil, 99)
		},
		"for a look-up": func(h *house) { h.people.fail(true) },
		"for a thaw":    func(h *house) { assert.NoError(h, h.book.Freeze(h.Context(), bob, "freeze")) },
	} {
		t.Run(name, func(t *testing.T) {
			inHouse(t, 27, func(h *house) {
				p := h.approved(h.plan())
				r := h.replica()
				<-r.at("chunk.end", 1, func() { wait(h) }).run(policyText).struck
				time.Sleep(6*time.Minute + 500*time.Millisecond)
				h.stopRun(p)
				p = h.await(p, 3*time.Second, approvals.STOPPED)
				assert.Equal(t, "done=1 not-run=26", h.event(p, approvals.Stopped).Counts.String())
				assert.EqualValues(t, 1, p.Epoch, "the lease was kept")
			})
		})
	}
}

// Nor while nobody holds the run, because the wait is long.
func TestAStopIsSeenInALongWait(t *testing.T) {
	inHouse(t, 27, func(h *house) {
		p := h.approved(h.plan())
		r := h.replica()
		header := map[string]string{"X-RateLimit-ToWait-Sec": "7200"}
		<-r.at("chunk.end", 1, func() { h.api.RateLimit(miniqualys.Delete, 409, header, 1) }).run(policyText).struck
		time.Sleep(time.Minute)
		h.stopRun(p)
		p = h.await(p, 2*time.Second, approvals.STOPPED)
		assert.Equal(t, "done=1 not-run=26", h.event(p, approvals.Stopped).Counts.String())
		assert.EqualValues(t, 2, p.Epoch)
	})
}

// Nothing is sent under a freeze, whenever a wait began and ends.
func TestAFreezeIsSeenInAWait(t *testing.T) {
	inHouse(t, 27, func(h *house) {
		p := h.approved(h.plan())
		r := h.replica()
		r.at("chunk.begin", 2, func() { h.api.RateLimit(miniqualys.Delete, 409, nil, 1) })
		<-r.at("qualys.after", 2, func() { assert.NoError(h, h.book.Freeze(h.Context(), carol, "freeze")) }).run(policyText).struck
		time.Sleep(10 * time.Minute)
		assert.Len(t, h.writes(), 2)
		require.NoError(h, h.book.Unfreeze(h.Context(), bob, "unfreeze"))
		h.await(p, 10*time.Second, approvals.DONE)
	})
}

// A limit on readings is no failure to read, however long it lasts.
func TestALimitOnReadingsIsWaitedFor(t *testing.T) {
	inHouse(t, 2, func(h *house) {
		p := h.approved(h.plan())
		r := h.replica()
		r.poll = time.Minute
		r.at("qualys.after", 1, func() { h.api.RateLimit(miniqualys.Search, 429, nil, 25) })
		r.run(policyText)
		p = h.await(p, 6*time.Hour, approvals.DONE)
		assert.EqualValues(t, 1, p.Epoch)
	})
}

// P48, reliability row 22: refused credentials or rights stop the run at once,
// no row is called failed, and nobody else is touched.
func TestARefusedLoginStopsTheRun(t *testing.T) {
	for name, c := range map[string]struct {
		refuse func(*miniqualys.Server)
		at     string
		counts string
	}{
		"a password that was changed, at a write":   {(*miniqualys.Server).RevokeCredentials, "qualys.before", "done=1 not-run=2"},
		"rights that were taken, at a write":        {func(s *miniqualys.Server) { s.DenyAPI(true) }, "qualys.before", "done=1 not-run=2"},
		"401 from a gateway, at a write":            {func(s *miniqualys.Server) { s.Fail(miniqualys.Delete, 401, "", 1) }, "qualys.before", "done=1 not-run=2"},
		"a password that was changed, at a reading": {(*miniqualys.Server).RevokeCredentials, "qualys.after", "done=1 unknown=2"},
		"rights that were taken, at a reading":      {func(s *miniqualys.Server) { s.DenyAPI(true) }, "qualys.after", "done=1 unknown=2"},
	} {
		t.Run(name, func(t *testing.T) {
			inHouse(t, 3, func(h *house) {
				p := h.approved(h.plan())
				r := h.replica()
				r.at(c.at, 2, func() { c.refuse(h.api) })
				r.run(policyText)
				p = h.await(p, time.Minute, approvals.NEEDS_REVIEW)
				assert.Equal(t, approvals.WhyCredentials, p.Cause)
				assert.Equal(t, c.counts, h.event(p, approvals.Review).Counts.String())
				last := h.api.Requests()[len(h.api.Requests())-1].At
				time.Sleep(10 * time.Minute)
				assert.Equal(t, last, h.api.Requests()[len(h.api.Requests())-1].At, "no further call: the account would be locked")
				for id := range h.outcomes(p) {
					assert.Equal(t, qualys.SAQUserID(h.id(0)), id, "only the canary has an outcome")
				}
			})
		})
	}
}
