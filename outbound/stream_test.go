package outbound

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"gaff/hooks"
)

// opened is an answer whose body is read by and by.
type opened struct {
	answer
	run *hooks.Caller
}

func open(ctx context.Context, t *testing.T, c *Client, run *hooks.Caller, url string) opened {
	t.Helper()
	a, err := askAs(ctx, c, run, map[string]any{"url": url, "stream": true})
	if err != nil {
		t.Fatal(err)
	}
	return opened{a, run}
}

// next is the next piece; the error is io.EOF at the end.
func (o opened) next(ctx context.Context) (string, error) {
	raw, err := o.run.More(ctx, []json.RawMessage{json.RawMessage(strconv.Itoa(o.Stream))})
	if err != nil {
		return "", err
	}
	var piece []byte
	if err := json.Unmarshal(raw, &piece); err != nil || piece == nil {
		return "", errors.Join(err, io.EOF)
	}
	return string(piece), nil
}

func (o opened) rest(ctx context.Context) (string, error) {
	raw, err := o.run.More(ctx, []json.RawMessage{json.RawMessage(strconv.Itoa(o.Stream)), json.RawMessage("true")})
	if err != nil {
		return "", err
	}
	var a answer
	if err := json.Unmarshal(raw, &a); err != nil {
		return "", err
	}
	return a.text(), nil
}

// An answer is there with its headers, and each piece of its body when the server has sent it.
func TestStreamComesIn(t *testing.T) {
	t.Parallel()
	next := make(chan string)
	at := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusOK)
		w.(http.Flusher).Flush()
		for piece := range next {
			io.WriteString(w, piece)
			w.(http.Flusher).Flush()
		}
	})
	client := newClient(t, Config{Allow: []netip.Prefix{public}})
	o := open(t.Context(), t, client, caller(""), at)
	for i := range 100 {
		want := fmt.Sprint("piece ", i)
		next <- want
		if got, err := o.next(t.Context()); err != nil || got != want {
			t.Fatalf("%q, %v, want %q", got, err, want)
		}
	}
	close(next)
	for range 2 {
		if got, err := o.next(t.Context()); !errors.Is(err, io.EOF) {
			t.Errorf("at the end: %q, %v", got, err)
		}
	}
}

func TestStreams(t *testing.T) {
	t.Parallel()
	at := world(t)
	client := newClient(t, Config{Allow: []netip.Prefix{public}, MaxSize: 1 << 20})
	for _, c := range []struct {
		path string
		size int
		code hooks.Code
	}{
		{"/sized?n=0", 0, ""}, {"/sized?n=1", 1, ""}, {"/chunks?n=5000", 5000, ""}, {"/sized?n=32768", 32768, ""}, {"/chunks?n=32769", 32769, ""},
		{"/sized?n=1048576", 1 << 20, ""}, {"/chunks?n=1048576", 1 << 20, ""},
		{"/huge", 0, codeTooLarge}, {"/bomb", 0, codeTooLarge}, {"/chunks?n=1048577", 0, codeTooLarge}, {"/truncated", 0, codeReset},
	} {
		for name, read := range map[string]func(opened) (string, error){
			"rest": func(o opened) (string, error) { return o.rest(t.Context()) },
			"pieces": func(o opened) (string, error) {
				var all strings.Builder
				for {
					piece, err := o.next(t.Context())
					if errors.Is(err, io.EOF) {
						return all.String(), nil
					}
					if all.WriteString(piece); err != nil {
						return "", err
					}
				}
			},
		} {
			o := open(t.Context(), t, client, caller(""), at+c.path)
			if o.Stream == 0 && c.size == 0 && c.code == "" && o.text() == "" {
				continue
			}
			text, err := read(o)
			if codeOf(err) != c.code || err == nil && len(text) != c.size {
				t.Errorf("%s, %s: %d bytes, %v, want %d %s", c.path, name, len(text), err, c.size, c.code)
			}
		}
	}
	if a, err := askAs(t.Context(), client, caller(""), map[string]any{"url": at + "/head", "method": "HEAD", "stream": true}); err != nil || a.text() != "" {
		t.Errorf("HEAD: %+v, %v", a, err)
	}
	if _, err := askAs(t.Context(), client, caller(""), map[string]any{"url": at + "/sized?n=1048577", "stream": true}); codeOf(err) != codeTooLarge {
		t.Errorf("one that is too large by what it says: %v", err)
	}
}

// What a script does not read is no matter: small answers make place for others, and large ones do once their run ends.
func TestStreamsThatNobodyReads(t *testing.T) {
	t.Parallel()
	at := world(t)
	client := newClient(t, Config{Allow: []netip.Prefix{public}, AtOnce: 2, MaxCalls: 1000})
	run, end := context.WithCancel(t.Context())
	for range 20 {
		open(run, t, client, caller(""), at+"/chunks?n=20000")
	}
	open(run, t, client, caller(""), at+"/huge")
	short, cancel := context.WithTimeout(run, 20*time.Millisecond)
	defer cancel()
	if _, err := askAs(short, client, caller(""), map[string]any{"url": at + "/echo"}); codeOf(err) != codeTimedOut {
		t.Errorf("beside one that is not read: %v", err)
	}
	end()
	if _, err := ask(t, client, map[string]any{"url": at + "/echo"}); err != nil {
		t.Errorf("after it: %v", err)
	}
}

// A stream ends with the context of its call, whoever reads it, and is read by its own run only.
func TestStreamEnds(t *testing.T) {
	t.Parallel()
	at := world(t)
	client := newClient(t, Config{Allow: []netip.Prefix{public}})
	ctx, cancel := context.WithCancel(t.Context())
	o := open(ctx, t, client, caller(""), at+"/trickle")
	if got, err := o.next(t.Context()); err != nil || got != "some" {
		t.Fatalf("%q, %v", got, err)
	}
	ended := make(chan error)
	go func() {
		_, err := o.next(t.Context())
		ended <- err
	}()
	cancel()
	if err := <-ended; err == nil || errors.Is(err, io.EOF) {
		t.Errorf("let go of: %v", err)
	}
	other := opened{o.answer, caller("")}
	if _, err := other.next(t.Context()); codeOf(err) != hooks.CodeNotFound {
		t.Errorf("of another run: %v", err)
	}
	short, stop := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer stop()
	if _, err := open(t.Context(), t, client, caller(""), at+"/slowly").next(short); err == nil {
		t.Error("a reader outlived its time")
	}
}
