package socket_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/internal/minislack"
	"countersign/slack/socket"
)

// P11: Slack refreshes one of the two sockets every two seconds for five
// minutes, handlers answer late, and an acknowledgement counts on the socket of its
// envelope alone.
func TestRefreshesLoseNoClick(t *testing.T) {
	bubble(t, func(t *testing.T, s *minislack.Server) {
		s.SetConnectionTime(14 * time.Second) // its warning comes ten seconds before
		s.AcksOnSameSocketOnly(true)
		s.SetMessageRate(0, 0)
		rng := rand.New(rand.NewPCG(7, 7))
		var handled atomic.Int64
		r := start(t, s, socket.Config{SecondAfter: 2 * time.Second, Workers: 100,
			Handle: func(ctx context.Context, e socket.Envelope, ack socket.Ack) {
				handled.Add(1)
				time.Sleep(time.Second)
				assert.NoError(t, ack(ctx, nil))
			}})
		sockets(t, s, 2)
		card := r.card(t, s)
		var people sync.WaitGroup
		clicks := 0
		for began := time.Now(); time.Since(began) < 5*time.Minute; clicks++ {
			people.Go(func() { assert.NoError(t, s.As("bob").ClickThrough(card, "Approve")) })
			time.Sleep(time.Duration(rng.IntN(500)) * time.Millisecond)
		}
		people.Wait()
		require.EqualValues(t, clicks, handled.Load())
		require.Greater(t, s.Calls("link"), 140, "sockets were refreshed all the time")
		require.Less(t, s.Calls("apps.connections.open"), 180, "and not more often than needed")
	})
}

// P11, with one socket: the next is open before the old is left, and the old one
// acknowledges what it brought.
func TestTheNextSocketOpensBeforeTheOldIsLeft(t *testing.T) {
	bubble(t, func(t *testing.T, s *minislack.Server) {
		s.AcksOnSameSocketOnly(true)
		released := make(chan struct{})
		start(t, s, socket.Config{Sockets: 1, Handle: func(ctx context.Context, _ socket.Envelope, ack socket.Ack) {
			<-released
			assert.NoError(t, ack(ctx, answer("done")))
		}})
		sockets(t, s, 1)
		feed := s.Subscribe()
		reply := make(chan error, 1)
		go func() {
			_, err := s.As("alice").Slash(channel, command, "help")
			reply <- err
		}()
		time.Sleep(time.Second)
		s.Disconnect("warning")
		time.Sleep(time.Second)
		require.Equal(t, 2, s.Sockets(), "the old one waits for its handler")
		close(released)
		require.NoError(t, <-reply)
		time.Sleep(time.Second)
		require.Equal(t, 1, s.Sockets())
		var order []minislack.Kind
		for len(order) < 2 {
			e, err := feed.Next(t.Context())
			require.NoError(t, err)
			if e.Kind == minislack.Connected || e.Kind == minislack.Left {
				order = append(order, e.Kind)
			}
		}
		require.Equal(t, []minislack.Kind{minislack.Connected, minislack.Left}, order)
	})
}

// A mute connection swallows what we write while its line is cut.
type mute struct {
	net.Conn
	cut *atomic.Bool
}

func (m mute) Write(p []byte) (int, error) {
	if m.cut.Load() {
		return len(p), nil
	}
	return m.Conn.Write(p)
}

// P07: a socket on which nothing comes any more is left after half a minute. One
// whose Slack does not ping is kept: it answers our pings.
func TestASilentSocketIsReplaced(t *testing.T) {
	bubble(t, func(t *testing.T, s *minislack.Server) {
		var cut, later atomic.Bool
		r := start(t, s, socket.Config{Sockets: 1, Dialer: &websocket.Dialer{
			NetDialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
				c, err := s.Dial(ctx, network, address)
				if later.Swap(true) {
					return c, err
				}
				return mute{c, &cut}, err // the first one alone
			},
		}})
		sockets(t, s, 1)
		time.Sleep(5 * time.Minute)
		require.Equal(t, 1, s.Calls("link"), "pings keep it")
		s.StopPings(true)
		time.Sleep(5 * time.Minute)
		require.Equal(t, 1, s.Calls("link"), "our own pings keep it")
		cut.Store(true)
		time.Sleep(35 * time.Second)
		s.StopPings(false)
		synctest.Wait()
		require.Equal(t, 2, s.Calls("link"))
		require.Contains(t, fmt.Sprint(r.up), "1 0 1", "readiness saw it")
	})
}

// A socket that is cut without a word is replaced, by one that is cut again.
func TestBrokenSocketsAreReplacedWithGrowingWaits(t *testing.T) {
	bubble(t, func(t *testing.T, s *minislack.Server) {
		start(t, s, socket.Config{Sockets: 1})
		sockets(t, s, 1)
		for range 300 {
			time.Sleep(time.Second)
			s.DropSockets()
		}
		opened := s.Calls("apps.connections.open")
		require.Less(t, opened, 25, "no storm in five minutes")
		require.Greater(t, opened, 8, "and no giving up")
		time.Sleep(time.Minute)
		require.Equal(t, 1, s.Sockets())
	})
}

// P10: fifty refusals are not the end, and no storm.
func TestRefusedConnectionsAreTriedAgain(t *testing.T) {
	bubble(t, func(t *testing.T, s *minislack.Server) {
		s.RefuseConnections(50)
		began := time.Now()
		r := start(t, s, socket.Config{Sockets: 1})
		time.Sleep(time.Minute)
		require.Less(t, s.Calls("apps.connections.open"), 12, "in the first minute")
		require.Zero(t, r.lastUp())
		sockets(t, s, 1)
		require.Equal(t, 51, s.Calls("link"))
		require.Less(t, time.Since(began), 40*time.Minute)
		_, err := s.As("alice").Slash(channel, command, "help")
		require.NoError(t, err)
	})
}

func TestSlacksRetryAfterIsObeyed(t *testing.T) {
	bubble(t, func(t *testing.T, s *minislack.Server) {
		s.RateLimit("apps.connections.open", 90*time.Second, 1)
		start(t, s, socket.Config{Sockets: 1})
		time.Sleep(89 * time.Second)
		require.Equal(t, 1, s.Calls("apps.connections.open"))
		time.Sleep(2 * time.Second)
		require.Equal(t, 1, s.Sockets())
	})
}

func TestFailuresOfSlackAreTriedAgain(t *testing.T) {
	bubble(t, func(t *testing.T, s *minislack.Server) {
		s.FailNext("apps.connections.open", "internal_error", 3)
		s.HTTPFail("apps.connections.open", 503, 3)
		s.LoseAnswer("apps.connections.open", 3)
		s.HTTPFail("link", 404, 3)
		s.Delay("apps.connections.open", 2*time.Minute, 1)
		start(t, s, socket.Config{Sockets: 1})
		sockets(t, s, 1)
		_, err := s.As("alice").Slash(channel, command, "help")
		require.NoError(t, err)
	})
}

// An app that has its ten sockets already waits its turn.
func TestTooManySocketsIsNoStorm(t *testing.T) {
	bubble(t, func(t *testing.T, s *minislack.Server) {
		s.GhostSockets(10)
		r := start(t, s, socket.Config{Sockets: 1})
		time.Sleep(5 * time.Minute)
		require.Less(t, s.Calls("apps.connections.open"), 25)
		require.Contains(t, r.log.String(), "too_many_websockets")
		s.GhostSockets(0)
		time.Sleep(time.Minute)
		require.Equal(t, 1, s.Sockets())
	})
}

// Socket Mode that is switched off says so, and can be switched on again.
func TestALinkThatIsDisabledIsNamed(t *testing.T) {
	bubble(t, func(t *testing.T, s *minislack.Server) {
		r := start(t, s, socket.Config{Sockets: 1})
		sockets(t, s, 1)
		s.Disconnect("link_disabled")
		time.Sleep(20 * time.Second)
		require.Contains(t, r.log.String(), "switch Socket Mode on")
		require.Equal(t, 1, s.Sockets())
	})
}

// P13: an old, forgotten process shows in the number of sockets.
func TestManyConnectionsAreReported(t *testing.T) {
	for _, ghosts := range []int{7, 8} {
		t.Run(fmt.Sprintf("%d others", ghosts), func(t *testing.T) {
			bubble(t, func(t *testing.T, s *minislack.Server) {
				s.GhostSockets(ghosts)
				r := start(t, s, socket.Config{Sockets: 1})
				sockets(t, s, 1)
				synctest.Wait()
				require.Equal(t, []int{ghosts + 1}, r.count)
				if ghosts < 8 {
					require.NotContains(t, r.log.String(), "is an old process still running")
				} else {
					require.Contains(t, r.log.String(), "is an old process still running")
				}
			})
		})
	}
}
