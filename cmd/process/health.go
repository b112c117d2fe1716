package process

import (
	"context"
	"fmt"
	"net"

	"gaff/edge"
	"gaff/tasks"
)

// checks are what both roles need, by the name that /readyz shows.
func (p *Parts) checks(redis tasks.Redis) map[string]func(context.Context) error {
	return map[string]func(context.Context) error{
		"NATS":      p.Conn.Ping,
		"documents": p.Store.Ping,
		"Redis":     redis.Ping,
		"releases":  func(context.Context) error { return p.loaded() },
	}
}

// serveHealth answers /livez, /readyz and /metrics at the configured address, if there is one, until ctx ends.
func (p *Parts) serveHealth(checks map[string]func(context.Context) error) (func(context.Context) error, error) {
	if p.Config.HTTP == "" {
		return func(context.Context) error { return nil }, nil
	}
	listener, err := listen(p.Config.HTTP)
	if err != nil {
		return nil, err
	}
	p.Log.Info("serving health and metrics", "url", "http://"+listener.Addr().String())
	server := edge.NewHealth(checks, p.Metrics.Handler(), p.Log)
	return func(ctx context.Context) error { return server.Run(ctx, listener) }, nil
}

func listen(address string) (net.Listener, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("HTTP: %w", err)
	}
	return listener, nil
}
