package outbound

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync/atomic"
	"testing"

	"gaff/hooks"
)

// A server that ends connections it has promised to keep fails no call that can be made again.
func TestServersThatHangUp(t *testing.T) {
	t.Parallel()
	l := listen(t)
	connections := &atomic.Int64{}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			connections.Add(1)
			if _, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
				fmt.Fprint(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\nok")
			}
			conn.(*net.TCPConn).SetLinger(0)
			conn.Close()
		}
	}()
	client := newClient(t, Config{Allow: []netip.Prefix{public}})
	answered := 0
	for range 20 {
		a, err := ask(t, client, map[string]any{"url": "http://" + l.Addr().String() + "/"})
		if err == nil && a.Status == 200 {
			answered++
		} else if code := codeOf(err); code != codeReset { // it hung up before its answer was read
			t.Errorf("%+v, %v", a, err)
		}
	}
	if answered == 0 || connections.Load() < 20 {
		t.Errorf("%d answers over %d connections", answered, connections.Load())
	}
}

// Connections are kept and used again, by all runs.
func TestConnectionsAreKept(t *testing.T) {
	t.Parallel()
	opened := &atomic.Int64{}
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("ok")) }))
	s.Listener.Close()
	s.Listener = listen(t)
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened.Add(1)
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	client := newClient(t, Config{Allow: []netip.Prefix{public}})
	for range 20 {
		if _, err := ask(t, client, map[string]any{"url": s.URL}); err != nil {
			t.Fatal(err)
		}
	}
	if n := opened.Load(); n != 1 {
		t.Errorf("%d connections", n)
	}
}

// A certificate must be the host's, and signed by somebody who is trusted.
func TestCertificates(t *testing.T) {
	t.Parallel()
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Write([]byte(r.Proto)) }))
	s.Listener.Close()
	s.Listener = listen(t)
	s.EnableHTTP2 = true
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	client := trusting(t)
	at := func(host string) string { return fmt.Sprintf("https://%s:%d/", host, port(s.Listener)) }
	for _, host := range []string{"example.com", "other.test", "127.0.0.2"} {
		if _, err := ask(t, client, map[string]any{"url": at(host)}); codeOf(err) != codeTLS {
			t.Errorf("nobody is trusted, %s: %v", host, err)
		}
	}
	client = trusting(t)
	client.transport.TLSClientConfig = &tls.Config{RootCAs: x509.NewCertPool()}
	client.transport.TLSClientConfig.RootCAs.AddCert(s.Certificate())
	for host, code := range map[string]hooks.Code{"example.com": "", "other.test": codeTLS, "127.0.0.2": codeTLS} {
		if a, err := ask(t, client, map[string]any{"url": at(host)}); codeOf(err) != code || code == "" && *a.Body != "HTTP/2.0" {
			t.Errorf("%s: %+v, %v, want %s", host, a, err, code)
		}
	}
}

// Names that nobody knows, or knows at the moment.
func TestNamesThatAreNotFound(t *testing.T) {
	t.Parallel()
	client := newClient(t, Config{})
	client.guard.dialer.Resolver = startDNS(t, func(string) []netip.Addr { return nil })
	if _, err := ask(t, client, map[string]any{"url": "http://nowhere.example.com/"}); codeOf(err) != codeNotFound {
		t.Errorf("%v", err)
	}
	silent := listen(t)
	client.guard.dialer.Resolver = &net.Resolver{PreferGo: true, Dial: dialTo(silent.Addr().String())}
	silent.Close()
	if _, err := ask(t, client, map[string]any{"url": "http://nowhere.example.com/"}); codeOf(err) != codeNoAnswer {
		t.Errorf("%v", err)
	}
}
