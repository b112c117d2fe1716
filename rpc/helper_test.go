package rpc

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serverURL returns the address of a real server.
func serverURL(t testing.TB, kind Kind) string {
	t.Helper()
	name := map[Kind]string{Redis: "GAFF_TEST_REDIS_URL", Postgres: "GAFF_TEST_POSTGRES_URL", MySQL: "GAFF_TEST_MYSQL_URL"}[kind]
	url := os.Getenv(name)
	if url == "" {
		t.Fatalf("%s is not set: run ./test", name)
	}
	return url
}

// open returns services on real servers, named like their kinds.
func open(t testing.TB, kinds ...Kind) *Services {
	t.Helper()
	configs := make([]Config, len(kinds))
	for i, kind := range kinds {
		configs[i] = Config{string(kind), serverURL(t, kind)}
	}
	s, err := Open(configs, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// unique returns a name that no other test has.
func unique() string { return "t" + strings.ToLower(rand.Text()) }

func within(t testing.TB, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

// must returns a call's result.
func must(t testing.TB, s *Services, c *Call) string {
	t.Helper()
	result, err := s.Do(within(t, 30*time.Second), c)
	if err != nil {
		t.Fatalf("%s %s %s: %v", c.Name, c.Body, c.Payload, err)
	}
	if !json.Valid(result) {
		t.Fatalf("%s %s %s: not JSON: %s", c.Name, c.Body, c.Payload, result)
	}
	return string(result)
}

// refused returns a call's error, which must have the code.
func refused(t testing.TB, s *Services, c *Call, code Code) *Error {
	t.Helper()
	result, err := s.Do(within(t, 30*time.Second), c)
	e, ok := errors.AsType[*Error](err)
	if !ok || e.Code != code || e.Status != statusOf[code] && code != Rejected {
		t.Fatalf("%s %s %s: got %s, %v, want %s", c.Name, c.Body, c.Payload, result, err, code)
	}
	return e
}

// redisCall is a built-in of Redis.
func redisCall(words ...string) *Call {
	args, _ := json.Marshal(map[string]any{"args": words})
	return &Call{Service: "redis", Name: "call", Form: Builtin, Payload: args}
}

// statement is a registered statement.
func statement(kind Kind, sql, payload string) *Call {
	return &Call{Service: string(kind), Name: "method", Form: Script, Body: sql, Payload: json.RawMessage(payload)}
}

func macro(kind Kind, body, payload string) *Call {
	return &Call{Service: string(kind), Name: "method", Form: Macro, Body: body, Payload: json.RawMessage(payload)}
}

func builtin(kind Kind, name, payload string) *Call {
	return &Call{Service: string(kind), Name: name, Form: Builtin, Payload: json.RawMessage(payload)}
}
