package outbound

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
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
	Stream     int         `json:"stream,omitempty"` // what the body is read by and by with
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

// headOf is an answer without its body.
func headOf(response *http.Response) *answer {
	a := &answer{
		URL: response.Request.URL.String(), Status: response.StatusCode, Redirected: response.Request.Response != nil, Headers: [][2]string{},
		StatusText: strings.TrimSpace(strings.TrimLeft(response.Status, "0123456789")),
	}
	for _, name := range slices.Sorted(maps.Keys(response.Header)) {
		for _, value := range response.Header[name] {
			a.Headers = append(a.Headers, [2]string{strings.ToLower(name), value})
		}
	}
	return a
}

// with is the answer with a body.
func (a answer) with(body string) *answer {
	if a.Stream = 0; utf8.ValidString(body) {
		a.Body = &body
	} else {
		a.BodyBase64 = []byte(body)
	}
	return &a
}

// answerOf is an answer with its body, which an app reads. What it takes is given back by give.
func (c *Client) answerOf(ctx context.Context, app string, response *http.Response) (a *answer, give func(), err error) {
	body, give, err := c.read(ctx, app, response.Body, response.ContentLength)
	if err != nil {
		return nil, give, err
	}
	return headOf(response).with(body), give, nil
}

// tooLarge is the error of an answer with more than so many bytes.
type tooLarge int64

func (most tooLarge) Error() string {
	return fmt.Sprintf("the answer has more than %d bytes", int64(most))
}

// read reads a body of length bytes, or of a length that nobody knows if that is negative. One that is not small waits
// until there is room for it, which give returns.
func (c *Client) read(ctx context.Context, app string, body io.Reader, length int64) (text string, give func(), err error) {
	give = func() {}
	var b strings.Builder
	if _, err := io.Copy(&b, io.LimitReader(body, smallBody)); err != nil || b.Len() < smallBody {
		return b.String(), give, err
	}
	most := c.config.MaxSize
	if length >= 0 {
		most = length
	}
	if give, err = c.answers.take(ctx, app, most); err != nil {
		return "", func() {}, err
	}
	if length >= 0 {
		b.Grow(int(most) - b.Len())
	}
	if _, err := io.Copy(&b, io.LimitReader(body, c.config.MaxSize+1-smallBody)); err != nil {
		return "", give, err
	}
	if int64(b.Len()) > c.config.MaxSize {
		return "", give, tooLarge(c.config.MaxSize)
	}
	return b.String(), give, nil
}
