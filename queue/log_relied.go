package queue

import (
	"time"

	"github.com/nats-io/nats.go"
)

const (
	// recentAge is for how long after its acknowledgement a record is kept here. A log that is written behind may lose
	// some tens of milliseconds of what it has acknowledged when its server is killed.
	recentAge = time.Second
	// mostRecent bounds how many are kept.
	mostRecent = 8 << 10
)

// recent is a record that the stream has acknowledged.
type recent struct {
	message *nats.Msg
	at      time.Time
}

// stored tells those who rely on the records of a batch that the stream has them.
func (l *Log) stored(b *batch) {
	now := time.Now()
	first := 0
	for first < len(l.recent) && (now.Sub(l.recent[first].at) > recentAge || len(l.recent)-first > mostRecent) {
		first++
	}
	l.recent = append(l.recent[:0], l.recent[first:]...)
	for i := range b.relied {
		l.recent = append(l.recent, recent{b.relied[i].message, now})
		b.relied[i].stored()
	}
}

// restore publishes again, over a new connection, what the stream acknowledged just before the last one was lost: its
// server may have been killed before that was in a file. What is there is known by its id.
func (l *Log) restore() {
	connection := l.conn.nc.Stats().Reconnects
	if connection == l.connection {
		return
	}
	l.connection = connection
	if len(l.recent) == 0 {
		return
	}
	b := &batch{}
	for _, r := range l.recent {
		b.messages = append(b.messages, r.message)
	}
	l.recent = nil
	l.publish(b)
}
