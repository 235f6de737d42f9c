package approvals

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"countersign/qualys"
)

// A Chunk is some users of a plan, written in one call. Sent is when a write
// of it may first have left this or another replica: whoever finds it set and
// Done not set reads back before anything else.
type Chunk struct {
	N     int // 0 is the canary
	Users []qualys.SAQUser
	Sent  time.Time
	Try   int // how often it was sent
	Done  bool

	// Settled is what was known, before the first write left, of users that it
	// does not name. Empty where none was sent, and of a chunk that is done.
	Settled map[qualys.SAQUserID]Outcome
}

// Due returns ids of requests that somebody must look at now, the longest
// overdue first.
func (b *Book) Due(ctx context.Context, limit int) ([]string, error) {
	now, err := b.Now(ctx)
	if err != nil {
		return nil, err
	}
	ids, err := b.Client.ZRangeByScore(ctx, b.key("due"), &redis.ZRangeBy{
		Min: "-inf", Max: strconv.FormatInt(now.UnixMilli(), 10), Count: int64(limit),
	}).Result()
	return ids, unavailable(err)
}

// Later lets a request that is due be looked at again after d.
func (b *Book) Later(ctx context.Context, id string, d time.Duration) error {
	_, err := b.run(ctx, later, id, "", d.Milliseconds())
	return err
}

// Expire ends a request whose deadline has passed or whose plan is gone, and
// does nothing to others. A plan that is gone during a run is a matter for
// [Run.Review].
func (b *Book) Expire(ctx context.Context, id string) error {
	_, err := b.run(ctx, expireNow, id, "")
	return err
}

// Review stops an approved request before its run: people have to look.
func (b *Book) Review(ctx context.Context, id string, cause Why) error {
	a, err := b.run(ctx, review, id, "", string(cause), "", "")
	if err == nil && a.code != "OK" {
		r := record(a.record)
		err = refusal(a, &r)
	}
	return err
}

// A Run is the right to carry a request out, for the length of a lease. All
// its methods answer ErrFenced once that right is somebody else's.
type Run struct {
	Pending Pending
	book    *Book
	epoch   string
	lease   time.Duration
}

// FrozenAtMost is how long a freeze holds a run up before people have to look.
const FrozenAtMost = 24 * time.Hour

// Why a claim was not given.
var (
	ErrHeld     = errors.New("another replica runs it")
	ErrWait     = errors.New("its cool-down is not over")
	ErrBusy     = errors.New("another plan is running")
	ErrTrail    = errors.New("its approval is not in the channel yet")
	ErrPolicy   = errors.New("a newer policy is in force than this replica's")
	ErrPlanGone = errors.New("its plan is no longer in Redis")
)

// Claim takes an approved request, or one whose owner is silent, to run it.
// owner names this attempt: the same owner may repeat a claim whose answer was
// lost.
//
// Where Redis has replicas, one of them must have everything before the claim,
// and then the claim itself: otherwise the answer is ErrUnreplicated, and the
// request is due again soon, or over where its time is.
func (b *Book) Claim(ctx context.Context, id, owner string, lease time.Duration) (*Run, error) {
	b.Point("claim.before")
	if err := b.mayClaim(ctx, id); err != nil {
		return nil, err
	}
	copied := true
	a, err := b.runCopied(ctx, claim, &copied, id, "", owner, lease.Milliseconds(), FrozenAtMost.Milliseconds())
	if err != nil {
		return nil, err
	}
	b.Point("claim.after")
	switch a.code {
	case "OK":
	case "HELD":
		return nil, ErrHeld
	case "WAIT":
		return nil, ErrWait
	case "BUSY":
		return nil, ErrBusy
	case "TRAIL":
		return nil, ErrTrail
	case "POLICY":
		return nil, ErrPolicy
	case "GONE":
		return nil, ErrPlanGone
	case "FROZEN":
		return nil, ErrFrozen
	case "OVER":
		return nil, &OverError{State: State(a.more)}
	default:
		return nil, refusal(a, nil)
	}
	r := &Run{book: b, epoch: a.record["epoch"], lease: lease}
	r.Pending, err = b.readBox(ctx, id, a.record, []byte(a.more))
	if !copied {
		return nil, r.unclaim(ctx)
	}
	return r, err // with the run: a forged request is handed to Review
}

// claimAgain is how soon a claim is tried again that no replica could be shown
// to have.
const claimAgain = 5 * time.Second

// mayClaim answers ErrUnreplicated unless a replica of Redis has everything
// that a claim would rest on.
func (b *Book) mayClaim(ctx context.Context, id string) error {
	if !b.Replicated() {
		return nil
	}
	copied, err := b.copied(ctx)
	if err != nil || copied {
		return err
	}
	p, err := b.Pending(ctx, id)
	if err == nil || errors.Is(err, ErrForged) {
		_, err = b.run(ctx, unclaimed, id, "", claimAgain.Milliseconds(), b.tally(ctx, p).String(), p.Epoch)
	}
	return errors.Join(ErrUnreplicated, err)
}

// unclaim gives a claim up that no replica of Redis has: nothing was written
// yet. After the deadline people have to look.
func (r *Run) unclaim(ctx context.Context) error {
	now, err := r.book.Now(ctx)
	switch {
	case err != nil:
	case now.Before(r.Pending.Deadline):
		err = r.Release(ctx, claimAgain)
	default:
		err = r.Review(ctx, WhyUnreplicated, r.book.tally(ctx, r.Pending))
	}
	return errors.Join(ErrUnreplicated, err)
}

func (r *Run) script(ctx context.Context, s *program, args ...any) (answer, error) {
	return r.copied(ctx, nil, s, args...)
}

// copied is script, and reports as [Book.runCopied] does.
func (r *Run) copied(ctx context.Context, copied *bool, s *program, args ...any) (answer, error) {
	args = append([]any{r.epoch, r.lease.Milliseconds()}, args...)
	a, err := r.book.runCopied(ctx, s, copied, r.Pending.ID, "", args...)
	if err != nil {
		return a, err
	}
	switch a.code {
	case "OK", "DONE":
		return a, nil
	case "STOP":
		return a, &StoppedError{a.more}
	case "FROZEN":
		n, _ := strconv.ParseInt(a.more, 10, 64) // absent where the script does not say
		return a, &FrozenError{time.Duration(n) * time.Millisecond}
	}
	return a, refusal(a, nil)
}

// Renew is the heartbeat. It answers a [StoppedError] once a person has asked
// for the run to stop, and a [FrozenError] while everything stands still; the
// lease is renewed all the same.
func (r *Run) Renew(ctx context.Context) error {
	_, err := r.script(ctx, renew)
	return err
}

// A StoppedError says who asked for the run to stop.
type StoppedError struct{ By string }

func (e *StoppedError) Error() string { return "stopped by " + e.By }

// A FrozenError says for how long everything has stood still.
type FrozenError struct{ For time.Duration }

func (e *FrozenError) Error() string { return "frozen for " + e.For.String() }

// Is makes a FrozenError an ErrFrozen.
func (e *FrozenError) Is(target error) bool { return target == ErrFrozen }

// Release gives the run up, for another replica to take after d. SIGTERM and
// long waits do that.
func (r *Run) Release(ctx context.Context, d time.Duration) error {
	_, err := r.script(ctx, release, d.Milliseconds())
	return err
}

// Sent writes down that a write of the chunk is about to leave, for the try-th
// time (from 1). From then on its fate is unknown until [Run.Done]. settled is
// what is known already of users that it does not name.
//
// Where Redis has replicas, one of them must have the mark before the write
// leaves, or else the answer is ErrUnreplicated: whoever goes on after a failover
// would not know that there is something to wait for.
func (r *Run) Sent(ctx context.Context, chunk, try int, settled map[qualys.SAQUserID]Outcome) error {
	box := []byte{}
	if len(settled) > 0 {
		raw, err := json.Marshal(settled)
		if err != nil {
			return err
		}
		box = r.book.Keys.encrypt(raw, fmt.Sprintf("settled %s %d", r.Pending.ID, chunk))
	}
	copied := true
	a, err := r.copied(ctx, &copied, markSent, chunk, try, box)
	switch {
	case err != nil:
		return err
	case a.code == "DONE":
		return fmt.Errorf("chunk %d is done already", chunk)
	case !copied:
		return ErrUnreplicated
	}
	return nil
}

// Unsent takes [Run.Sent] back: Qualys proved that it did nothing. before says
// that the chunk had been sent already when its tries began to be counted anew.
func (r *Run) Unsent(ctx context.Context, chunk, try int, before bool) error {
	earlier := 0
	if before {
		earlier = 1
	}
	_, err := r.script(ctx, unsent, chunk, try, earlier)
	return err
}

// Done writes down what became of each user of the chunk. Done twice counts
// once.
func (r *Run) Done(ctx context.Context, chunk int, outcomes map[qualys.SAQUserID]Outcome) error {
	raw, err := json.Marshal(outcomes)
	if err != nil {
		return err
	}
	counts := Counts{}
	for _, o := range outcomes {
		counts[string(o.Result)]++
	}
	box := r.book.Keys.encrypt(raw, fmt.Sprintf("outcome %s %d", r.Pending.ID, chunk))
	args := []any{chunk, box}
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		args = append(args, name, counts[name])
	}
	_, err = r.script(ctx, markDone, args...)
	return err
}

// Finish ends the run as DONE, DONE_WITH_ERRORS or STOPPED, with its counts
// and the SHA-256 of the result's CSV. One event says so, however often it is
// called.
func (r *Run) Finish(ctx context.Context, state State, cause Why, counts Counts, sha string) error {
	kind := Finished
	if state == STOPPED {
		kind = Stopped
	}
	r.book.Point("finish.before")
	_, err := r.script(ctx, finish, string(state), string(kind), string(cause), counts.String(), sha)
	if err == nil {
		r.book.Point("finish.after")
	}
	return err
}

// Review gives the run up for people to look at; its users stay held.
func (r *Run) Review(ctx context.Context, cause Why, counts Counts) error {
	a, err := r.book.run(ctx, review, r.Pending.ID, "", string(cause), r.epoch, counts.String())
	if err == nil && a.code != "OK" {
		err = refusal(a, nil)
	}
	return err
}
