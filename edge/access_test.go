package edge

import (
	"net/http"
	"testing"

	"gaff/hooks"
)

func TestKeys(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		request
		app    string
		origin hooks.Origin
	}{
		{request{name: "none", status: 401, code: hooks.CodeUnauthorized}, "", ""},
		{request{name: "wrong", header: map[string]string{"X-Api-Key": adminKey + "x"}, status: 401, code: hooks.CodeUnauthorized}, "", ""},
		{request{name: "empty", header: map[string]string{"X-Api-Key": ""}, status: 401, code: hooks.CodeUnauthorized}, "", ""},
		{request{name: "another scheme", header: map[string]string{"Authorization": "Basic " + adminKey}, status: 401, code: hooks.CodeUnauthorized}, "", ""},
		{request{name: "x-api-key", header: map[string]string{"X-Api-Key": adminKey}, status: 200}, "default", hooks.Client},
		{request{name: "x-apikey", header: map[string]string{"X-Apikey": adminKey}, status: 200}, "default", hooks.Client},
		{request{name: "bearer", header: map[string]string{"Authorization": "bearer  " + adminKey}, status: 200}, "default", hooks.Client},
		{request{name: "beside a user's own", header: map[string]string{"X-Apikey": "users", "Authorization": "Bearer " + adminKey}, status: 200}, "default", hooks.Client},
		{request{name: "app", header: map[string]string{"X-Api-Key": adminKey, "Gaff-App": "shop"}, status: 200}, "shop", hooks.Client},
		{request{name: "server", header: map[string]string{"X-Api-Key": adminKey, "Gaff-Origin": "s2s"}, status: 200}, "default", hooks.S2S},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := &world{}
			c.target, c.keyless = "/rest/a", true
			answer := c.run(t, newServer(t, w, nil).Handler())
			if c.status == http.StatusUnauthorized {
				if answer.Header().Get("WWW-Authenticate") != "Bearer" || len(w.calls) > 0 {
					t.Errorf("headers %v, calls %v", answer.Header(), w.calls)
				}
				return
			}
			if call := w.call(t); call.App != c.app || call.Origin != c.origin {
				t.Errorf("app %q, origin %q; want %q, %q", call.App, call.Origin, c.app, c.origin)
			}
		})
	}
}

// TestOpenServer: what a browser sends from another site has a foreign Host (a name that is made to resolve to this
// machine) or a foreign Origin.
func TestOpenServer(t *testing.T) {
	t.Parallel()
	hosts := map[string]bool{
		"localhost": true, "LOCALHOST:8090": true, "127.0.0.1": true, "127.0.0.1:80": true, "127.8.8.8:80": true, "[::1]": true, "[::1]:80": true,
		"evil.example": false, "localhost.evil.example": false, "127.0.0.1.evil.example": false, "10.0.0.1": false, "[::2]": false,
		"localhost:": false, "localhost:x": false, "[::ffff:127.0.0.1]": false, "0.0.0.0": false, "": false,
	}
	origins := map[string]bool{
		"": true, "http://localhost:3000": true, "https://127.0.0.1": true, "http://[::1]:80": true,
		"http://evil.example": false, "null": false, "http://localhost.evil.example": false, "file://": false, "http://user@localhost": false,
		"http://localhost/path": false, "localhost": false,
	}
	h := newServer(t, &world{}, func(c *Config) { c.AdminKey, c.Open = "", true }).Handler()
	for host, hostOK := range hosts {
		for origin, originOK := range origins {
			for _, target := range []string{"/rest/a", "/livez", "/v1/logs"} {
				header := map[string]string{"Host": host}
				if origin != "" {
					header["Origin"] = origin
				}
				q := request{target: target, keyless: true, header: header, status: 200}
				if !hostOK || !originOK {
					q.status, q.code = 403, hooks.CodeForbidden
				}
				q.run(t, h)
			}
		}
	}
	q := request{target: "/rest/a", keyless: true, header: map[string]string{"Gaff-Origin": "s2s"}, status: 403, code: hooks.CodeForbidden}
	q.run(t, h)
}

func TestKeyedServerTakesForeignHosts(t *testing.T) {
	t.Parallel()
	q := request{target: "/rest/a", status: 200, header: map[string]string{"Host": "api.example", "Origin": "https://app.example"}}
	q.run(t, newServer(t, &world{}, nil).Handler())
}
