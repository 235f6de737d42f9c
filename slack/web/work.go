package web

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"
)

// Outliving is a context that ends CallTime after ctx does: for work that takes
// its time while there is time, and then comes to its end.
func (c *Client) Outliving(ctx context.Context) (context.Context, context.CancelFunc) {
	last, giveUp := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		if Sleep(last, c.CallTime) {
			giveUp()
		}
	})
	return last, func() {
		stop()
		giveUp()
	}
}

// Finishing is a context for what must be done to its end although ctx may
// end: a post that has begun, and the note that it was made.
func (c *Client) Finishing(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), c.CallTime)
}

// Sleep reports whether it slept to the end.
func Sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// Guarded calls f and makes an error of a panic.
func Guarded(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return f()
}
