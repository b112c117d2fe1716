package outbound

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"
)

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

// text is the body, whatever it is.
func (a *answer) text() string {
	if a.Body != nil {
		return *a.Body
	}
	return string(a.BodyBase64)
}

func (a *answer) json() (json.RawMessage, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // which would make pages larger
	if err := e.Encode(a); err != nil {
		return nil, err
	}
	return bytes.TrimSpace(b.Bytes()), nil
}

// answerOf is the answer to a request, with its body, which an app reads. What it takes is given back by give.
func (c *Client) answerOf(ctx context.Context, app, shown string, r *http.Request, response *http.Response) (a *answer, give func(), err error) {
	a = &answer{
		URL: response.Request.URL.String(), Status: response.StatusCode, Redirected: response.Request != r, Headers: [][2]string{},
		StatusText: strings.TrimSpace(strings.TrimLeft(response.Status, "0123456789")),
	}
	for _, name := range slices.Sorted(maps.Keys(response.Header)) {
		for _, value := range response.Header[name] {
			a.Headers = append(a.Headers, [2]string{strings.ToLower(name), value})
		}
	}
	body, give, err := c.read(ctx, app, response)
	switch {
	case errors.Is(err, errTooLarge):
		return nil, give, failure(codeTooLarge, "%s: the answer has more than %d bytes", shown, c.config.MaxSize)
	case err != nil:
		return nil, give, err
	}
	if utf8.ValidString(body) {
		a.Body = &body
	} else {
		a.BodyBase64 = []byte(body)
	}
	return a, give, nil
}

var errTooLarge = errors.New("too large")

// read reads a body. One that is not small waits until there is room for it, which give returns.
func (c *Client) read(ctx context.Context, app string, response *http.Response) (body string, give func(), err error) {
	give = func() {}
	most := c.config.MaxSize
	if response.ContentLength > most && response.Request.Method != http.MethodHead {
		return "", give, errTooLarge
	}
	var b strings.Builder
	if _, err := io.Copy(&b, io.LimitReader(response.Body, smallBody)); err != nil || b.Len() < smallBody {
		return b.String(), give, err
	}
	if response.ContentLength >= 0 {
		most = response.ContentLength
	}
	if give, err = c.answers.take(ctx, app, most); err != nil {
		return "", func() {}, err
	}
	if response.ContentLength >= 0 {
		b.Grow(int(most) - b.Len())
	}
	if _, err := io.Copy(&b, io.LimitReader(response.Body, c.config.MaxSize+1-smallBody)); err != nil {
		return "", give, err
	}
	if int64(b.Len()) > c.config.MaxSize {
		return "", give, errTooLarge
	}
	return b.String(), give, nil
}
