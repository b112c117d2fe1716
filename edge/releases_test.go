package edge

import (
	"encoding/json"
	"testing"

	"gaff/hooks"
)

// project is the body that applies files.
func project(t *testing.T, files map[string]string) string {
	t.Helper()
	b, err := json.Marshal(map[string]any{"files": files})
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestApply(t *testing.T) {
	t.Parallel()
	good := map[string]string{
		"gaff.yaml": "app: shop\nhooks:\n  - {service: customer, script: a.js}\n",
		"a.js":      "function beforePOST(req, res) { res.end() }",
	}
	broken := map[string]string{"gaff.yaml": "app: shop\nhooks:\n  - {service: customer, script: a.js}\n  - {service: x, script: no.js}\n", "a.js": "function ("}
	for _, q := range []request{
		{name: "good", body: project(t, good), status: 201, has: `"release":7,"app":"shop","hooks":1,"jobs":0`},
		{name: "broken", body: project(t, broken), status: 400, code: hooks.CodeValidation, has: `"field":"a.js:1:`},
		{name: "all problems at once", body: project(t, broken), status: 400, code: hooks.CodeValidation, has: `"field":"gaff.yaml:4:`},
		{name: "other app", body: project(t, good), header: map[string]string{"Gaff-App": "other"}, status: 400, code: hooks.CodeBadRequest},
		{name: "known secret", body: project(t, map[string]string{"gaff.yaml": "settings: {a: '${secret:TOKEN}'}\n"}), status: 201},
		{name: "unknown secret", body: project(t, map[string]string{"gaff.yaml": "settings: {a: '${secret:OTHER}'}\n"}), status: 400, code: hooks.CodeValidation, has: `"field":"gaff.yaml:1:`},
		{name: "no files", body: `{}`, status: 400},
		{name: "unknown field", body: `{"files":{},"force":true}`, status: 400},
		{name: "wrong type", body: `{"files":[]}`, status: 400},
		{name: "conflict", body: project(t, map[string]string{"gaff.yaml": "app: busy\n"}), status: 409, code: hooks.CodeConflict},
	} {
		t.Run(q.name, func(t *testing.T) {
			t.Parallel()
			w := &world{apply: func(r *hooks.Release) error {
				if r.App == "busy" {
					return hooks.Errorf(hooks.CodeConflict, "somebody else")
				}
				return nil
			}}
			q.method, q.target = "POST", "/v1/releases"
			q.run(t, newServer(t, w, nil).Handler())
		})
	}
}
