package queue

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nuid"

	"gaff/hooks"
)

// Headers of an atomic batch, https://github.com/nats-io/nats-architecture-and-design/blob/main/adr/ADR-50.md.
const (
	batchHeader         = "Nats-Batch-Id"
	batchSequenceHeader = "Nats-Batch-Sequence"
	batchCommitHeader   = "Nats-Batch-Commit"
)

// PublishTogether is PublishAll for events of which the stream shall have all, in their order, or none; an event that no
// stream takes is none of them. It costs the server two syncs instead of one for each event. It returns false, and has
// stored nothing, if the stream cannot take these as one: the server is too old, or the stream already has some of
// them. PublishAll can say of which.
func (g *Gate) PublishTogether(ctx context.Context, events []*hooks.Event) (errs []error, together bool) {
	errs = make([]error, len(events))
	switch {
	case !g.conn.nc.IsConnected():
		return fill(errs, errNotConnected), true
	case !g.conn.takesBatches():
		return nil, false
	}
	ctx, cancel := withDefaultTimeout(ctx)
	defer cancel()
	batch := make([]*nats.Msg, 0, len(events))
	for i, e := range events {
		var m *nats.Msg
		if m, errs[i] = g.message(identified(e)); errs[i] == nil {
			batch = append(batch, m)
		}
	}
	whole, err := g.conn.publishBatch(ctx, batch)
	if err == nil && !whole {
		return nil, false
	}
	return fill(errs, err), true
}

// publishBatch publishes messages as an atomic batch, and reports whether the stream has it.
func (c *Conn) publishBatch(ctx context.Context, batch []*nats.Msg) (whole bool, err error) {
	if len(batch) == 0 {
		return true, nil
	}
	id, last := nuid.Next(), batch[len(batch)-1]
	for i, m := range batch {
		m.Header[batchHeader] = []string{id}
		m.Header[batchSequenceHeader] = []string{strconv.Itoa(i + 1)}
	}
	last.Header[batchCommitHeader] = []string{"1"}
	for _, m := range batch[:len(batch)-1] {
		if err := c.nc.PublishMsg(m); err != nil {
			return false, fmt.Errorf("publish events: %w", err)
		}
	}
	answer, err := c.nc.RequestMsgWithContext(ctx, last)
	if err != nil {
		return false, fmt.Errorf("publish events: no acknowledgement: %w", err)
	}
	var ack struct {
		Count int `json:"count"` // none, if something is wrong with the batch or the server knows of none
	}
	if err := json.Unmarshal(answer.Data, &ack); err != nil {
		return false, fmt.Errorf("publish events: acknowledgement: %w", err)
	}
	return ack.Count == len(batch), nil
}
