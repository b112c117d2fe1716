package hooks

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// SecretRef is a place in gaff.yaml that refers to a secret, by ${secret:NAME}.
type SecretRef struct {
	Name      string
	Line, Col int // from 1
}

const secretMark = "${secret:"

// secretPattern is a reference, also as it stands in JSON: none of its characters is ever escaped.
var secretPattern = regexp.MustCompile(`\$\{secret:([A-Za-z0-9_-]{1,64})\}`)

// SecretRefs lists where the release's settings, sessions and services refer to secrets, in the order in which they are written.
func (r *Release) SecretRefs() []SecretRef {
	l := &loader{files: r.Files, release: &Release{}}
	root := l.parse(r.Files[ProjectFile])
	pairs, _ := mappingOf(root)
	for _, pair := range pairs {
		switch pair.Key.GetToken().Value {
		case "settings", "sessions", "services":
			l.refer(pair.Value)
		}
	}
	return l.refs
}

// CheckSecrets returns a [ProjectError] that names each place where the release refers to a secret that is not known,
// or nil.
func (r *Release) CheckSecrets(known func(name string) bool) error {
	var found problems
	for _, ref := range r.SecretRefs() {
		if !known(ref.Name) {
			found.add(ProjectFile, ref.Line, ref.Col, "there is no secret %s: `gaff secrets set %s` makes it", ref.Name, ref.Name)
		}
	}
	return found.err()
}

// refer notes the references in a node, and tells of those that are malformed.
func (l *loader) refer(n ast.Node) {
	l.referring = true
	_, _ = l.appendJSON(nil, n, 0) // what JSON cannot express is told
	l.referring = false
}

// reference notes the references in one text.
func (l *loader) reference(n ast.Node, text string) {
	if !l.referring || !strings.Contains(text, secretMark) {
		return
	}
	line, col := place(n)
	found := secretPattern.FindAllStringSubmatch(text, -1)
	for _, m := range found {
		l.refs = append(l.refs, SecretRef{m[1], line, col})
	}
	if len(found) != strings.Count(text, secretMark) {
		l.at(n, "a secret is referred to by ${secret:NAME}, its name of 1 to %d of A-Z a-z 0-9 _ -", maxName)
	}
}

// resolveSecrets puts the values of secrets into the strings of valid JSON. It returns which values it used and which
// names it has no value for; those stay as they are.
func resolveSecrets(raw json.RawMessage, values map[string]string) (resolved json.RawMessage, used, missing []string) {
	if raw == nil || !secretPattern.Match(raw) {
		return raw, nil, nil
	}
	resolved = secretPattern.ReplaceAllFunc(raw, func(ref []byte) []byte {
		name := string(ref[len(secretMark) : len(ref)-1])
		value, ok := values[name]
		if !ok {
			missing = append(missing, name)
			return ref
		}
		used = append(used, value)
		quoted := appendString(nil, value)
		return quoted[1 : len(quoted)-1]
	})
	slices.Sort(missing)
	return resolved, used, slices.Compact(missing)
}
