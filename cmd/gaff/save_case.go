package main

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"gaff/hooks"
)

// savedVerdict is what a chain decided, without what differs between a server and a test.
type savedVerdict struct {
	Status  int             `json:"status"`
	Message json.RawMessage `json:"message,omitempty"`
	Query   json.RawMessage `json:"query,omitempty"`
	Hint    json.RawMessage `json:"hint,omitempty"`
	Result  json.RawMessage `json:"result,omitempty"`
	Context json.RawMessage `json:"context,omitempty"`
	Respond *hooks.Response `json:"respond,omitempty"`
	Error   *savedError     `json:"error,omitempty"`
}

type savedError struct {
	Code    hooks.Code         `json:"code,omitempty"`
	Message string             `json:"message,omitempty"`
	Fields  []hooks.FieldError `json:"fields,omitempty"`
}

// verdict puts what one more hook of the chain decided over what those before it did.
func (e *savedExpectation) verdict(raw json.RawMessage) {
	v, err := hooks.ParseVerdict(raw)
	if len(raw) == 0 || err != nil {
		return
	}
	if e.Verdict == nil {
		e.Verdict = &savedVerdict{}
	}
	all := e.Verdict
	all.Status = v.Status
	if v.Status != http.StatusOK { // what was replaced before counts no more
		*all = savedVerdict{Status: v.Status}
	}
	for to, from := range map[*json.RawMessage]json.RawMessage{
		&all.Message: v.Message, &all.Query: v.Query, &all.Hint: v.Hint, &all.Result: v.Result, &all.Context: v.Context,
	} {
		if from != nil {
			*to = from
		}
	}
	if v.Respond != nil {
		all.Respond = v.Respond
	}
	if v.Error != nil {
		all.Error = &savedError{v.Error.Code, v.Error.Message, v.Error.Fields}
	}
}

// eventOf is the event of a record as authors write it: without what every run has anew.
func eventOf(input json.RawMessage) json.RawMessage {
	return withoutKeys(input, "id", "depth", "job")
}

// withoutKeys returns an object without some of its keys, the others in their order; anything else as it is.
func withoutKeys(object json.RawMessage, unwanted ...string) json.RawMessage {
	d := json.NewDecoder(bytes.NewReader(object))
	if open, err := d.Token(); err != nil || open != json.Delim('{') {
		return object
	}
	out := []byte{'{'}
	for d.More() {
		key, err := d.Token()
		var value json.RawMessage
		if err != nil || d.Decode(&value) != nil {
			return object
		}
		name, _ := key.(string)
		if slices.Contains(unwanted, name) {
			continue
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		quoted, err := json.Marshal(name)
		if err != nil {
			return object
		}
		out = append(append(append(out, quoted...), ':'), value...)
	}
	return append(out, '}')
}

// literal is a text that is expected as it stands: between slashes it would be a pattern.
func literal(s string) string {
	if len(s) > 1 && s[0] == '/' && s[len(s)-1] == '/' {
		return "/^" + regexp.QuoteMeta(s) + "$/"
	}
	return s
}

// keptArgs are the arguments of a call, or nothing if the record has not kept one of them.
func keptArgs(args []json.RawMessage) []json.RawMessage {
	for _, a := range args {
		var text string
		if json.Unmarshal(a, &text) == nil && strings.HasSuffix(text, " bytes, too many to record") {
			return nil
		}
	}
	return args
}

// caseText is a file of cases.
func caseText(cases []*savedCase) (string, error) {
	var content any = cases
	if len(cases) == 1 {
		content = cases[0]
	}
	b, err := json.Marshal(content)
	if err != nil {
		return "", err
	}
	return yamlText(b)
}

// see keeps the documents that a run has read before it wrote them: they must be there when the case runs.
func (c *savedCase) see(calls []hooks.HostCall) {
	known := map[string]bool{}
	for collection, documents := range c.Documents {
		for _, d := range documents {
			known[collection+"/"+idOf(d)] = true
		}
	}
	for _, call := range calls {
		collection, id := collectionOf(call.Args)
		if collection == "" || call.Result == nil {
			continue
		}
		for _, d := range documentsIn(call.Result) {
			name := collection + "/" + idOf(d)
			if call.Name == "db.get" && !known[name] {
				c.put(collection, d)
			}
			known[name] = true
		}
		known[collection+"/"+id] = true
	}
}

func (c *savedCase) put(collection string, document json.RawMessage) {
	all := maps.Clone(c.Documents)
	if all == nil {
		all = map[string][]json.RawMessage{}
	}
	all[collection] = append(all[collection], withoutKeys(document, "_version", "_created", "_changed"))
	c.Documents = all
}

// documentsIn are the documents in a result: those that have an id.
func documentsIn(result json.RawMessage) []json.RawMessage {
	var several []json.RawMessage
	if json.Unmarshal(result, &several) != nil {
		several = []json.RawMessage{result}
	}
	return slices.DeleteFunc(several, func(d json.RawMessage) bool { return idOf(d) == "" })
}

func idOf(document json.RawMessage) string {
	var known struct {
		ID string `json:"_id"`
	}
	if json.Unmarshal(document, &known) != nil {
		return ""
	}
	return known.ID
}

// collectionOf reads the path that a call of db begins with.
func collectionOf(args []json.RawMessage) (collection, id string) {
	var path string
	if len(args) == 0 || json.Unmarshal(args[0], &path) != nil {
		return "", ""
	}
	path, _, _ = strings.Cut(path, "?")
	rest, ok := strings.CutPrefix(path, "/rest/")
	if !ok {
		return "", ""
	}
	collection, id, _ = strings.Cut(strings.TrimSuffix(rest, "/"), "/")
	if !hooks.ValidName(collection) {
		return "", ""
	}
	return collection, id
}
