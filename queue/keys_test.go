package queue

import (
	"context"
	"testing"
	"time"

	"gaff/hooks"
)

func newKey(t *testing.T, k *Keys, app string) (hooks.Key, string) {
	t.Helper()
	key, secret, err := hooks.NewKey(app, "test", []hooks.Scope{hooks.ScopeData}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := k.Create(t.Context(), key, ""); err != nil {
		t.Fatal(err)
	}
	return key, secret
}

// A key that one process makes another knows within moments; one that is revoked is refused everywhere.
func TestKeys(t *testing.T) {
	t.Parallel()
	c := connect(t, Config{})
	here, there := NewKeys(c), NewKeys(connect(t, Config{Prefix: c.config.Prefix}))
	_, before := newKey(t, here, "shop")
	if _, err := there.Check(before); !hasCode(err, hooks.CodeUnavailable) {
		t.Errorf("keys that are not loaded: %v", err)
	}
	ready := make(chan struct{})
	run(t, func(ctx context.Context) error { return there.Watch(ctx, func() { close(ready) }) })
	<-ready
	if _, err := there.Check(before); err != nil {
		t.Errorf("%v", err)
	}
	key, secret := newKey(t, here, "shop")
	if got, err := here.Check(secret); err != nil || got.ID != key.ID || !got.Allows(hooks.ScopeData) {
		t.Errorf("%+v, %v", got, err)
	}
	valid := func() bool { _, err := there.Check(secret); return err == nil }
	await(t, "the key is known elsewhere", valid)
	for _, wrong := range []string{"", "gaff_x", secret[:64] + "!", before[:64]} {
		if _, err := there.Check(wrong); !hasCode(err, hooks.CodeUnauthorized) {
			t.Errorf("%q: %v", wrong, err)
		}
	}
	list, err := there.List(t.Context(), "shop")
	if err != nil || len(list) != 2 || list[0].ID != key.ID && list[1].ID != key.ID || list[0].Hash+list[1].Hash != "" {
		t.Errorf("%+v, %v", list, err)
	}
	for _, other := range [][2]string{{"bank", key.ID}, {"shop", "0123456789abcdef"}, {"shop", "*"}} {
		if err := here.Revoke(t.Context(), other[0], other[1]); !hasCode(err, hooks.CodeNotFound) {
			t.Errorf("%v: %v", other, err)
		}
	}
	if err := here.Revoke(t.Context(), "shop", key.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := here.Check(secret); !hasCode(err, hooks.CodeUnauthorized) {
		t.Errorf("%v", err)
	}
	await(t, "the key is refused elsewhere", func() bool { return !valid() })
	here.remember(key) // as a watch may tell late
	if _, err := here.Check(secret); !hasCode(err, hooks.CodeUnauthorized) {
		t.Errorf("%v", err)
	}
	if err := here.Revoke(t.Context(), "shop", key.ID); err != nil {
		t.Errorf("again: %v", err)
	}
}

func TestKeyExpires(t *testing.T) {
	t.Parallel()
	keys := NewKeys(connect(t, Config{}))
	past := time.Now().Add(-time.Second)
	key, secret, err := hooks.NewKey("shop", "", []hooks.Scope{hooks.ScopeData}, &past)
	if err != nil {
		t.Fatal(err)
	}
	if err := keys.Create(t.Context(), key, ""); err != nil {
		t.Fatal(err)
	}
	if _, err := keys.Check(secret); !hasCode(err, hooks.CodeUnauthorized) {
		t.Errorf("%v", err)
	}
}
