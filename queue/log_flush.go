package queue

import "context"

// Flush returns once every record that was given to the log before is in the stream, or was dropped; the error is ctx's.
func (l *Log) Flush(ctx context.Context) error {
	l.mu.Lock()
	wanted := l.taken
	l.mu.Unlock()
	for {
		l.mu.Lock()
		settled, moved := l.settled, l.moved
		l.mu.Unlock()
		if settled >= wanted {
			return nil
		}
		l.wake()
		select {
		case <-moved:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// settle takes note that records are out of the way, and tells those who wait for them.
func (l *Log) settle(records int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.settled += uint64(records)
	close(l.moved)
	l.moved = make(chan struct{})
}
