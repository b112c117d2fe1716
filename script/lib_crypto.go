package script

import (
	"bytes"
	"crypto/hmac"
	"crypto/md5"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"hash"

	"github.com/dop251/goja"
	"github.com/google/uuid"
)

// digests are the hashes that scripts may use. The weak ones among them are what other people's APIs still ask for.
var digests = map[string]func() hash.Hash{
	"md5": md5.New, "sha1": sha1.New, "sha224": sha256.New224, "sha256": sha256.New, "sha384": sha512.New384,
	"sha512": sha512.New,
}

// maxRandom bounds what one call of randomBytes gives.
const maxRandom = 1 << 20

func (m *machine) cryptoNatives() map[string]any {
	return map[string]any{
		"hashes": func(goja.FunctionCall) goja.Value {
			return m.js.ToValue([]string{"md5", "sha1", "sha224", "sha256", "sha384", "sha512"})
		},
		"digest": func(call goja.FunctionCall) goja.Value {
			return m.sum(digests[call.Argument(0).String()](), call.Argument(1))
		},
		"hmac": func(call goja.FunctionCall) goja.Value {
			return m.sum(hmac.New(digests[call.Argument(0).String()], m.bytes(call.Argument(1))), call.Argument(2))
		},
		"copy": func(call goja.FunctionCall) goja.Value {
			return m.js.ToValue(m.js.NewArrayBuffer(bytes.Clone(m.bytes(call.Argument(0)))))
		},
		"equal": func(call goja.FunctionCall) goja.Value {
			return m.js.ToValue(subtle.ConstantTimeCompare(m.bytes(call.Argument(0)), m.bytes(call.Argument(1))) == 1)
		},
		"random": func(call goja.FunctionCall) goja.Value {
			n := call.Argument(0).ToInteger()
			if n < 0 || n > maxRandom {
				m.throw("randomBytes takes a size from 0 to %d", maxRandom)
			}
			b := make([]byte, n)
			if _, err := rand.Read(b); err != nil {
				panic(err) // never returns an error
			}
			return m.js.ToValue(m.js.NewArrayBuffer(b))
		},
		"uuid": func(goja.FunctionCall) goja.Value { return m.js.ToValue(uuid.NewString()) },
	}
}

func (m *machine) sum(h hash.Hash, data goja.Value) goja.Value {
	h.Write(m.bytes(data))
	return m.js.ToValue(m.js.NewArrayBuffer(h.Sum(nil)))
}
