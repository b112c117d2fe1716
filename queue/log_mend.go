package queue

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/klauspost/compress/s2"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/tidwall/gjson"
)

// The log is written behind, so that a server that is killed may have lost records that it had acknowledged. Those that
// somebody relies on are in the stream of what is done, too, which is synced, and are published again from there.

const (
	// mendSpan is how much of what was told before a server was killed is compared with the log: many times what it may
	// lose of what it had acknowledged.
	mendSpan = 5 * time.Second
	// mendBack is how many messages may have come from who did not know yet that there is another server.
	mendBack = 64
	// mendTimeout bounds one try, and is how long it is tried before the log goes on without.
	mendTimeout = 30 * time.Second
	// mendedPrefix begins the keys of servers that have all. No app has such a name.
	mendedPrefix = "server/"
)

// mend has the server that the log now talks to get the records that it has lost, if nobody has seen to that before. It
// returns false if that could not be done now.
func (l *Log) mend() bool {
	server := l.conn.nc.ConnectedServerId()
	switch server {
	case "":
		return false
	case l.mended:
		return true
	}
	ctx, cancel := context.WithTimeout(l.ctx, mendTimeout)
	defer cancel()
	defer l.conn.onReconnect(cancel)() // nobody answers what was asked before
	if err := l.mendOn(ctx, server); err != nil {
		if l.mending.IsZero() {
			l.mending = time.Now()
		}
		if time.Since(l.mending) < mendTimeout {
			return false
		}
		l.conn.log.Error("the log may lack records of runs just before its server started", "error", err)
	}
	l.mended, l.mending = server, time.Time{}
	return true
}

func (l *Log) mendOn(ctx context.Context, server string) error {
	c := l.conn
	log, err := c.js.Stream(ctx, c.logStream())
	if err != nil || log.CachedInfo().Config.PersistMode != jetstream.AsyncPersistMode {
		return err
	}
	if _, err := c.once.Get(ctx, mendedPrefix+server); !errors.Is(err, jetstream.ErrKeyNotFound) {
		return err
	}
	told, err := c.lastTold(ctx)
	if err != nil {
		return fmt.Errorf("what was done: %w", err)
	}
	if err := l.complete(ctx, told); err != nil {
		return fmt.Errorf("mend the log: %w", err)
	}
	_, err = c.once.Put(ctx, mendedPrefix+server, nil)
	return err
}

// complete publishes those of the records that the log does not have.
func (l *Log) complete(ctx context.Context, told []*nats.Msg) error {
	if len(told) == 0 {
		return nil
	}
	oldest := time.Now()
	for _, m := range told {
		if at := gjson.GetBytes(m.Data, "time").Time(); at.Before(oldest) {
			oldest = at
		}
	}
	known, err := l.conn.recordsSince(ctx, oldest.Add(-restoreSince), true)
	if err != nil {
		return err
	}
	lost := &batch{}
	for _, m := range told {
		if !known[m.Header.Get(jetstream.MsgIDHeader)] {
			lost.messages = append(lost.messages, m)
		}
	}
	if len(lost.messages) > 0 && !l.attempt(lost) {
		return errors.New("the stream does not take records")
	}
	return nil
}

// lastTold returns the records that somebody relies on, from some time before the last of them.
func (c *Conn) lastTold(ctx context.Context) (records []*nats.Msg, err error) {
	stream, err := c.js.Stream(ctx, c.doneStream())
	if err != nil {
		return nil, err
	}
	state := stream.CachedInfo().State
	if state.Msgs == 0 {
		return nil, nil
	}
	since := state.FirstTime
	if state.LastSeq > state.FirstSeq+mendBack {
		m, err := stream.GetMsg(ctx, state.LastSeq-mendBack)
		if err != nil {
			return nil, err
		}
		since = m.Time.Add(-mendSpan)
	}
	config := jetstream.OrderedConsumerConfig{DeliverPolicy: jetstream.DeliverByStartTimePolicy, OptStartTime: &since}
	err = c.scan(ctx, c.doneStream(), config, state.LastSeq, func(m jetstream.Msg, _ *jetstream.MsgMetadata) bool {
		packed, err := s2.Decode(nil, m.Data())
		for u := (unbundler{data: packed}); err == nil && u.more(); {
			if record := readEntry(u.bytes()); record != nil {
				records = append(records, record)
			}
		}
		return true
	})
	return records, err
}
