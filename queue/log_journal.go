package queue

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/tidwall/gjson"
)

// Journal keeps records, until the log stream has them, where they outlive their process.
type Journal interface {
	// Keep returns what Drop needs to know of the entry; 0: there is no room.
	Keep(entry []byte) (mark uint64)
	// Drop forgets the entry of a mark, and those that were kept before it.
	Drop(mark uint64)
}

// NewJournaledLog is [NewLog] whose records outlive the process, in the journal, and are counted. [Log.Restore]
// publishes them then.
func NewJournaledLog(conn *Conn, journal Journal, counter Counter) *Log {
	return newLog(conn, journal, counter)
}

// appendEntry is what readEntry reads.
func appendEntry(entry []byte, m *nats.Msg) []byte {
	return append(appendEntryHead(entry, m.Subject, m.Header.Get(jetstream.MsgIDHeader)), m.Data...)
}

// appendEntryHead is what an entry has before the message's data.
func appendEntryHead(entry []byte, subject, id string) []byte {
	b := bundle{data: entry}
	b.text(subject)
	b.text(id)
	return b.data
}

// readEntry is the message of a journal's entry, or nil if it is none.
func readEntry(entry []byte) *nats.Msg {
	u := unbundler{data: entry}
	subject, id := u.bytes(), u.bytes()
	if u.err != nil || !gjson.ValidBytes(u.data) {
		return nil
	}
	m := &nats.Msg{Subject: string(subject), Data: u.data}
	if len(id) > 0 {
		m.Header = nats.Header{jetstream.MsgIDHeader: {string(id)}}
	}
	return m
}

const (
	// restoreAfter is how long what a dead process has sent may be on its way to the stream.
	restoreAfter = 250 * time.Millisecond
	// restoreSince is how much older than the oldest record of a journal the stream is searched.
	restoreSince = 5 * time.Second
)

// Restore publishes, from the journal of a process that has died, the records that the stream does not have. Those of the
// events of again are left out: whoever asked for their hooks has not been answered, and they run again.
func (l *Log) Restore(ctx context.Context, entries [][]byte, again map[string]bool) error {
	if len(entries) == 0 || !pause(ctx, restoreAfter) {
		return ctx.Err()
	}
	var messages []*nats.Msg
	oldest := time.Now()
	for _, entry := range entries {
		m := readEntry(entry)
		if m == nil {
			l.drop(1)
			continue
		}
		if again[gjson.GetBytes(m.Data, "event").String()] {
			continue
		}
		messages = append(messages, m)
		if at := gjson.GetBytes(m.Data, "time").Time(); at.Before(oldest) {
			oldest = at
		}
	}
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	known, err := l.conn.recordsSince(ctx, oldest.Add(-restoreSince), false)
	if err != nil {
		return fmt.Errorf("restore records: %w", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, m := range messages {
		if !known[gjson.GetBytes(m.Data, "id").String()] && !l.closed {
			l.append(&pending{message: m})
		}
	}
	return nil
}

// recordsSince returns the ids of the records that the stream has taken since then: of all, or of those that somebody
// relies on, which takes less since their ids are in a header.
func (c *Conn) recordsSince(ctx context.Context, since time.Time, relied bool) (map[string]bool, error) {
	known := map[string]bool{}
	config := jetstream.OrderedConsumerConfig{DeliverPolicy: jetstream.DeliverByStartTimePolicy, OptStartTime: &since, HeadersOnly: relied}
	err := c.scan(ctx, c.logStream(), config, ^uint64(0), func(m jetstream.Msg, _ *jetstream.MsgMetadata) bool {
		if relied {
			known[m.Headers().Get(jetstream.MsgIDHeader)] = true
		} else {
			known[gjson.GetBytes(m.Data(), "id").String()] = true
		}
		return true
	})
	return known, err
}
