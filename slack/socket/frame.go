package socket

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/slack-go/slack/socketmode"
)

// crowded is the number of sockets of the app from which a forgotten process is
// likely; Slack allows ten.
const crowded = 9

// read reads a socket until it breaks or is closed.
func (r *Receiver) read(ctx context.Context, c *conn) {
	defer r.counted()
	defer func() {
		r.mu.Lock()
		delete(r.conns, c)
		r.mu.Unlock()
		close(c.gone)
	}()
	for {
		_, frame, err := c.ws.ReadMessage()
		if err != nil {
			c.err = err
			_ = c.ws.Close()
			return
		}
		c.heard()
		r.frame(ctx, c, frame)
	}
}

// frame takes what Slack sent. It never waits.
func (r *Receiver) frame(ctx context.Context, c *conn, frame []byte) {
	req, err := decode(frame)
	if err != nil {
		r.unwanted(ctx, c, req.EnvelopeID, "a frame that cannot be read", "err", err, "bytes", len(frame))
		return
	}
	switch req.Type {
	case socketmode.RequestTypeHello:
		if r.cfg.App != nil {
			r.cfg.App(req.ConnectionInfo.AppID)
		}
		c.greeted()
		r.counted()
		r.crowd(req.NumConnections)
	case socketmode.RequestTypeDisconnect:
		c.told(req.Reason)
		r.counted()
	case socketmode.RequestTypeSlashCommands, socketmode.RequestTypeInteractive:
		e, err := open(req)
		if err != nil {
			r.unwanted(ctx, c, req.EnvelopeID, "a payload that cannot be read", "type", req.Type, "err", err)
			return
		}
		r.take(ctx, c, e)
	case socketmode.RequestTypeEventsAPI:
		r.unwanted(ctx, c, req.EnvelopeID, "an event, although none is subscribed", "retry", req.RetryAttempt)
	default:
		r.unwanted(ctx, c, req.EnvelopeID, "an envelope of an unknown type", "type", clip(req.Type))
	}
}

// crowd reports how many sockets Slack counts.
func (r *Receiver) crowd(n int) {
	if r.cfg.Connections != nil {
		r.cfg.Connections(n)
	}
	if n >= crowded {
		r.log.Warn("Slack counts many sockets of this app: is an old process still running?", "connections", n)
	}
}

// decode reads the outside of a frame. Of one that is broken it finds at least
// the envelope_id, if there is one.
func decode(frame []byte) (socketmode.Request, error) {
	var req socketmode.Request
	if err := json.Unmarshal(frame, &req); err != nil {
		var id struct {
			EnvelopeID string `json:"envelope_id"`
		}
		_ = json.Unmarshal(frame, &id) // the first error is the one to report
		return socketmode.Request{EnvelopeID: id.EnvelopeID}, err
	}
	return req, nil
}

// open reads what is inside an envelope. A payload that makes the decoder panic
// is one that cannot be read.
func open(req socketmode.Request) (e Envelope, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the decoder panicked: %v\n%s", p, debug.Stack())
		}
	}()
	e = Envelope{
		ID: req.EnvelopeID, Received: time.Now(),
		Retry: req.RetryAttempt, Answerable: req.AcceptsResponsePayload,
	}
	if req.Type == socketmode.RequestTypeSlashCommands {
		e.Kind = KindSlash
		return e, json.Unmarshal(req.Payload, &e.Slash)
	}
	e.Kind = KindInteraction
	return e, json.Unmarshal(req.Payload, &e.Interaction)
}

// clip keeps a stranger's word short in the log.
func clip(word string) string { return fmt.Sprintf("%.40q", word) }
