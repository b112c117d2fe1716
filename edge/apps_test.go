package edge

import (
	"testing"

	"gaff/hooks"
)

func TestPlans(t *testing.T) {
	t.Parallel()
	w := registeredWorld()
	h := newServer(t, w, nil).Handler()
	for _, c := range []request{
		{name: "metered", method: "PATCH", target: "/v1/apps/shop", body: `{"plan":"metered","balance":10}`, status: 200,
			has: `{"name":"shop","plan":"metered","account":{"balance":10,"used":0}}`},
		{name: "more", method: "PATCH", target: "/v1/apps/shop", body: `{"add":5}`, status: 200,
			has: `{"name":"shop","plan":"metered","account":{"balance":15,"used":0}}`},
		{name: "free", method: "PATCH", target: "/v1/apps/shop", body: `{"plan":"free"}`, status: 200, has: `{"name":"shop","plan":"free"}`},
		{name: "no plan", method: "PATCH", target: "/v1/apps/shop", body: `{"plan":"gold"}`, status: 400, code: hooks.CodeBadRequest},
		{name: "no app", method: "PATCH", target: "/v1/apps/nowhere", body: `{"add":5}`, status: 404, code: hooks.CodeNotFound},
	} {
		c.run(t, h)
	}
}
