package socket

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/slack-go/slack/socketmode"
)

const (
	// biggestAck is the size from which on Slack ignores an acknowledgement.
	biggestAck = 20 << 10
	// late is when the person probably saw an error of Slack's.
	late = 3 * time.Second
)

// An answer is the acknowledgement that an envelope still needs.
type answer struct {
	conn *conn
	id   string
	used atomic.Bool
}

// admit lets an envelope in and answers it in a goroutine of its own. After the
// end has begun nothing is let in.
func (r *Receiver) admit(c *conn, id string, answered func(*answer)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.ended:
		r.log.Info("an envelope came too late and is left to Slack", "envelope", id)
		return
	case !r.room.TryAcquire(1):
		r.log.Error("too many envelopes: one is left to Slack", "envelope", id)
		return
	}
	r.unacked.Add(1)
	c.unacked++
	a := &answer{conn: c, id: id}
	r.working.Go(func() {
		defer r.room.Release(1)
		answered(a)
	})
}

// take lets a handler answer an envelope.
func (r *Receiver) take(ctx context.Context, c *conn, e Envelope) {
	r.admit(c, e.ID, func(a *answer) {
		r.serve(ctx, e, func(ctx context.Context, payload any) error { return r.ack(ctx, a, e, payload) })
		if !a.used.Load() {
			r.log.Warn("a handler left an envelope without an answer", "envelope", e.ID, "kind", e.Kind)
			_ = r.ack(ctx, a, e, nil) // its error is logged by ack
		}
	})
}

// serve finds a worker and calls the handler.
func (r *Receiver) serve(ctx context.Context, e Envelope, ack Ack) {
	workers := r.workers[e.Kind]
	patience, cancel := context.WithTimeout(ctx, r.cfg.Patience)
	defer cancel()
	if workers.Acquire(patience, 1) != nil {
		r.log.Error("no worker was free", "envelope", e.ID, "kind", e.Kind)
		r.guarded(ctx, r.cfg.Busy, e, ack)
		return
	}
	defer workers.Release(1)
	if !r.guarded(ctx, r.cfg.Handle, e, ack) {
		r.guarded(ctx, r.cfg.Broken, e, ack)
	}
}

// guarded calls a handler and reports whether it came back without a panic.
func (r *Receiver) guarded(ctx context.Context, h Handler, e Envelope, ack Ack) (whole bool) {
	defer func() {
		if p := recover(); p != nil {
			r.log.Error("a handler panicked", "envelope", e.ID, "kind", e.Kind,
				"panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			whole = false
		}
	}()
	if h != nil {
		h(ctx, e, ack)
	}
	return true
}

// ack acknowledges once.
func (r *Receiver) ack(ctx context.Context, a *answer, e Envelope, payload any) error {
	if a.used.Swap(true) {
		return ErrAcked
	}
	defer r.acked(a.conn)
	frame, unfit := encode(a.id, payload)
	if unfit != nil {
		frame, _ = encode(a.id, nil) // a string always becomes JSON
	}
	err := errors.Join(unfit, a.conn.send(ctx, frame))
	if err != nil {
		r.log.Error("an acknowledgement went wrong", "envelope", a.id, "err", err)
	} else if took := time.Since(e.Received); took >= late && !e.Received.IsZero() {
		r.log.Warn("an acknowledgement was late", "envelope", a.id, "took", took)
	}
	return err
}

// acked counts an envelope as acknowledged, or as one that cannot be any more.
func (r *Receiver) acked(c *conn) {
	r.unacked.Done()
	r.mu.Lock()
	defer r.mu.Unlock()
	if c.unacked--; c.unacked == 0 {
		close(c.quiet)
		c.quiet = make(chan struct{})
	}
}

// encode writes an acknowledgement, without the escapes of encoding/json for HTML:
// they would make it larger.
func encode(id string, payload any) ([]byte, error) {
	var frame bytes.Buffer
	e := json.NewEncoder(&frame)
	e.SetEscapeHTML(false)
	if err := e.Encode(socketmode.Response{EnvelopeID: id, Payload: payload}); err != nil {
		return nil, fmt.Errorf("the payload of an acknowledgement: %w", err)
	}
	if frame.Len() >= biggestAck {
		return nil, fmt.Errorf("%w (it would have %d bytes)", ErrTooBig, frame.Len())
	}
	return bytes.TrimRight(frame.Bytes(), "\n"), nil
}

// unwanted acknowledges what nobody handles, and logs it.
func (r *Receiver) unwanted(ctx context.Context, c *conn, id, what string, attrs ...any) {
	r.log.Warn("Slack sent "+what, append(attrs, "envelope", clip(id))...)
	if id == "" {
		return
	}
	r.admit(c, id, func(a *answer) {
		_ = r.ack(ctx, a, Envelope{Received: time.Now()}, nil) // its error is logged by ack
	})
}
