package socket_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"
	"github.com/slack-go/slack"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/internal/minislack"
	"countersign/slack/socket"
)

const (
	channel = "#qualys-admin"
	command = "/qualys-users"
)

// A logbook keeps what the receiver logged.
type logbook struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logbook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// A running receiver and what it told.
type running struct {
	api  *slack.Client
	log  *logbook
	stop context.CancelFunc
	over chan struct{} // closed when Run returned
	err  error         // of Run, after over

	mu    sync.Mutex
	up    []int // what Connected heard
	count []int // what Connections heard
}

// start runs a receiver against a workspace until the test ends or stop is called.
func start(t *testing.T, s *minislack.Server, cfg socket.Config) *running {
	t.Helper()
	client := s.HTTPClient()
	r := &running{log: &logbook{}, over: make(chan struct{})}
	r.api = slack.New(minislack.BotToken, slack.OptionAPIURL(s.URL()),
		slack.OptionAppLevelToken(minislack.AppToken), slack.OptionHTTPClient(client))
	cfg.API = r.api
	if cfg.Dialer == nil {
		cfg.Dialer = &websocket.Dialer{NetDialContext: s.Dial}
	}
	cfg.Log = slog.New(slog.NewTextHandler(r.log, nil))
	cfg.Connected = func(n int) { r.mu.Lock(); defer r.mu.Unlock(); r.up = append(r.up, n) }
	cfg.Connections = func(n int) { r.mu.Lock(); defer r.mu.Unlock(); r.count = append(r.count, n) }
	if cfg.Handle == nil {
		cfg.Handle = func(ctx context.Context, _ socket.Envelope, ack socket.Ack) { _ = ack(ctx, nil) }
	}
	ctx, cancel := context.WithCancel(t.Context())
	r.stop = cancel
	receiver := socket.New(cfg)
	go func() {
		defer close(r.over)
		r.err = receiver.Run(ctx)
		client.CloseIdleConnections()
	}()
	t.Cleanup(func() { cancel(); <-r.over })
	return r
}

// sockets waits until so many of them are open.
func sockets(t *testing.T, s *minislack.Server, n int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	require.NoError(t, s.AwaitConnected(ctx, n))
}

func (r *running) lastUp() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.up) == 0 {
		return 0
	}
	return r.up[len(r.up)-1]
}

// card posts a message with one button, "Approve".
func (r *running) card(t *testing.T, s *minislack.Server) minislack.Ref {
	t.Helper()
	button := slack.NewButtonBlockElement("approve", "K7F3Q", slack.NewTextBlockObject("plain_text", "Approve", false, false))
	id, ts, err := r.api.PostMessageContext(t.Context(), s.Channel(channel).ID,
		slack.MsgOptionText("Approve?", false), slack.MsgOptionBlocks(slack.NewActionBlock("", button)))
	require.NoError(t, err)
	return minislack.Ref{Channel: id, TS: ts}
}

// bubble runs a test in memory, where time costs nothing.
func bubble(t *testing.T, test func(t *testing.T, s *minislack.Server)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := minislack.RunInMemoryT(t)
		s.Example()
		test(t, s)
	})
}

func answer(text string) map[string]string { return map[string]string{"text": text} }

func TestACommandIsAnsweredInItsAcknowledgement(t *testing.T) {
	bubble(t, func(t *testing.T, s *minislack.Server) {
		start(t, s, socket.Config{Handle: func(ctx context.Context, e socket.Envelope, ack socket.Ack) {
			assert.Equal(t, socket.KindSlash, e.Kind)
			assert.True(t, e.Answerable)
			assert.Zero(t, time.Since(e.Received))
			assert.NoError(t, ack(ctx, answer("You typed "+e.Slash.Text+".")))
		}})
		sockets(t, s, 1)
		ack, err := s.As("alice").Slash(channel, command, "help")
		require.NoError(t, err)
		require.Equal(t, "You typed help.", ack.Text)
	})
}

func TestAClickArrives(t *testing.T) {
	bubble(t, func(t *testing.T, s *minislack.Server) {
		var got []socket.Envelope
		r := start(t, s, socket.Config{Handle: func(ctx context.Context, e socket.Envelope, ack socket.Ack) {
			got = append(got, e)
			assert.NoError(t, ack(ctx, nil))
		}})
		sockets(t, s, 1)
		require.NoError(t, s.As("bob").ClickThrough(r.card(t, s), "Approve"))
		synctest.Wait()
		require.Len(t, got, 1)
		require.Equal(t, socket.KindInteraction, got[0].Kind)
		require.Equal(t, "K7F3Q", got[0].Interaction.ActionCallback.BlockActions[0].Value)
	})
}

func TestTheSecondSocketOpensLater(t *testing.T) {
	bubble(t, func(t *testing.T, s *minislack.Server) {
		r := start(t, s, socket.Config{SecondAfter: time.Minute})
		time.Sleep(59 * time.Second)
		require.Equal(t, 1, s.Sockets())
		time.Sleep(2 * time.Second)
		require.Equal(t, 2, s.Sockets())
		require.Equal(t, 2, r.lastUp())
		r.stop()
		<-r.over
		require.NoError(t, r.err)
		require.Equal(t, 0, r.lastUp())
		time.Sleep(time.Second)
		require.Equal(t, 0, s.Sockets())
	})
}

// The payload of an acknowledgement is below 20 KB, or Slack ignores it.
func TestABigAcknowledgementBecomesAPlainOneAndIsReported(t *testing.T) {
	bubble(t, func(t *testing.T, s *minislack.Server) {
		sizes := []int{19_000, 20_470, 20_480, 100_000}
		var errs []error
		r := start(t, s, socket.Config{Handle: func(ctx context.Context, _ socket.Envelope, ack socket.Ack) {
			errs = append(errs, ack(ctx, answer(strings.Repeat("x", sizes[len(errs)]))))
		}})
		sockets(t, s, 1)
		for i := range sizes {
			ack, err := s.As("alice").Slash(channel, command, "help")
			require.NoError(t, err, "acknowledged all the same")
			synctest.Wait()
			if i == 0 {
				require.NoError(t, errs[i])
				require.Len(t, ack.Text, sizes[i])
				continue
			}
			require.ErrorIs(t, errs[i], socket.ErrTooBig, "with %d bytes", sizes[i])
			require.Empty(t, ack.Text)
		}
		require.Contains(t, r.log.String(), "an acknowledgement went wrong")
	})
}

// Escapes for HTML would make six bytes of every < and >.
func TestMarkupDoesNotMakeAnAcknowledgementBigger(t *testing.T) {
	bubble(t, func(t *testing.T, s *minislack.Server) {
		text := strings.Repeat("<&>", 3000)
		start(t, s, socket.Config{Handle: func(ctx context.Context, _ socket.Envelope, ack socket.Ack) {
			assert.NoError(t, ack(ctx, answer(text)))
		}})
		sockets(t, s, 1)
		_, err := s.As("alice").Slash(channel, command, "help")
		require.NoError(t, err)
	})
}

func TestAPayloadThatIsNoJSONStillAcknowledges(t *testing.T) {
	bubble(t, func(t *testing.T, s *minislack.Server) {
		var got error
		start(t, s, socket.Config{Handle: func(ctx context.Context, _ socket.Envelope, ack socket.Ack) {
			got = ack(ctx, func() {})
		}})
		sockets(t, s, 1)
		_, err := s.As("alice").Slash(channel, command, "help")
		require.NoError(t, err)
		synctest.Wait()
		require.ErrorContains(t, got, "payload of an acknowledgement")
	})
}

func TestAnEnvelopeIsAcknowledgedOnce(t *testing.T) {
	bubble(t, func(t *testing.T, s *minislack.Server) {
		var second error
		start(t, s, socket.Config{Handle: func(ctx context.Context, _ socket.Envelope, ack socket.Ack) {
			assert.NoError(t, ack(ctx, answer("first")))
			second = ack(ctx, answer("second"))
		}})
		sockets(t, s, 1)
		ack, err := s.As("alice").Slash(channel, command, "help")
		require.NoError(t, err)
		require.Equal(t, "first", ack.Text)
		synctest.Wait()
		require.ErrorIs(t, second, socket.ErrAcked)
	})
}

func TestAHandlerThatForgetsToAcknowledgeIsHelped(t *testing.T) {
	bubble(t, func(t *testing.T, s *minislack.Server) {
		r := start(t, s, socket.Config{Handle: func(context.Context, socket.Envelope, socket.Ack) {}})
		sockets(t, s, 1)
		require.NoError(t, s.As("bob").ClickThrough(r.card(t, s), "Approve"))
		synctest.Wait()
		require.Contains(t, r.log.String(), "left an envelope without an answer")
	})
}

// A budget that is used up is no reason to let the person see an error of Slack's.
func TestAnAcknowledgementGoesOutAlthoughItsContextEnded(t *testing.T) {
	bubble(t, func(t *testing.T, s *minislack.Server) {
		start(t, s, socket.Config{Handle: func(ctx context.Context, e socket.Envelope, ack socket.Ack) {
			ctx, cancel := context.WithDeadline(ctx, e.Received.Add(2*time.Second))
			defer cancel()
			<-ctx.Done()
			assert.NoError(t, ack(ctx, answer("Press again.")))
		}})
		sockets(t, s, 1)
		ack, err := s.As("alice").Slash(channel, command, "help")
		require.NoError(t, err)
		require.Equal(t, "Press again.", ack.Text)
	})
}

func TestALateAcknowledgementIsLogged(t *testing.T) {
	bubble(t, func(t *testing.T, s *minislack.Server) {
		r := start(t, s, socket.Config{Handle: func(ctx context.Context, _ socket.Envelope, ack socket.Ack) {
			time.Sleep(4 * time.Second)
			assert.NoError(t, ack(ctx, nil), "it was written, Slack's patience is another matter")
		}})
		sockets(t, s, 1)
		_, err := s.As("alice").Slash(channel, command, "help")
		require.True(t, errors.Is(err, minislack.ErrOperationTimeout), "Slash = %v, want ErrOperationTimeout", err)
		time.Sleep(2 * time.Second)
		require.Contains(t, r.log.String(), "an acknowledgement was late")
	})
}
