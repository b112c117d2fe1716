package queue

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"syscall"
	"testing"
	"time"
)

// pair returns both ends of a connection; ours was dialed.
func pair(t *testing.T) (ours net.Conn, theirs *net.TCPConn) {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ours, err = dialer{connectTimeout}.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ours.Close()
		c.Close()
	})
	return ours, c.(*net.TCPConn)
}

func TestSocketCarriesEverything(t *testing.T) {
	for _, size := range []int{1, 300, 64 << 10, 5<<20 + 1} {
		ours, theirs := pair(t)
		go func() {
			io.Copy(theirs, theirs)
			theirs.CloseWrite()
		}()
		sent := make([]byte, size)
		for i := range sent {
			sent[i] = byte(rand.Uint32())
		}
		go func() {
			for rest := sent; len(rest) > 0; {
				n := 1 + rand.N(min(len(rest), 2<<20))
				if m, err := ours.Write(rest[:n]); m != n || err != nil {
					t.Errorf("%d bytes of %d are written, %v", m, n, err)
				}
				rest = rest[n:]
			}
			ours.(interface{ CloseWrite() error }).CloseWrite()
		}()
		if got, err := io.ReadAll(ours); err != nil || !bytes.Equal(got, sent) {
			t.Errorf("%d bytes: %d came back, %v", size, len(got), err)
		}
	}
}

func TestSocketErrors(t *testing.T) {
	read := func(c net.Conn) error {
		_, err := c.Read(make([]byte, 10))
		return err
	}
	write := func(c net.Conn) error { // more than fits into the system's buffers
		_, err := c.Write(make([]byte, 64<<20))
		return err
	}
	reset := func(ours net.Conn, theirs *net.TCPConn) {
		ours.Write([]byte("unread"))
		theirs.SetLinger(0)
		theirs.Close()
	}
	for name, test := range map[string]struct {
		cause func(ours net.Conn, theirs *net.TCPConn)
		call  func(net.Conn) error
		want  error
	}{
		"end":                {func(_ net.Conn, theirs *net.TCPConn) { theirs.Close() }, read, io.EOF},
		"reset":              {reset, read, syscall.ECONNRESET},
		"closed":             {func(ours net.Conn, _ *net.TCPConn) { ours.Close() }, read, net.ErrClosed},
		"closed, to write":   {func(ours net.Conn, _ *net.TCPConn) { ours.Close() }, write, net.ErrClosed},
		"closed meanwhile":   {func(ours net.Conn, _ *net.TCPConn) { time.AfterFunc(time.Millisecond, func() { ours.Close() }) }, read, net.ErrClosed},
		"deadline":           {func(ours net.Conn, _ *net.TCPConn) { ours.SetDeadline(time.Now().Add(time.Millisecond)) }, read, os.ErrDeadlineExceeded},
		"deadline, to write": {func(ours net.Conn, _ *net.TCPConn) { ours.SetDeadline(time.Now().Add(time.Millisecond)) }, write, os.ErrDeadlineExceeded},
	} {
		t.Run(name, func(t *testing.T) {
			ours, theirs := pair(t)
			test.cause(ours, theirs)
			if err := test.call(ours); !errors.Is(err, test.want) {
				t.Errorf("%v, want %v", err, test.want)
			}
		})
	}
}

// Who dials knows for how long.
func TestSocketDialTimeout(t *testing.T) {
	if _, err := (dialer{time.Nanosecond}).Dial("tcp", "127.0.0.1:1"); !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("%v, want a time-out", err)
	}
}
