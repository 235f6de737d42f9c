package web

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// messageBurst is how many messages a channel takes at once; after that it is
// about one a second.
const messageBurst = 3

// A pacer keeps calls apart: messages of a channel to one a second, and a
// method that Slack limited until Slack takes it again.
type pacer struct {
	mu    sync.Mutex // guards what follows; never held while waiting
	until map[string]time.Time
	rooms map[string]*rate.Limiter
}

func newPacer() *pacer {
	return &pacer{until: map[string]time.Time{}, rooms: map[string]*rate.Limiter{}}
}

// bar lets nobody make this call for a while.
func (p *pacer) bar(key string, d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if until := time.Now().Add(d); until.After(p.until[key]) {
		p.until[key] = until
	}
}

// wait waits until the call may be made. When ctx ends before that, it says so
// at once.
func (p *pacer) wait(ctx context.Context, key string) error {
	for {
		p.mu.Lock()
		until := p.until[key]
		if !until.After(time.Now()) {
			delete(p.until, key)
			p.mu.Unlock()
			return ctx.Err()
		}
		p.mu.Unlock()
		if deadline, ok := ctx.Deadline(); ok && deadline.Before(until) {
			return fmt.Errorf("no more of these calls are taken for %s: %w",
				time.Until(until).Round(time.Second), context.DeadlineExceeded)
		}
		if !Sleep(ctx, time.Until(until)) {
			return ctx.Err()
		}
	}
}

// message waits for the turn of a message in a channel.
func (p *pacer) message(ctx context.Context, channel string) error {
	p.mu.Lock()
	room := p.rooms[channel]
	if room == nil {
		room = rate.NewLimiter(rate.Every(time.Second), messageBurst)
		p.rooms[channel] = room
	}
	p.mu.Unlock()
	return room.Wait(ctx)
}
