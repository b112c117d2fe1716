package outbound

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"syscall"
	"time"

	"code.dny.dev/ssrf"
)

// errBlocked is in the chain of an error that says that a script may not go there.
var errBlocked = errors.New("blocked")

// guard says which addresses may be dialled.
type guard struct {
	public *ssrf.Guardian
	allow  []netip.Prefix
	dialer *net.Dialer
}

// embedding are the ranges of IPv6 whose addresses carry one of IPv4, which may be a private one: NAT64 (RFC 6052 and
// 8215), 6to4 (RFC 3056), Teredo (RFC 4380), and those that are mapped or compatible (RFC 4291).
func embedding() []netip.Prefix {
	return []netip.Prefix{
		netip.MustParsePrefix("64:ff9b::/96"), netip.MustParsePrefix("64:ff9b:1::/48"), netip.MustParsePrefix("2002::/16"),
		netip.MustParsePrefix("2001::/32"), netip.MustParsePrefix("::ffff:0:0/96"), netip.MustParsePrefix("::/96"),
	}
}

func newGuard(allow []netip.Prefix) *guard {
	g := &guard{public: ssrf.New(ssrf.WithAnyPort(), ssrf.WithDeniedV6Prefixes(embedding()...)), allow: allow}
	g.dialer = &net.Dialer{Timeout: dialTimeout, KeepAlive: 30 * time.Second, Control: g.control}
	return g
}

// control is asked with the address that is about to be dialled, after names have been resolved.
func (g *guard) control(network, address string, _ syscall.RawConn) error {
	if network != "tcp4" && network != "tcp6" {
		return fmt.Errorf("%w: network %s", errBlocked, network)
	}
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%w: %w", errBlocked, err)
	}
	return g.check(to)
}

func (g *guard) check(to netip.AddrPort) error {
	addr := to.Addr().WithZone("").Unmap()
	if slices.ContainsFunc(g.allow, func(p netip.Prefix) bool { return p.Contains(addr) }) {
		return nil
	}
	if to.Addr().Zone() != "" {
		return fmt.Errorf("%w: the address %s has a zone", errBlocked, to.Addr())
	}
	if err := g.public.SafeAddr(addr); err != nil {
		return fmt.Errorf("%w: the address %s is not public", errBlocked, addr)
	}
	if port := to.Port(); port == 0 || slices.Contains(otherPorts, port) {
		return fmt.Errorf("%w: port %d is not one for HTTP", errBlocked, port)
	}
	return nil
}

// otherPorts are those of other protocols, which a request over HTTP could be made to speak: the ones below 1024 of the
// list of the fetch standard, and those of databases.
var otherPorts = []uint16{
	1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104, 109, 110, 111, 113,
	115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514, 515, 526, 530, 531, 532, 540, 548, 554, 556,
	563, 587, 601, 636, 989, 990, 993, 995, 3306, 5432, 6379, 11211, 27017,
}

// dial connects if the guard lets it.
func (g *guard) dial(ctx context.Context, network, address string) (net.Conn, error) {
	return g.dialer.DialContext(ctx, network, address)
}

// dialMail is dial for SMTP, whose ports are closed to HTTP.
func (g *guard) dialMail(ctx context.Context, network, address string) (net.Conn, error) {
	dialer := *g.dialer
	dialer.Control = func(network, address string, c syscall.RawConn) error {
		to, err := netip.ParseAddrPort(address)
		if err != nil {
			return fmt.Errorf("%w: %w", errBlocked, err)
		}
		const web = 443
		return g.control(network, netip.AddrPortFrom(to.Addr(), web).String(), c)
	}
	return dialer.DialContext(ctx, network, address)
}

// checkURL refuses what is wrong with an address before anything is looked up.
func checkURL(u *url.URL) error {
	switch {
	case u.Scheme != "http" && u.Scheme != "https":
		return fmt.Errorf("%w: only http and https can be requested", errBlocked)
	case u.Hostname() == "":
		return fmt.Errorf("%w: the URL has no host", errBlocked)
	case u.Opaque != "":
		return fmt.Errorf("%w: the URL is not one such as https://example.com/path", errBlocked)
	}
	return nil
}
