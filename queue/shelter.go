package queue

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"gaff/hooks"
)

const (
	// shelterMost and shelterSize bound what is kept, in messages and bytes. A gate asks again for what is past that.
	shelterMost = 4096
	shelterSize = 64 << 20
	// shelterAgain is how often it is looked whether another worker is there, and for how long its answer is waited.
	shelterAgain = 50 * time.Millisecond
)

// sheltered is an ask or a call that waits.
type sheltered struct {
	message *nats.Msg
	arrived time.Time
	within  time.Duration // what it may take, unless its header says so
}

// shelter keeps asks and calls that nobody is there to answer.
type shelter struct {
	conn *Conn
	mu   sync.Mutex
	kept []sheltered
	size int
}

// Shelter takes in asks and calls, while no other worker is there who could, until ctx ends. It tells gates that they are
// not lost. Then it has them answered by whoever is there, with what is left of their time.
func (s *StandIn) Shelter(ctx context.Context) error {
	if !s.conn.deserted(ctx) {
		return nil
	}
	kept := &shelter{conn: s.conn}
	subs := s.conn.newSubscriptions()
	err := errors.Join(
		subs.add(s.conn.subjects.asks("*"), group, func(m *nats.Msg) { kept.add(m, hooks.DefaultTimeout) }),
		subs.add(s.conn.subjects.calls("*"), group, func(m *nats.Msg) { kept.add(m, hooks.MaxTimeout) }),
	)
	if err == nil {
		kept.tell(ctx)
	}
	if err = errors.Join(err, subs.end()); err != nil {
		err = fmt.Errorf("take in asks that nobody answers: %w", err)
	}
	select {
	case <-subs.ended:
	case <-time.After(cancelTimeout): // what it would have taken in is asked again
	}
	return errors.Join(err, kept.release())
}

// deserted waits until nobody is there who answers asks; false: ctx ended before.
func (c *Conn) deserted(ctx context.Context) bool {
	nothing := c.subjects.ask(&hooks.Event{App: hooks.DefaultApp, Service: "gaff", Operation: "served", Phase: hooks.Before})
	for ctx.Err() == nil {
		attempt, cancel := context.WithTimeout(ctx, shelterAgain)
		_, err := c.nc.RequestWithContext(attempt, nothing, nil)
		cancel()
		if errors.Is(err, nats.ErrNoResponders) {
			return true
		}
		pause(ctx, shelterAgain)
	}
	return false
}

func (s *shelter) add(m *nats.Msg, within time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if m.Reply == "" || len(s.kept) >= shelterMost || s.size+len(m.Data) > shelterSize {
		return
	}
	s.size += len(m.Data)
	s.kept = append(s.kept, sheltered{m, time.Now(), within})
	s.conn.acknowledge(m)
}

// tell has gates know that what they ask is not lost, until ctx ends.
func (s *shelter) tell(ctx context.Context) {
	tick := time.NewTicker(tellEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		s.mu.Lock()
		kept := s.kept // what is in it does not change
		s.mu.Unlock()
		for _, w := range kept {
			if strings.HasPrefix(w.message.Reply, inboxPrefix) {
				_ = s.conn.nc.Publish(w.message.Reply, []byte(stillWorking)) // if it cannot be told, it asks again
			}
		}
	}
}

// release sends on what was kept.
func (s *shelter) release() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range s.kept {
		if err := s.conn.nc.PublishMsg(w.again(time.Now())); err != nil {
			return fmt.Errorf("send on what nobody answered: %w", err)
		}
	}
	s.kept, s.size = nil, 0
	return nil
}

// again is the message with what is left of its time. A header that is malformed is answered by whoever gets it.
func (w *sheltered) again(now time.Time) *nats.Msg {
	m := w.message
	again := &nats.Msg{Subject: m.Subject, Reply: m.Reply, Data: m.Data, Header: nats.Header{}}
	for name, values := range m.Header {
		again.Header[name] = values
	}
	within := w.within
	if text := m.Header.Get(deadlineHeader); text != "" {
		ms, err := strconv.ParseUint(text, 10, 31)
		if err != nil || ms == 0 {
			return again
		}
		within = time.Duration(ms) * time.Millisecond
	}
	left := max(within-now.Sub(w.arrived), time.Millisecond)
	again.Header.Set(deadlineHeader, strconv.FormatInt(left.Milliseconds(), 10))
	return again
}
