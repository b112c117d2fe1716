package outbound

import (
	"context"
	"crypto/x509"
	"net/http"

	"gaff/hooks"
)

// Client carries out what scripts ask of the world. It is safe for concurrent use. Close ends it.
type Client struct {
	config    Config
	guard     *guard
	transport *http.Transport
	roots     *x509.CertPool // of mail servers' certificates; nil: the system's

	places  *room // for calls
	bodies  *room // for large ones of requests, in bytes
	answers *room // for large ones of answers, in bytes; who waits for it holds none of it
}

// New returns a client. Proxies that the environment names are not used: behind one, addresses could not be checked.
func New(c Config) *Client {
	c = c.withDefaults()
	g := newGuard(c.Allow)
	return &Client{
		config: c, guard: g,
		places: newRoom(int64(c.AtOnce)), bodies: newRoom(largeBodies * c.MaxSize), answers: newRoom(largeBodies * c.MaxSize),
		transport: &http.Transport{
			DialContext:            g.dial,
			ForceAttemptHTTP2:      true,
			TLSHandshakeTimeout:    dialTimeout,
			IdleConnTimeout:        idleTimeout,
			MaxIdleConns:           maxIdle,
			MaxIdleConnsPerHost:    maxIdleOfHost,
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

// count notes that a run makes n more calls, and refuses one too many.
func (c *Client) count(caller *hooks.Caller, n int) error {
	for range n {
		if !caller.Take("outgoing", c.config.MaxCalls) {
			return hooks.Errorf(hooks.CodeOverloaded, "one run may make %d outgoing calls", c.config.MaxCalls)
		}
	}
	return nil
}

// enter counts the call to its run's, and waits for a place among those that are under way, with what it sends.
func (c *Client) enter(ctx context.Context, caller *hooks.Caller, sends int) (leave func(), err error) {
	if err := c.count(caller, 1); err != nil {
		return nil, err
	}
	app := caller.Event.App
	give, err := c.places.take(ctx, app, 1)
	if err != nil {
		return nil, timedOut("no place among the outgoing calls was free in time")
	}
	if sends <= smallBody {
		return give, nil
	}
	back, err := c.bodies.take(ctx, app, min(int64(sends), c.config.MaxSize))
	if err != nil {
		give()
		return nil, timedOut("there was no room for the body in time")
	}
	return func() { back(); give() }, nil
}
