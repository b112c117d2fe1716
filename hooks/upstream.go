package hooks

import (
	"encoding/json"
	"fmt"
)

// Upstream is somebody else's API that the project declares.
type Upstream struct {
	URL     string            `json:"upstream"`          // http or https, without query
	Routes  []Route           `json:"routes,omitempty"`  // which requests are which operations
	Headers map[string]string `json:"headers,omitempty"` // that scripts' calls carry; may refer to secrets
}

// Route says which operation a request is.
type Route struct {
	Match     string `json:"match"` // a pattern of net/http, such as "POST /events/{id}"
	Operation string `json:"operation"`
}

// Upstream returns the declared service of that name, with its secrets, or nil.
func (t *Table) Upstream(name string) *Upstream {
	if t == nil {
		return nil
	}
	return t.upstreams[name]
}

// resolveUpstreams returns the declared services with their secrets.
func resolveUpstreams(declared map[string]*Upstream, values map[string]string) (resolved map[string]*Upstream, used, missing []string) {
	if len(declared) == 0 {
		return nil, nil, nil
	}
	raw, used, missing := resolveSecrets(mustMarshal(declared), values)
	if err := json.Unmarshal(raw, &resolved); err != nil {
		panic(fmt.Sprintf("services: %v", err)) // they were marshalled a moment ago, and secrets are put in as JSON
	}
	return resolved, used, missing
}
