package queue

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"gaff/hooks"
)

const (
	// logQueue is how many records wait at most to be published; further ones are dropped.
	logQueue = 8 << 10
	// logBatch is how many records are published at once.
	logBatch = 512
	// recordSize is room for a usual record, in bytes.
	recordSize = 1 << 10
	// logMoment is how long a record waits for others to be published with.
	logMoment = 25 * time.Millisecond
	// logFlush bounds how long Close tries to publish what waits.
	logFlush = 5 * time.Second
	// logAgain is after what time records that the stream has not taken are published again.
	logAgain = 200 * time.Millisecond
)

// Log records runs in the log stream, behind their back: Record never waits for NATS. While the stream cannot be
// reached records wait, as many as there is room for; what does not fit is dropped and counted.
type Log struct {
	conn    *Conn
	js      jetstream.JetStream
	journal Journal // may be nil
	dropped atomic.Uint64
	told    uint64 // of the dropped: those that the process's own log tells of

	mu      sync.Mutex
	waiting []pending
	closed  bool
	taken   uint64        // records since the start that were taken in
	settled uint64        // of them, those that were published or dropped
	moved   chan struct{} // closed when more are settled
	flush   *time.Timer   // runs once something waits
	due     chan struct{} // something should be published now

	done   chan struct{}
	ctx    context.Context // of publishing
	cancel context.CancelFunc
}

// NewLog returns a log; Close ends it.
func NewLog(conn *Conn) *Log { return newLog(conn, nil) }

func newLog(conn *Conn, journal Journal) *Log {
	js, err := conn.newPublisher()
	if err != nil { // its options are constants; should they be refused, events' publisher does
		js = conn.js
	}
	ctx, cancel := context.WithCancel(context.Background())
	l := &Log{conn: conn, js: js, journal: journal, ctx: ctx, cancel: cancel, due: make(chan struct{}, 1), moved: make(chan struct{}), done: make(chan struct{})}
	l.flush = time.AfterFunc(logMoment, l.wake)
	go l.write()
	return l
}

// Record has r published soon. It does not block, and wakes nobody: runs share the cost of their records.
func (l *Log) Record(r hooks.Record) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || len(l.waiting) >= logQueue {
		l.dropped.Add(1)
		return
	}
	p := pending{record: r}
	if l.journal != nil {
		l.keep(&p)
	}
	l.append(p)
}

// append adds to what waits.
func (l *Log) append(p pending) {
	l.waiting = append(l.waiting, p)
	l.taken++
	switch len(l.waiting) {
	case 1:
		l.flush.Reset(logMoment)
	case logBatch:
		l.wake()
	}
}

func (l *Log) wake() {
	select {
	case l.due <- struct{}{}:
	default:
	}
}

// Dropped returns how many records were dropped so far.
func (l *Log) Dropped() uint64 { return l.dropped.Load() }

// Close publishes what waits, for at most 5 s, and ends the log. Records that come later are dropped.
func (l *Log) Close() {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	l.wake()
	limit := time.AfterFunc(logFlush, l.cancel)
	defer limit.Stop()
	<-l.done
	l.flush.Stop()
	l.cancel()
}

// write publishes what waits, in batches, until the log is closed and nothing does.
func (l *Log) write() {
	defer close(l.done)
	var batch []*nats.Msg
	for range l.due {
		for {
			records, closed := l.take()
			if len(records) == 0 && closed {
				l.tell()
				return
			}
			if len(records) == 0 {
				break
			}
			kept := 0
			for i := range records {
				if records[i].kept {
					kept++
				}
				batch = l.add(batch, &records[i])
			}
			l.publish(batch)
			if kept > 0 {
				l.journal.Drop(kept)
			}
			l.settle(len(records))
			clear(batch)
			batch = batch[:0]
		}
		l.tell()
	}
}

// take returns the records that wait, at most a batch of them.
func (l *Log) take() (records []pending, closed bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.waiting) <= logBatch {
		records, l.waiting = l.waiting, nil
		return records, l.closed
	}
	records = l.waiting[:logBatch:logBatch]
	l.waiting = l.waiting[logBatch:]
	return records, l.closed
}

// add appends the record as a message, unless it cannot be one.
func (l *Log) add(batch []*nats.Msg, p *pending) []*nats.Msg {
	if p.message == nil {
		p.message = l.message(&p.record)
	}
	if p.message == nil {
		return batch
	}
	return append(batch, p.message)
}

// message is the record as the stream takes it, or nil if it cannot be one.
func (l *Log) message(r *hooks.Record) *nats.Msg {
	if !hooks.ValidName(r.App) || !hooks.ValidName(string(r.Kind)) || !hooks.ValidName(r.Name) {
		l.dropped.Add(1)
		return nil
	}
	data := r.AppendJSON(make([]byte, 0, recordSize))
	if int64(len(data)) > l.conn.nc.MaxPayload() {
		short := *r
		short.Verdict, short.Input, short.Calls, short.End = nil, nil, nil, ""
		short.Log = []hooks.LogLine{{Level: "warn", Time: r.Time, Text: "the record was too large to keep whole"}}
		data = short.AppendJSON(nil)
	}
	m := &nats.Msg{Subject: l.conn.subjects.record(r.App, r.Kind, r.Name), Data: data}
	if r.ID != "" && !r.Passing {
		m.Header = nats.Header{jetstream.MsgIDHeader: {r.ID}}
	}
	return m
}

// publish returns when the stream has every message, or when the log is closed and its time is up.
func (l *Log) publish(batch []*nats.Msg) {
	for len(batch) > 0 {
		batch = l.attempt(batch)
		if len(batch) > 0 && !pause(l.ctx, logAgain) {
			l.dropped.Add(uint64(len(batch)))
			return
		}
	}
}

// attempt publishes all at once and returns those that the stream may not have. One acknowledgement at the end stands
// for all of them, because the stream takes in order what comes over one connection; if that was lost on the way nobody
// knows, and all are published again. The stream knows by its id a record that it has, unless it is a passing one, which
// may then be there twice.
func (l *Log) attempt(batch []*nats.Msg) (left []*nats.Msg) {
	connection := l.conn.nc.Stats().Reconnects
	last := len(batch) - 1
	for _, m := range batch[:last] {
		if err := l.conn.nc.PublishMsg(m); err != nil {
			return batch
		}
	}
	ack, err := l.js.PublishMsgAsync(batch[last], jetstream.WithStallWait(ackTimeout))
	if err != nil || acknowledged(l.ctx, ack) != nil || l.conn.nc.Stats().Reconnects != connection {
		return batch
	}
	return nil
}

// tell has the process's own log say what was dropped since it last did.
func (l *Log) tell() {
	if n := l.dropped.Load(); n > l.told {
		l.conn.log.Warn("records of runs were dropped", "dropped", n-l.told, "since start", n)
		l.told = n
	}
}
