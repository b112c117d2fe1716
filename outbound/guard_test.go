package outbound

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"gaff/hooks"
)

// canary is a server on this machine that nobody may reach.
func canary(t *testing.T) (port string, reached *atomic.Int64) {
	t.Helper()
	reached = &atomic.Int64{}
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ = net.SplitHostPort(l.Addr().String())
	listeners := []net.Listener{l}
	for _, network := range []string{"[::1]"} {
		if l6, err := net.Listen("tcp6", network+":"+port); err == nil {
			listeners = append(listeners, l6)
		}
	}
	for _, l := range listeners {
		s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Add(1) }))
		s.Listener.Close()
		s.Listener = l
		s.Start()
		t.Cleanup(s.Close)
	}
	return port, reached
}

// hosts are ways to write addresses that scripts must not reach.
func hosts() []string {
	return []string{
		// this machine
		"127.0.0.1", "127.0.0.1.", "127.1", "127.0.1", "127.000.000.001", "0127.0.0.1", "0177.0.0.1", "0177.0.0.01", "0x7f.0.0.1",
		"0x7f.1", "0x7f000001", "0x7F000001", "2130706433", "017700000001", "127.0.0.1%00", "127.0.0.1%20", "127.0.0.1%2e", "127%2e0%2e0%2e1",
		"127.255.255.254", "127.0.0.3", "0.0.0.0", "0", "0.0.0.1", "00.0.0.0", "[::]", "[::1]", "[0:0:0:0:0:0:0:1]", "[::0001]", "[::1%25lo]", "[::1%25eth0]",
		"[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:ffff:7f00:0001]", "[::127.0.0.1]", "[::7f00:1]", "[::ffff:0:127.0.0.1]",
		"[64:ff9b::127.0.0.1]", "[64:ff9b::7f00:1]", "[64:ff9b:1::7f00:1]", "[2002:7f00:1::]", "[2002:7f00:0001::1]", "[2001:0:7f00:1::]",
		"[2001:0:0:0:0:0:80ff:fffe]", "localhost", "LOCALHOST", "localhost.", "LocalHost.", "a.localhost", "localhost.localdomain", "ip6-localhost",
		"①②⑦.⓪.⓪.①", "１２７.０.０.１", "127。0。0。1", "127．0．0．1", "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ", "loc\u00adalhost", "localh\u200bost",
		// private, shared, link-local and special
		"10.0.0.1", "10.255.255.255", "0xa000001", "012.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.0.1", "192.168.255.255", "3232235521",
		"100.64.0.1", "100.127.255.255", "169.254.0.1", "169.254.169.254", "0xa9fea9fe", "2852039166", "0251.0376.0251.0376", "169.254.43518",
		"[::ffff:169.254.169.254]", "[::ffff:a9fe:a9fe]", "[64:ff9b::a9fe:a9fe]", "[2002:a9fe:a9fe::]", "[fd00:ec2::254]", "[fe80::1]", "[fe80::1%25lo]",
		"[fc00::1]", "[fdff::1]", "[fec0::1]", "[ff02::1]", "[ff05::2]", "224.0.0.1", "239.255.255.250", "255.255.255.255", "240.0.0.1", "198.18.0.1",
		"192.0.0.1", "192.0.0.192", "192.0.2.1", "192.88.99.1", "198.51.100.1", "203.0.113.1", "[2001:db8::1]", "[100::1]", "[5f00::1]", "[3fff::1]",
		"[2606:4700::5efe:7f00:1]", "[2606:4700::200:5efe:a00:1]", "[::ffff:10.0.0.1]", "[::ffff:192.168.1.1]", "[64:ff9b::10.0.0.1]", "[64:ff9b::c0a8:1]", "[2002:a00:1::]", "[2002:c0a8:101::]", "[::10.0.0.1]",
	}
}

// TestNothingReachesTheCanary tries every way to write an address, to be led there and to have it resolved.
func TestNothingReachesTheCanary(t *testing.T) {
	t.Parallel()
	port, reached := canary(t)
	client := newClient(t, Config{Allow: []netip.Prefix{public}, MaxCalls: 10_000})
	loopback := netip.MustParseAddr("127.0.0.1")
	client.guard.dialer.Resolver = startDNS(t, func(string) []netip.Addr { return []netip.Addr{loopback} }) // what odd notations mean
	redirect := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", r.URL.Query().Get("to"))
		w.WriteHeader(http.StatusFound)
	})
	tried := 0
	refused := func(how, target string) {
		tried++
		if a, err := ask(t, client, map[string]any{"url": target}); err == nil {
			t.Errorf("%s %s: answered %d", how, target, a.Status)
		} else if code := codeOf(err); code != codeBlocked && code != codeBadURL && code != hooks.CodeServiceError && code != codeNotFound {
			t.Errorf("%s %s: %v", how, target, err)
		}
	}
	for _, host := range hosts() {
		at := "http://" + host + ":" + port + "/"
		refused("direct", at)
		refused("redirect", redirect+"/?to="+url.QueryEscape(at))
	}
	for _, target := range []string{
		"http://public.example@127.0.0.1:" + port, "http://127.0.0.1:" + port + "#@public.example", "http://127.0.0.1:" + port + "\\@public.example/",
		"http:127.0.0.1:" + port, "http:/127.0.0.1:" + port, "http:///127.0.0.1:" + port, "//127.0.0.1:" + port, "127.0.0.1:" + port, "",
		"file:///etc/passwd", "gopher://127.0.0.1:" + port, "ftp://127.0.0.1", "dict://127.0.0.1:" + port, "unix:///var/run/docker.sock", "data:text/plain,x",
		"javascript:1", "HTTP://127.0.0.1:" + port, "hTTp://[::1]:" + port, "ws://127.0.0.1:" + port, "jar:http://127.0.0.1!/", "http://[::1", "http://:" + port,
		"http://127.0.0.1:99999", "http://127.0.0.1:-1", "http://127.0.0.1:" + port + "\r\nHost: x", " http://127.0.0.1:" + port, "\thttp://127.0.0.1:" + port,
	} {
		refused("odd", target)
		if target != "" { // which leads nowhere
			refused("redirect to", redirect+"/?to="+url.QueryEscape(target))
		}
	}
	if tried < 120 || reached.Load() != 0 {
		t.Errorf("%d tricks, the canary was reached %d times", tried, reached.Load())
	}
}

// What a name resolves to is what counts, at the moment of dialling.
func TestNamesOfPrivateAddresses(t *testing.T) {
	t.Parallel()
	port, reached := canary(t)
	var asked atomic.Int64
	client := newClient(t, Config{Allow: []netip.Prefix{public}, MaxCalls: 1000})
	loopback, world := netip.MustParseAddr("127.0.0.1"), public.Addr()
	client.guard.dialer.Resolver = startDNS(t, func(name string) []netip.Addr {
		n := asked.Add(1)
		switch {
		case strings.HasPrefix(name, "rebind") && n%2 == 0:
			return []netip.Addr{world}
		case strings.HasPrefix(name, "both"):
			return []netip.Addr{loopback, netip.MustParseAddr("::1"), netip.MustParseAddr("169.254.169.254")}
		case strings.HasPrefix(name, "mapped"):
			return []netip.Addr{netip.MustParseAddr("::ffff:127.0.0.1"), netip.MustParseAddr("64:ff9b::7f00:1")}
		}
		return []netip.Addr{loopback}
	})
	for i := range 40 {
		for _, name := range []string{"internal", "rebind", "both", "mapped"} {
			target := fmt.Sprintf("http://%s%d.example.com:%s/", name, i, port)
			if a, err := ask(t, client, map[string]any{"url": target}); err == nil {
				t.Errorf("%s: answered %d", target, a.Status)
			}
		}
	}
	if reached.Load() != 0 {
		t.Errorf("the canary was reached %d times", reached.Load())
	}
}

// What the operator allows can be reached, and ports of other protocols cannot.
func TestAllowedRanges(t *testing.T) {
	t.Parallel()
	at := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("hello")) })
	client := newClient(t, Config{Allow: []netip.Prefix{public}})
	if a, err := ask(t, client, map[string]any{"url": at}); err != nil || a.Status != 200 || *a.Body != "hello" {
		t.Errorf("%+v, %v", a, err)
	}
	if _, err := ask(t, newClient(t, Config{}), map[string]any{"url": at}); codeOf(err) != codeBlocked {
		t.Errorf("%v", err)
	}
	g := newGuard([]netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")})
	for _, c := range []struct {
		to   string
		mail bool
		why  error
	}{
		{"8.8.8.8:8443", false, nil}, {"1.1.1.1:80", false, nil}, {"[2606:4700::1111]:443", false, nil}, {"93.184.216.34:8080", false, nil},
		{"8.8.8.8:22", false, errPort}, {"8.8.8.8:6379", false, errPort}, {"8.8.8.8:0", false, errPort}, {"8.8.8.8:25", false, errPort},
		{"8.8.8.8:25", true, nil}, {"8.8.8.8:465", true, nil}, {"8.8.8.8:587", true, nil}, {"8.8.8.8:2525", true, nil}, {"8.8.8.8:22", true, errPort},
		{"10.1.2.3:80", false, nil}, {"[::ffff:10.1.2.3]:80", false, nil}, {"[fd12::1]:80", false, nil}, {"[fd12::1%eth0]:80", false, nil},
		{"10.1.2.3:6379", false, errPort}, {"11.0.0.1:80", false, nil}, {"192.168.0.1:80", false, errAddress}, {"[fc00::1]:80", false, errAddress},
		{"[64:ff9b::a01:203]:80", false, errAddress}, {"[2002:a01:203::]:80", false, errAddress}, {"[2606:4700::1%eth0]:80", false, errAddress},
		{"127.0.0.1:25", true, errAddress},
	} {
		var ports []uint16
		if c.mail {
			ports = mailPorts
		}
		if err := g.check(netip.MustParseAddrPort(c.to), ports); !errors.Is(err, c.why) || c.why == nil && err != nil {
			t.Errorf("%s: %v, want %v", c.to, err, c.why)
		}
	}
}

// A proxy that the environment names would be asked for addresses that nobody has checked.
func TestProxiesAreNotUsed(t *testing.T) {
	port, reached := canary(t)
	for _, name := range []string{"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"} {
		t.Setenv(name, "http://127.0.0.1:"+port)
	}
	at := serve(t, func(http.ResponseWriter, *http.Request) {})
	if a, err := ask(t, newClient(t, Config{Allow: []netip.Prefix{public}}), map[string]any{"url": at}); err != nil || a.Status != 200 {
		t.Errorf("%+v, %v", a, err)
	}
	if reached.Load() != 0 {
		t.Error("the proxy was asked")
	}
}
