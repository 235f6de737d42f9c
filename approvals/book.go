package approvals

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

// A Config says where the book is kept and under which seals.
type Config struct {
	Client    redis.UniversalClient // with MaxRetries -1: the book repeats scripts itself, by operation id
	Tenant    string                // one installation; such as "default"
	Keys      Keys
	Old       *Keys             // opens what a former key sealed, or nil
	Policy    string            // hash of the policy this replica runs under
	Retention time.Duration     // how long ended requests are kept
	Point     func(name string) // a place where a test may strike; nil in production

	Script func(text string) string // what a test makes of a script; nil in production
	Off    func(rule string) bool   // the rule a test switches off; nil in production
}

// A Book keeps requests in Redis. All its methods may be called by many
// replicas at once.
type Book struct {
	Config
	clock      clock
	replicated atomic.Bool
}

// NewBook opens the book. It does not talk to Redis yet.
func NewBook(c Config) (*Book, error) {
	switch {
	case c.Client == nil:
		return nil, errors.New("book: no Redis client")
	case c.Tenant == "":
		return nil, errors.New("book: no tenant")
	case c.Keys.aead == nil:
		return nil, errors.New("book: no keys")
	}
	if c.Retention <= 0 {
		c.Retention = 30 * 24 * time.Hour
	}
	if c.Point == nil {
		c.Point = func(string) {}
	}
	return &Book{Config: c}, nil
}

// SetReplicated says whether Redis has replicas, at first that it has none. Where
// it has, an approval waits for one of them, and nothing is claimed that none of
// them has. See [Book.Replicas].
func (b *Book) SetReplicated(has bool) { b.replicated.Store(has) }

// Replicated is what was said last.
func (b *Book) Replicated() bool { return b.replicated.Load() }

// off reports whether a test switched a rule off.
func (b *Book) off(rule string) bool { return b.Off != nil && b.Off(rule) }

func (b *Book) key(name string) string { return "countersign:{" + b.Tenant + "}:" + name }

// keys lists every key that a script about a request may touch: a cluster
// wants to know them.
func (b *Book) keys(id string) []string {
	keys := make([]string, 0, 17)
	for _, name := range []string{
		"r:" + id, "p:" + id, "c:" + id, "u:" + id,
		"due", "log", "seq", "posted", "held", "open", "all", "running", "dirty", "policy", "poster", "freeze", "thawed",
	} {
		keys = append(keys, b.key(name))
	}
	return keys
}

// An answer is what a script about a request returned.
type answer struct {
	code   string
	more   string
	record map[string]string // as it is now; empty where the script does not say
}

// run runs a script about a request.
func (b *Book) run(ctx context.Context, s *program, id, op string, args ...any) (answer, error) {
	return b.runCopied(ctx, s, nil, id, op, args...)
}

// runCopied is run, and waits for a replica where Redis has any. copied then
// says whether one of them has what was written; without replicas it stays as
// it is.
func (b *Book) runCopied(ctx context.Context, s *program, copied *bool, id, op string, args ...any) (answer, error) {
	if !b.Replicated() {
		copied = nil
	}
	args = append([]any{id, b.Policy, op, b.Retention.Milliseconds()}, args...)
	reply, err := b.evalCopied(ctx, s, copied, b.keys(id), args...).StringSlice()
	if err != nil {
		return answer{}, unavailable(err)
	}
	if len(reply) < 2 || len(reply)%2 != 0 {
		return answer{}, fmt.Errorf("script answered %d values", len(reply))
	}
	a := answer{code: reply[0], more: reply[1], record: make(map[string]string, len(reply)/2)}
	for i := 2; i < len(reply); i += 2 {
		a.record[reply[i]] = reply[i+1]
	}
	return a, nil
}

// eval runs a script, and runs it again when its answer was lost. That is safe
// because every script is idempotent; it is done here and not by go-redis so
// that nothing else is ever repeated.
func (b *Book) eval(ctx context.Context, s *program, keys []string, args ...any) *redis.Cmd {
	return b.evalCopied(ctx, s, nil, keys, args...)
}

// evalCopied is eval, and reports by copied, unless that is nil, whether a
// replica of Redis has what was written.
func (b *Book) evalCopied(ctx context.Context, s *program, copied *bool, keys []string, args ...any) *redis.Cmd {
	if b.Script != nil {
		s = newProgram(b.Script(s.text))
	}
	at := b.line()
	for try := 1; ; try++ {
		cmd := at.run(ctx, s, copied, keys, args...)
		if try == 3 || !lost(cmd.Err()) && !strayed(cmd.Err()) || ctx.Err() != nil {
			return cmd
		}
		select {
		case <-ctx.Done():
			return cmd
		case <-time.After(time.Duration(try) * 50 * time.Millisecond):
		}
	}
}

// lost reports whether the network failed, so that nobody knows what happened.
func lost(err error) bool {
	var network net.Error
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.ErrClosedPipe) ||
		errors.As(err, &network) || errors.Is(err, net.ErrClosed)
}

// unavailable marks an error of the network or of Redis itself.
func unavailable(err error) error {
	if err == nil || errors.Is(err, redis.Nil) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrUnavailable, err)
}

// Now is Redis' clock, the only one that decides anything.
func (b *Book) Now(ctx context.Context) (time.Time, error) {
	t, err := b.Client.Time(ctx).Result()
	if err != nil {
		return time.Time{}, unavailable(err)
	}
	b.clock.set(t)
	return t.UTC(), nil
}

// refusal turns a script's answer into the error it stands for.
func refusal(a answer, r *record) error {
	switch a.code {
	case "NONE":
		return ErrNoRequest
	case "FULL":
		return ErrTooManyOpen
	case "YOURS":
		return ErrTooManyYours
	case "OVERLAP":
		e := &OverlapError{}
		_, err := fmt.Sscan(a.more, &e.Request, &e.User)
		return errors.Join(e, err)
	case "OWN":
		return ErrOwnRequest
	case "NOTYOURS":
		return ErrNotYours
	case "ALREADY":
		return ErrAlready
	case "NOTREADY":
		return ErrNotReady
	case "FINGERPRINT":
		return ErrFingerprint
	case "FORGED":
		return ErrForged
	case "ROUND":
		return ErrRound
	case "EXPIRED":
		return ErrExpired
	case "FENCED":
		return ErrFenced
	case "GONE":
		return ErrPlanGone
	case "FROZEN":
		return ErrFrozen
	case "OVER":
		if r == nil {
			return &OverError{}
		}
		return r.over()
	}
	return fmt.Errorf("script answered %q", a.code)
}
