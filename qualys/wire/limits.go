package wire

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"
)

// longestWait is what a silly header can make of a wait.
const longestWait = 24 * time.Hour

// slots bound what runs at once on one host.
type slots struct{ reads, writes *semaphore.Weighted }

func newSlots() *slots {
	return &slots{reads: semaphore.NewWeighted(readsPerHost), writes: semaphore.NewWeighted(writesPerHost)}
}

// take waits for a slot, or for all slots of reads, and returns what gives it
// back.
func (s *slots) take(ctx context.Context, write, alone bool) (give func(), err error) {
	of, n := s.reads, int64(1)
	switch {
	case write:
		of = s.writes
	case alone:
		n = readsPerHost
	}
	if err := of.Acquire(ctx, n); err != nil {
		return nil, context.Cause(ctx)
	}
	return func() { of.Release(n) }, nil
}

// limits is what Qualys said about how often each of its APIs may be called.
type limits struct {
	mu   sync.Mutex // never held while waiting
	byOp map[string]limit
}

// A limit is that of one API, as the headers of its last answers show it.
type limit struct {
	next  time.Time     // no call before
	every time.Duration // between two calls, on average: window/limit; 0 if unknown
	quick int           // calls that may follow each other, before the last tenth
	alone bool          // one call at a time
	under int           // calls under way
}

func newLimits() *limits { return &limits{byOp: map[string]limit{}} }

// heed learns from the headers of an answer.
func (l *limits) heed(op string, h http.Header, now time.Time) {
	r := readRates(h, now)
	if r == (rates{remaining: -1}) {
		return // nearly every answer of /qps
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	is := l.byOp[op]
	if r.limit > 0 && r.window > 0 && r.remaining >= 0 {
		is.every = r.window / time.Duration(r.limit)
		// What else is under way may not be counted in what remains, and answers
		// may come in another order than they were given: one call is kept back.
		if is.quick = r.remaining - max(r.limit/10, 1) - max(0, is.under-1); is.quick <= 0 {
			is.next = later(is.next, now.Add(is.every))
		}
	}
	if r.wait > 0 {
		is.next = later(is.next, now.Add(r.wait))
	}
	if r.atOnce > 0 {
		is.alone = r.atOnce == 1
	}
	l.byOp[op] = is
}

// paced returns how long so many calls take at least.
func (l *limits) paced(op string, calls int) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	is := l.byOp[op]
	return is.every * time.Duration(max(0, calls-max(0, is.quick)))
}

// alone reports whether the API takes one call at a time.
func (l *limits) alone(op string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.byOp[op].alone
}

// reserve returns how long to wait before a call; at 0 it is the caller's turn.
func (l *limits) reserve(op string, now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	is := l.byOp[op]
	if wait := is.next.Sub(now); wait > 0 {
		return wait
	}
	if is.quick--; is.every > 0 && is.quick < 0 {
		is.next = now.Add(is.every)
	}
	is.under++
	l.byOp[op] = is
	return 0
}

func (l *limits) leave(op string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	is := l.byOp[op]
	is.under--
	l.byOp[op] = is
}

// enter waits for a slot and for the call's turn, and returns what gives the
// slot back. A write, a page fetched ahead and whoever would wait too long for
// their turn hear [ErrRateLimited] instead.
func (l *Line) enter(ctx context.Context, k Call, host string) (give func(), err error) {
	deadline := time.Now().Add(readPatience)
	for {
		give, err := l.hosts[host].take(ctx, k.Write, l.limits.alone(k.Op))
		if err != nil {
			return nil, fmt.Errorf("%s: waiting for a free slot: %w", k.Op, err)
		}
		wait := l.limits.reserve(k.Op, time.Now())
		if wait == 0 {
			return func() { l.limits.leave(k.Op); give() }, nil
		}
		give() // others may have something else to ask
		paced := &Error{Op: k.Op, Message: "Qualys asked for a pause that is not over", RetryAfter: wait, unsent: true}
		if k.Write || k.Ahead || time.Until(deadline) < wait {
			return nil, paced
		}
		if err := pause(ctx, k.Op, wait); err != nil {
			paced.Err = err
			return nil, paced
		}
	}
}

// pause waits, after telling whoever asked to be told.
func pause(ctx context.Context, op string, d time.Duration) error {
	tell(ctx, op, d)
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// rates is what the headers of one answer say.
type rates struct {
	limit     int           // calls in a window, or 0
	window    time.Duration // or 0
	remaining int           // calls left, or -1
	wait      time.Duration // before the next call, between 0 and a day
	atOnce    int           // calls at once, or 0
}

// readRates is lenient: Qualys' pages and services do not agree where the
// dashes and words stand, and what makes no sense counts for nothing.
func readRates(h http.Header, now time.Time) rates {
	r := rates{remaining: -1}
	for name, values := range h {
		for _, v := range values {
			v = strings.TrimSpace(v)
			switch spell(name) {
			case "limit":
				r.limit = cmp.Or(readCount(v), r.limit)
			case "windowsec", "window":
				r.window = readWait(v, now)
			case "remaining":
				if n, err := strconv.Atoi(v); err == nil && n >= 0 {
					r.remaining = n
				}
			case "towaitsec", "towait", "retryafter":
				r.wait = max(r.wait, readWait(v, now))
			case "concurrency":
				r.atOnce = cmp.Or(readCount(v), r.atOnce)
			}
		}
	}
	return r
}

// spell returns what a header is about, without dashes and prefixes: all of
// X-RateLimit-ToWait-Sec, RateLimit-ToWait-Sec and X-Rate-Limit-ToWait are
// about a wait.
func spell(name string) string {
	s := strings.ReplaceAll(strings.ToLower(name), "-", "")
	s = strings.TrimPrefix(s, "x")
	switch {
	case s == "retryafter":
		return s
	case s == "concurrencylimitlimit" || s == "concurrencylimit":
		return "concurrency"
	case strings.HasPrefix(s, "ratelimit"):
		return strings.TrimPrefix(s, "ratelimit")
	}
	return ""
}

// readCount reads a number of calls; anything else is 0.
func readCount(v string) int {
	n, err := strconv.Atoi(v)
	if err != nil || n < 0 {
		return 0
	}
	return n
}

// readWait reads seconds or a date, between 0 and a day.
func readWait(v string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseFloat(v, 64); err == nil && !math.IsNaN(seconds) {
		return time.Duration(max(0, min(seconds, longestWait.Seconds())) * float64(time.Second))
	}
	if at, err := http.ParseTime(v); err == nil {
		return max(0, min(at.Sub(now), longestWait))
	}
	return 0
}
