package outbound

import (
	"context"
	"crypto/x509"
	"net/http"
	"sync"

	"gaff/hooks"
)

// Client carries out what scripts ask of the world. It is safe for concurrent use. Close ends it.
type Client struct {
	config    Config
	guard     *guard
	transport *http.Transport
	roots     *x509.CertPool // of mail servers' certificates; nil: the system's

	slots chan struct{}
	mu    sync.Mutex
	apps  map[string]chan struct{}
}

// New returns a client. Proxies that the environment names are not used: behind one, addresses could not be checked.
func New(c Config) *Client {
	c = c.withDefaults()
	g := newGuard(c.Allow)
	return &Client{
		config: c, guard: g, slots: make(chan struct{}, c.AtOnce), apps: map[string]chan struct{}{},
		transport: &http.Transport{
			DialContext:            g.dial,
			ForceAttemptHTTP2:      true,
			TLSHandshakeTimeout:    dialTimeout,
			IdleConnTimeout:        idleTimeout,
			MaxIdleConns:           c.AtOnce,
			MaxIdleConnsPerHost:    16,
			MaxResponseHeaderBytes: maxHeaderBytes,
		},
	}
}

// Close ends idle connections.
func (c *Client) Close() { c.transport.CloseIdleConnections() }

// Functions are the host functions that scripts have by the client: http.fetch, slack.send and mail.send.
func (c *Client) Functions() hooks.HostFunctions {
	return hooks.HostFunctions{"http.fetch": c.fetch, "slack.send": c.slack, "mail.send": c.mail}
}

// enter waits for a place among the calls that are under way, and counts the call to its run's.
func (c *Client) enter(ctx context.Context, caller *hooks.Caller) (leave func(), err error) {
	if !caller.Take("outgoing", c.config.MaxCalls) {
		return nil, hooks.Errorf(hooks.CodeOverloaded, "one run may make %d outgoing calls", c.config.MaxCalls)
	}
	own := c.of(caller.Event.App)
	for i, slots := range []chan struct{}{own, c.slots} {
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			if i > 0 {
				<-own
			}
			return nil, timedOut("no place among the outgoing calls was free in time")
		}
	}
	return func() { <-c.slots; <-own }, nil
}

func (c *Client) of(app string) chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	slots := c.apps[app]
	if slots == nil {
		slots = make(chan struct{}, c.config.AtOnceOfApp)
		c.apps[app] = slots
	}
	return slots
}
