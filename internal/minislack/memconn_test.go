package minislack

import (
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What was written before the close is still read; then it ends.
func TestAPipeDrainsBeforeItEnds(t *testing.T) {
	here, there := newPipe()
	_, err := here.Write([]byte("hello"))
	require.NoError(t, err)
	require.NoError(t, here.Close())
	all, err := io.ReadAll(there)
	require.NoError(t, err)
	assert.Equal(t, "hello", string(all))
	_, err = there.Write([]byte("x"))
	assert.ErrorIs(t, err, syscall.EPIPE)
	_, err = here.Read(make([]byte, 1))
	assert.ErrorIs(t, err, net.ErrClosed)
	_, err = here.Write([]byte("x"))
	assert.ErrorIs(t, err, net.ErrClosed)
}

// A writer waits for room, a reader for bytes, and both for a deadline at most.
func TestAPipeWaitsForADeadlineAtMost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		here, there := newPipe()
		began := time.Now()
		require.NoError(t, here.SetDeadline(began.Add(time.Second)))
		_, err := here.Read(make([]byte, 1))
		assert.ErrorIs(t, err, os.ErrDeadlineExceeded)
		assert.Equal(t, time.Second, time.Since(began))

		require.NoError(t, here.SetDeadline(time.Now().Add(time.Second)))
		n, err := here.Write(make([]byte, pipeSize+1))
		assert.ErrorIs(t, err, os.ErrDeadlineExceeded)
		assert.Equal(t, pipeSize, n)
		assert.Equal(t, 2*time.Second, time.Since(began))

		require.NoError(t, here.SetDeadline(time.Time{}))
		done := make(chan error)
		go func() { _, err := here.Write([]byte("x")); done <- err }()
		synctest.Wait()
		_, err = there.Read(make([]byte, 10))
		require.NoError(t, err)
		require.NoError(t, <-done)
	})
}

// A deadline in the past wakes who waits already: net/http interrupts reads with it.
func TestADeadlineInThePastInterrupts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		here, _ := newPipe()
		done := make(chan error)
		go func() { _, err := here.Read(make([]byte, 1)); done <- err }()
		synctest.Wait()
		require.NoError(t, here.SetReadDeadline(time.Unix(1, 0)))
		assert.ErrorIs(t, <-done, os.ErrDeadlineExceeded)
	})
}
