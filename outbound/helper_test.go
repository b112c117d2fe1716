package outbound

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/net/dns/dnsmessage"

	"gaff/hooks"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// caller is a run of an app with these settings.
func caller(settings string) *hooks.Caller {
	return hooks.NewCaller(&hooks.Event{App: "shop"}, hooks.NewTable(&hooks.Release{App: "shop", Settings: json.RawMessage(settings)}))
}

// newClient returns a client that may reach one address of this machine.
func newClient(t testing.TB, c Config) *Client {
	t.Helper()
	client := New(c)
	t.Cleanup(client.Close)
	return client
}

var public = netip.MustParsePrefix("127.0.0.2/32") // stands for the world

// serve starts a server on 127.0.0.2 and returns its URL.
func serve(t testing.TB, handler http.HandlerFunc) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.2:0")
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(handler)
	s.Listener.Close()
	s.Listener = l
	s.Start()
	t.Cleanup(s.Close)
	return s.URL
}

// ask has a script's run send a message.
func ask(t testing.TB, c *Client, m map[string]any) (answer, error) {
	t.Helper()
	return askAs(t.Context(), c, caller(""), m)
}

func askAs(ctx context.Context, c *Client, as *hooks.Caller, m map[string]any) (answer, error) {
	raw, err := json.Marshal(m)
	if err != nil {
		return answer{}, err
	}
	got, err := c.Functions()["http.fetch"](ctx, as, []json.RawMessage{raw})
	var a answer
	if err == nil {
		err = json.Unmarshal(got, &a)
	}
	return a, err
}

func codeOf(err error) hooks.Code {
	if err == nil {
		return ""
	}
	return hooks.AsError(err).Code
}

// startDNS starts a server that answers every name with what addresses says, and returns a resolver that asks it.
func startDNS(t *testing.T, addresses func(name string) []netip.Addr) *net.Resolver {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		buf := make([]byte, 1500)
		for {
			n, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			if reply := resolve(buf[:n], addresses); reply != nil {
				conn.WriteTo(reply, from)
			}
		}
	}()
	t.Cleanup(func() {
		conn.Close()
		<-done
	})
	return &net.Resolver{PreferGo: true, Dial: dialTo(conn.LocalAddr().String())}
}

func dialTo(address string) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "udp", address)
	}
}

// await waits until something is so.
func await(t *testing.T, so func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !so() {
		select {
		case <-tick.C:
		case <-t.Context().Done():
			t.Fatal("it never was")
		}
	}
}

func resolve(query []byte, addresses func(name string) []netip.Addr) []byte {
	var m dnsmessage.Message
	if m.Unpack(query) != nil || len(m.Questions) == 0 {
		return nil
	}
	q := m.Questions[0]
	m.Response, m.Additionals = true, nil
	found := addresses(q.Name.String())
	if found == nil {
		m.RCode = dnsmessage.RCodeNameError
	}
	for _, addr := range found {
		header := dnsmessage.ResourceHeader{Name: q.Name, Class: q.Class, TTL: 0}
		switch {
		case q.Type == dnsmessage.TypeA && addr.Is4():
			m.Answers = append(m.Answers, dnsmessage.Resource{Header: header, Body: &dnsmessage.AResource{A: addr.As4()}})
		case q.Type == dnsmessage.TypeAAAA && addr.Is6():
			m.Answers = append(m.Answers, dnsmessage.Resource{Header: header, Body: &dnsmessage.AAAAResource{AAAA: addr.As16()}})
		}
	}
	reply, err := m.Pack()
	if err != nil {
		return nil
	}
	return reply
}
