package socket_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/internal/minislack"
	"countersign/slack/socket"
)

func TestARefusalThatWaitingDoesNotMendEndsTheRun(t *testing.T) {
	for _, code := range []string{
		"invalid_auth", "not_authed", "not_allowed_token_type", "missing_scope", "token_revoked",
		"token_expired", "account_inactive", "team_access_not_granted",
	} {
		t.Run(code, func(t *testing.T) {
			bubble(t, func(t *testing.T, s *minislack.Server) {
				s.FailNext("apps.connections.open", code, 1)
				r := start(t, s, socket.Config{})
				<-r.over
				var refusal *socket.PermanentError
				require.ErrorAs(t, r.err, &refusal)
				require.Equal(t, code, refusal.Code)
				require.Regexp(t, `^Slack refuses to open a socket: \w+\. .{20,}\.$`, refusal.Error())
				require.NotContains(t, r.err.Error(), minislack.AppToken)
				require.Equal(t, 1, s.Calls("apps.connections.open"))
			})
		})
	}
}

// A token that is revoked while the bot runs is noticed at the next socket, and
// what is under way is finished.
func TestARevokedTokenEndsTheRunInOrder(t *testing.T) {
	bubble(t, func(t *testing.T, s *minislack.Server) {
		var finished atomic.Bool
		r := start(t, s, socket.Config{Handle: func(ctx context.Context, _ socket.Envelope, ack socket.Ack) {
			assert.NoError(t, ack(ctx, nil))
			time.Sleep(5 * time.Second)
			finished.Store(true)
		}})
		sockets(t, s, 1)
		_, err := s.As("alice").Slash(channel, command, "help")
		require.NoError(t, err)
		s.RevokeTokens(true)
		s.DropSockets()
		<-r.over
		require.ErrorContains(t, r.err, "token_revoked")
		require.True(t, finished.Load(), "the handler ran to its end")
	})
}

// raw sends a frame as it is and reports whether it was acknowledged.
func raw(t *testing.T, s *minislack.Server, frame string) bool {
	t.Helper()
	from := s.Now()
	require.True(t, s.SendRaw([]byte(frame)), "no socket is open")
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	_, err := s.AwaitAfter(ctx, from, func(e minislack.Event) bool {
		return e.Kind == minislack.AckIgnored && e.Text == "unknown or late envelope"
	})
	return err == nil
}

// P03: a delivery that calls itself a retry may be the only one.
func TestARetryAloneIsHandled(t *testing.T) {
	bubble(t, func(t *testing.T, s *minislack.Server) {
		var got []socket.Envelope
		start(t, s, socket.Config{Handle: func(ctx context.Context, e socket.Envelope, ack socket.Ack) {
			got = append(got, e)
			assert.NoError(t, ack(ctx, nil))
		}})
		sockets(t, s, 1)
		require.True(t, raw(t, s, `{"envelope_id":"e1","type":"slash_commands","retry_attempt":1,"retry_reason":"timeout",
			"payload":{"command":"/qualys-users","text":"count","user_id":"U1"}}`))
		require.True(t, raw(t, s, `{"envelope_id":"e2","type":"interactive","retry_attempt":1,
			"payload":{"type":"block_actions","user":{"id":"U1"},"actions":[{"type":"button","action_id":"approve","block_id":"b1","value":"K7F3Q"}]}}`))
		synctest.Wait()
		require.Len(t, got, 2)
		require.Equal(t, "count", got[0].Slash.Text)
		require.Equal(t, "approve", got[1].Interaction.ActionCallback.BlockActions[0].ActionID)
		require.Equal(t, 1, got[0].Retry)
		require.Equal(t, 1, got[1].Retry)
	})
}

// P39, P40: no event runs anything, and none comes again.
func TestEventsAreAcknowledgedAndRunNothing(t *testing.T) {
	bubble(t, func(t *testing.T, s *minislack.Server) {
		r := start(t, s, socket.Config{Handle: func(context.Context, socket.Envelope, socket.Ack) {
			assert.Fail(t, "an event reached a handler")
		}})
		sockets(t, s, 1)
		say := map[string]any{"type": "message", "text": "/qualys-users delete id=1", "channel": "C1", "user": "U1"}
		edit := map[string]any{"type": "message", "subtype": "message_changed", "channel": "C1", "message": say}
		call := map[string]any{"type": "app_mention", "text": "<@U0BOT> delete id=1", "channel": "C1", "user": "U1"}
		ids := map[string]bool{
			s.SendEvent(say): true, s.SendEvent(edit): true, s.SendEvent(call): true, s.SendRetry(say, 2): true,
		}
		time.Sleep(10 * time.Minute)
		for _, e := range s.Since(0) {
			require.NotEqual(t, minislack.EventLost, e.Kind)
			if e.Kind == minislack.EventDone {
				delete(ids, e.Text)
			}
		}
		require.Empty(t, ids, "events without an acknowledgement")
		require.Equal(t, 4, strings.Count(r.log.String(), "an event, although none is subscribed"))
	})
}

func TestWhatCannotBeReadIsAcknowledgedAndTheSocketStays(t *testing.T) {
	frames := []struct {
		name, frame string
		acked       bool
	}{
		{"a command that is a string", `{"envelope_id":"e","type":"slash_commands","payload":"help"}`, true},
		{"a click that is a list", `{"envelope_id":"e","type":"interactive","payload":[1,2]}`, true},
		{"a click without a payload", `{"envelope_id":"e","type":"interactive"}`, true},
		{"a click with a broken block", `{"envelope_id":"e","type":"interactive","payload":{"type":"block_actions","message":{"blocks":[{"type":7}]}}}`, true},
		{"an attempt that is no number", `{"envelope_id":"e","type":"interactive","retry_attempt":"first","payload":{}}`, true},
		{"an unknown type", `{"envelope_id":"e","type":"workflow_step","payload":{}}`, true},
		{"no type", `{"envelope_id":"e"}`, true},
		{"no envelope", `{"type":"something"}`, false},
		{"no object", `[]`, false},
		{"no JSON", `hello`, false},
		{"nothing", ``, false},
	}
	for _, c := range frames {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, s *minislack.Server) {
				r := start(t, s, socket.Config{})
				sockets(t, s, 1)
				require.Equal(t, c.acked, raw(t, s, c.frame))
				_, err := s.As("alice").Slash(channel, command, "help")
				require.NoError(t, err)
				require.Equal(t, 1, s.Calls("link"), "the socket stayed")
				require.Contains(t, r.log.String(), "Slack sent ")
			})
		})
	}
}

// P02: what finds no worker in two seconds is acknowledged and told to press again.
func TestASaturatedPoolSaysBusy(t *testing.T) {
	bubble(t, func(t *testing.T, s *minislack.Server) {
		release := make(chan struct{})
		var handled, busy atomic.Int64
		r := start(t, s, socket.Config{
			Workers: 2,
			Handle: func(ctx context.Context, _ socket.Envelope, ack socket.Ack) {
				handled.Add(1)
				assert.NoError(t, ack(ctx, answer("Looking up…")))
				<-release
			},
			Busy: func(ctx context.Context, e socket.Envelope, ack socket.Ack) {
				busy.Add(1)
				assert.Equal(t, 2*time.Second, time.Since(e.Received))
				assert.NoError(t, ack(ctx, answer("I am busy. Press again.")))
			},
		})
		sockets(t, s, 1)
		var people sync.WaitGroup
		texts := make(chan string, 50)
		for range 50 {
			people.Go(func() {
				ack, err := s.As("alice").Slash(channel, command, "help")
				assert.NoError(t, err)
				texts <- ack.Text
			})
		}
		people.Wait()
		close(texts)
		said := map[string]int{}
		for text := range texts {
			said[text]++
		}
		require.Equal(t, map[string]int{"Looking up…": 2, "I am busy. Press again.": 48}, said)
		require.NoError(t, s.As("bob").ClickThrough(r.card(t, s), "Approve"), "commands keep no click waiting")
		require.EqualValues(t, 3, handled.Load())
		require.EqualValues(t, 48, busy.Load())
		close(release)
	})
}

// A flood is left to Slack, which shows it to the people; the socket stays.
func TestAFloodIsBoundedAndLogged(t *testing.T) {
	bubble(t, func(t *testing.T, s *minislack.Server) {
		release := make(chan struct{})
		var handled, busy atomic.Int64
		r := start(t, s, socket.Config{
			Workers:  1,
			Patience: time.Minute,
			Handle: func(ctx context.Context, _ socket.Envelope, ack socket.Ack) {
				handled.Add(1)
				<-release
				_ = ack(ctx, nil)
			},
			Busy: func(context.Context, socket.Envelope, socket.Ack) { busy.Add(1) },
		})
		sockets(t, s, 1)
		for i := range 1200 {
			require.True(t, s.SendRaw([]byte(fmt.Sprintf(
				`{"envelope_id":"e%d","type":"interactive","payload":{"type":"block_actions"}}`, i))))
		}
		time.Sleep(30 * time.Second)
		require.EqualValues(t, 1, handled.Load())
		require.Equal(t, 200, strings.Count(r.log.String(), "too many envelopes"))
		close(release)
		synctest.Wait()
		require.EqualValues(t, 1000, handled.Load())
		require.Zero(t, busy.Load())
		require.Equal(t, 1, s.Calls("link"), "pings were answered all the time")
	})
}

func TestAPanicReachesThePersonAndTheLog(t *testing.T) {
	bubble(t, func(t *testing.T, s *minislack.Server) {
		panics := true
		r := start(t, s, socket.Config{
			Workers: 1,
			Handle: func(ctx context.Context, _ socket.Envelope, ack socket.Ack) {
				if panics {
					panic(errors.New("no such user"))
				}
				assert.NoError(t, ack(ctx, answer("fine")))
			},
			Broken: func(ctx context.Context, _ socket.Envelope, ack socket.Ack) {
				assert.NoError(t, ack(ctx, answer("Something went wrong on my side.")))
			},
		})
		sockets(t, s, 1)
		ack, err := s.As("alice").Slash(channel, command, "help")
		require.NoError(t, err)
		require.Equal(t, "Something went wrong on my side.", ack.Text)
		require.Contains(t, r.log.String(), "no such user")
		require.Contains(t, r.log.String(), "trouble_test.go", "the stack")
		panics = false
		ack, err = s.As("alice").Slash(channel, command, "help")
		require.NoError(t, err, "its worker is free again")
		require.Equal(t, "fine", ack.Text)
	})
}

func TestAPanicEvenInTheApologyIsAcknowledged(t *testing.T) {
	bubble(t, func(t *testing.T, s *minislack.Server) {
		boom := func(context.Context, socket.Envelope, socket.Ack) { panic("boom") }
		start(t, s, socket.Config{Handle: boom, Broken: boom})
		sockets(t, s, 1)
		for range 3 {
			_, err := s.As("alice").Slash(channel, command, "help")
			require.NoError(t, err)
		}
	})
}
