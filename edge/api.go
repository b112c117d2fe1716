package edge

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"gaff/hooks"
)

// api holds the routes below /v1 that are described by their types; /openapi.json has the description.
type api struct {
	huma.API
	server *Server
	routes map[string]*route
}

// operation is one of the API.
type operation struct {
	id, method, path, summary string
	operator                  bool          // only the operator may do it, not an app's admin
	lenient                   bool          // the body is checked by its handler rather than by its schema
	limit                     int64         // bytes of the body; default maxBody
	within                    time.Duration // for the body to arrive; default that of all
	status                    int           // if it is done; default 200, or 204 without a body
}

// exchangeKey is where the context of a request has its exchange.
type exchangeKey struct{}

func newAPI(s *Server) *api {
	a := &api{server: s, routes: map[string]*route{}}
	a.API = huma.NewAPI(huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info: &huma.Info{Title: "Gaff", Version: "1", Description: "Releases, hooks, jobs, keys, secrets and the log of an app." +
				" The app is the key's; with the operator's admin key it is named by the header Gaff-App."},
			Components: &huma.Components{
				Schemas: huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer),
				SecuritySchemes: map[string]*huma.SecurityScheme{
					"apiKey": {Type: "apiKey", In: "header", Name: "x-api-key"},
					"bearer": {Type: "http", Scheme: "bearer"},
				},
			},
			Security: []map[string][]string{{"apiKey": {}}, {"bearer": {}}},
		},
		Formats:                      map[string]huma.Format{"application/json": {Marshal: write, Unmarshal: readStrictly}, "json": {Marshal: write}},
		DefaultFormat:                "application/json",
		RejectUnknownQueryParameters: true,
		Transformers:                 []huma.Transformer{a.transform},
	}, adapter{a})
	a.releases()
	a.hooks()
	a.methods()
	a.jobs()
	a.keys()
	a.secrets()
	a.apps()
	a.pauses()
	a.dead()
	a.trial()
	a.doctor()
	a.describe()
	return a
}

// serve adds an operation to the API. Handlers get the exchange, and return the errors that callers see.
func serve[I, O any](a *api, o operation, handle func(*exchange, *I) (*O, error)) {
	if o.limit == 0 {
		o.limit = maxBody
	}
	op := huma.Operation{
		OperationID: o.id, Method: o.method, Path: o.path, Summary: o.summary, MaxBodyBytes: o.limit, BodyReadTimeout: o.within,
		SkipValidateBody: o.lenient, DefaultStatus: o.status, Responses: map[string]*huma.Response{"default": a.problem()},
		Tags: []string{strings.Split(o.path, "/")[2]},
	}
	huma.Register(a.API, op, func(ctx context.Context, in *I) (*O, error) {
		x := ctx.Value(exchangeKey{}).(*exchange)
		out, err := handle(x, in)
		if err != nil {
			return nil, a.server.failure(x, err)
		}
		return out, nil
	})
	rt := a.routes[o.path]
	rt.scopes, rt.operator = []hooks.Scope{hooks.ScopeAdmin}, o.operator
}

// problem describes the answer to a request that fails.
func (a *api) problem() *huma.Response {
	return &huma.Response{Description: "what is wrong", Content: map[string]*huma.MediaType{
		"application/json": {Schema: huma.SchemaFromType(a.OpenAPI().Components.Schemas, typeOf[errorBody]())},
	}}
}

// adapter puts the API's operations among the server's routes.
type adapter struct{ api *api }

// Handle adds an operation.
func (ad adapter) Handle(op *huma.Operation, handle func(huma.Context)) {
	rt := ad.api.routes[op.Path]
	if rt == nil {
		rt = &route{pattern: op.Path, methods: map[string]handler{}}
		ad.api.routes[op.Path] = rt
	}
	rt.methods[op.Method] = func(x *exchange) error { return answerWith(x, op, handle) }
}

// ServeHTTP serves nothing: requests arrive through the server's routes.
func (ad adapter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ad.api.server.handler.ServeHTTP(w, r)
}

// answerWith has an operation of the API answer, once the body is there and is JSON.
func answerWith(x *exchange, op *huma.Operation, handle func(huma.Context)) error {
	if op.RequestBody != nil && (op.RequestBody.Required || x.r.ContentLength != 0) {
		if op.BodyReadTimeout > 0 {
			x.readWithin(op.BodyReadTimeout)
		}
		body, err := x.json(op.MaxBodyBytes)
		if err != nil {
			return err
		}
		x.r.Body, x.r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		x.r.Header.Set("Content-Type", "application/json") // as it turned out to be
	}
	x.r = x.r.WithContext(context.WithValue(x.r.Context(), exchangeKey{}, x))
	handle(&answerContext{humago.NewContext(op, x.r, x.w), x})
	return nil
}

// answerContext is the exchange as the API sees it.
type answerContext struct {
	given
	x *exchange
}

// given is [huma.Context] under a name that is not the one of its methods.
type given = huma.Context

// SetReadDeadline does nothing: the body is there.
func (*answerContext) SetReadDeadline(time.Time) error { return nil }

// SetStatus begins the answer. What does not pass a schema is a bad request like any other.
func (c *answerContext) SetStatus(status int) {
	switch status {
	case http.StatusUnprocessableEntity, http.StatusUnsupportedMediaType, http.StatusNotAcceptable:
		status = http.StatusBadRequest
	}
	c.x.begun = true
	c.given.SetStatus(status)
}

// SetHeader sets a header of the answer. Errors are JSON as everything else.
func (c *answerContext) SetHeader(name, value string) {
	if value == "application/problem+json" {
		value = "application/json"
	}
	c.given.SetHeader(name, value)
}

// transform gives errors of the API itself the shape of all others.
func (a *api) transform(ctx huma.Context, _ string, v any) (any, error) {
	m, ok := v.(*huma.ErrorModel)
	if !ok {
		return v, nil
	}
	return a.server.failure(ctx.Context().Value(exchangeKey{}).(*exchange), refusal(m)), nil
}

// refusal is an error of the API itself. It never shows the value that was wrong: it may be a secret.
func refusal(m *huma.ErrorModel) *hooks.Error {
	switch {
	case m.Status >= http.StatusInternalServerError:
		return &hooks.Error{Status: m.Status, Code: hooks.CodeUnavailable, Message: "the server failed; its log says more"}
	case len(m.Errors) == 0:
		return hooks.Errorf(hooks.CodeBadRequest, "%s", m.Detail)
	}
	e := hooks.Errorf(hooks.CodeValidation, "the request is not as the API takes it; /openapi.json describes it")
	for _, d := range m.Errors {
		if d != nil {
			e.Fields = append(e.Fields, hooks.FieldError{Field: strings.TrimPrefix(d.Location, "body."), Message: d.Message})
		}
	}
	slices.SortStableFunc(e.Fields, func(a, b hooks.FieldError) int { return strings.Compare(a.Field, b.Field) })
	return e
}

func write(w io.Writer, v any) error {
	b, err := marshal(v)
	if err == nil {
		_, err = w.Write(b)
	}
	return err
}

// readStrictly decodes JSON that has no fields but those of v.
func readStrictly(data []byte, v any) error {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	return decoder.Decode(v)
}
