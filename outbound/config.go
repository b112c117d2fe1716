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
	// MaxCalls is how many calls one run may make, mails and messages among them; default [DefaultMaxCalls].
	MaxCalls int
	// MaxSize bounds the body of a request, and of an answer once it is unpacked, in bytes; default [DefaultMaxSize].
	MaxSize int64
	// AtOnce is how many calls the process has under way; further ones wait. One app has at most as many as it leaves
	// free. Default [DefaultAtOnce].
	AtOnce int
}

// The defaults of [Config].
const (
	DefaultMaxCalls = 50
	DefaultMaxSize  = 4 << 20
	DefaultAtOnce   = 1024
)

const (
	dialTimeout    = 10 * time.Second
	idleTimeout    = 60 * time.Second
	maxIdle        = 256 // connections
	maxIdleOfHost  = 64
	maxRedirects   = 5
	maxHeaders     = 100      // of a request
	maxHeaderBytes = 64 << 10 // of a request or an answer

	// smallBody is what bodies may have without taking from the room for large ones, of which there are largeBodies of
	// the greatest size. So the bodies of all calls that are under way take, with what they are read into and encoded
	// as, about 200 MiB at most by default.
	smallBody   = 32 << 10
	largeBodies = 8
)

func (c Config) withDefaults() Config {
	c.MaxCalls = cmp.Or(c.MaxCalls, DefaultMaxCalls)
	c.MaxSize = cmp.Or(c.MaxSize, DefaultMaxSize)
	c.AtOnce = cmp.Or(c.AtOnce, DefaultAtOnce)
	return c
}
