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

// reads is how often in a row the users may be read in vain.
const reads = 5

// longWait is how long a run waits with its lease held when Qualys asks it to.
const longWait = time.Minute

// shortWait is how long a wait is that nobody has to be able to end.
const shortWait = 3 * time.Second

// A reading is what users were like at a moment.
type reading struct {
	at    time.Time                            // when it was asked for
	users map[qualys.SAQUserID]*qualys.SAQUser // everybody asked for; nil is not there
}

// of returns a user as it was, and whether it was there.
func (v reading) of(id qualys.SAQUserID) (qualys.SAQUser, bool) {
	if u := v.users[id]; u != nil {
		return *u, true
	}
	return qualys.SAQUser{}, false
}

// covers reports whether all the users were asked for: of others it says nothing.
func (v reading) covers(users []qualys.SAQUser) bool {
	return !slices.ContainsFunc(users, func(u qualys.SAQUser) bool {
		_, asked := v.users[u.ID]
		return !asked
	})
}

// find reads the users of this chunk and the next in one call. Reads that fail
// are tried again for a while: the run waits, it does not guess. Being turned
// away is no failure. unsent says that no write is to be read back.
func (t *turn) find(ctx context.Context, unsent bool) error {
	v := reading{users: map[qualys.SAQUserID]*qualys.SAQUser{}}
	var ids []qualys.SAQUserID
	for _, u := range slices.Concat(t.chunk.Users, t.next) {
		ids = append(ids, u.ID)
		v.users[u.ID] = nil
	}
	failed := 0
	for try := 0; ; try++ {
		v.at = time.Now()
		users, err := t.read(ctx, ids)
		if err == nil {
			for _, u := range users {
				v.users[u.ID] = &u
			}
			t.view = v
			return nil
		}
		if !errors.Is(err, qualys.ErrRateLimited) {
			failed++
		}
		switch {
		case errors.Is(err, qualys.ErrCredentials), errors.Is(err, qualys.ErrPermission):
			return review{approvals.WhyCredentials, err}
		case failed == reads:
			return review{approvals.WhyUnknown, fmt.Errorf("read users: %w", err)}
		}
		t.Log.WarnContext(ctx, "read back", "request", t.p.ID, "chunk", t.chunk.N, "err", err)
		if err := t.wait(ctx, try, retryAfter(err), unsent); err != nil {
			return err
		}
	}
}

// read asks for users once. More than a short wait is not left to the client: it
// sees neither who stops the run nor that the bot is told to stop.
func (t *turn) read(ctx context.Context, ids []qualys.SAQUserID) ([]qualys.SAQUser, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	return t.Users.Find(qualys.WithProgress(ctx, func(p qualys.Progress) {
		if p.Wait > shortWait {
			cancel()
		}
	}), ids)
}

// wait waits as long as Qualys asked for, or longer each time. A long wait is
// left to whoever comes next; so is the rest of it when the bot is told to stop.
// Where nothing is to be read back, a person who stops the run ends the wait, and
// the chunk begins anew.
func (t *turn) wait(ctx context.Context, try int, asked time.Duration, unsent bool) error {
	d := t.backoff(try, asked)
	if asked > longWait {
		return t.handOn(ctx, d)
	}
	var halted <-chan struct{}
	if unsent {
		halted = t.halted
	}
	end := time.Now().Add(d)
	switch {
	case !t.pause(ctx, d, halted):
		return t.handOn(ctx, time.Until(end))
	case time.Now().Before(end):
		return errAgain
	}
	return nil
}

// settleFor waits until a write must have had its effect. When the bot is told to
// stop, the rest is left to whoever comes next, unless that is but a moment.
func (t *turn) settleFor(ctx context.Context, d time.Duration) error {
	if d <= shortWait {
		if !sleep(ctx, d) {
			return context.Cause(ctx)
		}
		return nil
	}
	end := time.Now().Add(d)
	if !t.pause(ctx, d, nil) {
		return t.handOn(ctx, time.Until(end))
	}
	return nil
}

// retryAfter is how long Qualys asked us to wait, or 0.
func retryAfter(err error) time.Duration {
	var e *qualys.Error
	if errors.As(err, &e) {
		return e.RetryAfter
	}
	return 0
}

// backoff is asked, or else 5 s doubling to 5 min, with a tenth of jitter.
func (e *Executor) backoff(try int, asked time.Duration) time.Duration {
	if asked <= 0 {
		asked = min(5*time.Second<<min(try, 10), 5*time.Minute)
	}
	return asked + time.Duration(e.Rand(int64(asked)/10+1))
}
