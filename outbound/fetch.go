package outbound

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"gaff/hooks"
)

// message is a request as scripts send it; its timeout is looked at before the rest.
type message struct {
	URL        string      `json:"url"`
	Method     string      `json:"method"`
	Headers    [][2]string `json:"headers"`
	Body       string      `json:"body"`
	BodyBase64 []byte      `json:"bodyBase64"`
	Redirect   string      `json:"redirect"` // follow, manual or error
	Service    string      `json:"service"`  // a declared one, on whose upstream url is a path
	Stream     bool        `json:"stream"`   // the body of the answer is read by and by

	label string // what logs show instead of the URL, if that is a secret
}

// fetch carries out http.fetch.
func (c *Client) fetch(ctx context.Context, caller *hooks.Caller, args []json.RawMessage) (json.RawMessage, error) {
	if len(args) == 0 || !gjson.ParseBytes(args[0]).IsObject() {
		return nil, hooks.Errorf(hooks.CodeBadRequest, "a request needs an object with a url")
	}
	until := ctx
	ctx, cancel := within(ctx, gjson.GetBytes(args[0], "timeout").Num)
	defer cancel()
	leave, err := c.enter(ctx, caller, len(args[0]))
	if err != nil {
		return nil, err
	}
	var m message
	if err := json.Unmarshal(args[0], &m); err != nil {
		leave()
		return nil, hooks.Errorf(hooks.CodeBadRequest, "a request has url, method and body as texts, and headers as a list of pairs")
	}
	if m.Stream {
		return c.open(until, caller, &m, leave)
	}
	defer leave()
	a, give, err := c.request(ctx, caller, &m)
	defer give()
	if err != nil {
		return nil, err
	}
	return a.json()
}

// within is ctx with so many milliseconds at most; 0 or less says nothing.
func within(ctx context.Context, ms float64) (context.Context, context.CancelFunc) {
	if !(ms > 0) || ms > hooks.MaxTimeout.Seconds()*1000 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, time.Duration(ms*float64(time.Millisecond)))
}

// request sends a message and returns the whole answer. What the answer takes is given back by give.
func (c *Client) request(ctx context.Context, caller *hooks.Caller, m *message) (a *answer, give func(), err error) {
	started := time.Now()
	give = func() {}
	target, response, err := c.exchange(ctx, caller, m)
	if err == nil {
		a, give, err = c.answerOf(ctx, caller.Event.App, response)
		response.Body.Close()
	}
	return a, give, m.report(caller, target, started, response, err)
}

// report writes what came of a message to the log of the run, and returns err as scripts see it.
func (m *message) report(caller *hooks.Caller, target *target, started time.Time, response *http.Response, err error) error {
	if err != nil {
		failed := explained(target.shown(), err)
		caller.Log("warn", "%.20s %s: %s after %v", m.verb(), target.shown(), failed.Code, since(started))
		return failed
	}
	caller.Log("info", "%.20s %s: %d after %v", m.verb(), target.shown(), response.StatusCode, since(started))
	return nil
}

func (m *message) verb() string {
	if m.Method == "" {
		return http.MethodGet
	}
	return strings.ToUpper(m.Method)
}

// build makes the request.
func (c *Client) build(ctx context.Context, m *message, target *target) (*http.Request, error) {
	size := len(m.Body)
	if m.BodyBase64 != nil {
		size = len(m.BodyBase64)
	}
	if int64(size) > c.config.MaxSize {
		return nil, failure(codeTooLarge, "the body has %d bytes; at most %d can be sent", size, c.config.MaxSize)
	}
	method := m.verb()
	if method == http.MethodConnect || method == http.MethodTrace {
		return nil, hooks.Errorf(hooks.CodeBadRequest, "the method %s cannot be used", method)
	}
	var reader io.Reader
	switch {
	case size == 0:
	case m.BodyBase64 != nil:
		reader = strings.NewReader(string(m.BodyBase64))
	default:
		reader = strings.NewReader(m.Body)
	}
	r, err := http.NewRequestWithContext(ctx, method, target.url.String(), reader)
	if err != nil {
		return nil, hooks.Errorf(hooks.CodeBadRequest, "the request cannot be made: the method %.40q is not one", m.Method)
	}
	return r, m.setHeaders(r, target)
}

// exchange sends a message and returns the answer to it, whose body is to be read and closed.
func (c *Client) exchange(ctx context.Context, caller *hooks.Caller, m *message) (*target, *http.Response, error) {
	target, err := m.target(caller.Table)
	if err != nil {
		return target, nil, err
	}
	r, err := c.build(ctx, m, target)
	if err != nil {
		return target, nil, err
	}
	carry(r, caller.Event)
	client := http.Client{Transport: c.transport, CheckRedirect: m.redirects(target)}
	response, err := client.Do(r)
	switch {
	case err != nil:
		return target, nil, bare(err)
	case response.ContentLength > c.config.MaxSize && r.Method != http.MethodHead:
		response.Body.Close()
		return target, nil, tooLarge(c.config.MaxSize)
	}
	return target, response, nil
}

// bare is an error of net/http without the URL, which may have secrets in it.
func bare(err error) error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		return wrapped.Err
	}
	return err
}

// redirects decides about an answer that leads elsewhere. What the script has sent to be let in stays with the host that
// it was meant for, and so does the address that it has asked for.
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
			next.Header.Del("Referer")
			for name := range next.Header {
				if secretHeader(name) {
					next.Header.Del(name)
				}
			}
		}
		return checkURL(next.URL)
	}
}
