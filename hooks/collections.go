package hooks

import (
	"context"
	"encoding/json"
	"errors"
)

// Documents keeps the documents of collections.
type Documents interface {
	// Find returns what query and hint, JSON objects or nil, select. That it is nothing is not an error.
	Find(ctx context.Context, app, collection string, query, hint json.RawMessage) (Found, error)
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
	ID         string          // of the document; empty for a list, a POST, and a DELETE by Query or by the ids in Body
	Body       json.RawMessage // valid JSON: a document or, of a POST, several; a list of ids of a DELETE
	Query      json.RawMessage
	Hint       json.RawMessage
	Headers    json.RawMessage // lower-case names, JSON object
	Session    json.RawMessage
	Origin     Origin
	Depth      int
	Trace      string // see [Event]
}

// Reply is the answer to a call that was carried out.
type Reply struct {
	Status   int
	Body     json.RawMessage
	Warnings []string
	Release  uint64 // whose hooks decided; 0: none did
}

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
		switch {
		case !errors.Is(err, ErrStale):
			return reply, err
		case try == staleRetries || ctx.Err() != nil:
			overtaken := Errorf(CodeConflict, "%s %.100q has been changed meanwhile, again and again", call.Collection, call.ID)
			return c.failed(ctx, call.failure(call.Body), overtaken)
		}
	}
}

func (call *CollectionCall) check() error {
	if err := CheckName("app", call.App); err != nil {
		return err
	}
	if err := CheckName("collection", call.Collection); err != nil {
		return err
	}
	return CheckDepth(call.Depth, call.Operation+" "+call.Collection)
}

// event returns an event of the call with what all phases share.
func (call *CollectionCall) event(phase Phase) *Event {
	return &Event{
		App: call.App, Service: call.Collection, Operation: call.Operation, Phase: phase, Trace: call.Trace,
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
