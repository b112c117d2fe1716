package queue

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"gaff/hooks"
)

const (
	// defaultRecords is how many records Logs returns if its filter does not say.
	defaultRecords = 100
	// firstWindow is how far Logs looks back at first, in messages; each further look goes back windowGrowth times as far.
	firstWindow  = 2048
	windowGrowth = 8
	// clockSkew is how much the clocks of workers may be ahead of the server's.
	clockSkew = time.Minute
	// readTimeout bounds how long Logs reads.
	readTimeout = 30 * time.Second
)

// Logs returns the newest records that the filter selects, at most its Limit (default 100), the newest last. It takes
// 30 s at most.
func Logs(ctx context.Context, conn *Conn, filter hooks.LogFilter) ([]hooks.Record, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	stream, err := conn.js.Stream(ctx, conn.logStream())
	if err != nil {
		return nil, fmt.Errorf("read log: %w", err)
	}
	state := stream.CachedInfo().State
	limit := cmp.Or(max(filter.Limit, 0), defaultRecords)
	for window := uint64(firstWindow); ; window *= windowGrowth {
		first := max(state.FirstSeq, 1)
		if state.LastSeq > window && state.LastSeq-window >= first {
			first = state.LastSeq - window + 1
		}
		records, old, err := conn.readLog(ctx, filter, first, state.LastSeq)
		if err != nil {
			return nil, fmt.Errorf("read log: %w", err)
		}
		if len(records) >= limit {
			return records[len(records)-limit:], nil
		}
		if first <= state.FirstSeq || first == 1 || old {
			return records, nil
		}
	}
}

// readLog returns what the filter selects of the messages from first to last. old means that all before first is
// older than the filter asks for.
func (c *Conn) readLog(ctx context.Context, filter hooks.LogFilter, first, last uint64) (records []hooks.Record, old bool, err error) {
	if last < first {
		return nil, true, nil
	}
	subject, err := c.logSubject(&filter)
	if err != nil {
		return nil, false, err
	}
	config := jetstream.OrderedConsumerConfig{
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: first, FilterSubjects: []string{subject},
	}
	err = c.scan(ctx, c.logStream(), config, last, func(m jetstream.Msg, meta *jetstream.MsgMetadata) bool {
		if meta.Timestamp.Before(filter.Since.Add(-clockSkew)) {
			old = true
		} else if r, ok := selected(m, &filter); ok {
			records = append(records, r)
		}
		return true
	})
	return records, old, err
}

// Tail calls f with each record that the filter selects, from its Since or else from now, until ctx ends or f returns
// an error. It goes on where it was after a lost connection.
func Tail(ctx context.Context, conn *Conn, filter hooks.LogFilter, f func(hooks.Record) error) error {
	config := jetstream.OrderedConsumerConfig{DeliverPolicy: jetstream.DeliverNewPolicy}
	if !filter.Since.IsZero() {
		start := filter.Since.Add(-clockSkew)
		config.DeliverPolicy, config.OptStartTime = jetstream.DeliverByStartTimePolicy, &start
	}
	subject, err := conn.logSubject(&filter)
	if err != nil {
		return fmt.Errorf("follow log: %w", err)
	}
	config.FilterSubjects = []string{subject}
	messages, err := conn.read(ctx, conn.logStream(), config, logBatch)
	if err != nil {
		return fmt.Errorf("follow log: %w", err)
	}
	defer messages.close()
	for {
		m, err := messages.Next(jetstream.NextContext(ctx))
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, jetstream.ErrMsgIteratorClosed) || conn.nc.IsClosed():
			return errors.New("follow log: the connection was closed")
		case err != nil:
			if !pause(ctx, logAgain) {
				return nil
			}
			continue
		}
		if r, ok := selected(m, &filter); ok {
			if err := f(r); err != nil {
				return err
			}
		}
	}
}

// logSubject is the narrowest subject with all that the filter selects.
func (c *Conn) logSubject(f *hooks.LogFilter) (string, error) {
	for kind, name := range map[string]string{"app": f.App, "kind": string(f.Kind), "hook or job": f.Name} {
		if name != "" && !hooks.ValidName(name) {
			return "", hooks.CheckName(kind, name)
		}
	}
	return c.subjects.record(cmp.Or(f.App, "*"), cmp.Or(f.Kind, "*"), cmp.Or(f.Name, "*")), nil
}

// selected reads a record and says whether the filter has it. One that cannot be read is nobody's.
func selected(m jetstream.Msg, f *hooks.LogFilter) (hooks.Record, bool) {
	var r hooks.Record
	if err := json.Unmarshal(m.Data(), &r); err != nil {
		return r, false
	}
	return r, f.Match(&r)
}
