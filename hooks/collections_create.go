package hooks

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/tidwall/gjson"
)

const (
	// maxBulk bounds how many documents one POST makes, and how many ids a DELETE names.
	maxBulk = 1000
	// maxDocument bounds a document, in bytes. Its event, which also has the one before, must fit into a message of NATS.
	maxDocument = 2 << 20
)

// create answers a POST of a document, or of a list of them.
func (c *Collections) create(ctx context.Context, call *CollectionCall) (Reply, error) {
	if gjson.ParseBytes(call.Body).IsArray() {
		return c.createAll(ctx, call)
	}
	made, answer, err := c.admit(ctx, call)
	if answer != nil || err != nil {
		return deref(answer), err
	}
	if err := c.Documents.Write(ctx, call.App, call.Collection, []Change{made.change}); err != nil {
		return c.failed(ctx, made.failure(call), err)
	}
	return c.answered(ctx, made.after, made.reply)
}

// createAll makes all documents, or none. Each has its own before and after hooks; a document in whose place a hook has
// answered is not made, and the answer takes its place in the list.
func (c *Collections) createAll(ctx context.Context, call *CollectionCall) (Reply, error) {
	bodies := gjson.ParseBytes(call.Body).Array()
	if len(bodies) > maxBulk {
		return Reply{}, Errorf(CodeTooLarge, "POST takes at most %d documents, not %d", maxBulk, len(bodies))
	}
	var changes []Change
	made := make([]*creation, len(bodies))
	answers := make([]json.RawMessage, len(bodies))
	all := Reply{Status: http.StatusCreated}
	for i, body := range bodies {
		one := *call
		one.Body = json.RawMessage(body.Raw)
		one.RequestID = call.RequestID + "." + strconv.Itoa(i) // one request, many events: each needs an id of its own
		admitted, answer, err := c.admit(ctx, &one)
		switch {
		case err != nil:
			return Reply{}, numbered(err, i)
		case answer != nil:
			all.take(answer)
			answers[i] = answer.Body
			if answer.Body == nil {
				answers[i] = json.RawMessage("null")
			}
		default:
			made[i], changes = admitted, append(changes, admitted.change)
		}
	}
	if err := c.Documents.Write(ctx, call.App, call.Collection, changes); err != nil {
		return c.failed(ctx, call.failure(call.Body), err)
	}
	for i, m := range made {
		if m == nil {
			continue
		}
		reply, err := c.answered(ctx, m.after, m.reply)
		if err != nil {
			return Reply{}, numbered(err, i)
		}
		all.take(&reply)
		answers[i] = reply.Body
	}
	all.Body = list(answers)
	return all, nil
}

// take adds what another reply says beside its body.
func (r *Reply) take(other *Reply) {
	r.Warnings = append(r.Warnings, other.Warnings...)
	if other.Release != 0 {
		r.Release = other.Release
	}
}

// numbered says which document of a list an error is about.
func numbered(err error, i int) error {
	e := AsError(err)
	of := *e
	of.Message = fmt.Sprintf("document %d of the list: %s", i+1, e.Message)
	of.Fields = make([]FieldError, len(e.Fields))
	for j, f := range e.Fields {
		of.Fields[j] = FieldError{Field: fmt.Sprintf("[%d].%s", i, f.Field), Message: f.Message}
	}
	return &of
}

// creation is a document that its before hooks have let through.
type creation struct {
	change Change
	after  *Event
	reply  Reply
}

// admit asks the before hooks of a document that is to be made. The Reply is not nil if a hook answered in place of it.
func (c *Collections) admit(ctx context.Context, call *CollectionCall) (*creation, *Reply, error) {
	body, err := parseDocument(call.Body, "the document")
	if err != nil {
		return nil, nil, err
	}
	if name := body.operator(); name != "" {
		return nil, nil, Errorf(CodeBadRequest, "operator %.40s is for PUT and PATCH; the fields of a new document do not begin with $", name)
	}
	id, err := body.id()
	if err != nil {
		return nil, nil, err
	}
	if id == "" {
		id = newID()
	}
	now := timestamp(time.Now())
	before := call.event(Before)
	stamped := body.stamp(id, 0, now, now)
	before.Key, before.Message = id, stamped.raw()
	v, answer, err := c.ask(ctx, before)
	if answer != nil || err != nil {
		return nil, answer, err
	}
	after := call.event(After)
	after.Message, after.Context = before.Message, v.Context
	if v.Message != nil {
		if stamped, err = restamped(v.Message, id, now); err != nil {
			return nil, nil, err
		}
		after.Message = stamped.raw()
	}
	if err := checkSize(after.Message); err != nil {
		return nil, nil, err
	}
	after.Key, _ = stamped.id() // it was checked
	after.Result = after.Message
	stored := stamped.signed(call.author(), call.author()).raw()
	made := &creation{
		change: Change{ID: after.Key, Document: stored, Insert: true, Event: after},
		after:  after,
		reply:  Reply{Status: http.StatusCreated, Body: after.Result, Warnings: v.Warnings, Release: v.Release},
	}
	if call.showsAuthors() {
		made.reply.Body = stored
	}
	return made, nil, nil
}

// failure is the event that tells that the document could not be made.
func (m *creation) failure(call *CollectionCall) *Event {
	e := call.failure(m.after.Message)
	e.Key, e.Context = m.after.Key, m.after.Context
	return e
}

// restamped is a new document as a hook has changed it; the hook may choose another _id.
func restamped(message json.RawMessage, id string, now json.RawMessage) (document, error) {
	d, err := parseDocument(message, "the hook's data")
	if err != nil {
		return nil, err
	}
	chosen, err := d.id()
	if err != nil {
		return nil, err
	}
	if chosen != "" {
		id = chosen
	}
	return d.stamp(id, 0, now, now), nil
}

func checkSize(doc json.RawMessage) error {
	if len(doc) > maxDocument {
		return Errorf(CodeTooLarge, "the document would have %d bytes, more than %d", len(doc), maxDocument)
	}
	return nil
}

// showsAuthors tells whether the call asks for the fields that are not shown otherwise.
func (call *CollectionCall) showsAuthors() bool {
	return gjson.GetBytes(call.Hint, `\$metafields`).Bool()
}
