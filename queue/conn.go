package queue

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Conn is a connection to NATS that stays: it reconnects without an end, and what was subscribed comes back. It is safe
// for concurrent use, and everything else in this package works on one.
type Conn struct {
	nc       *nats.Conn
	js       jetstream.JetStream
	kv       jetstream.KeyValue // releases
	keys     jetstream.KeyValue
	secrets  jetstream.KeyValue
	order    jetstream.KeyValue
	once     jetstream.KeyValue
	nonces   jetstream.KeyValue // of signed requests
	values   jetstream.Stream   // of scripts, see KV
	kvUsage  kvUsage            // of each app, as far as is known
	subjects subjects
	config   Config
	log      *slog.Logger

	lastAsk  atomic.Int64 // when an ask was accepted last, in Unix nanoseconds
	mu       sync.Mutex
	returned map[*func()]struct{} // called when the connection is back
}

const (
	connectTimeout = 5 * time.Second
	setupTimeout   = 15 * time.Second
	flushTimeout   = 5 * time.Second
	// ackTimeout is after what time a stream that has not acknowledged is taken not to have the message.
	ackTimeout = 5 * time.Second
	// maxUnacknowledged bounds what is published and not yet acknowledged, in messages.
	maxUnacknowledged = 16 << 10
)

// Connect connects to a server of at least version 2.11 with JetStream, and makes sure of the streams and buckets that
// Gaff needs; several processes may do so at once. Errors name the server, never a password.
func Connect(ctx context.Context, config Config) (*Conn, error) {
	config, err := config.complete()
	if err != nil {
		return nil, err
	}
	shown, err := address(config.URL)
	if err != nil {
		return nil, err
	}
	c := &Conn{subjects: subjects{config.Prefix}, config: config, log: config.Log, returned: map[*func()]struct{}{}}
	nc, err := dial(ctx, &config, c.reconnected)
	if err != nil {
		return nil, fmt.Errorf("NATS at %s: %w", shown, err)
	}
	c.nc = nc
	if err := c.prepare(ctx); err != nil {
		nc.Close()
		return nil, fmt.Errorf("NATS at %s: %w", shown, err)
	}
	return c, nil
}

// reconnected tells those who want to know that the connection is back.
func (c *Conn) reconnected() {
	c.log.Info("NATS connection is back")
	c.mu.Lock()
	defer c.mu.Unlock()
	for f := range c.returned {
		(*f)()
	}
}

// asked reports whether an ask was accepted within the last moments.
func (c *Conn) asked(within time.Duration) bool {
	return time.Since(time.Unix(0, c.lastAsk.Load())) < within
}

// onReconnect has f called each time the connection is back, until forget is. f must not block.
func (c *Conn) onReconnect(f func()) (forget func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.returned[&f] = struct{}{}
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.returned, &f)
	}
}

func dial(ctx context.Context, config *Config, reconnected func()) (*nats.Conn, error) {
	timeout := connectTimeout
	if deadline, ok := ctx.Deadline(); ok {
		timeout = min(timeout, time.Until(deadline))
	}
	if ctx.Err() != nil || timeout <= 0 {
		return nil, context.Cause(ctx)
	}
	log := config.Log
	options := []nats.Option{
		nats.Name(config.Name),
		nats.Timeout(timeout),
		nats.SetCustomDialer(dialer{timeout}),
		nats.MaxReconnects(-1),
		nats.ReconnectWait(250 * time.Millisecond),
		nats.ReconnectJitter(100*time.Millisecond, 250*time.Millisecond),
		nats.IgnoreAuthErrorAbort(),
		nats.PingInterval(10 * time.Second),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				log.Warn("NATS connection lost; reconnecting", "error", err)
			}
		}),
		nats.ReconnectHandler(func(*nats.Conn) { reconnected() }),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { log.Warn("NATS", "error", err) }),
	}
	if config.Creds != "" {
		options = append(options, nats.UserCredentials(config.Creds))
	}
	nc, err := nats.Connect(config.URL, options...)
	if errors.Is(err, nats.ErrNoServers) {
		return nil, errors.New("no server answers")
	}
	return nc, err
}

// prepare checks the server and makes sure of what is kept there.
func (c *Conn) prepare(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, setupTimeout)
	defer cancel()
	if err := checkVersion(c.nc.ConnectedServerVersion()); err != nil {
		return err
	}
	var err error
	if c.js, err = c.newPublisher(); err != nil {
		return err
	}
	_, err = c.js.AccountInfo(ctx)
	switch {
	case errors.Is(err, jetstream.ErrJetStreamNotEnabled), errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount):
		return errors.New("JetStream is not enabled on the server")
	case err != nil:
		return fmt.Errorf("JetStream: %w", err)
	}
	return c.setup(ctx)
}

// newPublisher returns a JetStream context of its own, so that what one publishes cannot hold up another.
func (c *Conn) newPublisher() (jetstream.JetStream, error) {
	return jetstream.New(c.nc, jetstream.WithPublishAsyncMaxPending(maxUnacknowledged), jetstream.WithPublishAsyncTimeout(ackTimeout))
}

// The oldest server whose API has what is used here.
const minMajor, minMinor = 2, 11

func checkVersion(version string) error { return atLeast(version, minMajor, minMinor) }

// atLeast is nil if a server's version is the one that is wanted or later.
func atLeast(version string, wantMajor, wantMinor int) error {
	var major, minor int
	if _, err := fmt.Sscanf(version, "%d.%d", &major, &minor); err != nil {
		return fmt.Errorf("the server's version %q cannot be read", version)
	}
	if major < wantMajor || major == wantMajor && minor < wantMinor {
		return fmt.Errorf("the server's version is %s; %d.%d or later is needed", version, wantMajor, wantMinor)
	}
	return nil
}

// Ping reports whether the server answers, within 5 s.
func (c *Conn) Ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	if err := c.nc.FlushWithContext(ctx); err != nil {
		return fmt.Errorf("NATS: %w", err)
	}
	return nil
}

// flush returns when the server has what was sent to it. Without a connection it does not wait for one.
func (c *Conn) flush() {
	err := nats.ErrDisconnected
	if c.nc.IsConnected() {
		err = c.nc.FlushTimeout(flushTimeout)
	}
	if err != nil {
		c.log.Warn("NATS: not everything was sent", "error", err)
	}
}

// Close sends what is still to be sent and disconnects.
func (c *Conn) Close() {
	if !c.nc.IsClosed() {
		c.flush()
	}
	c.nc.Close()
}
