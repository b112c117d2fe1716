//go:build !linux

package queue

import (
	"net"
	"time"
)

// dialer opens connections to NATS. It implements [nats.CustomDialer].
type dialer struct {
	timeout time.Duration
}

// Dial opens a connection.
func (d dialer) Dial(network, address string) (net.Conn, error) {
	return net.DialTimeout(network, address, d.timeout)
}
