package download

import (
	"context"
	"time"

	"countersign/qualys/wire"
)

// A Progress is news of a reading that takes more than one call, or has to
// wait. What is not known is 0.
type Progress struct {
	Op    string        // the call, such as "users/download"
	Rows  int           // users read so far
	Total int           // users there are, according to Qualys
	Calls int           // calls made so far
	Plan  int           // calls in all, those made among them
	Wait  time.Duration // a wait that begins now, because Qualys asked for it or did not answer
	Left  time.Duration // an estimate until the end, the wait among it
}

// progressKey is where a context keeps what [WithProgress] was given.
type progressKey struct{}

// WithProgress returns a context in which told hears how readings go on:
// before every wait, and of a download after each page. The first news of a
// download come after page 1 and before call 2: plan, cost in calls and an
// estimate of the time. Told is called by the goroutine that reads, and had
// better return soon.
func WithProgress(ctx context.Context, told func(Progress)) context.Context {
	ctx = context.WithValue(ctx, progressKey{}, told)
	return wire.OnWait(ctx, func(op string, wait time.Duration) {
		told(Progress{Op: op, Wait: wait, Left: wait})
	})
}

// progress returns what [WithProgress] was given, or a function that tells
// nobody.
func progress(ctx context.Context) func(Progress) {
	if told, ok := ctx.Value(progressKey{}).(func(Progress)); ok {
		return told
	}
	return func(Progress) {}
}
