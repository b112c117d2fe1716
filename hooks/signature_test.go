package hooks_test

import (
	"testing"
	"time"

	"gaff/hooks"
)

func TestSignature(t *testing.T) {
	t.Parallel()
	const secret, method, target = "gaffsig_x", "POST", "/rpc?a=1"
	body, now := []byte(`{"a":1}`), time.Now()
	signed := hooks.Sign(secret, method, target, body, now)
	if err := signed.Check(secret, method, target, body, now.Add(hooks.SignatureWindow-time.Second)); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(s *hooks.Signature) error{
		"another secret": func(s *hooks.Signature) error { return s.Check("gaffsig_y", method, target, body, now) },
		"another method": func(s *hooks.Signature) error { return s.Check(secret, "PUT", target, body, now) },
		"another target": func(s *hooks.Signature) error { return s.Check(secret, method, "/rpc?a=2", body, now) },
		"another body":   func(s *hooks.Signature) error { return s.Check(secret, method, target, []byte(`{"a":2}`), now) },
		"too old": func(s *hooks.Signature) error {
			return s.Check(secret, method, target, body, now.Add(hooks.SignatureWindow+time.Second))
		},
		"too early": func(s *hooks.Signature) error {
			return s.Check(secret, method, target, body, now.Add(-hooks.SignatureWindow-time.Second))
		},
		"another nonce": func(s *hooks.Signature) error {
			s.Nonce = "00000000000000000000000000000000"
			return s.Check(secret, method, target, body, now)
		},
		"a short nonce":    func(s *hooks.Signature) error { s.Nonce = "00"; return s.Check(secret, method, target, body, now) },
		"a nonce of words": func(s *hooks.Signature) error { s.Nonce = "x"; return s.Check(secret, method, target, body, now) },
		"no time":          func(s *hooks.Signature) error { s.Time = ""; return s.Check(secret, method, target, body, now) },
		"no signature":     func(s *hooks.Signature) error { s.MAC = ""; return s.Check(secret, method, target, body, now) },
		"nothing": func(s *hooks.Signature) error {
			*s = hooks.Signature{}
			return s.Check(secret, method, target, body, now)
		},
	} {
		s := signed
		if e := hooks.AsError(spoil(&s)); e == nil || e.Code != hooks.CodeUnauthorized {
			t.Errorf("%s: %v", name, e)
		}
	}
}
