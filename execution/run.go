package execution

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"countersign/approvals"
	"countersign/qualys"
)

// A run is one claim being worked on.
type run struct {
	*Executor
	claim *approvals.Run
	p     approvals.Pending // as it was claimed: its plan is what runs

	stopping <-chan struct{} // closed when the bot is told to stop
	halted   <-chan struct{} // closed when a person has stopped the run
	waits    atomic.Bool     // the run waits: whoever stops it should not

	renewed atomic.Int64 // when the last successful renewal was sent off, by the local monotonic clock
	start   time.Time    // what renewed counts from

	view    reading                                // the last one
	judged  time.Time                              // when rights were judged last; zero since the claim
	done    int                                    // chunks, from the first, that the ledger has said are done
	matched bool                                   // the channel was compared with Redis since the claim
	away    int                                    // how often in a row Qualys turned a write away
	settled map[qualys.SAQUserID]approvals.Outcome // what is known of the chunk at hand
}

// What ends a run before its last chunk.
var (
	errStale    = errors.New("the lease may be somebody else's by now")
	errReleased = errors.New("the lease was given up for a while")
)

// errAgain means that the chunk at hand begins anew.
var errAgain = errors.New("turned away")

// A review is a run that people have to look at.
type review struct {
	why approvals.Why
	err error
}

func (r review) Error() string { return fmt.Sprintf("needs review (%s): %v", r.why, r.err) }
func (r review) Unwrap() error { return r.err }

// leftFor is how soon a run that ended with an error is taken up again.
const leftFor = 5 * time.Second

// carryOut works through the plan. The context that ends on SIGTERM only stops
// it between chunks: a chunk that has begun is finished. broken is what was
// wrong with the claimed request, or nil.
func (e *Executor) carryOut(ctx context.Context, claim *approvals.Run, broken error) error {
	r := &run{Executor: e, claim: claim, p: claim.Pending, stopping: ctx.Done(), start: time.Now()}
	r.log(ctx, "run claimed", "epoch", claim.Pending.Epoch)
	work, stop := context.WithCancelCause(context.WithoutCancel(ctx))
	beating, halted := make(chan struct{}), make(chan struct{})
	r.halted = halted
	go func() {
		defer close(beating)
		r.heartbeat(work, stop, sync.OnceFunc(func() { close(halted) }))
	}()
	defer func() {
		stop(nil)
		<-beating
	}()

	err := r.whole(broken)
	if err == nil {
		err = r.chunks(ctx, work)
	}
	var needs review
	switch {
	case err == nil, errors.Is(err, errReleased):
		return nil
	case errors.As(err, &needs):
		r.Log.ErrorContext(ctx, "run needs review", "request", r.p.ID, "why", needs.why, "err", needs.err)
		return r.giveUp(work, needs.why)
	case errors.Is(err, approvals.ErrForged):
		r.Log.ErrorContext(ctx, "the ledger does not fit its seals", "request", r.p.ID, "err", err)
		return r.giveUp(work, approvals.WhyForged)
	}
	// Fails where the lease is lost already: then nobody waits for it.
	return errors.Join(err, r.claim.Release(work, leftFor))
}

func (r *run) log(ctx context.Context, msg string, args ...any) {
	r.Log.InfoContext(ctx, msg, append([]any{"request", r.p.ID}, args...)...)
}

// whole tells a request that does not fit its seals, or has no plan, from one
// that could just not be read.
func (r *run) whole(broken error) error {
	switch {
	case errors.Is(broken, approvals.ErrForged):
		return review{approvals.WhyForged, broken}
	case broken != nil:
		return broken
	case r.p.Plan.IsZero():
		return review{approvals.WhyPayloadGone, errors.New("the plan is no longer in Redis")}
	}
	return nil
}

// heartbeat renews the lease until the work ends; twice as often while the run
// waits, since it then is what sees that a person stopped it. When no renewal has
// succeeded for a while it ends the work itself: somebody else may be at it.
func (r *run) heartbeat(work context.Context, stop context.CancelCauseFunc, halt func()) {
	for last := time.Duration(0); sleep(work, r.Heartbeat/2); {
		before := time.Since(r.start)
		if before-last < r.Heartbeat && !r.waits.Load() {
			continue
		}
		last = before
		beat, cancel := context.WithTimeout(work, r.Heartbeat)
		err := r.claim.Renew(beat)
		cancel()
		switch {
		case err == nil, held(err):
			r.renewed.Store(int64(before))
			if errors.As(err, new(*approvals.StoppedError)) {
				halt()
			}
		case errors.Is(err, approvals.ErrFenced), r.age() > r.Silence:
			stop(fmt.Errorf("%w: %w", errStale, err))
			return
		}
	}
}

// held reports whether the lease stands and the run must not go on: a person
// stopped it, or everything stands still.
func held(err error) bool {
	return errors.As(err, new(*approvals.StoppedError)) || errors.Is(err, approvals.ErrFrozen)
}

// age is how long ago the last successful renewal was sent off.
func (r *run) age() time.Duration { return time.Since(r.start) - time.Duration(r.renewed.Load()) }

// steadily repeats what Redis could not be reached for, as long as the lease
// may last. What is to be kept is kept until then.
func (r *run) steadily(work context.Context, keep func() error) error {
	for begun := time.Now(); ; {
		err := keep()
		if !errors.Is(err, approvals.ErrUnavailable) || time.Since(begun) > r.Silence || !sleep(work, time.Second) {
			return err
		}
	}
}

func (r *run) chunks(ctx, work context.Context) error {
	chunks, err := r.claim.Chunks(work)
	if err != nil {
		return err
	}
	failed, err := r.failed(work, chunks)
	if err != nil {
		return err
	}
	for n := 0; n < len(chunks) && !failed; {
		if chunks[n].Done {
			n++
			r.done = n
			continue
		}
		if ctx.Err() != nil { // SIGTERM: the next replica goes on within a second
			r.log(ctx, "run handed on", "chunk", n)
			return r.handOn(work, 0)
		}
		err := r.mayGoOn(work)
		if errors.As(err, new(*approvals.StoppedError)) {
			return r.stopped(work, chunks[n])
		}
		if err != nil {
			return err
		}
		var next []qualys.SAQUser
		if n+1 < len(chunks) {
			next = chunks[n+1].Users
		}
		r.Point("chunk.begin")
		failed, err = r.chunk(work, chunks[n], next)
		switch {
		case errors.Is(err, errAgain): // as the ledger has it now
			if chunks, err = r.claim.Chunks(work); err != nil {
				return err
			}
			continue
		case err != nil:
			return err
		}
		r.Point("chunk.end")
		n++
	}
	if failed {
		return r.finish(work, approvals.WhyFailures)
	}
	return r.finish(work, "")
}

// stopped ends a run that a person stopped before the chunk c. If a write of it
// may have left, reading says what came of it, and nothing is sent again.
func (r *run) stopped(work context.Context, c approvals.Chunk) error {
	if !c.Sent.IsZero() {
		t := &turn{run: r, chunk: c, outcomes: map[qualys.SAQUserID]approvals.Outcome{}}
		if err := t.reconcile(work); err != nil {
			return err
		}
		for _, u := range t.todo {
			now, there := r.view.of(u.ID)
			t.outcomes[u.ID] = approvals.Outcome{
				Result: approvals.ResultUnknown, Sent: true, Observed: observed(t.change(), now, there),
			}
		}
		if err := t.close(work); err != nil {
			return err
		}
	}
	return r.finish(work, approvals.WhyStopped)
}

// failed reports whether a chunk that an earlier owner finished should have
// ended the run.
func (r *run) failed(work context.Context, chunks []approvals.Chunk) (bool, error) {
	all, err := r.Book.Outcomes(work, r.p.ID)
	if err != nil {
		return false, err
	}
	for _, c := range chunks {
		if c.Done && tooMany(c.Users, all) && !r.Off("failures") {
			return true, nil
		}
	}
	return false, nil
}

// mayGoOn asks before every chunk whether anybody stopped the run, whether the
// request is still what people approved, and whether the rights still stand. A
// freeze and a look-up that fails pause the run; neither ends it.
func (r *run) mayGoOn(work context.Context) error {
	var said error
	for wait := 5 * time.Second; ; wait = min(2*wait, time.Minute) {
		hold, err := r.heldUp(work)
		if err != nil || hold == nil {
			return err
		}
		frozen := errors.Is(hold, approvals.ErrFrozen)
		if !frozen || !errors.Is(said, approvals.ErrFrozen) {
			r.Log.WarnContext(work, "the run pauses", "request", r.p.ID, "err", hold)
		}
		if said = hold; frozen { // whoever lifts it waits for this
			wait = r.Poll
		}
		if !r.pause(work, wait, r.halted) {
			return r.handOn(work, 0)
		}
	}
}

// heldUp returns what holds the run up for now, or what ends it here.
func (r *run) heldUp(work context.Context) (hold, end error) {
	err := r.steadily(work, func() error { return r.claim.Renew(work) })
	var frozen *approvals.FrozenError
	switch {
	case errors.As(err, &frozen) && frozen.For >= approvals.FrozenAtMost:
		return nil, review{approvals.WhyFrozen, err}
	case errors.As(err, &frozen):
		return err, nil
	case err != nil:
		return nil, err
	}
	p, err := r.again(work)
	if err != nil {
		return nil, err
	}
	if hold, end = r.match(work); hold != nil || end != nil {
		return hold, end
	}
	if r.Off("rights-run") {
		return nil, nil
	}
	dir := r.Between
	if r.judged.IsZero() { // right after the claim
		dir = r.Directory
	}
	why, err := r.judge(work, p, dir)
	switch {
	case err != nil:
		return fmt.Errorf("rights cannot be judged: %w", err), nil
	case why != "":
		return nil, review{why, errors.New("it may not go on")}
	}
	r.judged = time.Now()
	return nil, nil
}

// again reads the request anew, with every seal and the fingerprint checked.
func (r *run) again(work context.Context) (p approvals.Pending, err error) {
	err = r.steadily(work, func() error {
		p, err = r.Book.Pending(work, r.p.ID)
		return err
	})
	switch {
	case errors.Is(err, approvals.ErrForged):
		return p, review{approvals.WhyForged, err}
	case err != nil:
		return p, err
	case p.State != approvals.RUNNING || p.Epoch != r.p.Epoch:
		return p, fmt.Errorf("%w: it is %s, claimed %d times", errStale, p.State, p.Epoch)
	case p.Plan.IsZero():
		return p, review{approvals.WhyPayloadGone, errors.New("the plan is no longer in Redis")}
	case p.Fingerprint != r.p.Fingerprint:
		return p, review{approvals.WhyForged, errors.New("the fingerprint changed during the run")}
	}
	return p, nil
}

// pause waits, and reports whether this replica may go on with the run: it is
// not told to stop, and the lease is not lost. Once halted is closed, unless it is
// nil, there is nothing to wait for.
func (r *run) pause(work context.Context, d time.Duration, halted <-chan struct{}) bool {
	r.waits.Store(true)
	defer r.waits.Store(false)
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-r.stopping:
		return false
	case <-work.Done():
		return false
	case <-halted:
		return true
	case <-t.C:
		return true
	}
}

// handOn releases the lease for a while and ends this replica's part.
func (r *run) handOn(work context.Context, d time.Duration) error {
	if work.Err() != nil {
		return context.Cause(work)
	}
	if err := r.claim.Release(work, d); err != nil {
		return err
	}
	return errReleased
}
