package queue

import (
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"gaff/hooks"
)

const (
	// recordSize is room for a usual record, in bytes.
	recordSize = 1 << 10
	// maxRecordKept is the largest buffer, in bytes, that is kept for another record.
	maxRecordKept = 8 << 10
)

// pending is a record that waits to be published. There is one for each run, so they are used again.
type pending struct {
	id      string
	relied  func()    // what somebody who relies on it wants to be told with; nil: nobody does
	message *nats.Msg // nil: it cannot be one

	own       nats.Msg // what message is, as a rule
	buffer    []byte   // and where its data is
	journaled bool     // the buffer is what the journal is to keep
	mark      uint64   // in the journal; 0: it is not there
}

func (l *Log) newPending() *pending {
	if p, ok := l.free.Get().(*pending); ok {
		return p
	}
	return &pending{buffer: make([]byte, 0, recordSize)}
}

// giveBack has the records of a batch, and the list of them, used again. A batch that was published again may still be
// on its way from here.
func (l *Log) giveBack(records []*pending, again bool) {
	for i, p := range records {
		if !again && cap(p.buffer) <= maxRecordKept {
			*p = pending{buffer: p.buffer[:0]}
			l.free.Put(p)
		}
		records[i] = nil
	}
	l.mu.Lock()
	l.spare = records[:0]
	l.mu.Unlock()
}

// recordable reports whether a record has a subject.
func recordable(r *hooks.Record) bool {
	return hooks.ValidName(r.App) && hooks.ValidName(string(r.Kind)) && hooks.ValidName(r.Name)
}

// encode makes the message of the record as the stream takes it, unless it cannot be one. Nothing of the record is looked at
// afterwards.
func (l *Log) encode(p *pending, r *hooks.Record) {
	p.id, p.relied = r.ID, r.Stored
	if !recordable(r) {
		l.drop(1)
		return
	}
	subject := l.conn.subjects.record(r.App, r.Kind, r.Name)
	if p.journaled = l.journal != nil && r.Stored == nil; p.journaled { // what somebody relies on is made again with the run
		p.buffer = appendEntryHead(p.buffer, subject, recordID(r))
	}
	start := len(p.buffer)
	p.buffer = r.AppendJSON(p.buffer)
	if int64(len(p.buffer)-start) > l.conn.nc.MaxPayload() {
		short := *r
		short.Verdict, short.Input, short.Calls, short.End = nil, nil, nil, ""
		short.Log = []hooks.LogLine{{Level: "warn", Time: r.Time, Text: "the record was too large to keep whole"}}
		p.buffer = short.AppendJSON(p.buffer[:start])
	}
	p.message = &p.own
	p.own = nats.Msg{Subject: subject, Data: p.buffer[start:]}
	if id := recordID(r); id != "" {
		p.own.Header = nats.Header{jetstream.MsgIDHeader: {id}}
	}
}

// recordID is the id by which the stream knows a record; empty: it need not know it.
func recordID(r *hooks.Record) string {
	if r.Passing {
		return ""
	}
	return r.ID
}
