package qualys

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"
	"golang.org/x/sync/semaphore"
)

// How long reads are repeated. A person waits for most of them.
const (
	readTries    = 4               // attempts that failed for a passing reason
	readPatience = 5 * time.Minute // in all, waits for a rate limit among it
	longestWait  = 24 * time.Hour  // what a silly header can make of it
)

// slots bound what runs at once on one host.
type slots struct{ reads, writes *semaphore.Weighted }

func newSlots() *slots {
	return &slots{reads: semaphore.NewWeighted(readsPerHost), writes: semaphore.NewWeighted(writesPerHost)}
}

// take waits for a slot and returns what gives it back.
func (s *slots) take(ctx context.Context, write bool) (give func(), err error) {
	of := s.reads
	if write {
		of = s.writes
	}
	if err := of.Acquire(ctx, 1); err != nil {
		return nil, context.Cause(ctx)
	}
	return func() { of.Release(1) }, nil
}

// retry runs a read until it succeeds, fails for a reason that will not pass,
// or patience is over. Writes never come here.
func retry[T any](ctx context.Context, c *Client, read func() (T, error)) (T, error) {
	p := newPace()
	got, err := backoff.Retry(ctx, func() (T, error) {
		got, err := read()
		p.last = err
		return got, err
	},
		backoff.WithBackOff(p),
		backoff.WithMaxElapsedTime(readPatience),
		backoff.WithNotify(func(err error, wait time.Duration) {
			c.log.WarnContext(ctx, "reading from Qualys again", "after", wait, "err", err)
		}))
	if err != nil && p.last != nil && !errors.Is(err, p.last) {
		return got, fmt.Errorf("%w, waiting after: %w", err, p.last)
	}
	return got, err
}

// pace decides how long to wait before a read is repeated: what Qualys asks
// for, else 5 s doubling for a rate limit, half a second doubling for the rest.
type pace struct {
	last        error
	tries       int
	slow, brisk *backoff.ExponentialBackOff
}

func newPace() *pace {
	doubling := func(first, longest time.Duration) *backoff.ExponentialBackOff {
		return &backoff.ExponentialBackOff{InitialInterval: first, RandomizationFactor: 0.2, Multiplier: 2, MaxInterval: longest}
	}
	return &pace{slow: doubling(5*time.Second, time.Minute), brisk: doubling(500*time.Millisecond, 10*time.Second)}
}

func (p *pace) Reset() {
	p.tries = 0
	p.slow.Reset()
	p.brisk.Reset()
}

func (p *pace) NextBackOff() time.Duration {
	var e *Error
	if !errors.As(p.last, &e) || !e.passing() {
		return backoff.Stop
	}
	if e.Is(ErrRateLimited) {
		return max(e.RetryAfter, p.slow.NextBackOff())
	}
	if p.tries++; p.tries >= readTries {
		return backoff.Stop
	}
	return max(e.RetryAfter, p.brisk.NextBackOff())
}

// waitNames are the headers that say how long to wait, without dashes: Qualys'
// pages and services do not agree where these stand.
var waitNames = map[string]bool{
	"retryafter":           true,
	"xratelimittowaitsec":  true,
	"xratelimittowait":     true,
	"xratelimitretryafter": true,
	"ratelimittowaitsec":   true,
}

// retryAfter reads how long an answer asks us to wait, between 0 and a day. It
// is lenient: what it does not understand counts for nothing.
func retryAfter(h http.Header, now time.Time) time.Duration {
	var wait time.Duration
	for name, values := range h {
		if !waitNames[strings.ReplaceAll(strings.ToLower(name), "-", "")] {
			continue
		}
		for _, v := range values {
			wait = max(wait, readWait(strings.TrimSpace(v), now))
		}
	}
	return min(wait, longestWait)
}

func readWait(v string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseFloat(v, 64); err == nil && !math.IsNaN(seconds) {
		return time.Duration(min(seconds, longestWait.Seconds()) * float64(time.Second))
	}
	if at, err := http.ParseTime(v); err == nil {
		return min(at.Sub(now), longestWait)
	}
	return 0
}
