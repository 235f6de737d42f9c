package minislack_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/internal/minislack"
)

// A ticket opens one socket, soon.
func TestATicketIsSingleUseAndShortLived(t *testing.T) {
	bubble(t, func(t *testing.T, s *minislack.Server, a *app) {
		ticket := a.ticket()
		conn, err := a.dial(ticket)
		require.NoError(t, err)
		defer conn.CloseNow()
		_, err = a.dial(ticket)
		assert.ErrorContains(t, err, "409")
		_, err = a.dial(strings.Replace(ticket, "ticket-", "ticket-forged", 1))
		assert.ErrorContains(t, err, "409")
		old := a.ticket()
		time.Sleep(31 * time.Second)
		_, err = a.dial(old)
		assert.ErrorContains(t, err, "409")

		s.RefuseConnections(2)
		for range 2 {
			_, err = a.dial(a.ticket())
			assert.ErrorContains(t, err, "409")
		}
		s.HTTPFail("link", http.StatusServiceUnavailable, 1)
		_, err = a.dial(a.ticket())
		assert.ErrorContains(t, err, "503")
		a.open()
	})
}

// The greeting counts every connection Slack believes in; the eleventh is sent away.
func TestTenSocketsAtMost(t *testing.T) {
	s, a := install(t)
	s.GhostSockets(3)
	for n := range 7 {
		hello := a.connect().next()
		assert.Equal(t, "hello", hello.Type)
		assert.Equal(t, n+4, hello.Count)
	}
	l := a.connect()
	first := l.next()
	assert.Equal(t, "disconnect", first.Type)
	assert.Equal(t, "too_many_websockets", first.Reason)
	_, open := <-l.frames
	assert.False(t, open)
	assert.Equal(t, 7, s.Sockets())
}

// Pings come every ten seconds, until they are stopped.
func TestPingsComeEveryTenSeconds(t *testing.T) {
	bubble(t, func(t *testing.T, s *minislack.Server, a *app) {
		pings := make(chan time.Time, 100)
		conn, _, err := websocket.Dial(t.Context(), a.ticket(), &websocket.DialOptions{
			HTTPClient:     a.http,
			OnPingReceived: func(context.Context, []byte) bool { pings <- time.Now(); return true },
		})
		require.NoError(t, err)
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			for {
				if _, _, err := conn.Read(context.Background()); err != nil {
					return
				}
			}
		}()
		time.Sleep(time.Minute)
		synctest.Wait()
		assert.InDelta(t, 6, len(pings), 1)
		for len(pings) > 0 {
			<-pings
		}
		s.StopPings(true)
		time.Sleep(time.Minute)
		synctest.Wait()
		assert.Empty(t, pings)
		assert.Equal(t, 1, s.Sockets(), "only silent, not gone")
		_ = conn.CloseNow()
		<-ended
	})
}

// An envelope goes to one socket, any of them; the seed decides.
func TestEachEnvelopeGoesToOneSocket(t *testing.T) {
	counts := func(seed uint64) []int {
		s, a := install(t)
		got := make([]int, 3)
		for n := range got {
			l := a.open()
			l.answer(func(envelope) any { got[n]++; return nil })
		}
		s.Seed(seed)
		for range 30 {
			_, err := s.As("alice").Slash(channel, "/qualys-users", "help")
			require.NoError(t, err)
		}
		return got
	}
	first, second := counts(1), counts(1)
	assert.Equal(t, first, second)
	total := 0
	for _, n := range first {
		assert.NotZero(t, n)
		total += n
	}
	assert.Equal(t, 30, total)
}

// After a disconnect frame a socket gets nothing more, though it stays for ten seconds.
func TestNothingIsDeliveredAfterDisconnect(t *testing.T) {
	bubble(t, func(t *testing.T, s *minislack.Server, a *app) {
		old := a.open()
		s.Disconnect("warning")
		assert.Equal(t, "warning", old.next().Reason)
		_, err := s.As("alice").Slash(channel, "/qualys-users", "help")
		assert.ErrorIs(t, err, minislack.ErrDispatchFailed)

		fresh := a.open()
		fresh.answer(quiet)
		_, err = s.As("alice").Slash(channel, "/qualys-users", "help")
		require.NoError(t, err)
		assert.Equal(t, "refresh_requested", old.next().Reason)
		_, open := <-old.frames
		assert.False(t, open, "the old socket ends")
		synctest.Wait()
		assert.Equal(t, 1, s.Sockets())
	})
}

// A socket is recycled at the end of its life, after six minutes when debugging.
func TestSocketsAreRecycled(t *testing.T) {
	bubble(t, func(t *testing.T, s *minislack.Server, a *app) {
		s.SetConnectionTime(time.Hour)
		began := time.Now()
		l := a.open()
		assert.Equal(t, "warning", longNext(l).Reason)
		assert.Equal(t, time.Hour-10*time.Second, time.Since(began))
		assert.Equal(t, "refresh_requested", longNext(l).Reason)

		conn, err := a.dial(a.ticket() + "&debug_reconnects=true")
		require.NoError(t, err)
		defer conn.CloseNow()
		began = time.Now()
		for {
			if _, _, err := conn.Read(t.Context()); err != nil {
				break
			}
		}
		assert.Equal(t, 361*time.Second, time.Since(began))
	})
}

// longNext is next without a time limit, for bubbles.
func longNext(l *line) envelope { return <-l.frames }

// Dropped sockets end without a word.
func TestDroppedSocketsEndWithoutAWord(t *testing.T) {
	s, a := install(t)
	l := a.open()
	s.DropSockets()
	_, open := <-l.frames
	assert.False(t, open)
	_, err := s.Await(t.Context(), func(e minislack.Event) bool { return e.Kind == minislack.Left })
	require.NoError(t, err)
}

// What a person sees when nobody answers.
func TestUnansweredCommandsAndClicks(t *testing.T) {
	bubble(t, func(t *testing.T, s *minislack.Server, a *app) {
		alice := s.As("alice")
		_, err := alice.Slash(channel, "/qualys-users", "help")
		assert.ErrorIs(t, err, minislack.ErrDispatchFailed)
		ts := a.post("x", "blocks", raw(t, card()))
		ref := minislack.Ref{Channel: channel, TS: ts}
		assert.ErrorIs(t, alice.ClickThrough(ref, "Approve"), minislack.ErrWarned, "no socket")

		l := a.open()
		_, err = alice.Slash(channel, "/qualys-users", "help")
		assert.ErrorIs(t, err, minislack.ErrOperationTimeout)
		assert.Equal(t, "slash_commands", l.next().Type)
		assert.ErrorIs(t, alice.ClickThrough(ref, "Approve"), minislack.ErrWarned)
		click := l.next()
		assert.Equal(t, "interactive", click.Type)
		time.Sleep(time.Hour)
		assert.Empty(t, l.frames, "a click is never delivered again")
		assert.True(t, s.Messages(channel)[0].Warned)

		l.ack(click.ID, nil)
		e, err := s.Await(t.Context(), func(e minislack.Event) bool { return e.Kind == minislack.AckIgnored })
		require.NoError(t, err)
		assert.Equal(t, "unknown or late envelope", e.Text)
	})
}

// Acknowledgements that Slack would not take are not taken.
func TestBadAcknowledgementsAreIgnored(t *testing.T) {
	for _, c := range []struct {
		name, why string
		knob      func(*minislack.Server)
		ack       func(first, second *line, e envelope)
	}{
		{"20480 bytes", "too large", nil, func(first, _ *line, e envelope) {
			first.ack(e.ID, obj{"text": strings.Repeat("x", 20480)})
		}},
		{"an unknown envelope", "unknown or late envelope", nil, func(first, _ *line, e envelope) {
			first.ack(e.ID+"x", nil)
		}},
		{"no JSON", "not JSON", nil, func(first, _ *line, e envelope) {
			_ = first.conn.Write(context.Background(), websocket.MessageText, []byte("ok"))
		}},
		{"told to", "told to ignore it", func(s *minislack.Server) { s.IgnoreAcks(1) }, func(first, _ *line, e envelope) {
			first.ack(e.ID, nil)
		}},
		{"another socket", "came on another socket", func(s *minislack.Server) { s.AcksOnSameSocketOnly(true) },
			func(_, second *line, e envelope) { second.ack(e.ID, nil) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, s *minislack.Server, a *app) {
				first, second := a.open(), a.open()
				if c.knob != nil {
					c.knob(s)
				}
				failed := make(chan error)
				go func() {
					_, err := s.As("alice").Slash(channel, "/qualys-users", "help")
					failed <- err
				}()
				var e envelope
				select {
				case e = <-first.frames:
				case e = <-second.frames:
					first, second = second, first
				}
				c.ack(first, second, e)
				assert.ErrorIs(t, <-failed, minislack.ErrOperationTimeout)
				got, err := s.Await(t.Context(), func(e minislack.Event) bool { return e.Kind == minislack.AckIgnored })
				require.NoError(t, err)
				assert.Equal(t, c.why, got.Text)
			})
		})
	}
}

// By default an acknowledgement counts on whichever socket it comes.
func TestAnotherSocketMayAcknowledge(t *testing.T) {
	s, a := install(t)
	first, second := a.open(), a.open()
	done := make(chan error)
	go func() {
		_, err := s.As("alice").Slash(channel, "/qualys-users", "help")
		done <- err
	}()
	select {
	case e := <-first.frames:
		second.ack(e.ID, nil)
	case e := <-second.frames:
		first.ack(e.ID, nil)
	}
	assert.NoError(t, <-done)
}

// An envelope can come twice, get lost, come late, or lead to a ghost.
func TestEnvelopesMisbehaveWhenToldTo(t *testing.T) {
	bubble(t, func(t *testing.T, s *minislack.Server, a *app) {
		l := a.open()
		slash := func() (minislack.Ack, error) { return s.As("alice").Slash(channel, "/qualys-users", "help") }
		twice := func(same bool) (envelope, envelope) {
			s.DuplicateNext(same)
			done := make(chan error)
			go func() { _, err := slash(); done <- err }()
			one, two := l.next(), l.next()
			l.ack(one.ID, nil)
			require.NoError(t, <-done)
			l.ack(two.ID, nil)
			return one, two
		}
		one, two := twice(true)
		assert.Equal(t, one.ID, two.ID)
		one, two = twice(false)
		assert.NotEqual(t, one.ID, two.ID)
		assert.Equal(t, one.Payload["trigger_id"], two.Payload["trigger_id"])

		s.LoseNext(1)
		_, err := slash()
		assert.ErrorIs(t, err, minislack.ErrOperationTimeout)
		assert.Empty(t, l.frames)

		s.DelayNext(2 * time.Second)
		began := time.Now()
		done := make(chan error)
		go func() { _, err := slash(); done <- err }()
		late := l.next()
		assert.Equal(t, 2*time.Second, time.Since(began))
		l.ack(late.ID, nil)
		require.NoError(t, <-done)

		s.GhostSockets(1)
		s.Disconnect("refresh_requested")
		_, err = slash()
		assert.ErrorIs(t, err, minislack.ErrOperationTimeout, "only the ghost is left")
	})
}

// Events are repeated at once, after a minute and after five, in new envelopes.
func TestEventsAreRepeated(t *testing.T) {
	bubble(t, func(t *testing.T, s *minislack.Server, a *app) {
		l := a.open()
		began := time.Now()
		id := s.SendEvent(obj{"type": "message", "text": "hi"})
		var ids []string
		var at []time.Duration
		for attempt := range 4 {
			e := longNext(l)
			assert.Equal(t, "events_api", e.Type)
			assert.Equal(t, attempt, e.Attempt)
			assert.Equal(t, id, e.Payload["event_id"])
			assert.NotContains(t, ids, e.ID)
			ids, at = append(ids, e.ID), append(at, time.Since(began))
		}
		assert.Equal(t, []time.Duration{0, 3 * time.Second, 66 * time.Second, 369 * time.Second}, at)
		_, err := s.Await(t.Context(), func(e minislack.Event) bool { return e.Kind == minislack.EventLost && e.Text == id })
		require.NoError(t, err)

		again := s.SendRetry(obj{"type": "message"}, 1)
		e := longNext(l)
		assert.Equal(t, 1, e.Attempt)
		l.ack(e.ID, nil)
		_, err = s.Await(t.Context(), func(e minislack.Event) bool { return e.Kind == minislack.EventDone && e.Text == again })
		require.NoError(t, err)

		assert.True(t, s.SendRaw([]byte(`{"type":"made_up","envelope_id":"e1"}`)))
		assert.Equal(t, "made_up", longNext(l).Type)
	})
}
