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
	// logMoment is how long a record waits for others to be published with.
	logMoment = 25 * time.Millisecond
	// logSoon is the same for records that somebody relies on.
	logSoon = 2 * time.Millisecond
	// logFlush bounds how long Close tries to publish what waits.
	logFlush = 5 * time.Second
	// logAgain is after what time records that the stream has not taken are published again.
	logAgain = 200 * time.Millisecond
)

// Log records runs in the log stream, behind their back: Record never waits for NATS. While the stream cannot be
// reached records wait, as many as there is room for; what does not fit is dropped and counted. A record that somebody
// relies on, as its Stored is not nil, is never dropped before Close; there should be a bound on how many of them wait.
type Log struct {
	conn    *Conn
	js      jetstream.JetStream
	journal Journal // may be nil
	counter Counter // likewise
	dropped atomic.Uint64
	told    uint64 // of the dropped: those that the process's own log tells of

	mu      sync.Mutex
	waiting []*pending
	spare   []*pending // the list that was published last, to be filled again
	closed  bool
	taken   uint64        // records since the start that were taken in
	settled uint64        // of them, those that were published or dropped
	moved   chan struct{} // closed when more are settled
	hurried bool          // somebody relies on what waits
	flush   *time.Timer   // runs once something waits
	due     chan struct{} // something should be published now

	// What follows is the writer's own.
	mended  string    // the server that has all that somebody relies on
	mending time.Time // since when that fails; zero: it does not

	done   chan struct{}
	ctx    context.Context // of publishing
	cancel context.CancelFunc
	forget func() // ends the watch of the connection

	free sync.Pool // of *pending
}

// NewLog returns a log; Close ends it.
func NewLog(conn *Conn) *Log { return newLog(conn, nil, nil) }

// Counter counts records. It is called by many at once, and must not block.
type Counter interface {
	// Run counts a record that is given to the log, of a run that took so many milliseconds, or of something else.
	Run(app string, kind hooks.Kind, name string, status hooks.Status, ms float64)
	// Dropped counts records that nobody will have.
	Dropped(n uint64)
}

// NewCountedLog is [NewLog] whose records are counted.
func NewCountedLog(conn *Conn, counter Counter) *Log { return newLog(conn, nil, counter) }

func newLog(conn *Conn, journal Journal, counter Counter) *Log {
	js, err := conn.newPublisher()
	if err != nil { // its options are constants; should they be refused, events' publisher does
		js = conn.js
	}
	ctx, cancel := context.WithCancel(context.Background())
	l := &Log{conn: conn, js: js, journal: journal, counter: counter, ctx: ctx, cancel: cancel, due: make(chan struct{}, 1), moved: make(chan struct{}), done: make(chan struct{})}
	l.flush = time.AfterFunc(logMoment, l.wake)
	l.forget = conn.onReconnect(l.wake)
	l.wake() // there may be something to mend
	go l.write()
	return l
}

// Record has r published soon. It does not block, and wakes nobody: runs share the cost of their records.
func (l *Log) Record(r hooks.Record) {
	if l.counter != nil {
		l.counter.Run(r.App, r.Kind, r.Name, r.Status, r.MS)
	}
	p := l.newPending()
	l.encode(p, &r)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || len(l.waiting) >= logQueue && r.Stored == nil {
		l.drop(1)
		return
	}
	if p.journaled {
		p.mark = l.journal.Keep(p.buffer)
	}
	l.append(p)
}

// append adds to what waits.
func (l *Log) append(p *pending) {
	l.waiting = append(l.waiting, p)
	l.taken++
	switch {
	case len(l.waiting) == logBatch:
		l.wake()
	case p.relied != nil && !l.hurried:
		l.hurried = true
		l.flush.Reset(logSoon)
	case len(l.waiting) == 1:
		l.flush.Reset(logMoment)
	}
}

func (l *Log) wake() {
	signal(l.due)
}

func (l *Log) drop(n uint64) {
	l.dropped.Add(n)
	if l.counter != nil {
		l.counter.Dropped(n)
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
	l.forget()
	l.flush.Stop()
	l.cancel()
}

// write publishes what waits, in batches, until the log is closed and nothing does.
func (l *Log) write() {
	defer close(l.done)
	var b batch
	for range l.due {
		l.mend()
		for {
			records, closed := l.take()
			if len(records) == 0 && closed {
				l.tell()
				return
			}
			for _, p := range records {
				l.add(&b, p)
			}
			if l.publish(&b) {
				b.stored()
			}
			if b.mark != 0 {
				l.journal.Drop(b.mark)
			}
			l.settle(len(records))
			l.giveBack(records, b.again)
			b.clear()
			if len(records) < logBatch && !closed {
				break // what has come meanwhile waits for others
			}
		}
		l.tell()
	}
}

// take returns the records that wait, at most a batch of them.
func (l *Log) take() (records []*pending, closed bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.waiting) <= logBatch {
		records, l.waiting, l.spare, l.hurried = l.waiting, l.spare, nil, false
		return records, l.closed
	}
	records = l.waiting[:logBatch:logBatch]
	l.waiting = l.waiting[logBatch:]
	return records, l.closed
}

// batch is what is published at once. It is used again.
type batch struct {
	messages []*nats.Msg
	relied   []relied
	mark     uint64 // in the journal, of the last record that is there; 0: none is
	again    bool   // it was published more than once
}

// relied is a message that somebody relies on.
type relied struct {
	message *nats.Msg
	id      string
	stored  func()
}

func (b *batch) clear() {
	clear(b.messages)
	clear(b.relied)
	b.messages, b.relied, b.mark, b.again = b.messages[:0], b.relied[:0], 0, false
}

// add adds the record as a message, unless it cannot be one.
func (l *Log) add(b *batch, p *pending) {
	if p.mark != 0 {
		b.mark = p.mark
	}
	switch {
	case p.message != nil:
		b.messages = append(b.messages, p.message)
		if p.relied != nil {
			b.relied = append(b.relied, relied{p.message, p.id, p.relied})
		}
	case p.relied != nil: // it never will be stored
		p.relied()
	}
}

// stored tells those who rely on the records of a batch that the stream has them.
func (b *batch) stored() {
	for i := range b.relied {
		b.relied[i].stored()
	}
}

// publish returns true when the stream has every message, false when the log is closed and its time is up.
func (l *Log) publish(b *batch) bool {
	for len(b.messages) > 0 && !(l.mend() && l.attempt(b)) {
		if b.again = true; !pause(l.ctx, logAgain) {
			l.drop(uint64(len(b.messages)))
			return false
		}
	}
	return true
}

// attempt publishes all at once and reports whether the stream has them. One acknowledgement at the end stands for all of
// them, because the stream takes in order what comes over one connection; if that was lost on the way nobody knows, and
// all are published again. The stream knows by its id a record that it has, unless it is a passing one, which may then be
// there twice. What somebody relies on is told behind them, so that whoever finds it told finds the records.
func (l *Log) attempt(b *batch) bool {
	connection := l.conn.nc.Stats().Reconnects
	last := len(b.messages) - 1
	for _, m := range b.messages[:last] {
		if err := l.conn.nc.PublishMsg(m); err != nil {
			return false
		}
	}
	acks := make([]jetstream.PubAckFuture, 0, 2)
	for _, m := range append(b.messages[last:], doneMessages(l.conn.subjects.done(), b.relied)...) {
		ack, err := l.js.PublishMsgAsync(m, jetstream.WithStallWait(ackTimeout))
		if err != nil {
			return false
		}
		acks = append(acks, ack)
	}
	for _, ack := range acks {
		if acknowledged(l.ctx, ack) != nil {
			return false
		}
	}
	return l.conn.nc.Stats().Reconnects == connection
}

// tell has the process's own log say what was dropped since it last did.
func (l *Log) tell() {
	if n := l.dropped.Load(); n > l.told {
		l.conn.log.Warn("records of runs were dropped", "dropped", n-l.told, "since start", n)
		l.told = n
	}
}
