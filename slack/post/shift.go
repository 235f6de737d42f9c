package post

import (
	"context"
	"crypto/rand"
	"errors"
	"sync"
	"time"

	"countersign/approvals"
	"countersign/slack/web"
)

// A shift is a poster's time with the lease. What it remembers ends with it.
type shift struct {
	*Poster
	out   approvals.Outbox
	owner string

	// Of the entries' goroutine alone.
	unsure   bool  // the next entry may be in the channel already
	compared bool  // the channel with Redis
	last     int64 // the last number that is known to be posted

	mu      sync.Mutex // guards jobs, still and letters; never held while waiting
	jobs    map[string]*job
	still   standstill
	letters map[string][]letter // by person, in the order of the trail; the first is on its way
	room    chan struct{}       // a token for each card that is worked on
	work    sync.WaitGroup      // cards and direct messages
}

func (p *Poster) newShift() *shift {
	return &shift{
		Poster: p, out: p.Book.Outbox(), owner: p.Replica + " " + rand.Text(), unsure: true,
		jobs: map[string]*job{}, still: newStandstill(), letters: map[string][]letter{}, room: make(chan struct{}, mostCards),
	}
}

// hold works until the lease is lost or ctx ends, and gives the lease back.
func (s *shift) hold(ctx context.Context) {
	s.Log.InfoContext(ctx, "this replica posts now", "owner", s.owner)
	working, stop := context.WithCancel(ctx)
	var loops sync.WaitGroup
	for _, loop := range []func(context.Context) error{s.entries, s.cards, s.abandoned, s.reminders, s.checks, s.checkpoints} {
		loops.Go(func() {
			defer stop() // one without the others is of no use
			if err := loop(working); err != nil && ctx.Err() == nil {
				s.Log.WarnContext(ctx, "posting was interrupted", "err", err)
			}
		})
	}
	s.renew(working)
	stop()
	loops.Wait()
	s.work.Wait()
	s.noteTrouble(nil) // whoever has the lease next says how it goes
	s.noteProblems(0)
	last, cancel := s.Web.Finishing(ctx)
	defer cancel()
	if held, err := s.out.Lease(last, s.owner, time.Millisecond); err != nil || !held {
		s.Log.WarnContext(last, "the poster's lease was not given back", "held", held, "err", err)
	}
}

// renew keeps the lease until ctx ends, and returns when it is lost, or may be.
func (s *shift) renew(ctx context.Context) {
	renewed := time.Now()
	for web.Sleep(ctx, s.Lease/3) {
		asked := time.Now()
		held, err := s.out.Lease(ctx, s.owner, s.Lease)
		switch {
		case err == nil && !held:
			s.Log.WarnContext(ctx, "the poster's lease is somebody else's")
			return
		case err == nil:
			renewed = asked
		case time.Since(renewed) >= s.Lease*2/3:
			s.Log.ErrorContext(ctx, "the poster's lease could not be renewed", "err", err)
			return
		}
	}
}

// rest waits for news, at most for d.
func (s *shift) rest(ctx context.Context, news <-chan struct{}, d time.Duration) {
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
