package queue

import (
	"bytes"
	"context"
	"testing"

	"gaff/hooks"
)

func newVault(t *testing.T) *hooks.Vault {
	t.Helper()
	key, err := hooks.ParseVaultKey(hooks.NewVaultKey())
	if err != nil {
		t.Fatal(err)
	}
	v, err := hooks.NewVault(key)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestSecrets(t *testing.T) {
	t.Parallel()
	c := connect(t, Config{Vault: newVault(t)})
	s := NewSecrets(c)
	ctx := t.Context()
	for name, value := range map[string]string{"B": "hunter2", "A": "first-value"} {
		if err := s.Set(ctx, "shop", name, value, 0); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Set(ctx, "shop", "A", "second-value", 0); err != nil {
		t.Fatal(err)
	}
	list, err := s.List(ctx, "shop")
	if err != nil || len(list) == 0 {
		t.Fatal(list, err)
	}
	if err := s.Set(ctx, "shop", "A", "late-value", list[0].Revision-1); !hasCode(err, hooks.CodeConflict) {
		t.Errorf("a secret that has changed meanwhile is set: %v", err)
	}
	if err := s.Set(ctx, "shop", "A", "second-value", list[0].Revision); err != nil {
		t.Errorf("a secret as it was seen is not set: %v", err)
	}
	if err := s.Set(ctx, "shop2", "A", "another-app", 0); err != nil {
		t.Fatal(err)
	}
	list, err = s.List(ctx, "shop")
	if err != nil || len(list) != 2 || list[0].Name != "A" || list[0].Changed.IsZero() {
		t.Errorf("%+v, %v", list, err)
	}
	values, err := s.Values(ctx, "shop")
	if err != nil || len(values) != 2 || values["A"] != "second-value" {
		t.Errorf("%v", err)
	}
	kept, err := c.secrets.Get(ctx, "shop.A")
	if err != nil || bytes.Contains(kept.Value(), []byte("second-value")) {
		t.Errorf("kept as it is: %v", err)
	}
	if err := s.Delete(ctx, "shop", "A", 0); err != nil {
		t.Fatal(err)
	}
	if err := s.Delete(ctx, "shop", "A", 0); !hasCode(err, hooks.CodeNotFound) {
		t.Errorf("%v", err)
	}
	if err := s.Delete(ctx, "shop", "a.b", 0); !hasCode(err, hooks.CodeBadName) {
		t.Errorf("%v", err)
	}
	without := NewSecrets(connect(t, Config{Prefix: c.config.Prefix}))
	if err := without.Set(ctx, "shop", "A", "hunter2", 0); !hasCode(err, hooks.CodeUnavailable) {
		t.Errorf("%v", err)
	}
	if _, err := without.Values(ctx, "shop"); !hasCode(err, hooks.CodeUnavailable) {
		t.Errorf("%v", err)
	}
}

// Tables have the values of secrets, and get new ones as they are set; where there is no key they are missing.
func TestWatchSecrets(t *testing.T) {
	t.Parallel()
	c := connect(t, Config{Vault: newVault(t)})
	r, s := NewReleases(c), NewSecrets(c)
	ctx := t.Context()
	next := shop(1)
	next.Settings = []byte(`{"url":"https://example.com/${secret:TOKEN}"}`)
	if err := s.Set(ctx, "shop", "TOKEN", "hunter2", 0); err != nil {
		t.Fatal(err)
	}
	if _, _, err := r.Apply(ctx, next, hooks.ApplyOptions{}); err != nil {
		t.Fatal(err)
	}
	watch := func(r *Releases) *hooks.Tables {
		ts, ready := &hooks.Tables{}, make(chan struct{})
		run(t, func(ctx context.Context) error { return r.Watch(ctx, ts, nil, func() { close(ready) }) })
		<-ready
		return ts
	}
	ts := watch(r)
	if table := ts.Of("shop"); string(table.Settings) != `{"url":"https://example.com/hunter2"}` || len(table.Missing) != 0 {
		t.Errorf("%s, missing %v", table.Settings, table.Missing)
	}
	without := watch(NewReleases(connect(t, Config{Prefix: c.config.Prefix})))
	if table := without.Of("shop"); len(table.Missing) != 1 {
		t.Errorf("%s", table.Settings)
	}
	if err := s.Set(ctx, "shop", "TOKEN", "hunter3", 0); err != nil {
		t.Fatal(err)
	}
	await(t, "the new value", func() bool { return bytes.Contains(ts.Of("shop").Settings, []byte("hunter3")) })
	if err := s.Delete(ctx, "shop", "TOKEN", 0); err != nil {
		t.Fatal(err)
	}
	await(t, "it is missing", func() bool { return len(ts.Of("shop").Missing) == 1 })
	if back, err := r.Get(ctx, "shop", 0); err != nil || bytes.Contains(back.Settings, []byte("hunter")) {
		t.Errorf("the release keeps %s: %v", back.Settings, err)
	}
}
