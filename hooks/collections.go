package hooks

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/tidwall/gjson"
)

// Documents keeps the documents of collections.
type Documents interface {
	// Find returns the documents that query and hint, JSON objects or nil, select. None is not an error.
	Find(ctx context.Context, app, collection string, query, hint json.RawMessage) ([]json.RawMessage, error)
	// Get returns one document or a NOT_FOUND error.
	Get(ctx context.Context, app, collection, id string) (json.RawMessage, error)
	// Write makes the changes and remembers their events in one transaction: all or nothing.
	Write(ctx context.Context, app, collection string, changes []Change) error
}

// Change is what becomes of one document.
type Change struct {
	ID       string
	Document json.RawMessage // complete with the server's fields; nil deletes
	Insert   bool            // it must not exist yet, else CONFLICT
	Version  int64           // without Insert: the version that must still be stored, else ErrStale
	Event    *Event          // told once the change is committed; may be nil
}

// ErrStale is in the chain of the CONFLICT that Documents.Write returns when a document is not at the version
// that the change was made for.
var ErrStale = errors.New("the document has changed meanwhile")

// Gate asks the hooks of an event and tells of one, over whatever transport.
type Gate interface {
	Ask(ctx context.Context, e *Event) (Verdict, error)
	Publish(ctx context.Context, e *Event) error
}

// Collections carries out calls on documents under the rules of their hooks: before hooks, the change with its
// after-event in one transaction, the answer. /rest and the db functions of scripts both end here, so that a script's
// own writes fire hooks too. It is safe for concurrent use.
type Collections struct {
	Documents Documents
	Gate      Gate
	System    SystemCollections // by name: collections that are no documents; may be nil
}

// CollectionCall is one call on a collection.
type CollectionCall struct {
	RequestID  string // becomes the event id; empty: one is made
	App        string
	Collection string
	Operation  string          // GET, POST, PUT, PATCH or DELETE
	ID         string          // of the document; empty for a list, a POST, and a DELETE by Query
	Body       json.RawMessage // valid JSON
	Query      json.RawMessage
	Hint       json.RawMessage
	Headers    json.RawMessage // lower-case names, JSON object
	Session    json.RawMessage
	Origin     Origin
	Depth      int
}

// Reply is the answer to a call that was carried out.
type Reply struct {
	Status   int
	Body     json.RawMessage
	Warnings []string
	Release  uint64 // whose hooks decided; 0: none did
}

// maxCallDepth is how many hooks may call each other in a chain before it counts as a loop.
const maxCallDepth = 8

// staleRetries is how often a call is made anew because somebody else changed the document meanwhile.
const staleRetries = 5

// Do carries the call out. The error is an [Error]: what a hook or the store answered.
func (c *Collections) Do(ctx context.Context, call CollectionCall) (Reply, error) {
	if err := call.check(); err != nil {
		return Reply{}, err
	}
	if call.RequestID == "" {
		call.RequestID = newID()
	}
	if system := c.System[call.Collection]; system != nil {
		return system(ctx, call)
	}
	run, ok := map[string]func(context.Context, *CollectionCall) (Reply, error){
		"GET": c.read, "POST": c.create, "PUT": c.update, "PATCH": c.update, "DELETE": c.remove,
	}[call.Operation]
	if !ok {
		return Reply{}, Errorf(CodeBadRequest, "%.20q is not an operation of collections", call.Operation)
	}
	for try := 1; ; try++ {
		reply, err := run(ctx, &call)
		if errors.Is(err, ErrStale) && try < staleRetries && ctx.Err() == nil {
			continue
		}
		return reply, err
	}
}

func (call *CollectionCall) check() error {
	if err := CheckName("app", call.App); err != nil {
		return err
	}
	if err := CheckName("collection", call.Collection); err != nil {
		return err
	}
	if call.Depth > maxCallDepth {
		return Errorf(CodeHookError, "hooks have called each other %d deep at %s %s: is this a loop?",
			call.Depth, call.Operation, call.Collection)
	}
	return nil
}

// event returns an event of the call with what all phases share.
func (call *CollectionCall) event(phase Phase) *Event {
	return &Event{
		App: call.App, Service: call.Collection, Operation: call.Operation, Phase: phase,
		Payload: Payload{
			ID: call.RequestID, Key: call.ID, Query: call.Query, Hint: call.Hint, Headers: call.Headers,
			Session: call.Session, Origin: call.Origin, Depth: call.Depth,
		},
	}
}

// ask has the before hooks decide. The Reply is not nil if a hook answered in place of the call.
func (c *Collections) ask(ctx context.Context, before *Event) (Verdict, *Reply, error) {
	v, err := c.Gate.Ask(ctx, before)
	switch {
	case err != nil:
		return v, nil, err
	case v.Respond != nil:
		return v, &Reply{Status: v.Respond.Status, Body: v.Respond.Body, Warnings: v.Warnings, Release: v.Release}, nil
	case v.Stopped():
		return v, nil, v.reason()
	}
	return v, nil, nil
}

// read answers a GET of one document or of a list.
func (c *Collections) read(ctx context.Context, call *CollectionCall) (Reply, error) {
	before := call.event(Before)
	if call.ID != "" {
		before.Query = document{{fieldID, appendString(nil, call.ID)}}.raw()
	}
	v, answer, err := c.ask(ctx, before)
	if answer != nil || err != nil {
		return deref(answer), err
	}
	query, hint := before.Query, before.Hint
	if v.Query != nil {
		query = v.Query
	}
	if v.Hint != nil {
		hint = v.Hint
	}
	if call.ID != "" {
		hint = fieldsOnly(hint)
	}
	if call.ID != "" && v.Query != nil { // a hook may narrow what can be seen, not show another document
		query = json.RawMessage(`{"$and":[` + string(before.Query) + `,` + string(query) + `]}`)
	}
	found, err := c.Documents.Find(ctx, call.App, call.Collection, query, hint)
	switch {
	case err != nil:
		return Reply{}, c.failed(ctx, call, nil, err)
	case call.ID == "":
		return Reply{Status: http.StatusOK, Body: list(found), Warnings: v.Warnings, Release: v.Release}, nil
	case len(found) == 0:
		return Reply{}, c.failed(ctx, call, nil, notFound(call.Collection, call.ID))
	}
	return Reply{Status: http.StatusOK, Body: found[0], Warnings: v.Warnings, Release: v.Release}, nil
}

// create answers a POST.
func (c *Collections) create(ctx context.Context, call *CollectionCall) (Reply, error) {
	body, err := parseDocument(call.Body, "the document")
	if err != nil {
		return Reply{}, err
	}
	id, err := body.id()
	if err != nil {
		return Reply{}, err
	}
	if id == "" {
		id = newID()
	}
	now := timestamp(time.Now())
	before := call.event(Before)
	before.Key, before.Message = id, body.stamp(id, 0, now, now).raw()
	v, answer, err := c.ask(ctx, before)
	if answer != nil || err != nil {
		return deref(answer), err
	}
	after := call.event(After)
	after.Message, after.Context, after.Key = before.Message, v.Context, id
	if v.Message != nil {
		if after.Message, after.Key, err = restamped(v.Message, id, now); err != nil {
			return Reply{}, err
		}
	}
	after.Result = after.Message
	change := Change{ID: after.Key, Document: after.Message, Insert: true, Event: after}
	if err := c.Documents.Write(ctx, call.App, call.Collection, []Change{change}); err != nil {
		return Reply{}, c.failed(ctx, call, after.Message, err)
	}
	return Reply{Status: http.StatusCreated, Body: after.Result, Warnings: v.Warnings, Release: v.Release}, nil
}

// restamped is a new document as a hook has changed it; the hook may choose another _id.
func restamped(message json.RawMessage, id string, now json.RawMessage) (json.RawMessage, string, error) {
	d, err := parseDocument(message, "the hook's data")
	if err != nil {
		return nil, "", err
	}
	chosen, err := d.id()
	if err != nil {
		return nil, "", err
	}
	if chosen != "" {
		id = chosen
	}
	return d.stamp(id, 0, now, now).raw(), id, nil
}

// update answers a PUT, which replaces the document, or a PATCH, which sets some of its fields.
func (c *Collections) update(ctx context.Context, call *CollectionCall) (Reply, error) {
	body, err := parseDocument(call.Body, "the document")
	if err != nil {
		return Reply{}, err
	}
	if call.ID == "" {
		return Reply{}, Errorf(CodeBadRequest, "%s needs the document's id in the path", call.Operation)
	}
	original, old, err := c.original(ctx, call, call.Body)
	if err != nil {
		return Reply{}, err
	}
	body.set(fieldID, appendString(nil, call.ID))
	before := call.event(Before)
	before.Message, before.Original = body.raw(), original
	v, answer, err := c.ask(ctx, before)
	if answer != nil || err != nil {
		return deref(answer), err
	}
	if v.Message != nil {
		if body, err = parseDocument(v.Message, "the hook's data"); err != nil {
			return Reply{}, err
		}
	}
	if call.Operation == "PATCH" {
		body = old.merge(body)
	}
	after := call.event(After)
	after.Original, after.Context = original, v.Context
	after.Message = body.stamp(call.ID, old.version()+1, old.get(fieldCreated), timestamp(time.Now())).raw()
	after.Result = after.Message
	change := Change{ID: call.ID, Document: after.Message, Version: old.version(), Event: after}
	if err := c.Documents.Write(ctx, call.App, call.Collection, []Change{change}); err != nil {
		return Reply{}, c.failed(ctx, call, after.Message, err)
	}
	return Reply{Status: http.StatusOK, Body: after.Result, Warnings: v.Warnings, Release: v.Release}, nil
}

// remove answers a DELETE of one document, or of all that a query selects; the hooks see the ids and the documents.
func (c *Collections) remove(ctx context.Context, call *CollectionCall) (Reply, error) {
	victims, err := c.victims(ctx, call)
	if err != nil {
		return Reply{}, err
	}
	before := call.event(Before)
	before.Message, before.Original = victims.body(call), victims.original(call)
	v, answer, err := c.ask(ctx, before)
	if answer != nil || err != nil {
		return deref(answer), err
	}
	changes := make([]Change, len(victims))
	ids := make([]string, len(victims))
	for i, doc := range victims {
		ids[i] = doc.id
		after := call.event(After)
		after.Key, after.Original, after.Context = doc.id, doc.raw, v.Context
		after.Message = document{{fieldID, appendString(nil, doc.id)}}.raw()
		after.Result = after.Original
		if call.ID == "" { // one request, many events: each needs an id of its own
			after.ID = call.RequestID + "." + strconv.Itoa(i)
		}
		changes[i] = Change{ID: doc.id, Version: doc.version, Event: after}
	}
	if err := c.Documents.Write(ctx, call.App, call.Collection, changes); err != nil {
		return Reply{}, c.failed(ctx, call, before.Message, err)
	}
	return Reply{Status: http.StatusOK, Body: mustMarshal(map[string][]string{"result": ids}), Warnings: v.Warnings, Release: v.Release}, nil
}

// failed tells failed hooks why the call did not succeed, and returns err. A call that is made anew has not failed yet.
func (c *Collections) failed(ctx context.Context, call *CollectionCall, message json.RawMessage, err error) error {
	if errors.Is(err, ErrStale) {
		return err
	}
	reason := AsError(err)
	e := call.event(Failed)
	e.Message = message
	e.Error = mustMarshal(map[string]any{"code": reason.Code, "message": reason.Message, "status": reason.Status})
	if told := c.Gate.Publish(context.WithoutCancel(ctx), e); told != nil {
		return reason.Because(errors.Join(err, told))
	}
	return reason
}

// original returns the stored document, whole and split.
func (c *Collections) original(ctx context.Context, call *CollectionCall, message json.RawMessage) (json.RawMessage, document, error) {
	raw, err := c.Documents.Get(ctx, call.App, call.Collection, call.ID)
	if err != nil {
		return nil, nil, c.failed(ctx, call, message, err)
	}
	d, err := parseDocument(raw, "the stored document")
	return raw, d, err
}

// fieldsOnly is what of a hint means something for a single document.
func fieldsOnly(hint json.RawMessage) json.RawMessage {
	if fields := gjson.GetBytes(hint, `\$fields`); fields.Exists() {
		return document{{"$fields", json.RawMessage(fields.Raw)}}.raw()
	}
	return nil
}

func notFound(collection, id string) *Error {
	return Errorf(CodeNotFound, "%s %.100q does not exist", collection, id)
}

func list(docs []json.RawMessage) json.RawMessage {
	size := 2
	for _, d := range docs {
		size += len(d) + 1
	}
	out := append(make([]byte, 0, size), '[')
	for i, d := range docs {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, d...)
	}
	return append(out, ']')
}

func deref(r *Reply) Reply {
	if r == nil {
		return Reply{}
	}
	return *r
}
