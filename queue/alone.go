package queue

import (
	"context"
	"fmt"

	"github.com/nats-io/nats.go"

	"gaff/hooks"
)

// ServeAlone answers what a [StandIn] has run alone in the cell, until ctx ends.
func ServeAlone(ctx context.Context, conn *Conn, cell string, handler hooks.Answerer, pool Pool, options ServeOptions) error {
	runs, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	s := newAsks(runs, conn, handler, pool, options)
	sub, err := conn.nc.Subscribe(conn.subjects.cell(cell), func(m *nats.Msg) {
		inner := &nats.Msg{Subject: m.Header.Get(subjectHeader), Reply: m.Reply, Data: m.Data, Header: m.Header}
		s.acceptThen(inner, func() { _ = conn.nc.Publish(m.Header.Get(doneHeader), nil) }) // a supervisor that is not told waits no longer than it must
	})
	if err != nil {
		return fmt.Errorf("serve alone: %w", err)
	}
	defer func() { _ = sub.Unsubscribe() }()
	conn.flush()
	if options.Ready != nil {
		options.Ready()
	}
	<-ctx.Done()
	return nil
}
