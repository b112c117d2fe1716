package hooks

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func hasCode(err error, code Code) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Code == code
}

func TestKey(t *testing.T) {
	t.Parallel()
	now := time.Now()
	soon := now.Add(time.Minute)
	k, secret, err := NewKey("shop", "ci", []Scope{ScopeLog, ScopeData, ScopeLog}, &soon)
	if err != nil {
		t.Fatal(err)
	}
	if id, ok := KeyID(secret); !ok || id != k.ID || len(secret) != 65 || strings.Contains(k.Hash, secret[22:]) {
		t.Errorf("%s: id %s, %v", secret, id, ok)
	}
	if err := k.Check(secret, now); err != nil {
		t.Error(err)
	}
	_, other, err := NewKey("shop", "", []Scope{ScopeData}, nil)
	if err != nil {
		t.Fatal(err)
	}
	revoked := k
	revoked.Revoked = true
	for name, err := range map[string]error{
		"another": k.Check(other, now), "nothing": k.Check("", now),
		"expired": k.Check(secret, soon), "revoked": revoked.Check(secret, now),
	} {
		if !hasCode(err, CodeUnauthorized) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(k.Scopes) != 2 || !k.Allows(ScopeLog) || k.Allows(ScopeAdmin) || k.Allows(ScopeAPI) {
		t.Errorf("%+v", k)
	}
	if admin := (Key{Scopes: []Scope{ScopeAdmin}}); !admin.Allows(ScopeRPC) {
		t.Error("admin may not call")
	}
	for _, bad := range []string{"", "gaff_", secret + "A", secret[:64], "x" + secret, strings.ToUpper(secret),
		strings.Replace(secret, "_", "-", 2), secret[:64] + "*"} {
		if id, ok := KeyID(bad); ok {
			t.Errorf("%q is that of key %s", bad, id)
		}
	}
}

func TestNewKeyRefuses(t *testing.T) {
	t.Parallel()
	if _, _, err := NewKey("a b", "", []Scope{ScopeData}, nil); !hasCode(err, CodeBadName) {
		t.Error(err)
	}
	for _, scopes := range [][]Scope{nil, {"root"}} {
		if _, _, err := NewKey("shop", "", scopes, nil); !hasCode(err, CodeBadRequest) {
			t.Errorf("%v: %v", scopes, err)
		}
	}
}
