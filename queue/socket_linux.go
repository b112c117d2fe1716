package queue

import (
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
	"unsafe"
)

// maxTransfer bounds what one system call moves, in bytes: the goroutine cannot be stopped meanwhile.
const maxTransfer = 256 << 10

// dialer opens connections to NATS. It implements [nats.CustomDialer].
type dialer struct {
	timeout time.Duration
}

// Dial opens a connection, over TCP one that [socket] describes.
func (d dialer) Dial(network, address string) (net.Conn, error) {
	c, err := net.DialTimeout(network, address, d.timeout)
	if err != nil {
		return nil, err
	}
	tcp, ok := c.(*net.TCPConn)
	if !ok {
		return c, nil
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return c, nil // it does without
	}
	return newSocket(tcp, raw), nil
}

// socket is a TCP connection whose system calls Go's scheduler does not hear of. A write that wakes who reads on the same
// machine takes long enough for the scheduler to hand the processor to another thread, which has to be woken, and back:
// a third of all switches between threads, and a tenth of the throughput. The descriptor never blocks, so nothing is lost.
type socket struct {
	*net.TCPConn
	raw     syscall.RawConn
	in, out transfer
}

func newSocket(tcp *net.TCPConn, raw syscall.RawConn) *socket {
	s := &socket{TCPConn: tcp, raw: raw}
	s.in.call, s.out.call = syscall.SYS_READ, syscall.SYS_WRITE
	s.in.try, s.out.try = s.in.once, s.out.once
	return s
}

// Read implements [net.Conn].
func (s *socket) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	s.in.Lock()
	defer s.in.Unlock()
	s.in.data = p
	n, err := s.end(&s.in, "read", s.raw.Read(s.in.try))
	if n == 0 && err == nil {
		err = io.EOF
	}
	return n, err
}

// Write implements [net.Conn].
func (s *socket) Write(p []byte) (written int, err error) {
	s.out.Lock()
	defer s.out.Unlock()
	for written < len(p) {
		s.out.data = p[written:]
		n, err := s.end(&s.out, "write", s.raw.Write(s.out.try))
		written += n
		if err != nil {
			return written, err
		}
	}
	return written, nil
}

// end returns what has become of a call, and forgets it. waiting is why the descriptor was not waited for, or nil.
func (s *socket) end(t *transfer, what string, waiting error) (moved int, err error) {
	moved, err = t.moved, waiting
	if err == nil && t.errno != 0 {
		err = &net.OpError{Op: what, Net: "tcp", Source: s.LocalAddr(), Addr: s.RemoteAddr(), Err: os.NewSyscallError(what, t.errno)}
	}
	t.data, t.moved, t.errno = nil, 0, 0
	return moved, err
}

// transfer is a system call that moves data, one at a time.
type transfer struct {
	sync.Mutex
	call uintptr
	try  func(fd uintptr) bool // once, made once

	data  []byte
	moved int
	errno syscall.Errno
}

// once makes the call and reports whether it is over; if not, the descriptor is not ready.
func (t *transfer) once(fd uintptr) bool {
	size := min(len(t.data), maxTransfer)
	for {
		n, _, errno := syscall.RawSyscall(t.call, fd, uintptr(unsafe.Pointer(unsafe.SliceData(t.data))), uintptr(size))
		switch errno {
		case 0:
			t.moved = int(n)
			return true
		case syscall.EAGAIN:
			return false
		case syscall.EINTR:
		default:
			t.errno = errno
			return true
		}
	}
}
