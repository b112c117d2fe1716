package queue

import (
	"context"
	"strings"
	"sync"
	"time"
)

// tellEvery is how often a worker tells gates that it still has their asks. A gate gives it up after four times that.
const tellEvery = 250 * time.Millisecond

// working lists what a worker has in hand.
type working struct {
	mu   sync.Mutex
	asks []*ask
}

func (w *working) add(a *ask) {
	w.mu.Lock()
	a.place = len(w.asks)
	w.asks = append(w.asks, a)
	w.mu.Unlock()
}

func (w *working) remove(a *ask) {
	w.mu.Lock()
	last := len(w.asks) - 1
	w.asks[a.place] = w.asks[last]
	w.asks[a.place].place = a.place
	w.asks[last] = nil
	w.asks = w.asks[:last]
	w.mu.Unlock()
}

// since appends the reply subjects of gates whose asks came before then.
func (w *working) since(then time.Time, replies []string) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, a := range w.asks {
		if a.received.Before(then) && strings.HasPrefix(a.replyTo, inboxPrefix) {
			replies = append(replies, a.replyTo)
		}
	}
	return replies
}

// tell has gates know of asks that take long. A client that is not a gate is told nothing: to it the first reply is the
// verdict.
func (s *asks) tell(ctx context.Context) {
	tick := time.NewTicker(tellEvery)
	defer tick.Stop()
	var replies []string
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			replies = s.working.since(now.Add(-tellEvery), replies[:0])
			for _, reply := range replies {
				if err := s.conn.nc.Publish(reply, []byte(stillWorking)); err != nil {
					s.conn.log.Warn("a gate could not be told that its ask is being worked on", "error", err)
					break
				}
			}
		}
	}
}
