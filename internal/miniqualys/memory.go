package miniqualys

import (
	"context"
	"errors"
	"net"
	"sync"
)

// errClosed answers a dial of a server that does not run.
var errClosed = errors.New("miniqualys: connection refused: the server is not running")

// memory is a listener whose connections never leave the process.
type memory struct {
	dialled chan net.Conn
	closed  chan struct{}
	once    sync.Once
}

func newMemory() *memory {
	return &memory{dialled: make(chan net.Conn), closed: make(chan struct{})}
}

func (m *memory) dial(ctx context.Context) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case m.dialled <- server:
		return client, nil
	case <-m.closed:
		return nil, errClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Accept, Close and Addr make it a [net.Listener].
func (m *memory) Accept() (net.Conn, error) {
	select {
	case c := <-m.dialled:
		return c, nil
	case <-m.closed:
		return nil, net.ErrClosed
	}
}

func (m *memory) Close() error {
	m.once.Do(func() { close(m.closed) })
	return nil
}

func (m *memory) Addr() net.Addr {
	return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: memoryPort}
}
