package edge

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	"gaff/hooks"
)

// trusted is how much memory a Content-Length is given before the bytes are there.
const trusted = 64 << 10

// readWithin gives the client d to send the rest of its request; 0 means no limit. Where the connection cannot be
// limited, as in tests, it is not.
func (x *exchange) readWithin(d time.Duration) {
	var deadline time.Time
	if d > 0 {
		deadline = time.Now().Add(d)
	}
	http.NewResponseController(x.w).SetReadDeadline(deadline) //nolint:errcheck // see above
}

// json returns the body: one JSON value of at most limit bytes, nested at most [hooks.MaxDepth] deep.
func (x *exchange) json(limit int64) (json.RawMessage, error) {
	if err := checkType(x.r.Header.Get("Content-Type")); err != nil {
		return nil, err
	}
	if x.r.ContentLength > limit {
		return nil, x.tooLarge(limit)
	}
	b, err := readBody(x.r, limit)
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, hooks.Errorf(hooks.CodeBadRequest, "the body did not arrive in time").Because(err)
	case err != nil:
		return nil, hooks.Errorf(hooks.CodeBadRequest, "the body broke off").Because(err)
	case int64(len(b)) > limit:
		return nil, x.tooLarge(limit)
	}
	x.readWithin(0) // or the request would be cancelled when the time for its body is over
	if len(b) == 0 {
		return nil, hooks.Errorf(hooks.CodeBadRequest, "the body is empty; send JSON")
	}
	return b, checkJSON("the body", b)
}

func (x *exchange) tooLarge(limit int64) error {
	x.w.Header().Set("Connection", "close") // the rest is not worth reading
	return hooks.Errorf(hooks.CodeTooLarge, "the body is larger than %d bytes", limit)
}

// readBody reads at most one byte more than limit.
func readBody(r *http.Request, limit int64) ([]byte, error) {
	if n := r.ContentLength; n >= 0 && n <= trusted {
		b := make([]byte, n)
		_, err := io.ReadFull(r.Body, b)
		return b, err
	}
	var b bytes.Buffer
	b.Grow(trusted)
	_, err := b.ReadFrom(io.LimitReader(r.Body, limit+1))
	return b.Bytes(), err
}

// checkType refuses bodies that say that they are not JSON.
func checkType(header string) error {
	if header == "" || header == "application/json" {
		return nil
	}
	media, _, err := mime.ParseMediaType(header)
	switch {
	case err == nil && (media == "application/json" || strings.HasPrefix(media, "application/") && strings.HasSuffix(media, "+json")):
		return nil
	case media == "application/x-www-form-urlencoded":
		return hooks.Errorf(hooks.CodeBadRequest,
			"the body is sent as a form; send Content-Type: application/json (curl -d does with -H 'Content-Type: application/json')")
	}
	return hooks.Errorf(hooks.CodeBadRequest, "Content-Type %.80q is not JSON; send Content-Type: application/json", header)
}

// checkJSON returns an error that says where b, which what names, is not acceptable JSON.
func checkJSON(what string, b []byte) error {
	if !utf8.Valid(b) {
		return hooks.Errorf(hooks.CodeBadRequest, "%s is not valid UTF-8", what)
	}
	err := hooks.CheckJSON(b)
	if err == nil {
		return nil
	}
	bad := hooks.AsError(err)
	if bad.Code == hooks.CodeBadRequest {
		return hooks.Errorf(bad.Code, "%s is not valid JSON%s", what, place(b))
	}
	return hooks.Errorf(bad.Code, "%s: %s", what, bad.Message)
}

// place says where and why b is not JSON, or nothing if that cannot be told.
func place(b []byte) string {
	var v json.RawMessage
	syntax, ok := errors.AsType[*json.SyntaxError](json.Unmarshal(b, &v))
	if !ok {
		return ""
	}
	before := b[:min(max(int(syntax.Offset)-1, 0), len(b))]
	if syntax.Offset >= int64(len(b)) && syntax.Error() == "unexpected end of JSON input" {
		before = b
	}
	line := bytes.Count(before, []byte{'\n'}) + 1
	col := utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:]) + 1
	return fmt.Sprintf(" at %d:%d: %s", line, col, syntax)
}
