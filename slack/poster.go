package slack

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"countersign/approvals"
)

// A poster brings events and cards to Slack while it holds the lease.
type poster struct {
	*Slack
	out   approvals.Outbox
	owner string

	// Of the entries' goroutine alone.
	unsure   bool  // the next entry may be in the channel already
	compared bool  // the channel with Redis
	last     int64 // the last number that is known to be posted

	mu      sync.Mutex // guards jobs and letters; never held while waiting
	jobs    map[string]*job
	letters map[string][]letter // by person, in the order of the trail; the first is on its way
	room    chan struct{}       // a token for each card that is worked on
	work    sync.WaitGroup      // cards and direct messages
}

// Post brings events and cards to Slack until ctx ends. All replicas run it; the one
// that holds the poster's lease works.
func (s *Slack) Post(ctx context.Context) error {
	for failures := 1; s.identity().team == ""; failures++ {
		err := s.Hello(ctx)
		if _, final := errors.AsType[*TokenError](err); final {
			return err
		}
		if err != nil {
			s.Log.ErrorContext(ctx, "the poster cannot begin", "err", err)
			if !sleep(ctx, patience(failures)) {
				return nil
			}
		}
	}
	for failures := 0; ; {
		p := &poster{
			Slack: s, out: s.Book.Outbox(), owner: s.Replica + " " + rand.Text(), unsure: true,
			jobs: map[string]*job{}, letters: map[string][]letter{}, room: make(chan struct{}, mostCards),
		}
		held, err := p.out.Lease(ctx, p.owner, s.Lease)
		if failures++; err == nil {
			failures = 0
		}
		if held {
			p.hold(ctx)
		}
		if ctx.Err() == nil && err != nil {
			s.Log.ErrorContext(ctx, "the poster's lease cannot be asked for", "failures", failures, "err", err)
		}
		if !sleep(ctx, s.Poll*time.Duration(1+min(failures, 9))) {
			return nil
		}
	}
}

// hold works until the lease is lost or ctx ends, and gives the lease back.
func (p *poster) hold(ctx context.Context) {
	p.Log.InfoContext(ctx, "this replica posts now", "owner", p.owner)
	working, stop := context.WithCancel(ctx)
	var loops sync.WaitGroup
	for _, loop := range []func(context.Context) error{p.entries, p.cards, p.abandoned} {
		loops.Go(func() {
			defer stop() // one without the others is of no use
			if err := loop(working); err != nil && ctx.Err() == nil {
				p.Log.WarnContext(ctx, "posting was interrupted", "err", err)
			}
		})
	}
	p.renew(working)
	stop()
	loops.Wait()
	p.work.Wait()
	p.health.posted(nil) // whoever has the lease next says how it goes
	last, cancel := p.finishing(ctx)
	defer cancel()
	if held, err := p.out.Lease(last, p.owner, time.Millisecond); err != nil || !held {
		p.Log.WarnContext(last, "the poster's lease was not given back", "held", held, "err", err)
	}
}

// renew keeps the lease until ctx ends, and returns when it is lost, or may be.
func (p *poster) renew(ctx context.Context) {
	renewed := time.Now()
	for sleep(ctx, p.Lease/3) {
		asked := time.Now()
		held, err := p.out.Lease(ctx, p.owner, p.Lease)
		switch {
		case err == nil && !held:
			p.Log.WarnContext(ctx, "the poster's lease is somebody else's")
			return
		case err == nil:
			renewed = asked
		case time.Since(renewed) >= p.Lease*2/3:
			p.Log.ErrorContext(ctx, "the poster's lease could not be renewed", "err", err)
			return
		}
	}
}

// guarded calls f and makes an error of a panic.
func guarded(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return f()
}

// patience is the wait after so many failures: a second, doubling up to a minute.
func patience(failures int) time.Duration {
	return min(time.Second<<min(failures-1, 6), time.Minute)
}

// rest waits for news, at most for d.
func (p *poster) rest(ctx context.Context, news <-chan struct{}, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	case <-news:
	}
}

// fenced reports whether the lease is lost.
func fenced(err error) bool { return errors.Is(err, approvals.ErrFenced) }
