package execution

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	mrand "math/rand/v2"
	"slices"
	"sync"
	"time"

	"countersign/approvals"
	"countersign/approvals/rules"
	"countersign/audit"
	"countersign/qualys"
)

// Users is the part of Qualys that an executor needs. Tests lose its third
// answer.
type Users interface {
	Find(ctx context.Context, ids []qualys.SAQUserID) ([]qualys.SAQUser, error)
	Update(ctx context.Context, ids []qualys.SAQUserID, change qualys.Change) ([]qualys.SAQUserID, error)
	Delete(ctx context.Context, ids []qualys.SAQUserID) ([]qualys.SAQUserID, error)
}

// A Config says what to carry out, by which rules, and how patiently. The zero
// times are the product's own; tests set shorter ones.
type Config struct {
	Book      *approvals.Book
	Users     Users
	Policy    *rules.Policy
	Directory rules.Directory // at most 5 s old: judges the claim
	Between   rules.Directory // at most 60 s old: judges between chunks
	Accounts  func() []string // the logins behind the credentials, which no plan touches
	Log       *slog.Logger
	Point     func(name string) // a place where a test may strike; nil in production

	Poll      time.Duration                   // 1 s: the longest time between two looks for work
	Lease     time.Duration                   // 30 s: a silent owner is replaced after it
	Heartbeat time.Duration                   // 5 s: how often the lease is renewed
	Fresh     time.Duration                   // 10 s: a write leaves only this soon after a renewal
	Silence   time.Duration                   // 20 s: without a renewal for so long, the work is dropped
	Settle    func(qualys.Fate) time.Duration // before an unknown write is read back

	// Entries reads the channel's newest number, and its entries about a
	// request: what Redis may have lost. Nil means that nobody can.
	Entries func(ctx context.Context, request string) (head uint64, entries []audit.Entry, err error)

	Rand func(n int64) int64    // jitter, from 0 to n-1; a test seeds it, nil in production
	Off  func(rule string) bool // the rule a test switches off; nil in production
}

func (c Config) withDefaults() Config {
	for _, d := range []struct {
		to *time.Duration
		is time.Duration
	}{
		{&c.Poll, time.Second}, {&c.Lease, 30 * time.Second}, {&c.Heartbeat, 5 * time.Second},
		{&c.Fresh, 10 * time.Second}, {&c.Silence, 20 * time.Second},
	} {
		if *d.to == 0 {
			*d.to = d.is
		}
	}
	if c.Settle == nil {
		c.Settle = qualys.Fate.Settle
	}
	if c.Point == nil {
		c.Point = func(string) {}
	}
	if c.Rand == nil {
		c.Rand = mrand.Int64N
	}
	if c.Off == nil {
		c.Off = func(string) bool { return false }
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Between == nil {
		c.Between = c.Directory
	}
	return c
}

// An Executor carries approved plans out, one at a time. A run that a person
// stopped does not wait for its turn to end.
type Executor struct {
	Config
	running chan struct{} // holds one token while a plan is run by this replica
	ending  chan struct{} // the same, of a run that a person stopped
}

// New makes an executor. Run starts it.
func New(c Config) *Executor {
	return &Executor{Config: c.withDefaults(), running: make(chan struct{}, 1), ending: make(chan struct{}, 1)}
}

// Run looks for work until the context ends. Then it claims nothing more,
// finishes the chunk it is in, releases the lease and returns.
func (e *Executor) Run(ctx context.Context) error {
	var work sync.WaitGroup
	defer work.Wait()
	for {
		e.Point("poll")
		if err := e.poll(ctx, &work); err != nil && ctx.Err() == nil {
			e.Log.ErrorContext(ctx, "look for due requests", "err", err)
		}
		jitter := time.Duration(e.Rand(int64(e.Poll)/4 + 1))
		if !sleep(ctx, e.Poll-jitter) {
			return nil
		}
	}
}

// atOnce is how many due requests one look takes on.
const atOnce = 100

// poll looks at everything that is due. One request that cannot be looked at
// does not hold up the others.
func (e *Executor) poll(ctx context.Context, work *sync.WaitGroup) error {
	ids, err := e.Book.Due(ctx, atOnce)
	if err != nil {
		return err
	}
	var problems []error
	for _, id := range ids {
		if err := e.look(ctx, id, work); err != nil {
			problems = append(problems, fmt.Errorf("request %s: %w", id, err))
		}
	}
	return errors.Join(problems...)
}

// look does what is due about one request: end it, hand it to people, or run it.
func (e *Executor) look(ctx context.Context, id string, work *sync.WaitGroup) error {
	p, err := e.Book.Pending(ctx, id)
	forged := errors.Is(err, approvals.ErrForged)
	switch {
	case errors.Is(err, approvals.ErrNoRequest):
		return e.Book.Expire(ctx, id) // forgets it
	case err != nil && !forged:
		return err
	case p.State == approvals.RUNNING: // its owner is silent
		return e.claim(ctx, p, work)
	case p.State != approvals.APPROVED:
		return e.Book.Expire(ctx, id)
	case forged:
		e.Log.ErrorContext(ctx, "a request does not fit its seals", "request", id, "err", err)
		return e.review(ctx, id, approvals.WhyForged)
	case p.Plan.IsZero():
		return e.Book.Expire(ctx, id)
	}
	return e.claim(ctx, p, work)
}

// review hands a request that was not started to people. Somebody who ended it
// meanwhile was faster.
func (e *Executor) review(ctx context.Context, id string, why approvals.Why) error {
	err := e.Book.Review(ctx, id, why)
	if errors.As(err, new(*approvals.OverError)) {
		return nil
	}
	return err
}

// claim starts the run in a goroutine of its own, unless this replica is
// running another one. Rights are judged right before.
func (e *Executor) claim(ctx context.Context, p approvals.Pending, work *sync.WaitGroup) error {
	turn := e.running
	if p.State == approvals.RUNNING && p.Stopper.ID != "" { // it sends nothing any more
		turn = e.ending
	}
	select {
	case turn <- struct{}{}:
	default: // it stays due, unless its time was over under a freeze
		if p.State == approvals.APPROVED {
			return e.Book.Expire(ctx, p.ID)
		}
		return nil
	}
	claimed := false
	defer func() {
		if !claimed {
			<-turn
		}
	}()
	if p.State == approvals.APPROVED {
		// Rights are looked up only where they matter: Slack allows few look-ups.
		blocked, err := e.Book.Blocked(ctx, p)
		if err != nil || blocked {
			return errors.Join(err, e.Book.Expire(ctx, p.ID), e.Book.Later(ctx, p.ID, e.Poll))
		}
	}
	if p.State == approvals.APPROVED && !e.Off("rights-claim") {
		why, err := e.judge(ctx, p, e.Directory)
		if err != nil {
			e.Log.WarnContext(ctx, "rights cannot be judged; nothing starts", "request", p.ID, "err", err)
			return errors.Join(e.Book.Expire(ctx, p.ID), e.Book.Later(ctx, p.ID, 5*time.Second))
		}
		if why != "" {
			return e.review(ctx, p.ID, why)
		}
	}
	run, err := e.Book.Claim(ctx, p.ID, rand.Text(), e.Lease)
	if run == nil {
		return e.unclaimed(ctx, p.ID, err)
	}
	claimed = true
	work.Go(func() {
		defer func() { <-turn }()
		if err := e.carryOut(ctx, run, err); err != nil {
			e.Log.ErrorContext(ctx, "a run was left to the next owner", "request", p.ID, "err", err)
		}
	})
	return nil
}

// unclaimed says when a request that was not claimed is looked at again.
func (e *Executor) unclaimed(ctx context.Context, id string, err error) error {
	switch {
	case errors.Is(err, approvals.ErrPlanGone):
		return e.Book.Expire(ctx, id)
	case errors.Is(err, approvals.ErrTrail):
		return nil // due again at the next poll
	case errors.Is(err, approvals.ErrUnreplicated):
		e.Log.WarnContext(ctx, "not claimed: no replica of Redis has it", "request", id, "err", err)
		return nil // the book said when
	case errors.Is(err, approvals.ErrPolicy):
		e.Log.WarnContext(ctx, "not claimed: a newer policy is in force than this replica's", "request", id)
		return nil
	case errors.Is(err, approvals.ErrBusy), errors.Is(err, approvals.ErrFrozen):
		return e.Book.Later(ctx, id, e.Poll)
	case errors.Is(err, approvals.ErrHeld), errors.Is(err, approvals.ErrWait), errors.As(err, new(*approvals.OverError)):
		return nil // somebody else was faster
	}
	return err
}

// judge says why a plan may not run, or "" when it may. An error means that
// nobody could find out. What the record says of the plan is compared with the
// plan, because the record's seal does not cover all of it.
func (e *Executor) judge(ctx context.Context, p approvals.Pending, dir rules.Directory) (approvals.Why, error) {
	users := len(p.Plan.Users())
	sealed := p.Plan.Fingerprint() == p.Fingerprint && p.Plan.Verb() == p.Verb && users == p.Users
	if !sealed && !e.Off("plan-seal") {
		return approvals.WhyForged, nil
	}
	if !slices.Contains(e.Policy.Channels, p.Channel) {
		return approvals.WhyChannel, nil
	}
	if err := e.Policy.MayRequest(ctx, dir, p.Requester); err != nil {
		return refused(err, approvals.WhyRequesterRights)
	}
	var people []rules.Person
	for _, a := range p.Approvals {
		if err := e.Policy.MayApprove(ctx, dir, p.Requester, a.By); err != nil {
			return refused(err, approvals.WhyApproverRights)
		}
		people = append(people, a.By)
	}
	need, ok := e.Policy.Need(users)
	if scope := p.Plan.Scope(); !ok || scope > 0 && users > e.Policy.CapFor(scope) {
		return approvals.WhyCap, nil
	}
	distinct, err := e.Policy.Distinct(ctx, dir, people)
	if err != nil {
		return "", err
	}
	if e.Off("distinct") {
		distinct = people
	}
	if len(distinct) < max(need, p.Need) && !e.Off("quorum") {
		return approvals.WhyQuorum, nil
	}
	return "", nil
}

// refused tells a no from "could not find out".
func refused(err error, why approvals.Why) (approvals.Why, error) {
	if errors.Is(err, rules.ErrLookUp) {
		return "", err
	}
	return why, nil
}

// sleep waits for d and reports whether the context still lives.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
