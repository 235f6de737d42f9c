package socket

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/gorilla/websocket"
	"github.com/slack-go/slack"
)

const (
	handshakeTime = 15 * time.Second // for apps.connections.open and for the dialing
	settled       = time.Minute      // a socket that lived so long was no failure
	// writeBuffer holds any acknowledgement whole: Slack does not join frames.
	writeBuffer = 32 << 10
)

// Reasons of a disconnect after which another socket at once would not help.
const (
	tooMany      = "too_many_websockets"
	linkDisabled = "link_disabled"
)

func dialerFrom(d *websocket.Dialer) websocket.Dialer {
	if d == nil {
		d = &websocket.Dialer{Proxy: http.ProxyFromEnvironment}
	}
	own := *d
	own.WriteBufferSize = writeBuffer
	if own.HandshakeTimeout == 0 {
		own.HandshakeTimeout = handshakeTime
	}
	return own
}

// keep holds one socket open until ctx ends, or until Slack refuses for good. It
// leaves the last one open: [Receiver.end] still needs it. Handlers get work.
func (r *Receiver) keep(ctx, work context.Context, first time.Duration) error {
	if !sleep(ctx, first) {
		return nil
	}
	pause := newPause()
	leaveOld := func() {}
	for {
		c, err := r.connect(ctx, work, pause)
		if err != nil || c == nil {
			return err
		}
		leaveOld()
		leaveOld = func() {}
		select {
		case <-ctx.Done():
			return nil
		case <-c.leave:
		case <-c.gone:
		}
		if time.Since(c.born) >= settled {
			pause.Reset()
		}
		if c.refreshed() {
			r.log.Info("Slack refreshes a socket", "reason", c.reason)
			leaveOld = func() { r.retire(c) }
			continue
		}
		wait := pause.NextBackOff()
		r.log.Warn("a socket was lost", "wait", wait, "err", c.why())
		r.retire(c)
		if !sleep(ctx, wait) {
			return nil
		}
	}
}

// newPause makes the waits between failures: half a second, doubling up to
// half a minute, each anywhere between half and one and a half of that.
func newPause() *backoff.ExponentialBackOff {
	return &backoff.ExponentialBackOff{
		InitialInterval: 500 * time.Millisecond, Multiplier: 2,
		MaxInterval: 30 * time.Second, RandomizationFactor: 0.5,
	}
}

// connect tries until a socket said hello. It returns nil and no error when ctx ends.
func (r *Receiver) connect(ctx, work context.Context, pause *backoff.ExponentialBackOff) (*conn, error) {
	for try := 1; ; try++ {
		if r.opens.Wait(ctx) != nil {
			<-ctx.Done() // Wait does not wait for a deadline it would miss
			return nil, nil
		}
		c, err := r.open(ctx, work)
		switch {
		case err == nil:
			return c, nil
		case ctx.Err() != nil:
			return nil, nil
		}
		if final := permanently(err); final != nil {
			return nil, final
		}
		wait := pause.NextBackOff()
		if limited, ok := errors.AsType[*slack.RateLimitedError](err); ok {
			wait = max(wait, limited.RetryAfter)
		}
		r.log.Warn("no socket", "try", try, "wait", wait, "err", err)
		if !sleep(ctx, wait) {
			return nil, nil
		}
	}
}

// open makes one socket and waits for its hello.
func (r *Receiver) open(ctx, work context.Context) (*conn, error) {
	ctx, cancel := context.WithTimeout(ctx, handshakeTime+r.cfg.Pings)
	defer cancel()
	_, address, err := r.cfg.API.StartSocketModeContext(ctx)
	if err != nil {
		return nil, fmt.Errorf("apps.connections.open: %w", err)
	}
	if err := trusted(address); err != nil {
		return nil, err
	}
	ws, _, err := r.dialer.DialContext(ctx, address, nil)
	if err != nil {
		return nil, fmt.Errorf("dial the socket: %w", err)
	}
	c := newConn(ws, r.cfg.Pings)
	r.mu.Lock()
	r.conns[c] = true
	r.mu.Unlock()
	r.reading.Go(func() { r.read(work, c) })
	r.reading.Go(c.ping)
	select {
	case <-c.hello:
		return c, nil
	case <-c.leave:
		err = c.why()
	case <-c.gone:
		err = c.why()
	case <-ctx.Done():
		err = ctx.Err()
	}
	c.close()
	return nil, fmt.Errorf("no hello: %w", err)
}

// trusted accepts wss, and ws on this machine. The address carries a ticket, so
// no error quotes it.
func trusted(address string) error {
	u, err := url.Parse(address)
	if err != nil {
		return errors.New("apps.connections.open answered with something that is no address")
	}
	if u.Scheme == "wss" || u.Scheme == "ws" && (u.Hostname() == "localhost" || net.ParseIP(u.Hostname()).IsLoopback()) {
		return nil
	}
	return fmt.Errorf("apps.connections.open answered with a %s address on %s: only wss is taken", u.Scheme, u.Host)
}

// retire leaves a socket when what it delivered is acknowledged.
func (r *Receiver) retire(c *conn) {
	r.reading.Go(func() {
		defer c.close()
		longest := time.NewTimer(r.cfg.Patience + ackTime)
		defer longest.Stop()
		for {
			r.mu.Lock()
			open, quiet := c.unacked, c.quiet
			r.mu.Unlock()
			if open == 0 {
				return
			}
			select {
			case <-quiet:
			case <-c.gone:
				return
			case <-longest.C:
				return
			}
		}
	})
}

// counted tells how many sockets are up.
func (r *Receiver) counted() {
	if r.cfg.Connected == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	up := 0
	for c := range r.conns {
		if c.up() {
			up++
		}
	}
	r.cfg.Connected(up)
}

// sleep reports whether it slept to the end.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
