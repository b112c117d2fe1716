package queue

import (
	"errors"
	"sync"

	"github.com/nats-io/nats.go"
)

// subscriptions are what comes in of one kind, on one subject or several. They are ended together.
type subscriptions struct {
	conn  *Conn
	ended chan struct{} // is closed when nothing more comes in on any

	mu     sync.Mutex
	list   []*nats.Subscription
	open   int
	ending bool
}

func (c *Conn) newSubscriptions() *subscriptions {
	return &subscriptions{conn: c, ended: make(chan struct{})}
}

var errEnding = errors.New("nothing more is taken in")

// add takes in what comes on a subject; with a group, each message goes to one of its members.
func (s *subscriptions) add(subject, group string, accept nats.MsgHandler) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ending {
		return errEnding
	}
	sub, err := s.conn.nc.QueueSubscribe(subject, group, accept)
	if err != nil {
		return err
	}
	s.open++
	sub.SetClosedHandler(func(string) { s.closed() })
	s.list = append(s.list, sub)
	return sub.SetPendingLimits(-1, -1) // whoever takes it in bounds what is in hand, and says so to the caller
}

func (s *subscriptions) closed() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open--; s.open == 0 {
		s.ending = true
		close(s.ended)
	}
}

// end takes nothing more in. Without a connection nothing comes in, and draining would wait for the server to say so.
func (s *subscriptions) end() error {
	s.mu.Lock()
	s.ending = true
	list := s.list
	if len(list) == 0 {
		close(s.ended)
	}
	s.mu.Unlock()
	connected := s.conn.nc.IsConnected()
	for _, sub := range list {
		end := sub.Drain
		if !connected {
			end = sub.Unsubscribe
		}
		if err := end(); err != nil {
			return err
		}
	}
	return nil
}
