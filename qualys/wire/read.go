package wire

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// How long reads are repeated. A person waits for most of them.
const (
	readTries    = 4               // attempts that failed for a passing reason
	readPatience = 5 * time.Minute // in all, waits for a rate limit among it
)

// waitKey is where a context keeps what [OnWait] was given.
type waitKey struct{}

// OnWait returns a context for reads in which told hears of every wait before
// it begins: the call that waits, and for how long. It is called by the
// goroutine that reads.
func OnWait(ctx context.Context, told func(op string, wait time.Duration)) context.Context {
	return context.WithValue(ctx, waitKey{}, told)
}

func tell(ctx context.Context, op string, wait time.Duration) {
	if told, ok := ctx.Value(waitKey{}).(func(string, time.Duration)); ok {
		told(op, wait)
	}
}

// Paced returns how long so many calls take at least, by the limits that Qualys
// has told; 0 if it told none.
func (l *Line) Paced(op string, calls int) time.Duration { return l.limits.paced(op, calls) }

// Read runs a read until it succeeds, fails for a reason that will not pass, or
// patience is over. Writes never come here.
func Read[T any](ctx context.Context, l *Line, op string, read func() (T, error)) (T, error) {
	p := newPace()
	got, err := backoff.Retry(ctx, func() (T, error) {
		got, err := read()
		p.last = err
		return got, err
	},
		backoff.WithBackOff(p),
		backoff.WithMaxElapsedTime(readPatience),
		backoff.WithNotify(func(err error, wait time.Duration) {
			tell(ctx, op, wait)
			l.log.WarnContext(ctx, "reading from Qualys again", "after", wait, "err", err)
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

// Reset and NextBackOff make it a [backoff.BackOff].
func (p *pace) Reset() {
	p.tries = 0
	p.slow.Reset()
	p.brisk.Reset()
}

// NextBackOff returns how long to wait after the last attempt.
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
