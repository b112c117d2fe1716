package hooks

import (
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// builtins reads which built-ins of each data service callers may use: commands of Redis, or first words of SQL
// statements. An empty list closes them all.
func (l *loader) builtins(n ast.Node) {
	pairs, ok := mappingOf(n)
	if !ok {
		if n.Type() != ast.NullType {
			l.at(n, "builtins must be a mapping of services to lists of commands")
		}
		return
	}
	for _, pair := range pairs {
		var service string
		l.name("service", &service)(pair.Key)
		value := l.resolve(pair.Value)
		if service == "" || value == nil {
			continue
		}
		allowed := []string{}
		l.list("builtins of "+service, func(n ast.Node) {
			var word string
			l.name("command", &word)(n)
			if word = strings.ToUpper(word); word != "" && !slices.Contains(allowed, word) {
				allowed = append(allowed, word)
			}
		})(value)
		if l.release.Builtins == nil {
			l.release.Builtins = map[string][]string{}
		}
		l.release.Builtins[service] = allowed
	}
}
