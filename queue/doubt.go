package queue

import (
	"context"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// doubt says which messages may have been worked off although they come as if for the first time: a server that was
// killed may have forgotten the last acknowledgements. That can be so for what was in the stream when this process
// connected.
type doubt struct {
	mu         sync.Mutex
	checked    bool
	connection uint64 // number of the one that was checked
	last       uint64 // sequence number up to which there is doubt
	since      time.Time
}

// check finds out, once for each connection, up to where there is doubt.
func (d *doubt) check(ctx context.Context, consumer jetstream.Consumer, conn *Conn) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	connection := conn.nc.Stats().Reconnects
	if d.checked && d.connection == connection {
		return nil
	}
	stream, err := conn.js.Stream(ctx, consumer.CachedInfo().Stream)
	if err != nil {
		return err
	}
	d.checked, d.connection, d.last, d.since = true, connection, stream.CachedInfo().State.LastSeq, time.Now()
	return nil
}

// current reports whether it is known for this connection.
func (d *doubt) current(conn *Conn) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.checked && d.connection == conn.nc.Stats().Reconnects
}

// about reports whether there is doubt about a message, and since when.
func (d *doubt) about(seq uint64) (bool, time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return seq <= d.last, d.since
}
