package outbound

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"gaff/hooks"
)

// world is a server that does what servers do.
func world(t *testing.T) string {
	mux := http.NewServeMux()
	mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		json.NewEncoder(w).Encode(map[string]any{"method": r.Method, "body": string(body), "headers": r.Header, "host": r.Host, "query": r.URL.RawQuery})
	})
	mux.HandleFunc("/slow", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	mux.HandleFunc("/trickle", func(w http.ResponseWriter, r *http.Request) {
		w.Write([]byte("some"))
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})
	mux.HandleFunc("/slowly", func(w http.ResponseWriter, r *http.Request) {
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})
	mux.HandleFunc("/huge", func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			if _, err := w.Write(make([]byte, 1<<20)); err != nil {
				return
			}
		}
	})
	mux.HandleFunc("/bomb", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		for range 64 {
			z.Write(make([]byte, 1<<20))
		}
		z.Close()
	})
	mux.HandleFunc("/gzip", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		fmt.Fprint(z, "unpacked "+r.Header.Get("Accept-Encoding"))
		z.Close()
	})
	mux.HandleFunc("/loop", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/loop", http.StatusFound) })
	mux.HandleFunc("/moved", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/echo?moved=1", http.StatusFound) })
	mux.HandleFunc("/away", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://"+r.URL.Query().Get("to")+"/echo", http.StatusTemporaryRedirect)
	})
	mux.HandleFunc("/binary", func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte{0xff, 0xfe, 0}) })
	mux.HandleFunc("/headers", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Long", strings.Repeat("x", 2*maxHeaderBytes))
	})
	mux.HandleFunc("/truncated", func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			fmt.Fprint(conn, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this")
			conn.Close()
		}
	})
	mux.HandleFunc("/garbage", func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			fmt.Fprint(conn, "SSH-2.0-OpenSSH\r\n")
			conn.Close()
		}
	})
	mux.HandleFunc("/hangup", func(w http.ResponseWriter, _ *http.Request) {
		if conn, _, err := w.(http.Hijacker).Hijack(); err == nil {
			conn.(*net.TCPConn).SetLinger(0)
			conn.Close()
		}
	})
	mux.HandleFunc("/head", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Length", "99999999999") })
	mux.HandleFunc("/sized", func(w http.ResponseWriter, r *http.Request) {
		n, _ := strconv.Atoi(r.FormValue("n"))
		w.Header().Set("Content-Length", strconv.Itoa(n))
		io.WriteString(w, strings.Repeat("x", n))
	})
	mux.HandleFunc("/chunks", func(w http.ResponseWriter, r *http.Request) {
		n, _ := strconv.Atoi(r.FormValue("n"))
		io.WriteString(w, strings.Repeat("x", n))
	})
	mux.HandleFunc("/status", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no tea", http.StatusTeapot) })
	return serve(t, mux.ServeHTTP)
}

func TestFetch(t *testing.T) {
	t.Parallel()
	at := world(t)
	client := newClient(t, Config{Allow: []netip.Prefix{public}, MaxSize: 1 << 20})
	for _, c := range []struct {
		name   string
		m      map[string]any
		status int
		has    string
		code   hooks.Code
	}{
		{"get", map[string]any{"url": at + "/echo?a=1"}, 200, `"query":"a=1"`, ""},
		{"post", map[string]any{"url": at + "/echo", "method": "post", "body": "hello"}, 200, `"body":"hello"`, ""},
		{"bytes", map[string]any{"url": at + "/echo", "method": "PUT", "bodyBase64": []byte("bin")}, 200, `"body":"bin"`, ""},
		{"headers", map[string]any{"url": at + "/echo", "headers": [][2]string{{"x-a", "1"}, {"X-A", "2"}}}, 200, `"X-A":["1","2"]`, ""},
		{"agent", map[string]any{"url": at + "/echo", "headers": [][2]string{{"user-agent", "mine"}}}, 200, `"User-Agent":["mine"]`, ""},
		{"host", map[string]any{"url": at + "/echo", "headers": [][2]string{{"host", "shop.example"}}}, 200, `"host":"shop.example"`, ""},
		{"length", map[string]any{"url": at + "/echo", "method": "POST", "body": "x", "headers": [][2]string{{"content-length", "99"}}}, 200, `"body":"x"`, ""},
		{"smuggled header", map[string]any{"url": at + "/echo", "headers": [][2]string{{"x-a", "1\r\nx-b: 2"}}}, 0, "", hooks.CodeBadRequest},
		{"bad header", map[string]any{"url": at + "/echo", "headers": [][2]string{{"x a", "1"}}}, 0, "", hooks.CodeBadRequest},
		{"bad method", map[string]any{"url": at + "/echo", "method": "GET / HTTP/1.1\r\n"}, 0, "", hooks.CodeBadRequest},
		{"connect", map[string]any{"url": at + "/echo", "method": "CONNECT"}, 0, "", hooks.CodeBadRequest},
		{"status", map[string]any{"url": at + "/status"}, 418, "no tea", ""},
		{"gzip", map[string]any{"url": at + "/gzip", "headers": [][2]string{{"accept-encoding", "br"}}}, 200, "unpacked gzip", ""},
		{"redirect", map[string]any{"url": at + "/moved"}, 200, `"query":"moved=1"`, ""},
		{"manual", map[string]any{"url": at + "/moved", "redirect": "manual"}, 302, "", ""},
		{"no redirect", map[string]any{"url": at + "/moved", "redirect": "error"}, 0, "", codeRedirect},
		{"loop", map[string]any{"url": at + "/loop"}, 0, "", codeRedirect},
		{"slow", map[string]any{"url": at + "/slow", "timeout": 50}, 0, "", codeTimedOut},
		{"trickle", map[string]any{"url": at + "/trickle", "timeout": 50}, 0, "", codeTimedOut},
		{"huge", map[string]any{"url": at + "/huge"}, 0, "", codeTooLarge},
		{"bomb", map[string]any{"url": at + "/bomb"}, 0, "", codeTooLarge},
		{"large body", map[string]any{"url": at + "/echo", "method": "POST", "body": strings.Repeat("x", 2<<20)}, 0, "", codeTooLarge},
		{"long headers", map[string]any{"url": at + "/headers"}, 0, "", codeProtocol},
		{"truncated", map[string]any{"url": at + "/truncated"}, 0, "", codeReset},
		{"garbage", map[string]any{"url": at + "/garbage"}, 0, "", codeProtocol},
		{"hang up", map[string]any{"url": at + "/hangup"}, 0, "", codeReset},
		{"size of a file", map[string]any{"url": at + "/head", "method": "HEAD"}, 200, "", ""},
		{"times of all kinds", map[string]any{"url": at + "/echo", "timeout": 1e300}, 200, "", ""},
		{"no time", map[string]any{"url": at + "/echo", "timeout": -1}, 200, "", ""},
		{"as many", map[string]any{"url": at + "/sized?n=1048576"}, 200, "xx", ""},
		{"one more", map[string]any{"url": at + "/sized?n=1048577"}, 0, "", codeTooLarge},
		{"one more, not announced", map[string]any{"url": at + "/chunks?n=1048577"}, 0, "", codeTooLarge},
		{"nobody", map[string]any{"url": "http://127.0.0.2:1025/"}, 0, "", codeRefused},
		{"no TLS", map[string]any{"url": strings.Replace(at, "http:", "https:", 1)}, 0, "", codeTLS},
		{"no URL", map[string]any{"url": "http://%zz"}, 0, "", codeBadURL},
		{"long URL", map[string]any{"url": at + "/" + strings.Repeat("x", maxURL)}, 0, "", codeBadURL},
	} {
		a, err := ask(t, client, c.m)
		switch {
		case codeOf(err) != c.code || a.Status != c.status:
			t.Errorf("%s: %d, %v, want %d %s", c.name, a.Status, err, c.status, c.code)
		case err == nil && (a.Body == nil || !strings.Contains(*a.Body, c.has)):
			t.Errorf("%s: %+v lacks %s", c.name, a, c.has)
		}
	}
	a, err := ask(t, client, map[string]any{"url": at + "/binary"})
	if err != nil || a.Body != nil || !bytes.Equal(a.BodyBase64, []byte{0xff, 0xfe, 0}) {
		t.Errorf("binary: %+v, %v", a, err)
	}
}

// Credentials stay with the host that they were meant for.
func TestCredentialsStay(t *testing.T) {
	t.Parallel()
	elsewhere := strings.TrimPrefix(world(t), "http://")
	client := newClient(t, Config{Allow: []netip.Prefix{public}})
	a, err := ask(t, client, map[string]any{"url": world(t) + "/away?key=s3cret&to=" + elsewhere, "method": "POST", "body": "b",
		"headers": [][2]string{{"authorization", "Bearer s3cret"}, {"x-api-key", "s3cret"}, {"cookie", "s3cret"}, {"x-plain", "1"}}})
	if err != nil || strings.Contains(*a.Body, "s3cret") || !strings.Contains(*a.Body, "X-Plain") || !a.Redirected {
		t.Errorf("%+v, %v", a, err)
	}
}

// A run has a number of calls, a log line for each without its query, and its deadline.
func TestBoundsOfARun(t *testing.T) {
	t.Parallel()
	at := world(t)
	client := newClient(t, Config{Allow: []netip.Prefix{public}, MaxCalls: 3})
	run := caller("")
	for range 3 {
		if _, err := askAs(t.Context(), client, run, map[string]any{"url": at + "/echo?key=s3cret"}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := askAs(t.Context(), client, run, map[string]any{"url": at + "/echo"}); codeOf(err) != hooks.CodeOverloaded {
		t.Errorf("%v", err)
	}
	if _, err := askAs(t.Context(), newClient(t, Config{}), run, map[string]any{"url": "ftp://me:s3cret@example.com/a?s3cret"}); codeOf(err) != codeBlocked {
		t.Errorf("%v", err)
	}
	lines := run.Lines()
	if len(lines) != 4 || !strings.Contains(lines[3].Text, "GET example.com/a: BLOCKED") || strings.Contains(lines[3].Text, "s3cret") {
		t.Errorf("%+v", lines)
	}
	if len(lines) < 3 || strings.Contains(lines[0].Text, "s3cret") || !strings.Contains(lines[0].Text, "/echo: 200") {
		t.Errorf("%+v", lines)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := askAs(ctx, client, caller(""), map[string]any{"url": at + "/slow"}); codeOf(err) != codeTimedOut {
		t.Errorf("%v", err)
	}
}

// A declared service is reached by paths, which cannot leave it.
func TestServices(t *testing.T) {
	t.Parallel()
	at := world(t)
	client := newClient(t, Config{Allow: []netip.Prefix{public}, MaxCalls: 100})
	release := &hooks.Release{App: "shop", Services: map[string]*hooks.Upstream{
		"echo": {URL: at + "/echo", Headers: map[string]string{"X-Key": "${secret:KEY}"}}, "root": {URL: at}, "away": {URL: at + "/away"},
	}}
	run := hooks.NewCaller(&hooks.Event{App: "shop"}, hooks.Source{Release: release, Secrets: map[string]string{"KEY": "s3cret-key"}}.Table())
	a, err := askAs(t.Context(), client, run, map[string]any{"service": "root", "url": "/echo?a=1", "method": "POST", "body": "x"})
	if err != nil || !strings.Contains(*a.Body, `"query":"a=1"`) {
		t.Errorf("%+v, %v", a, err)
	}
	if a, err := askAs(t.Context(), client, run, map[string]any{"service": "echo", "url": "?a=2"}); err != nil || !strings.Contains(*a.Body, "s3cret-key") {
		t.Errorf("%+v, %v", a, err)
	}
	for _, path := range []string{"/../huge", "..", "/a/../../huge", "/%2e%2e/huge", "http://127.0.0.1/", "//127.0.0.1/x", "/\\..\\huge", "/a/./b", "/..;/huge", "/..;a=b/huge",
		"/%2f..%2fhuge", "/%5c..%5chuge", "mailto:x", "http:huge"} {
		if a, err := askAs(t.Context(), client, run, map[string]any{"service": "echo", "url": path}); err == nil {
			t.Errorf("%s: %+v", path, a)
		}
	}
	a, err = askAs(t.Context(), client, run, map[string]any{"service": "root", "url": "/echo", "headers": [][2]string{{"host", "other.example"}}})
	if err != nil || strings.Contains(*a.Body, "other.example") {
		t.Errorf("another host of the same server: %+v, %v", a, err)
	}
	if a, err := askAs(t.Context(), client, run, map[string]any{"service": "away", "url": "?to=127.0.0.2:1"}); codeOf(err) != codeBlocked {
		t.Errorf("a redirect that leads away from the service: %+v, %v", a, err)
	}
	if _, err := askAs(t.Context(), client, run, map[string]any{"service": "nobody", "url": "/"}); codeOf(err) != hooks.CodeNotFound {
		t.Errorf("%v", err)
	}
}
