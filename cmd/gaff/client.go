package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"syscall"
	"time"

	"gaff/hooks"
)

const (
	defaultURL = "http://127.0.0.1:8090"
	// callTimeout bounds a call, but not a stream.
	callTimeout = 2 * time.Minute
	// maxAnswer bounds an answer, in bytes.
	maxAnswer = 64 << 20
)

// client calls a server's HTTP API.
type client struct {
	base *url.URL
	key  string
	app  string // empty: the key's, or the server's default
	busy func(what string) (done func())
}

// request is one call of the API.
type request struct {
	method, path string
	query        url.Values
	body         any    // sent as JSON, unless it is nil
	match        string // the ETag of what the change was decided upon; empty: whatever is there
}

// reply is what a server answered.
type reply struct {
	body []byte
	etag string
}

// newClient returns a client of the server that the environment names.
func (t *terminal) newClient(app string) (*client, error) {
	if err := checkName("app", app); err != nil {
		return nil, err
	}
	raw := t.getenv("GAFF_URL")
	if raw == "" {
		raw = defaultURL
	}
	base, err := url.Parse(raw)
	if err != nil || base.Scheme != "http" && base.Scheme != "https" || base.Host == "" {
		return nil, usagef("GAFF_URL must be a URL such as %s", defaultURL)
	}
	key, err := t.key()
	if err != nil {
		return nil, err
	}
	return &client{base: base, key: key, app: app, busy: t.busy}, nil
}

// key is what GAFF_KEY, or the file that GAFF_KEY_FILE names, says.
func (t *terminal) key() (string, error) {
	key, file := t.getenv("GAFF_KEY"), t.getenv("GAFF_KEY_FILE")
	if key == "" && file != "" {
		b, err := os.ReadFile(file)
		if err != nil {
			return "", usagef("GAFF_KEY_FILE: %w", err)
		}
		key = strings.TrimSpace(string(b))
	}
	if strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", usagef("GAFF_KEY has characters that no key has")
	}
	return key, nil
}

// call sends body, unless it is nil, as JSON, and returns the body of the answer.
func (c *client) call(ctx context.Context, method, path string, query url.Values, body any) ([]byte, error) {
	answer, err := c.do(ctx, request{method: method, path: path, query: query, body: body})
	return answer.body, err
}

// do sends a request and reads the answer. One that refuses is an error that has a [hooks.Error].
func (c *client) do(ctx context.Context, r request) (reply, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	defer c.busy("waiting for " + c.server())()
	answer, err := c.open(ctx, r)
	if err != nil {
		return reply{}, err
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer+1))
	switch {
	case err != nil:
		return reply{}, c.unreachable(err)
	case len(b) > maxAnswer:
		return reply{}, fmt.Errorf("the answer of %s is larger than %d bytes", c.server(), maxAnswer)
	}
	return reply{b, answer.Header.Get("ETag")}, nil
}

// open is [client.do] that leaves the body of the answer to be read.
func (c *client) open(ctx context.Context, r request) (*http.Response, error) {
	var content io.Reader
	if r.body != nil {
		b, err := json.Marshal(r.body)
		if err != nil {
			return nil, err
		}
		content = bytes.NewReader(b)
	}
	target := c.base.JoinPath(r.path)
	target.RawQuery = r.query.Encode()
	sent, err := http.NewRequestWithContext(ctx, r.method, target.String(), content)
	if err != nil {
		return nil, err
	}
	for name, value := range map[string]string{"Authorization": bearer(c.key), "Gaff-App": c.app, "If-Match": r.match} {
		if value != "" {
			sent.Header.Set(name, value)
		}
	}
	if r.body != nil {
		sent.Header.Set("Content-Type", "application/json")
	}
	answer, err := http.DefaultClient.Do(sent)
	if err != nil {
		return nil, c.unreachable(err)
	}
	if answer.StatusCode >= http.StatusMultipleChoices {
		defer answer.Body.Close()
		return nil, c.refused(answer)
	}
	return answer, nil
}

func bearer(key string) string {
	if key == "" {
		return ""
	}
	return "Bearer " + key
}

// server is the server's URL as it may be shown.
func (c *client) server() string { return c.base.Redacted() }

// unreachable says why there was no answer, and what to do.
func (c *client) unreachable(err error) error {
	if bad, ok := errors.AsType[*url.Error](err); ok {
		err = bad.Err // without the URL, which may have a password
	}
	switch {
	case errors.Is(err, context.Canceled):
		return err
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("no server at %s: start one with `gaff dev`, or set GAFF_URL", c.server())
	}
	return fmt.Errorf("no answer from %s: %w", c.server(), err)
}

// refused turns an answer that is an error into one of ours.
func (c *client) refused(answer *http.Response) error {
	b, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	if err != nil {
		return c.unreachable(err)
	}
	var body struct {
		Error *hooks.Error `json:"error"`
	}
	if json.Unmarshal(b, &body) != nil || body.Error == nil {
		return fmt.Errorf("%s answers %s, and not as Gaff does: is GAFF_URL right?", c.server(), answer.Status)
	}
	return explain(body.Error)
}
