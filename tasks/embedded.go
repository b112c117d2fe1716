package tasks

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"github.com/alicebob/miniredis/v2"
)

// Embedded is a Redis in this process, for development and tests: it forgets everything when it ends.
type Embedded struct {
	// URL is where it listens: on a loopback port of its own, with a password that nobody else knows.
	URL string

	server *miniredis.Miniredis
	stop   context.CancelFunc
	done   chan struct{}
}

// StartEmbedded starts a Redis that ends with ctx or [Embedded.Close]. Servers and schedulers should end before it.
func StartEmbedded(ctx context.Context) (*Embedded, error) {
	server := miniredis.NewMiniRedis()
	password := rand.Text()
	server.RequireAuth(password)
	if err := server.StartAddr("127.0.0.1:0"); err != nil {
		return nil, fmt.Errorf("embedded Redis: %w", err)
	}
	ctx, stop := context.WithCancel(ctx)
	e := &Embedded{
		URL:    "redis://:" + password + "@" + server.Addr(),
		server: server, stop: stop, done: make(chan struct{}),
	}
	go e.drive(ctx)
	return e, nil
}

// Close ends it.
func (e *Embedded) Close() {
	e.stop()
	<-e.done
}

// drive lets keys expire: this Redis has no clock of its own.
func (e *Embedded) drive(ctx context.Context) {
	defer close(e.done)
	defer e.server.Close()
	second := time.NewTicker(time.Second)
	defer second.Stop()
	last := time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-second.C:
			e.server.FastForward(now.Sub(last))
			last = now
		}
	}
}
