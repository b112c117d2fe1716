package hooks

import "encoding/json"

// Found is what a query and a hint select.
type Found struct {
	List   []json.RawMessage // documents, or values if the query asks for distinct ones
	Object json.RawMessage   // what is asked for if that is no list: groups, aggregates, totals; else nil
}

// Body is the answer as callers get it.
func (f *Found) Body() json.RawMessage {
	if f.Object != nil {
		return f.Object
	}
	return list(f.List)
}
