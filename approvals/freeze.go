package approvals

import (
	"context"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"

	"countersign/approvals/rules"
)

// A Freeze is the switch that makes everything stand still: decisions are
// stored, nothing starts, and a run pauses between chunks.
type Freeze struct {
	By rules.Person
	At time.Time
}

// ErrThawed means that there is nothing to unfreeze.
var ErrThawed = errors.New("not frozen")

// Frozen returns the freeze that is on, or the zero Freeze.
func (b *Book) Frozen(ctx context.Context) (Freeze, error) {
	fields, err := b.Client.HGetAll(ctx, b.key("freeze")).Result()
	if err != nil {
		return Freeze{}, unavailable(err)
	}
	r := record(fields)
	return Freeze{By: r.person("by", ""), At: r.time("at")}, nil
}

// Blocked reports whether an approved request cannot be claimed now, whoever may
// approve it: everything stands still, or another one runs.
func (b *Book) Blocked(ctx context.Context, p Pending) (bool, error) {
	frozen, err := b.Frozen(ctx)
	if err != nil || !frozen.At.IsZero() {
		return err == nil, err
	}
	other, err := b.Client.Get(ctx, b.key("running")).Result()
	if errors.Is(err, redis.Nil) {
		return false, nil
	}
	return err == nil && other != p.ID, unavailable(err)
}

// Freeze turns the switch on; ErrFrozen when it is on already. Where Redis has
// replicas it waits for one of them to have it. A freeze that none has yet is on
// all the same, and what is not posted yet would be lost with the primary.
func (b *Book) Freeze(ctx context.Context, by rules.Person, op string) error {
	return b.turn(ctx, "on", by, op, ErrFrozen)
}

// Unfreeze turns it off; ErrThawed when it is off already. That it takes an
// approver other than the freezer is judged by the caller.
func (b *Book) Unfreeze(ctx context.Context, by rules.Person, op string) error {
	return b.turn(ctx, "off", by, op, ErrThawed)
}

func (b *Book) turn(ctx context.Context, how string, by rules.Person, op string, already error) error {
	keys := []string{b.key("freeze"), b.key("op:" + op), b.key("log"), b.key("seq"), b.key("thawed")}
	var copied *bool
	if how == "on" && b.Replicated() {
		copied = new(bool)
	}
	reply, err := b.evalCopied(ctx, freezing, copied, keys, how, by.String(), opKept.Milliseconds(), b.Policy).StringSlice()
	if err != nil {
		return unavailable(err)
	}
	if reply[0] != "OK" {
		return already
	}
	return nil
}
