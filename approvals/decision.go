package approvals

import (
	"context"
	"crypto/subtle"
	"errors"

	"countersign/approvals/rules"
)

// A Decision is one person's yes or no about a request.
type Decision struct {
	Request     string
	By          rules.Person
	Op          string // the click's own id: the same click decides once
	Yes         bool
	Reason      string // why not, in the person's words
	Fingerprint string // the 12 hex digits that stood on the button

	// Seen is the request as the caller read it from the book to judge the
	// person's rights. Then the decision is one call to Redis. Zero means that
	// the book reads it first.
	Seen Pending
}

// Decide stores the decision and returns the request as it is then. Whether
// the person may decide at all is judged by the caller; that nobody decides
// about their own request is checked here once more. Errors: ErrNoRequest,
// ErrOwnRequest, ErrAlready, ErrExpired, ErrNotReady, ErrFingerprint,
// ErrForged, ErrRound, [OverError]; the request is returned with them where
// there is one.
func (b *Book) Decide(ctx context.Context, d Decision) (Pending, error) {
	p := d.Seen
	if !p.genuine || p.ID != d.Request {
		var err error
		if p, err = b.Pending(ctx, d.Request); err != nil {
			return p, err
		}
	}
	yes := "no"
	if d.Yes {
		yes = "yes"
	}
	for try := 1; ; try++ {
		mac := b.Keys.seal("approval", b.Tenant, p.ID, p.Fingerprint, d.By.String(), d.By.Enterprise, d.Op, p.round)
		b.Point("approve.before")
		copied := true
		a, err := b.runCopied(ctx, decide, &copied, p.ID, d.Op, d.By.String(), d.By.Enterprise, yes, d.Fingerprint, mac, p.mac, p.round, d.Reason)
		if err != nil {
			return p, err
		}
		b.Point("approve.after")
		if a.code == "OK" && !copied {
			a = b.uncopied(ctx, p.ID, a)
		}
		if a.code == "NONE" {
			return p, ErrNoRequest
		}
		now, err := b.readWith(ctx, p.ID, a.record, p.Plan)
		switch {
		case a.code == "OK", err != nil:
			return now, err
		case a.code == "ROUND" && try < roundTries: // withdrawn in between: sealed anew
			p = now
			continue
		}
		r := record(a.record)
		return now, refusal(a, &r)
	}
}

// roundTries is for how many rounds one approval is sealed. Each begins because
// somebody withdrew, or a run was given up, in the same moment.
const roundTries = 5

// Cancel ends the requester's own request before it runs. Errors: ErrNoRequest,
// ErrNotYours, ErrExpired, [OverError].
func (b *Book) Cancel(ctx context.Context, id string, by rules.Person, op string) (Pending, error) {
	return b.end(ctx, cancel, id, op, by.String())
}

// Close ends a request that needs review; what was done stays done. Who may is
// judged by the caller. Errors: ErrNoRequest, [OverError].
func (b *Book) Close(ctx context.Context, id string, by rules.Person, op, reason string) (Pending, error) {
	return b.end(ctx, closeIt, id, op, by.String(), reason)
}

// Stop lets a run end before its next chunk. Who may is judged by the caller.
// Errors: ErrNoRequest, [OverError].
func (b *Book) Stop(ctx context.Context, id string, by rules.Person, op string) (Pending, error) {
	return b.end(ctx, stop, id, op, by.String())
}

// Withdraw takes one's own approval back, before the run. A quorum that is gone
// makes the request wait again. Errors: ErrNoRequest, ErrNotYours when this
// person did not approve, ErrExpired, [OverError].
func (b *Book) Withdraw(ctx context.Context, id string, by rules.Person, op string) (Pending, error) {
	return b.end(ctx, withdraw, id, op, by.String())
}

// Resume lets a request that needs review go on, once a full quorum approves
// it anew. Who resumes is the first of them and never the requester. Errors:
// ErrNoRequest, ErrOwnRequest, ErrAlready, ErrPlanGone, ErrForged, ErrRound,
// [OverError].
func (b *Book) Resume(ctx context.Context, id string, by rules.Person, op string) (Pending, error) {
	p, err := b.Pending(ctx, id)
	if err != nil {
		return p, err
	}
	for try := 1; ; try++ {
		mac := b.Keys.seal("approval", b.Tenant, p.ID, p.Fingerprint, by.String(), by.Enterprise, op, p.round)
		copied := true
		now, err := b.endCopied(ctx, resume, &copied, id, op, by.String(), by.Enterprise, mac, p.mac, p.round)
		if try == roundTries || !errors.Is(err, ErrRound) {
			return now, err
		}
		p = now
	}
}

// uncopied writes down that a decision stands which no replica of Redis has,
// so that people can be told, and returns the answer with the record as it is
// then. That it could not be written down changes nothing about the decision.
func (b *Book) uncopied(ctx context.Context, id string, decided answer) answer {
	a, err := b.run(ctx, unreplicated, id, "")
	if err != nil || a.code != "OK" {
		decided.record["unreplicated"] = "1"
		return decided
	}
	return a
}

func (b *Book) end(ctx context.Context, s *program, id, op string, args ...any) (Pending, error) {
	copied := true
	return b.endCopied(ctx, s, &copied, id, op, args...)
}

func (b *Book) endCopied(ctx context.Context, s *program, copied *bool, id, op string, args ...any) (Pending, error) {
	a, err := b.runCopied(ctx, s, copied, id, op, args...)
	if err != nil {
		return Pending{}, err
	}
	if a.code == "OK" && !*copied {
		a = b.uncopied(ctx, id, a)
	}
	if a.code == "NONE" {
		return Pending{}, ErrNoRequest
	}
	p, err := b.read(ctx, id, a.record)
	if a.code == "OK" {
		if errors.Is(err, ErrForged) { // ending a forged request is the right thing to do
			err = nil
		}
		return p, err
	}
	r := record(a.record)
	return p, refusal(a, &r)
}

func equal(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
