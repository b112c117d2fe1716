package outbound

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"gaff/hooks"
)

// message is a request as scripts send it.
type message struct {
	URL        string      `json:"url"`
	Method     string      `json:"method"`
	Headers    [][2]string `json:"headers"`
	Body       string      `json:"body"`
	BodyBase64 []byte      `json:"bodyBase64"`
	Timeout    float64     `json:"timeout"`  // milliseconds; 0: the run's
	Redirect   string      `json:"redirect"` // follow, manual or error
	Service    string      `json:"service"`  // a declared one, on whose upstream url is a path

	label string // what logs show instead of the URL, if that is a secret
}

// answer is what came back.
type answer struct {
	URL        string      `json:"url"`
	Status     int         `json:"status"`
	StatusText string      `json:"statusText"`
	Headers    [][2]string `json:"headers"`
	Redirected bool        `json:"redirected"`
	Body       *string     `json:"body,omitempty"` // if it is UTF-8
	BodyBase64 []byte      `json:"bodyBase64,omitempty"`
}

// fetch carries out http.fetch.
func (c *Client) fetch(ctx context.Context, caller *hooks.Caller, args []json.RawMessage) (json.RawMessage, error) {
	var m message
	if len(args) == 0 || json.Unmarshal(args[0], &m) != nil {
		return nil, hooks.Errorf(hooks.CodeBadRequest, "a request needs an object with a url")
	}
	a, err := c.request(ctx, caller, &m)
	if err != nil {
		return nil, err
	}
	return json.Marshal(a)
}

// request sends a message and returns the answer, with a line in the run's log.
func (c *Client) request(ctx context.Context, caller *hooks.Caller, m *message) (*answer, error) {
	if m.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Duration(m.Timeout*float64(time.Millisecond)))
		defer cancel()
	}
	target, err := m.target(caller.Table)
	if err != nil {
		return nil, err
	}
	r, err := c.build(ctx, m, target)
	if err != nil {
		return nil, err
	}
	r.Header.Set(hooks.DepthHeader, strconv.Itoa(caller.Event.Depth+1)) // should it be to ourselves, a loop is seen
	leave, err := c.enter(ctx, caller)
	if err != nil {
		return nil, err
	}
	defer leave()
	started := time.Now()
	a, err := c.exchange(r, m, target)
	took := time.Since(started).Round(time.Millisecond)
	if err != nil {
		failed := explained(target.shown(), err)
		caller.Log("warn", "%s %s: %s after %v", r.Method, target.shown(), failed.Code, took)
		return nil, failed
	}
	caller.Log("info", "%s %s: %d after %v", r.Method, target.shown(), a.Status, took)
	return a, nil
}

// build makes the request.
func (c *Client) build(ctx context.Context, m *message, target *target) (*http.Request, error) {
	body := m.BodyBase64
	if body == nil {
		body = []byte(m.Body)
	}
	if int64(len(body)) > c.config.MaxBody {
		return nil, failure(codeTooLarge, "the body has %d bytes; at most %d can be sent", len(body), c.config.MaxBody)
	}
	method := strings.ToUpper(m.Method)
	if method == "" {
		method = http.MethodGet
	}
	if method == http.MethodConnect || method == http.MethodTrace {
		return nil, hooks.Errorf(hooks.CodeBadRequest, "the method %s cannot be used", method)
	}
	var reader io.Reader
	if len(body) > 0 {
		reader = strings.NewReader(string(body))
	}
	r, err := http.NewRequestWithContext(ctx, method, target.url.String(), reader)
	if err != nil {
		return nil, hooks.Errorf(hooks.CodeBadRequest, "the request cannot be made: the method %.40q is not one", m.Method)
	}
	return r, m.setHeaders(r, target)
}

// ours are headers that the connection needs as it is. Compression is the transport's: it bounds what it unpacks.
var ours = map[string]bool{
	"Connection": true, "Content-Length": true, "Transfer-Encoding": true, "Upgrade": true, "Te": true, "Trailer": true,
	hooks.DepthHeader: true, "Keep-Alive": true, "Proxy-Connection": true, "Proxy-Authorization": true, "Expect": true, "Accept-Encoding": true,
}

func (m *message) setHeaders(r *http.Request, target *target) error {
	r.Header.Set("User-Agent", "gaff")
	if len(m.Headers) > maxHeaders {
		return hooks.Errorf(hooks.CodeBadRequest, "a request has at most %d headers", maxHeaders)
	}
	size, set := 0, map[string]bool{}
	for _, h := range m.Headers {
		name, value := http.CanonicalHeaderKey(h[0]), h[1]
		if size += len(name) + len(value); size > maxHeaderBytes {
			return hooks.Errorf(hooks.CodeBadRequest, "the headers have more than %d bytes", maxHeaderBytes)
		}
		if !validHeader(name, value) {
			return hooks.Errorf(hooks.CodeBadRequest, "%.40q is not a header that can be sent", h[0])
		}
		switch {
		case ours[name]:
		case name == "Host":
			r.Host = value
		case set[name]:
			r.Header.Add(name, value)
		default:
			set[name] = true
			r.Header.Set(name, value)
		}
	}
	for name, value := range target.headers {
		r.Header.Set(name, value)
	}
	return nil
}

// validHeader reports whether a header may be sent: the name is a token, and the value has no control characters.
func validHeader(name, value string) bool {
	if name == "" {
		return false
	}
	for _, c := range []byte(name) {
		if !strings.ContainsRune("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", rune(c)) {
			return false
		}
	}
	return !strings.ContainsFunc(value, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f })
}

// exchange sends the request and reads the answer.
func (c *Client) exchange(r *http.Request, m *message, target *target) (*answer, error) {
	client := http.Client{Transport: c.transport, CheckRedirect: m.redirects(target)}
	response, err := client.Do(r)
	if err != nil {
		return nil, bare(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, c.config.MaxAnswer+1))
	switch {
	case err != nil:
		return nil, err
	case int64(len(body)) > c.config.MaxAnswer:
		return nil, failure(codeTooLarge, "%s: the answer has more than %d bytes", target.shown(), c.config.MaxAnswer)
	}
	a := &answer{
		URL: response.Request.URL.String(), Status: response.StatusCode, Redirected: response.Request != r, Headers: [][2]string{},
		StatusText: strings.TrimSpace(strings.TrimLeft(response.Status, "0123456789")),
	}
	for name, values := range response.Header {
		for _, value := range values {
			a.Headers = append(a.Headers, [2]string{strings.ToLower(name), value})
		}
	}
	if utf8.Valid(body) {
		text := string(body)
		a.Body = &text
	} else {
		a.BodyBase64 = body
	}
	return a, nil
}

// bare is an error of net/http without the URL, which may have secrets in it.
func bare(err error) error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		return wrapped.Err
	}
	return err
}

// redirects decides about an answer that leads elsewhere. The standard library keeps credentials to their host.
func (m *message) redirects(target *target) func(*http.Request, []*http.Request) error {
	return func(next *http.Request, before []*http.Request) error {
		switch {
		case m.Redirect == "manual":
			return http.ErrUseLastResponse
		case m.Redirect == "error":
			return failure(codeRedirect, "%s: the answer is a redirect", target.shown())
		case len(before) > maxRedirects:
			return failure(codeRedirect, "%s: more than %d redirects", target.shown(), maxRedirects)
		case target.service != "" && !target.within(next.URL):
			return failure(codeBlocked, "%s: a redirect leads away from the service", target.shown())
		}
		if next.URL.Host != before[0].URL.Host || next.URL.Scheme != before[0].URL.Scheme {
			for name := range next.Header {
				if secretHeader(name) {
					next.Header.Del(name)
				}
			}
		}
		return checkURL(next.URL)
	}
}

// secretHeader reports whether a header by its name opens something, and so stays with the host that it was meant for.
func secretHeader(name string) bool {
	lower := strings.ToLower(name)
	for _, part := range []string{"auth", "key", "token", "secret", "cookie", "session", "signature"} {
		if strings.Contains(lower, part) {
			return true
		}
	}
	return false
}
