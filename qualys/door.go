package qualys

import (
	"context"
	"sync"

	"golang.org/x/sync/semaphore"
)

// A door is where the credentials are shown: the API server takes them with
// every call, the gateway for a token. Qualys locks an account whose logins
// keep failing, so until they were accepted once only one call at a time tries
// them, and after a refusal nobody does.
type door struct {
	allowed func(context.Context) error // Config.Login
	first   *semaphore.Weighted         // held by the one that tries unproven credentials

	mu      sync.Mutex // guards the rest, never held while waiting
	proven  bool
	refused *Error
}

func newDoor(allowed func(context.Context) error) *door {
	if allowed == nil {
		allowed = func(context.Context) error { return nil }
	}
	return &door{allowed: allowed, first: semaphore.NewWeighted(1)}
}

// enter waits until the credentials may be shown. The caller must call leave
// with what came of it.
func (d *door) enter(ctx context.Context, op string) (leave func(error), err error) {
	if proven, err := d.state(op); proven || err != nil {
		return d.judge, err
	}
	if err := d.first.Acquire(ctx, 1); err != nil {
		return nil, context.Cause(ctx)
	}
	if proven, err := d.state(op); proven || err != nil {
		d.first.Release(1)
		return d.judge, err
	}
	if err := d.allowed(ctx); err != nil {
		d.first.Release(1)
		return nil, err
	}
	return func(err error) {
		d.judge(err)
		d.first.Release(1)
	}, nil
}

// judge learns from the outcome of a call: nil and every error that only an
// account gets prove the credentials. A lost answer may have been a refusal, so
// unproven credentials are not shown again after one.
func (d *door) judge(err error) {
	e, _ := err.(*Error)
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case e != nil && e.Is(ErrCredentials):
		d.refused = e
	case err == nil, e != nil && e.Is(ErrPermission) && e.Status/100 == 2, e != nil && e.Code == "INVALID_REQUEST":
		d.proven = true
	}
	if e != nil {
		e.final = e.sent && !d.proven
	}
}

func (d *door) state(op string) (proven bool, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.refused != nil {
		again := *d.refused
		again.Op = op
		again.Resolution = "not tried again, so that the account is not locked: check username, password and platform, then restart"
		return false, &again
	}
	return d.proven, nil
}

func (d *door) refusal() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.refused == nil {
		return nil
	}
	return d.refused
}
