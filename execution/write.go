package execution

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"countersign/approvals"
	"countersign/qualys"
)

// write sends one write for the users that are to do, and observes it.
func (t *turn) write(ctx context.Context) error {
	var ids []qualys.SAQUserID
	for _, u := range t.todo {
		ids = append(ids, u.ID)
	}
	named, err := t.send(ctx, ids)
	if errors.Is(err, qualys.ErrRateLimited) || errors.Is(err, qualys.ErrUnreachable) {
		return t.turnedAway(ctx, err)
	}
	t.away = 0
	var refusal *qualys.Error
	switch {
	case err == nil:
		return t.observe(ctx, func(id qualys.SAQUserID) string {
			if slices.Contains(named, id) {
				return "named"
			}
			return ""
		})
	case errors.Is(err, qualys.ErrUnknownOutcome):
		return t.lost(ctx, err)
	case errors.Is(err, qualys.ErrCredentials), errors.Is(err, qualys.ErrPermission):
		return errors.Join(t.unsent(ctx), review{approvals.WhyCredentials, err})
	case errors.As(err, &refusal):
		return t.refused(ctx, refusal)
	}
	return err
}

// rightsFor is how long a judgement of rights serves. A chunk that waited for
// longer, to be read or to be written once more, begins anew.
const rightsFor = time.Minute

// send marks the chunk sent and calls Qualys, unless the lease may be gone.
func (t *turn) send(ctx context.Context, ids []qualys.SAQUserID) ([]qualys.SAQUserID, error) {
	if time.Since(t.judged) > rightsFor && !t.Off("rights-run") {
		return nil, errAgain
	}
	var before time.Duration
	err := t.steadily(ctx, func() error {
		before = time.Since(t.start)
		return t.claim.Sent(ctx, t.chunk.N, t.try+1, t.outcomes)
	})
	switch {
	case held(err): // not sent: the next chunk is this one
		t.view = reading{}
		return nil, errAgain
	case errors.Is(err, approvals.ErrUnreplicated):
		return nil, t.uncopied(ctx, err)
	case err != nil:
		return nil, err
	}
	t.renewed.Store(int64(before))
	t.try++
	t.Point("qualys.before")
	if ctx.Err() != nil || t.age() > t.Fresh {
		return nil, errStale
	}
	defer t.Point("qualys.after")
	if t.deletes() {
		return t.Users.Delete(ctx, ids)
	}
	return t.Users.Update(ctx, ids, t.change())
}

// unsent takes the mark of a call back that certainly did nothing.
func (t *turn) unsent(ctx context.Context) error {
	return t.steadily(ctx, func() error { return t.claim.Unsent(ctx, t.chunk.N, t.try, !t.chunk.Sent.IsZero()) })
}

// uncopied waits where no replica of Redis has the mark of a write: it is taken
// back, and nothing was sent. Then the chunk begins anew.
func (t *turn) uncopied(ctx context.Context, err error) error {
	t.try++
	if err := t.unsent(ctx); err != nil {
		return err
	}
	t.view = reading{}
	t.Log.WarnContext(ctx, "a write waits for a replica of Redis", "request", t.p.ID, "chunk", t.chunk.N, "err", err)
	if !t.pause(ctx, copyAgain, t.halted) {
		return t.handOn(ctx, 0)
	}
	return errAgain
}

// copyAgain is how soon a write is tried again that no replica of Redis knew of.
const copyAgain = 5 * time.Second

// turnedAway waits after a call that certainly did nothing. Then the chunk
// begins anew: rights are asked again, and the reading is stale by then.
func (t *turn) turnedAway(ctx context.Context, err error) error {
	if err := t.unsent(ctx); err != nil {
		return err
	}
	t.view = reading{}
	t.Log.WarnContext(ctx, "Qualys turned a write away: waiting", "request", t.p.ID, "chunk", t.chunk.N, "asked", retryAfter(err), "err", err)
	t.away++
	if err := t.wait(ctx, t.away-1, retryAfter(err), true); err != nil {
		return err
	}
	return errAgain
}

// lost settles a write that was perhaps done: by reading, once it must have had
// its effect.
func (t *turn) lost(ctx context.Context, err error) error {
	settle := t.Settle(qualys.TimedOut)
	if e, ok := errors.AsType[*qualys.Error](err); ok {
		settle = t.Settle(e.Fate)
	}
	t.Log.WarnContext(ctx, "a write's fate is unknown: waiting to read back", "request", t.p.ID, "chunk", t.chunk.N, "wait", settle, "err", err)
	if err := t.settleFor(ctx, settle); err != nil {
		return err
	}
	if err := t.find(ctx, false); err != nil {
		return err
	}
	t.settle(t.todo, func(qualys.SAQUserID) string { return "lost" }, true)
	return nil
}

// refused handles an answer that proves that nothing was done and that asking
// again would not help.
func (t *turn) refused(ctx context.Context, err *qualys.Error) error {
	t.Log.ErrorContext(ctx, "Qualys refused a write", "request", t.p.ID, "chunk", t.chunk.N, "err", err)
	code := err.Code
	if code == "" {
		code = fmt.Sprintf("HTTP %d", err.Status)
	}
	return t.observe(ctx, func(qualys.SAQUserID) string { return code })
}
