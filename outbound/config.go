package outbound

import (
	"cmp"
	"net/netip"
	"time"
)

// Config bounds what scripts may do. The zero value allows public addresses only, with the defaults below.
type Config struct {
	// Allow lists ranges of addresses that scripts may reach although they are not public.
	Allow []netip.Prefix
	// MaxCalls is how many calls one run may make, mails and messages among them; default 50.
	MaxCalls int
	// MaxAnswer bounds the body of an answer once it is decompressed, in bytes; default 4 MiB.
	MaxAnswer int64
	// MaxBody bounds the body of a request, in bytes; default 4 MiB.
	MaxBody int64
	// AtOnce is how many calls the process has under way; further ones wait. Default 256.
	AtOnce int
	// AtOnceOfApp is the same for one app, so that one cannot keep all the others waiting; default 64.
	AtOnceOfApp int
}

const (
	defaultMaxCalls    = 50
	defaultMaxBytes    = 4 << 20
	defaultAtOnce      = 256
	defaultAtOnceOfApp = 64

	dialTimeout    = 10 * time.Second
	idleTimeout    = 60 * time.Second
	maxRedirects   = 5
	maxHeaders     = 100      // of a request
	maxHeaderBytes = 64 << 10 // of a request or an answer
)

func (c Config) withDefaults() Config {
	c.MaxCalls = cmp.Or(c.MaxCalls, defaultMaxCalls)
	c.MaxAnswer = cmp.Or(c.MaxAnswer, defaultMaxBytes)
	c.MaxBody = cmp.Or(c.MaxBody, defaultMaxBytes)
	c.AtOnce = cmp.Or(c.AtOnce, defaultAtOnce)
	c.AtOnceOfApp = cmp.Or(c.AtOnceOfApp, defaultAtOnceOfApp)
	return c
}
