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
	queue   chan hooks.Record
	dropped atomic.Uint64
	told    uint64 // of the dropped: those that the process's own log tells of

	closing chan struct{}
	close   sync.Once
	done    chan struct{}
	ctx     context.Context // of publishing
	cancel  context.CancelFunc
}

// NewLog returns a log; Close ends it.
func NewLog(conn *Conn) *Log {
	js, err := conn.newPublisher()
	if err != nil { // its options are constants; should they be refused, events' publisher does
		js = conn.js
	}
	ctx, cancel := context.WithCancel(context.Background())
	l := &Log{
		conn: conn, js: js, queue: make(chan hooks.Record, logQueue), ctx: ctx, cancel: cancel,
		closing: make(chan struct{}), done: make(chan struct{}),
	}
	go l.write()
	return l
}

// Record has r published soon. It does not block.
func (l *Log) Record(r hooks.Record) {
	select {
	case <-l.closing:
		l.dropped.Add(1)
		return
	default:
	}
	select {
	case l.queue <- r:
	default:
		l.dropped.Add(1)
	}
}

// Dropped returns how many records were dropped so far.
func (l *Log) Dropped() uint64 { return l.dropped.Load() }

// Close publishes what waits, for at most 5 s, and ends the log. Records that come later are dropped.
func (l *Log) Close() {
	l.close.Do(func() {
		close(l.closing)
		t := time.AfterFunc(logFlush, l.cancel)
		defer t.Stop()
		<-l.done
		l.cancel()
	})
}

// write publishes in batches: what has come in while one was under way is the next.
func (l *Log) write() {
	defer close(l.done)
	var batch []*nats.Msg
	for {
		select {
		case r := <-l.queue:
			batch = l.add(batch, &r)
		case <-l.closing:
			if len(l.queue) == 0 {
				l.tell()
				return
			}
		}
		for len(batch) < logBatch && len(l.queue) > 0 {
			r := <-l.queue
			batch = l.add(batch, &r)
		}
		l.publish(batch)
		l.tell()
		clear(batch)
		batch = batch[:0]
	}
}

// add appends the record as a message, unless it cannot be one.
func (l *Log) add(batch []*nats.Msg, r *hooks.Record) []*nats.Msg {
	if !hooks.ValidName(r.App) || !hooks.ValidName(string(r.Kind)) || !hooks.ValidName(r.Name) {
		l.dropped.Add(1)
		return batch
	}
	data := r.AppendJSON(make([]byte, 0, recordSize))
	if int64(len(data)) > l.conn.nc.MaxPayload() {
		short := *r
		short.Verdict, short.Input, short.Calls, short.End = nil, nil, nil, ""
		short.Log = []hooks.LogLine{{Level: "warn", Time: r.Time, Text: "the record was too large to keep whole"}}
		data = short.AppendJSON(nil)
	}
	m := &nats.Msg{Subject: l.conn.subjects.record(r.App, r.Kind, r.Name), Data: data}
	if r.ID != "" {
		m.Header = nats.Header{jetstream.MsgIDHeader: {r.ID}}
	}
	return append(batch, m)
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
// knows, and all are published again. The stream knows by its id a record that it has.
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
