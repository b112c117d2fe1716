package hooks

import (
	"slices"
	"strings"
)

// Apps says whose scripts run in a process. The zero value is everybody's.
type Apps struct {
	Only   string   `json:"only,omitempty"`   // the scripts of this app and no others
	Except []string `json:"except,omitempty"` // all but those of these apps; empty if Only is not
}

// All reports whether there is no app that is left to others.
func (a Apps) All() bool { return a.Only == "" && len(a.Except) == 0 }

// Serves reports whether the scripts of an app run in the process.
func (a Apps) Serves(app string) bool {
	if a.Only != "" {
		return app == a.Only
	}
	return !slices.Contains(a.Except, app)
}

// String is the apps as an operator writes them: shop, or *,!shop.
func (a Apps) String() string {
	if a.Only != "" {
		return a.Only
	}
	return strings.Join(append([]string{"*"}, a.Except...), ",!")
}
