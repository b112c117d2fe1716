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

// Each says why a script may not go there.
var (
	errAddress = errors.New("scripts may reach public addresses only; the operator can allow others")
	errPort    = errors.New("the port is one of another protocol")
	errScheme  = errors.New("only URLs such as https://example.com/path can be requested")
)

// whyBlocked is the one of them that is in the chain of an error, or nil.
func whyBlocked(err error) error {
	for _, why := range []error{errAddress, errPort, errScheme} {
		if errors.Is(err, why) {
			return why
		}
	}
	return nil
}

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
	return &guard{
		public: ssrf.New(ssrf.WithAnyPort(), ssrf.WithDeniedV6Prefixes(embedding()...)), allow: allow,
		dialer: &net.Dialer{Timeout: dialTimeout, KeepAlive: 30 * time.Second},
	}
}

// dial connects for HTTP, if the guard lets it.
func (g *guard) dial(ctx context.Context, network, address string) (net.Conn, error) {
	return g.dialPort(ctx, network, address, nil)
}

// dialMail connects for SMTP, some of whose ports are closed to HTTP.
func (g *guard) dialMail(ctx context.Context, network, address string) (net.Conn, error) {
	return g.dialPort(ctx, network, address, mailPorts)
}

// dialPort looks names up and connects. What it finds is looked at when it is about to be dialled, so that there is no
// moment in which it could become something else.
func (g *guard) dialPort(ctx context.Context, network, address string, ports []uint16) (net.Conn, error) {
	dialer := *g.dialer
	dialer.Control = func(network, address string, _ syscall.RawConn) error {
		to, err := netip.ParseAddrPort(address)
		if err != nil || network != "tcp4" && network != "tcp6" {
			return fmt.Errorf("%w: %s %s", errAddress, network, address)
		}
		return g.check(to, ports)
	}
	return dialer.DialContext(ctx, network, address)
}

// check refuses an address that is neither public nor allowed, and everywhere a port of another protocol that is not among
// ports.
func (g *guard) check(to netip.AddrPort, ports []uint16) error {
	if port := to.Port(); port == 0 || slices.Contains(otherPorts, port) && !slices.Contains(ports, port) {
		return fmt.Errorf("%w: %d", errPort, port)
	}
	if !g.allowed(to.Addr()) && (to.Addr().Zone() != "" || carriesIPv4(to.Addr()) || g.public.SafeAddr(to.Addr().Unmap()) != nil) {
		return fmt.Errorf("%w: %s", errAddress, to.Addr())
	}
	return nil
}

// allowed reports whether the operator allows the address.
func (g *guard) allowed(addr netip.Addr) bool {
	addr = addr.WithZone("").Unmap()
	return slices.ContainsFunc(g.allow, func(p netip.Prefix) bool { return p.Contains(addr) })
}

// carriesIPv4 reports whether the address is one of ISATAP (RFC 5214), which carries one of IPv4 in any network.
func carriesIPv4(addr netip.Addr) bool {
	b := addr.As16()
	return addr.Is6() && !addr.Is4In6() && b[8]&^2 == 0 && b[9] == 0 && b[10] == 0x5e && b[11] == 0xfe
}

// otherPorts are those of other protocols, which a request over HTTP could be made to speak: the ones below 1024 of the
// list of the fetch standard, and those of databases.
var otherPorts = []uint16{
	1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104, 109, 110, 111, 113,
	115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514, 515, 526, 530, 531, 532, 540, 548, 554, 556,
	563, 587, 601, 636, 989, 990, 993, 995, 3306, 5432, 6379, 11211, 27017,
}

// mailPorts are those of them on which mail is handed in.
var mailPorts = []uint16{25, 465, 587}

// checkURL refuses what is wrong with an address before anything is looked up.
func checkURL(u *url.URL) error {
	if u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.Opaque != "" {
		return errScheme
	}
	return nil
}
