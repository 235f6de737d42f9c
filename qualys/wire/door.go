package wire

import (
	"cmp"
	"context"
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"
)

// A Step is what a [Login] is told about an attempt to log in.
type Step string

// The steps. Each Attempt that was allowed is followed by exactly one of the
// others, unless the process dies.
const (
	Attempt  Step = "attempt"  // the credentials are about to be shown: may they be?
	Accepted Step = "accepted" // they are right
	Rejected Step = "rejected" // they were refused: nobody may show them again
	Unclear  Step = "unclear"  // no word about them came: the attempt is over
)

// A Login is a breaker that replicas share, so that an account is never locked
// by us: credentials that are wrong are refused at most once under each of the
// two keys of a [Line] (one for each server), whoever tries and how often.
//
// Key is a hash of the server's address, the user name and the password, made
// slow on purpose so that it tells nobody what they are. It changes with each
// of them, and that is what closes the breaker. What the steps mean for whoever
// keeps it:
//
//   - Attempt: after a Rejected, return an error for which errors.Is(err,
//     [ErrCredentials]) holds. Within a minute after an Accepted, return nil.
//     Otherwise reserve: the first to come gets nil, the others wait until its
//     outcome is told, or three minutes are over because its process died.
//     Any other error fails the call before anything is sent.
//   - Accepted ends the reservation and is remembered for a minute.
//   - Rejected is remembered for good. It also comes without a reservation, for
//     credentials that were accepted before.
//   - Unclear ends the reservation.
//
// For steps other than Attempt an error is logged and changes nothing. Their
// ctx is not cancelled with the call.
type Login func(ctx context.Context, key string, step Step) error

const (
	proofLasts = time.Minute     // how long credentials count as right after they were accepted
	tellWithin = 5 * time.Second // how long a Login may take to be told
	keyRounds  = 100_000         // some 30 ms, once in a process
)

// A door is where the credentials are shown: the API server takes them with
// every call, the gateway for a token.
type door struct {
	login Login
	key   func() string
	log   *slog.Logger
	first *semaphore.Weighted // held by the one that tries unproven credentials

	mu      sync.Mutex // guards the rest, never held while waiting
	proven  time.Time  // when they were last accepted
	refused error
}

func newDoor(cfg Config, server string, log *slog.Logger) *door {
	d := &door{login: cfg.Login, log: log, first: semaphore.NewWeighted(1)}
	if d.login == nil {
		d.login = func(context.Context, string, Step) error { return nil }
	}
	d.key = sync.OnceValue(func() string {
		if cfg.Login == nil {
			return ""
		}
		salt := "countersign login\x00" + server + "\x00" + cfg.Username
		sum, err := pbkdf2.Key(sha256.New, cfg.Password.Reveal(), []byte(salt), keyRounds, 16)
		if err != nil { // only if FIPS 140 forbids the parameters
			log.Error("no key for the login's breaker, all share one", "err", err)
		}
		return hex.EncodeToString(sum)
	})
	return d
}

// enter waits until the credentials may be shown. The caller must call leave
// with what came of it.
func (d *door) enter(ctx context.Context, op string) (leave func(error), err error) {
	proven, err := d.state(op)
	if err != nil {
		return nil, err
	}
	held := !proven
	if held {
		if err := d.first.Acquire(ctx, 1); err != nil {
			return nil, fmt.Errorf("%s: %w", op, context.Cause(ctx))
		}
		if proven, err = d.state(op); proven || err != nil {
			d.first.Release(1)
			held = false
		}
	}
	if err == nil {
		err = d.ask(ctx, op)
	}
	if err != nil {
		if held {
			d.first.Release(1)
		}
		return nil, err
	}
	return func(err error) {
		d.judge(ctx, err)
		if held {
			d.first.Release(1)
		}
	}, nil
}

// ask lets the shared breaker forbid the attempt.
func (d *door) ask(ctx context.Context, op string) error {
	err := d.login(ctx, d.key(), Attempt)
	if err == nil {
		return nil
	}
	if errors.Is(err, ErrCredentials) {
		d.mu.Lock()
		d.refused = cmp.Or(d.refused, err)
		d.mu.Unlock()
	}
	return fmt.Errorf("%s: %w", op, err)
}

// judge learns from the outcome of a call: nil and every error that only an
// account gets prove the credentials. An answer that was lost, or is a page
// instead of what was asked for, may have been a refusal, so the same call does
// not show unproven credentials again after one.
func (d *door) judge(ctx context.Context, err error) {
	e, _ := err.(*Error)
	step := Unclear
	d.mu.Lock()
	switch {
	case e != nil && e.Is(ErrCredentials):
		step, d.refused = Rejected, e
	case err == nil, e != nil && e.Is(ErrPermission) && e.Status/100 == 2, e != nil && e.Code == "INVALID_REQUEST":
		step, d.proven = Accepted, time.Now()
	}
	if e != nil {
		e.final = (e.sent || e.Status/100 == 2 && e.Code == "") && d.proven.IsZero()
	}
	d.mu.Unlock()

	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), tellWithin)
	defer cancel()
	if err := d.login(ctx, d.key(), step); err != nil {
		d.log.WarnContext(ctx, "other replicas do not hear of a login", "step", step, "err", err)
	}
}

func (d *door) state(op string) (proven bool, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if e, ok := d.refused.(*Error); ok {
		again := *e
		again.Op = op
		again.Resolution = "not tried again until username or password change, so that the account is not locked; check the platform, too"
		return false, &again
	}
	if d.refused != nil {
		return false, fmt.Errorf("%s: %w", op, d.refused)
	}
	return time.Since(d.proven) < proofLasts, nil
}

func (d *door) refusal() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.refused
}
