package socket

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gorilla/websocket"
)

const (
	ackTime   = 2 * time.Second // longest writing of an acknowledgement
	closeTime = time.Second     // for Slack to answer our goodbye
	// biggest frame we read; a click carries the whole message it stands on.
	biggestFrame = 8 << 20
)

// A conn is one socket. Its three channels are closed once each: hello when Slack
// greeted, leave when Slack announced the end, gone when reading has ended.
type conn struct {
	ws    *websocket.Conn
	born  time.Time
	pings time.Duration

	hello, leave, gone chan struct{}

	reason string // why to leave; set before leave is closed
	err    error  // why it is gone; set before gone is closed

	writing chan struct{} // holds one token: the right to write

	unacked int           // envelopes of this socket; guarded by Receiver.mu
	quiet   chan struct{} // closed and replaced when unacked becomes 0; likewise
}

func newConn(ws *websocket.Conn, pings time.Duration) *conn {
	c := &conn{
		ws: ws, born: time.Now(), pings: pings,
		hello: make(chan struct{}), leave: make(chan struct{}), gone: make(chan struct{}),
		writing: make(chan struct{}, 1), quiet: make(chan struct{}),
	}
	ws.SetReadLimit(biggestFrame)
	_ = ws.SetReadDeadline(time.Now().Add(pings))
	ws.SetPingHandler(c.answer)
	ws.SetPongHandler(func(string) error { c.heard(); return nil })
	return c
}

// heard allows the next sign of life its time, whatever the last one was.
// Without a hello there is no more time: a socket that only pings is of no use.
func (c *conn) heard() {
	if closed(c.hello) {
		_ = c.ws.SetReadDeadline(time.Now().Add(c.pings))
	}
}

// ping asks for a sign of life three times in the longest silence, until the
// socket is gone: not every Slack pings by itself, and what has become of a
// connection that lost its other end shows only when somebody asks.
func (c *conn) ping() {
	often := time.NewTicker(c.pings / 3)
	defer often.Stop()
	for {
		select {
		case <-c.gone:
			return
		case <-often.C:
		}
		// Whatever is wrong with it, the reader notices that no answer comes.
		_ = c.ws.WriteControl(websocket.PingMessage, nil, time.Now().Add(ackTime))
	}
}

// answer answers a ping of Slack's.
func (c *conn) answer(data string) error {
	c.heard()
	// A pong that cannot be written is not the reader's business: if the socket
	// is broken, the next read says so.
	_ = c.ws.WriteControl(websocket.PongMessage, []byte(data), time.Now().Add(ackTime))
	return nil
}

// greeted and told are called by the goroutine that reads.
func (c *conn) greeted() {
	if !closed(c.hello) {
		close(c.hello)
		c.heard()
	}
}

func (c *conn) told(reason string) {
	if !closed(c.leave) {
		c.reason = reason
		close(c.leave)
	}
}

// up reports whether Slack may deliver something here.
func (c *conn) up() bool { return closed(c.hello) && !closed(c.leave) && !closed(c.gone) }

// refreshed reports whether Slack announced that it wants to see another socket.
func (c *conn) refreshed() bool {
	return closed(c.leave) && c.reason != tooMany && c.reason != linkDisabled
}

// why says what became of a socket that is to be left or gone.
func (c *conn) why() error {
	switch {
	case !closed(c.leave):
		return c.err
	case c.reason == linkDisabled:
		return errors.New("link_disabled: switch Socket Mode on in the settings of the Slack app")
	case c.reason == tooMany:
		return errors.New("too_many_websockets: the app has its ten sockets, an old process may be running")
	}
	return fmt.Errorf("disconnect: %s", clip(c.reason))
}

// send writes one frame, also when ctx has ended: what was decided is told. The
// right to write is a channel and no mutex, so that waiting for it has an end.
func (c *conn) send(ctx context.Context, frame []byte) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), ackTime)
	defer cancel()
	select {
	case c.writing <- struct{}{}:
		defer func() { <-c.writing }()
	case <-c.gone:
		return ErrGone
	case <-ctx.Done():
		return ctx.Err()
	}
	if closed(c.gone) {
		return ErrGone
	}
	until, _ := ctx.Deadline()
	_ = c.ws.SetWriteDeadline(until)
	if err := c.ws.WriteMessage(websocket.TextMessage, frame); err != nil {
		_ = c.ws.Close() // a frame written in part ruins every later one
		return fmt.Errorf("write to the socket: %w", err)
	}
	return nil
}

// close says goodbye, so that Slack does not count a ghost, and waits until reading has ended.
func (c *conn) close() {
	goodbye := websocket.FormatCloseMessage(websocket.CloseNormalClosure, "")
	if c.ws.WriteControl(websocket.CloseMessage, goodbye, time.Now().Add(closeTime)) == nil {
		timer := time.NewTimer(closeTime)
		defer timer.Stop()
		select {
		case <-c.gone:
		case <-timer.C:
		}
	}
	_ = c.ws.Close()
	<-c.gone
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
