package minislack_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/internal/minislack"
)

// Everything runs in a synctest bubble: hours of pings, a command, a form of time
// that costs nothing, and no goroutine left at the end.
func TestAWholeConversationRunsInABubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := minislack.RunInMemoryT(t)
		s.Example()
		a := appOn(t, s)
		l := a.open()
		began := time.Now()

		time.Sleep(17 * time.Minute)
		synctest.Wait()
		assert.Equal(t, 1, s.Sockets(), "pings and pongs kept the socket alive")

		l.answer(func(e envelope) any { return obj{"text": "Looking up " + e.Payload["text"].(string)} })
		ack, err := s.As("alice").Slash("#qualys-admin", "/qualys-users", "find company=A&B")
		require.NoError(t, err)
		assert.Equal(t, "Looking up find company=A&B", ack.Text)

		time.Sleep(5 * time.Hour) // past the routine recycling
		synctest.Wait()
		assert.Zero(t, s.Sockets())
		assert.Equal(t, 5*time.Hour+17*time.Minute, time.Since(began))
	})
}

// Nobody acknowledges: the person learns it after exactly three seconds.
func TestThreeSecondsAreThreeSecondsInABubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := minislack.RunInMemoryT(t)
		s.Example()
		a := appOn(t, s)
		a.open()
		began := time.Now()
		_, err := s.As("alice").Slash("#qualys-admin", "/qualys-users", "help")
		require.ErrorIs(t, err, minislack.ErrOperationTimeout)
		assert.Equal(t, 3*time.Second, time.Since(began))
		assert.Equal(t, `/qualys-users failed with the error: operation_timeout`, err.Error())
	})
}

// A client that stops reading loses its connection and does not hang the server.
func TestADeafClientIsCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := minislack.RunInMemoryT(t)
		s.Example()
		a := appOn(t, s)
		conn, err := a.dial(a.ticket())
		require.NoError(t, err)
		defer conn.CloseNow()
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		assert.Zero(t, s.Sockets())
	})
}

// Dialing another host is a mistake that says so.
func TestDialKnowsItsOwnAddressOnly(t *testing.T) {
	s := minislack.NewInMemory()
	defer s.Close()
	_, err := s.Dial(t.Context(), "tcp", "slack.com:443")
	assert.ErrorContains(t, err, "dialed slack.com:443, but this workspace is at 127.0.0.1:1")
}

// After Close a dial is refused, as by a port nobody listens on.
func TestNobodyAnswersAfterClose(t *testing.T) {
	s := minislack.NewInMemory()
	s.Close()
	_, err := s.Dial(t.Context(), "tcp", "127.0.0.1:1")
	assert.ErrorContains(t, err, "connection refused")
	s.Close() // twice is fine
}
