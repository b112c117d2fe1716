package rpc

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"syscall"
)

// The bounds of an answer.
const (
	MaxRows  = 10_000
	MaxBytes = 768 << 10 // as JSON
)

// maxRaw bounds, in bytes, what is read from a service in answer to one request, so that no answer fills the memory
// before it is found too large.
const maxRaw = 16 << 20

var errRaw = errors.New("the service's answer is too large to be read")

func tooManyRows() *Error {
	return errorf(TooLarge, "the result has more than %d rows: ask for fewer, for example with LIMIT", MaxRows)
}

func tooManyBytes() *Error {
	return errorf(TooLarge, "the result has more than %d bytes: ask for less", MaxBytes)
}

type dialer func(ctx context.Context, network, address string) (net.Conn, error)

// bounded has what is read from a connection between two writes bounded by [maxRaw].
func bounded(dial dialer) dialer {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		b := &boundedConn{Conn: conn}
		if raw, ok := conn.(syscall.Conn); ok { // drivers look by it whether an idle connection is still alive
			return &boundedSocket{b, raw}, nil
		}
		return b, nil
	}
}

// boundedConn counts what is read since the last write; drivers send a request and read its answer, or read on while a
// write is slow.
type boundedConn struct {
	net.Conn
	read atomic.Int64
}

func (c *boundedConn) Write(b []byte) (int, error) {
	c.read.Store(0)
	return c.Conn.Write(b)
}

func (c *boundedConn) Read(b []byte) (int, error) {
	if c.read.Load() > maxRaw {
		return 0, errRaw
	}
	n, err := c.Conn.Read(b)
	c.read.Add(int64(n))
	return n, err
}

// boundedSocket is a boundedConn whose driver may look at the socket.
type boundedSocket struct {
	*boundedConn
	raw syscall.Conn
}

// SyscallConn returns the socket.
func (c *boundedSocket) SyscallConn() (syscall.RawConn, error) { return c.raw.SyscallConn() }
