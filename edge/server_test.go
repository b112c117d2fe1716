package edge

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gaff/hooks"
)

func TestConfigIsChecked(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*Config){
		"Collections": func(c *Config) { c.Collections = nil },
		"Authority":   func(c *Config) { c.Authority = nil },
		"Gate":        func(c *Config) { c.Gate = nil },
		"Build":       func(c *Config) { c.Build = nil },
		"Logs":        func(c *Config) { c.Logs = nil },
	} {
		c := (&world{}).config()
		change(&c)
		if _, err := New(c); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("without %s: %v", name, err)
		}
	}
}

// send makes a call over a connection and returns the status and the body of the answer.
func send(t *testing.T, c *http.Client, method, url, body string) (*http.Response, string, error) {
	t.Helper()
	r, err := http.NewRequestWithContext(context.Background(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Api-Key", adminKey)
	answer, err := c.Do(r)
	if err != nil {
		return nil, "", err
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(answer.Body)
	return answer, string(b), err
}

// TestStopDropsNothing stops a server that clients call without a pause: every call that was sent is answered, and
// what is in flight ends.
func TestStopDropsNothing(t *testing.T) {
	t.Parallel()
	entered, leave := make(chan struct{}), make(chan struct{})
	w := &world{do: func(_ context.Context, call hooks.CollectionCall) (hooks.Reply, error) {
		if call.ID == "slow" {
			close(entered)
			<-leave
		}
		return hooks.Reply{Status: 200, Body: []byte(`{}`)}, nil
	}}
	s := newServer(t, w, nil)
	url, stop, ended := listen(t, s)
	slow := make(chan error, 1)
	go func() {
		answer, _, err := send(t, client(t), "GET", url+"/rest/a/slow", "")
		if err == nil && answer.StatusCode != http.StatusOK {
			err = errors.New(answer.Status)
		}
		slow <- err
	}()
	<-entered
	var calls, told atomic.Int64
	enough := make(chan struct{})
	var clients sync.WaitGroup
	for range 8 {
		c := client(t)
		clients.Go(func() {
			for {
				answer, _, err := send(t, c, "POST", url+"/rest/a", "{}")
				var refused *net.OpError
				switch {
				case errors.As(err, &refused) && refused.Op == "dial":
					return // the server is known to be gone
				case err != nil:
					t.Errorf("a call was dropped: %v", err)
					return
				case answer.Close:
					told.Add(1)
				}
				if calls.Add(1) == 200 {
					close(enough)
				}
			}
		})
	}
	<-enough
	stop()
	clients.Wait()
	close(leave)
	if err := <-slow; err != nil {
		t.Errorf("the call in flight: %v", err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if told.Load() == 0 {
		t.Error("no client was told that its connection closes")
	}
}

func TestStopTellsWhatDoesNotEnd(t *testing.T) {
	t.Parallel()
	entered, leave := make(chan struct{}), make(chan struct{})
	w := &world{do: func(context.Context, hooks.CollectionCall) (hooks.Reply, error) {
		close(entered)
		<-leave
		return hooks.Reply{Status: 200}, nil
	}}
	s := newServer(t, w, nil)
	s.timing.drain, s.timing.stop = time.Millisecond, 10*time.Millisecond
	url, stop, ended := listen(t, s)
	gone := make(chan struct{})
	go func() {
		send(t, client(t), "GET", url+"/rest/a", "")
		close(gone)
	}()
	<-entered
	stop()
	if err := <-ended; err == nil || !strings.Contains(err.Error(), "in flight") {
		t.Error(err)
	}
	close(leave)
	<-gone
}

// dial returns a bare connection, from which can be read for 10 s.
func dial(t *testing.T, url string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	return conn
}

// TestFirstRequestMayBeLate: a client's pool holds connections that had no request yet. A header that has begun is not
// waited for as long.
func TestFirstRequestMayBeLate(t *testing.T) {
	t.Parallel()
	s := newServer(t, &world{}, nil)
	s.timing.header = 20 * time.Millisecond
	url, _, _ := listen(t, s)
	late, slow := dial(t, url), dial(t, url)
	io.WriteString(slow, "GET /livez HTTP/1.1\r\nHost:")
	if b, err := io.ReadAll(slow); err != nil || strings.Contains(string(b), "200") {
		t.Errorf("half a header: %v: %s", err, b)
	}
	io.WriteString(late, "GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
	if b, err := io.ReadAll(late); err != nil || !strings.HasPrefix(string(b), "HTTP/1.1 200") {
		t.Errorf("a late request: %v: %s", err, b)
	}
}

func TestBodyThatDoesNotArrive(t *testing.T) {
	t.Parallel()
	s := newServer(t, &world{}, nil)
	s.timing.readBody = 30 * time.Millisecond
	url, _, _ := listen(t, s)
	conn := dial(t, url)
	io.WriteString(conn, "POST /rest/a HTTP/1.1\r\nHost: localhost\r\nX-Api-Key: "+adminKey+"\r\nContent-Length: 10\r\n\r\n{")
	b, err := io.ReadAll(conn)
	if err != nil || !strings.HasPrefix(string(b), "HTTP/1.1 400") || !strings.Contains(string(b), "in time") {
		t.Errorf("%v: %s", err, b)
	}
}

// TestCallMayOutlastItsBodysTime: the deadline for the body is over once it is there. It must not end the call.
func TestCallMayOutlastItsBodysTime(t *testing.T) {
	t.Parallel()
	const bodyTime = 30 * time.Millisecond
	w := &world{do: func(ctx context.Context, _ hooks.CollectionCall) (hooks.Reply, error) {
		select {
		case <-ctx.Done():
			return hooks.Reply{}, ctx.Err()
		case <-time.After(4 * bodyTime):
			return hooks.Reply{Status: 200, Body: []byte(`{}`)}, nil
		}
	}}
	s := newServer(t, w, nil)
	s.timing.readBody = bodyTime
	url, _, _ := listen(t, s)
	c := client(t)
	for range 2 { // the second on the same connection
		if answer, body, err := send(t, c, "POST", url+"/rest/a", "{}"); err != nil || answer.StatusCode != http.StatusOK {
			t.Fatalf("%v: %s", err, body)
		}
	}
}

func TestTooLargeWithoutALength(t *testing.T) {
	t.Parallel()
	url, _, _ := listen(t, newServer(t, &world{}, nil))
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/rest/a", io.LimitReader(endless{}, 4<<20))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Api-Key", adminKey)
	answer, err := client(t).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusRequestEntityTooLarge {
		t.Error(answer.Status)
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

func TestDeadline(t *testing.T) {
	t.Parallel()
	w := &world{do: func(ctx context.Context, _ hooks.CollectionCall) (hooks.Reply, error) {
		<-ctx.Done()
		return hooks.Reply{}, ctx.Err()
	}}
	q := request{target: "/rest/a", header: map[string]string{"Gaff-Deadline": "20"}, status: 504, code: hooks.CodeHookTimeout}
	q.run(t, newServer(t, w, nil).Handler())
}
