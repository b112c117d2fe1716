package edge

import (
	"net"
	"time"
)

// patientListener gives a connection as long to send its first byte as it would have between two requests. Clients
// with a pool open connections that they have no request for yet, and net/http has the time for a header run from the
// moment that one is open: the connection would be closed just when such a client takes it for a request.
type patientListener struct {
	net.Listener
	idle, header time.Duration
}

func (l *patientListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	if tcp, ok := c.(*net.TCPConn); ok {
		return &patientConn{TCPConn: tcp, listener: l}, nil
	}
	return c, nil
}

type patientConn struct {
	*net.TCPConn // net/http knows it, and ends its half of a connection before the whole
	listener     *patientListener
	heard        bool // only what serves the connection reads from it
}

func (c *patientConn) Read(p []byte) (int, error) {
	if c.heard {
		return c.TCPConn.Read(p)
	}
	c.heard = true
	if err := c.SetReadDeadline(time.Now().Add(c.listener.idle)); err != nil {
		return 0, err
	}
	n, err := c.TCPConn.Read(p)
	if err != nil {
		return n, err
	}
	return n, c.SetReadDeadline(time.Now().Add(c.listener.header))
}
