package edge

import (
	"encoding/json"
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"

	"gaff/hooks"
)

func typeOf[T any]() reflect.Type { return reflect.TypeFor[T]() }

// describe adds to the description what is below /v1 without being the API's: events and the log.
func (a *api) describe() {
	text := func(name, description string) *huma.Param {
		return &huma.Param{Name: name, In: "query", Description: description, Schema: &huma.Schema{Type: "string"}}
	}
	filter := []*huma.Param{
		text("kind", "only records of this kind: hook, job or audit, which are changes that somebody made"),
		text("hook", "only runs of this hook"), text("job", "only runs of this job"), text("status", "only runs that ended so"),
		text("since", "a duration such as 1h, or a time"), text("id", "only runs that this event caused"), text("trace", "only runs of the trace of this id"),
		{Name: "limit", In: "query", Description: "the newest so many", Schema: &huma.Schema{Type: "integer"}},
	}
	answer := func(status, description, media string, schema *huma.Schema) map[string]*huma.Response {
		return map[string]*huma.Response{
			status:    {Description: description, Content: map[string]*huma.MediaType{media: {Schema: schema}}},
			"default": a.problem(),
		}
	}
	object := &huma.Schema{Type: "object"}
	records := &huma.Schema{Type: "array", Items: huma.SchemaFromType(a.OpenAPI().Components.Schemas, typeOf[hooks.Record]())}
	for _, op := range []huma.Operation{
		{OperationID: "send-event", Method: http.MethodPost, Path: "/v1/events", Summary: "Ask the hooks of an event, or publish one",
			RequestBody: &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"application/json": {Schema: object}}},
			Responses:   answer("200", "the verdict of phase before", "application/json", object)},
		{OperationID: "list-records", Method: http.MethodGet, Path: "/v1/logs", Summary: "Read the log", Parameters: filter,
			Responses: answer("200", "records, the oldest first", "application/json", records)},
		{OperationID: "follow-records", Method: http.MethodGet, Path: "/v1/logs/stream", Summary: "Follow the log", Parameters: filter,
			Responses: answer("200", "a record as each server-sent event", "text/event-stream", &huma.Schema{Type: "string"})},
	} {
		op.Tags = []string{"events"}
		a.OpenAPI().AddOperation(&op)
	}
	schemas := a.OpenAPI().Components.Schemas.Map()
	delete(schemas, "ErrorModel") // the library's own errors, which become ours
	delete(schemas, "ErrorDetail")
}

// description answers with the API's description. Everybody may read it.
func (a *api) description() handler {
	b, err := json.Marshal(a.OpenAPI())
	if err != nil {
		panic(err) // it is the same at each start
	}
	return func(x *exchange) error { return x.send(http.StatusOK, b) }
}
