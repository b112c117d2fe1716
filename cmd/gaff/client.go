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
	return &client{base: base, key: key, app: app}, nil
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

// call sends body, unless it is nil, as JSON, and returns the status and body of the answer.
func (c *client) call(ctx context.Context, method, path string, query url.Values, body any) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	answer, err := c.open(ctx, method, path, query, body)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer+1))
	switch {
	case err != nil:
		return nil, c.unreachable(err)
	case len(b) > maxAnswer:
		return nil, fmt.Errorf("the answer of %s is larger than %d bytes", c.server(), maxAnswer)
	}
	return b, nil
}

// open is [client.call] that leaves the body of the answer to be read.
func (c *client) open(ctx context.Context, method, path string, query url.Values, body any) (*http.Response, error) {
	var content io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		content = bytes.NewReader(b)
	}
	target := c.base.JoinPath(path)
	target.RawQuery = query.Encode()
	request, err := http.NewRequestWithContext(ctx, method, target.String(), content)
	if err != nil {
		return nil, err
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if c.key != "" {
		request.Header.Set("Authorization", "Bearer "+c.key)
	}
	if c.app != "" {
		request.Header.Set("Gaff-App", c.app)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, c.unreachable(err)
	}
	if answer.StatusCode >= http.StatusMultipleChoices {
		defer answer.Body.Close()
		return nil, c.refused(answer)
	}
	return answer, nil
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

// explain says all that the server told, and what to do about it.
func explain(e *hooks.Error) error {
	text := fmt.Sprintf("%s: %s", e.Code, e.Message)
	if e.Hook != "" {
		text += " (" + e.Hook + ")"
	}
	for _, f := range e.Fields {
		text += "\n  " + strings.TrimPrefix(f.Field+": "+f.Message, ": ")
	}
	text = plain(text)
	switch e.Code {
	case hooks.CodeUnauthorized, hooks.CodeForbidden:
		text += "\nSet GAFF_KEY to a key that may do this."
	case hooks.CodeBadName:
		return usagef("%s", text)
	}
	return errors.New(text)
}
