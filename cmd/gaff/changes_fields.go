package main

import (
	"bytes"
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"time"
)

// fieldChange is one field of something that was changed; From or To is missing where the field was or is not there.
type fieldChange struct {
	Field string          `json:"field"`
	From  json.RawMessage `json:"from,omitempty"`
	To    json.RawMessage `json:"to,omitempty"`
}

// leaves lists the values in an object by their dotted path. Lists are values as a whole.
func leaves(object map[string]any) map[string]any {
	found := map[string]any{}
	collect(found, "", object)
	return found
}

func collect(found map[string]any, prefix string, object map[string]any) {
	for name, value := range object {
		if nested, ok := value.(map[string]any); ok && len(nested) > 0 {
			collect(found, prefix+name+".", nested)
			continue
		}
		found[prefix+name] = value
	}
}

// writtenFields lists the fields of a hook, a job and the like, as people write them.
func writtenFields(item map[string]any) map[string]any {
	fields := leaves(item)
	delete(fields, "whenLine") // where a condition stands is no difference
	delete(fields, "whenCol")
	for _, name := range []string{"timeout", "retry.min", "retry.max"} {
		if n, ok := fields[name].(json.Number); ok {
			if ns, err := n.Int64(); err == nil {
				fields[name] = time.Duration(ns).String()
			}
		}
	}
	return fields
}

// changedFields returns nil if there is no difference.
func changedFields(was, now map[string]any) []fieldChange {
	both := maps.Clone(was)
	maps.Copy(both, now)
	var changes []fieldChange
	for _, name := range slices.Sorted(maps.Keys(both)) {
		from, had := was[name]
		to, has := now[name]
		if had == has && reflect.DeepEqual(from, to) {
			continue
		}
		changes = append(changes, fieldChange{name, fieldJSON(from, had), fieldJSON(to, has)})
	}
	return changes
}

func fieldJSON(value any, there bool) json.RawMessage {
	if !there {
		return nil
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false) // people read it
	if err := encoder.Encode(value); err != nil {
		panic(err) // it came out of JSON
	}
	return bytes.TrimSpace(out.Bytes())
}
