package hooks

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"strconv"
	"strings"
	"time"
)

// SignatureWindow is how far the time of a signed request may be from the server's, either way. A nonce is remembered for
// at least twice as long.
const SignatureWindow = 5 * time.Minute

const (
	nonceLength     = 32 // hexadecimal digits
	signatureLength = 2 * sha256.Size
	signingPrefix   = "gaffsig_"
)

// Signature proves that whoever sent a request has the signing secret of a key. It covers when the request was made,
// what it asks for and its body; the nonce makes it good for one request.
type Signature struct {
	Time  string // milliseconds since 1970, decimal; header Gaff-Timestamp
	Nonce string // 32 hexadecimal digits; header Gaff-Nonce
	MAC   string // HMAC-SHA256, hexadecimal; header Gaff-Signature
}

// NewSigningSecret returns a random signing secret of 256 bits.
func NewSigningSecret() string {
	var random [keyBytes]byte
	rand.Read(random[:]) // never fails
	return signingPrefix + base64.RawURLEncoding.EncodeToString(random[:])
}

// Sign signs a request: method in capitals, target as in the request line, such as /rpc?x=1.
func Sign(secret, method, target string, body []byte, now time.Time) Signature {
	var nonce [nonceLength / 2]byte
	rand.Read(nonce[:]) // never fails
	s := Signature{Time: strconv.FormatInt(now.UnixMilli(), 10), Nonce: hex.EncodeToString(nonce[:])}
	s.MAC = s.mac(secret, method, target, body)
	return s
}

// mac is the HMAC of "time:nonce:method:target:digest of the body" under the secret.
func (s *Signature) mac(secret, method, target string, body []byte) string {
	digest := sha256.Sum256(body)
	h := hmac.New(sha256.New, []byte(secret))
	h.Write([]byte(strings.Join([]string{s.Time, s.Nonce, method, target, hex.EncodeToString(digest[:])}, ":")))
	return hex.EncodeToString(h.Sum(nil))
}

// Check returns nil if the signature is that of the request under the secret and its time is within [SignatureWindow],
// else an UNAUTHORIZED error. Whether the nonce was used before, the caller has to find out.
func (s *Signature) Check(secret, method, target string, body []byte, now time.Time) error {
	if s.Time == "" && s.Nonce == "" && s.MAC == "" {
		return Errorf(CodeUnauthorized, "the key's requests must be signed: Gaff-Timestamp, Gaff-Nonce and Gaff-Signature are missing")
	}
	ms, err := strconv.ParseInt(s.Time, 10, 64)
	if err != nil {
		return Errorf(CodeUnauthorized, "Gaff-Timestamp must be milliseconds since 1970")
	}
	if _, err := hex.DecodeString(s.Nonce); err != nil || len(s.Nonce) != nonceLength {
		return Errorf(CodeUnauthorized, "Gaff-Nonce must be %d hexadecimal digits", nonceLength)
	}
	if off := now.Sub(time.UnixMilli(ms)); off > SignatureWindow || off < -SignatureWindow {
		return Errorf(CodeUnauthorized, "Gaff-Timestamp is more than %v from the server's clock", SignatureWindow)
	}
	want := s.mac(secret, method, target, body)
	if len(s.MAC) != signatureLength || subtle.ConstantTimeCompare([]byte(strings.ToLower(s.MAC)), []byte(want)) != 1 {
		return Errorf(CodeUnauthorized, "Gaff-Signature is not that of this request")
	}
	return nil
}
