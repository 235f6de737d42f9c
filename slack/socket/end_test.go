package socket_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"countersign/internal/minislack"
	"countersign/slack/socket"
)

// P08: the bot is told to end in the middle of traffic, on real connections. What
// was taken is acknowledged, all of it.
func TestTheEndLosesNoAcknowledgement(t *testing.T) {
	for range 10 {
		endInTraffic(t)
	}
	goleak.VerifyNone(t)
}

func endInTraffic(t *testing.T) {
	s := minislack.New()
	require.NoError(t, s.Start("127.0.0.1:0"))
	s.Example()
	s.AcksOnSameSocketOnly(true)
	var handled atomic.Int64
	r := start(t, s, socket.Config{SecondAfter: time.Millisecond,
		Handle: func(ctx context.Context, _ socket.Envelope, ack socket.Ack) {
			time.Sleep(time.Duration(handled.Add(1)%5) * time.Millisecond)
			assert.NoError(t, ack(ctx, answer("done")))
		}})
	sockets(t, s, 2)
	var people sync.WaitGroup
	for range 40 {
		people.Go(func() {
			for {
				if _, err := s.As("alice").Slash(channel, command, "help"); err != nil {
					return
				}
			}
		})
	}
	_, err := s.Await(t.Context(), func(e minislack.Event) bool { return e.Kind == minislack.Acked && e.N > 100 })
	require.NoError(t, err)
	r.stop()
	<-r.over
	require.NoError(t, r.err)
	_, err = s.Await(t.Context(), func(minislack.Event) bool { return s.Sockets() == 0 })
	require.NoError(t, err)
	s.Close() // ends the waiting of those who came too late
	people.Wait()
	acked := 0
	for _, e := range s.Since(0) {
		if e.Kind == minislack.Acked || e.Kind == minislack.AckIgnored { // late on a busy machine, and not lost
			acked++
		}
	}
	require.EqualValues(t, handled.Load(), acked)
}

func TestTheEndWaitsForHandlersAndClosesSocketsFirst(t *testing.T) {
	bubble(t, func(t *testing.T, s *minislack.Server) {
		var finished atomic.Bool
		r := start(t, s, socket.Config{Handle: func(ctx context.Context, _ socket.Envelope, ack socket.Ack) {
			time.Sleep(time.Second)
			assert.NoError(t, ack(ctx, nil))
			time.Sleep(7 * time.Second)
			assert.NoError(t, ctx.Err())
			finished.Store(true)
		}})
		sockets(t, s, 1)
		reply := make(chan error, 1)
		go func() {
			_, err := s.As("alice").Slash(channel, command, "help")
			reply <- err
		}()
		time.Sleep(500 * time.Millisecond)
		began := time.Now()
		r.stop()
		require.NoError(t, <-reply, "it was taken, so it is acknowledged")
		time.Sleep(time.Second)
		require.Zero(t, s.Sockets(), "other replicas get what comes now")
		<-r.over
		require.NoError(t, r.err)
		require.True(t, finished.Load())
		require.Equal(t, 7500*time.Millisecond, time.Since(began))
	})
}

func TestWhatComesAfterTheEndIsLeftToSlack(t *testing.T) {
	bubble(t, func(t *testing.T, s *minislack.Server) {
		release := make(chan struct{})
		var handled atomic.Int64
		r := start(t, s, socket.Config{Handle: func(ctx context.Context, _ socket.Envelope, ack socket.Ack) {
			handled.Add(1)
			<-release
			_ = ack(ctx, nil)
		}})
		sockets(t, s, 1)
		card := r.card(t, s)
		first := make(chan error, 1)
		go func() { first <- s.As("bob").ClickThrough(card, "Approve") }()
		time.Sleep(time.Second)
		r.stop()
		time.Sleep(100 * time.Millisecond)
		second := make(chan error, 1)
		go func() { second <- s.As("carol").ClickThrough(card, "Approve") }()
		time.Sleep(100 * time.Millisecond)
		close(release)
		require.NoError(t, <-first)
		require.ErrorIs(t, <-second, minislack.ErrWarned, "Carol sees it")
		require.EqualValues(t, 1, handled.Load())
		require.Contains(t, r.log.String(), "came too late")
	})
}

func TestAHandlerThatIsTooSlowIsCancelledAtTheEnd(t *testing.T) {
	bubble(t, func(t *testing.T, s *minislack.Server) {
		var late error
		r := start(t, s, socket.Config{Grace: 3 * time.Second,
			Handle: func(ctx context.Context, _ socket.Envelope, ack socket.Ack) {
				<-ctx.Done()
				late = ack(context.WithoutCancel(ctx), nil)
			}})
		sockets(t, s, 1)
		go func() { _ = s.As("bob").ClickThrough(r.card(t, s), "Approve") }()
		time.Sleep(time.Second)
		began := time.Now()
		r.stop()
		<-r.over
		require.NoError(t, r.err)
		require.Equal(t, 7*time.Second, time.Since(began), "four for the acknowledgement, three of grace")
		require.ErrorIs(t, late, socket.ErrGone)
		require.Contains(t, r.log.String(), "not everything is acknowledged")
	})
}

func TestAHandlerThatDoesNotEndIsReported(t *testing.T) {
	bubble(t, func(t *testing.T, s *minislack.Server) {
		release := make(chan struct{})
		r := start(t, s, socket.Config{Grace: 3 * time.Second,
			Handle: func(ctx context.Context, _ socket.Envelope, ack socket.Ack) {
				_ = ack(ctx, nil)
				<-release
			}})
		sockets(t, s, 1)
		require.NoError(t, s.As("bob").ClickThrough(r.card(t, s), "Approve"))
		r.stop()
		<-r.over
		require.ErrorContains(t, r.err, "did not end within 6s")
		close(release)
	})
}

func TestTheEndComesAtOnceWhileNothingIsConnected(t *testing.T) {
	bubble(t, func(t *testing.T, s *minislack.Server) {
		s.Outage(true)
		r := start(t, s, socket.Config{})
		time.Sleep(10 * time.Minute)
		began := time.Now()
		r.stop()
		<-r.over
		require.NoError(t, r.err)
		require.Zero(t, time.Since(began))
	})
}
