package queue

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"sync"
	"time"

	"github.com/klauspost/compress/s2"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	// doneBytes is how much is told of which runs have their records: of the last two million, if they were many at a time.
	doneBytes = 256 << 20
	// donePart is from how many bytes of records on, before they are compressed, a message is full.
	donePart = 1 << 20
	// idsHeader has the 8 bytes of each id.
	idsHeader = "Gaff-Ids"
	// doneIdle is after what time without a question what was read is let go.
	doneIdle = time.Minute
	// mostDone bounds how many are held before what is still told is read anew.
	mostDone = 4 << 20
	// doneTimeout bounds how long one look takes.
	doneTimeout = 30 * time.Second
)

// done knows which runs have their records, by the records' ids. It is asked only about what may be delivered again, and
// reads what it does not know yet.
type done struct {
	conn *Conn
	idle *time.Timer

	mu    sync.Mutex // also held while it reads: who waits meanwhile need not read the same
	known map[uint64]struct{}
	next  uint64    // sequence number of what to read next
	fresh time.Time // what was told before is known
}

func newDone(conn *Conn) *done {
	d := &done{conn: conn}
	d.idle = time.AfterFunc(doneIdle, d.forget)
	return d
}

func (d *done) close() { d.idle.Stop() }

func (d *done) forget() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.known, d.next, d.fresh = nil, 0, time.Time{}
}

// any reports whether a record with one of the ids was kept before since.
func (d *done) any(ctx context.Context, since time.Time, ids ...string) (bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.idle.Reset(doneIdle)
	if d.fresh.Before(since) || d.known == nil {
		if err := d.read(ctx); err != nil {
			return false, fmt.Errorf("which runs have their records: %w", err)
		}
	}
	for _, id := range ids {
		if _, ok := d.known[hashID(id)]; ok {
			return true, nil
		}
	}
	return false, nil
}

// note makes an id known here without waiting to read it.
func (d *done) note(id string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.known != nil {
		d.known[hashID(id)] = struct{}{}
	}
}

// read reads what was told since it last did.
func (d *done) read(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, doneTimeout)
	defer cancel()
	now := time.Now()
	stream, err := d.conn.js.Stream(ctx, d.conn.doneStream())
	if err != nil {
		return err
	}
	state := stream.CachedInfo().State
	if d.known == nil || len(d.known) > mostDone || state.LastSeq+1 < d.next {
		d.known, d.next = map[uint64]struct{}{}, max(state.FirstSeq, 1)
	}
	if state.LastSeq >= d.next {
		config := jetstream.OrderedConsumerConfig{DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: d.next, HeadersOnly: true}
		err := d.conn.scan(ctx, d.conn.doneStream(), config, state.LastSeq, func(m jetstream.Msg, meta *jetstream.MsgMetadata) bool {
			ids, _ := base64.RawStdEncoding.DecodeString(m.Headers().Get(idsHeader)) // somebody else's message has none
			for ; len(ids) >= 8; ids = ids[8:] {
				d.known[binary.BigEndian.Uint64(ids)] = struct{}{}
			}
			d.next = meta.Sequence.Stream + 1
			return true
		})
		if err != nil {
			return err
		}
	}
	d.next, d.fresh = max(d.next, state.LastSeq+1), now
	return nil
}

// doneMessages tell that records have been published.
func doneMessages(subject string, records []relied) (all []*nats.Msg) {
	for len(records) > 0 {
		n, size := 0, 0
		for n < len(records) && (n == 0 || size+len(records[n].message.Data) <= donePart) {
			size += len(records[n].message.Data)
			n++
		}
		all = append(all, doneMessage(subject, records[:n]))
		records = records[n:]
	}
	return all
}

// doneMessage has the ids of records, and those that there are already whole, for who mends the log.
func doneMessage(subject string, records []relied) *nats.Msg {
	ids := make([]byte, 0, 8*len(records))
	var whole bundle
	for i := range records {
		ids = binary.BigEndian.AppendUint64(ids, hashID(records[i].id))
		if m := records[i].message; m != nil {
			whole.bytes(appendEntry(nil, m))
		}
	}
	header := nats.Header{idsHeader: {base64.RawStdEncoding.EncodeToString(ids)}}
	return &nats.Msg{Subject: subject, Header: header, Data: s2.Encode(nil, whole.data)}
}

// hashID is 64-bit FNV-1a.
func hashID(id string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(id) {
		h = (h ^ uint64(id[i])) * 1099511628211
	}
	return h
}
