package script

import (
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dop251/goja"
	"github.com/golang-jwt/jwt/v5"
)

// maxToken bounds the tokens that are looked at.
const maxToken = 64 << 10

// tokenError is an error that the npm package jsonwebtoken would give, since scripts compare its name.
type tokenError struct {
	name, message string
	expiredAt     int64 // ms
}

func (e *tokenError) Error() string { return e.message }

func badToken(message string) error { return &tokenError{name: "JsonWebTokenError", message: message} }

func (m *machine) tokenNatives() map[string]any {
	return map[string]any{
		"decodeJWT": func(call goja.FunctionCall) goja.Value {
			token := tokenText(call.Argument(0))
			_, _, err := jwt.NewParser().ParseUnverified(token, jwt.MapClaims{})
			if err != nil || len(token) > maxToken {
				err = badToken("jwt malformed")
			}
			return m.claims(token, err)
		},
		"verifyJWT": func(call goja.FunctionCall) goja.Value {
			token := tokenText(call.Argument(0))
			return m.claims(token, m.verify(token, call.Argument(1), call.Argument(2).ToObject(m.js)))
		},
	}
}

func tokenText(v goja.Value) string {
	if !goja.IsString(v) {
		return ""
	}
	return v.String()
}

// claims is {payload} or {error}.
func (m *machine) claims(token string, err error) goja.Value {
	if e, ok := errors.AsType[*tokenError](err); ok {
		detail := map[string]any{"name": e.name, "message": e.message}
		if e.expiredAt != 0 {
			detail["expiredAt"] = e.expiredAt
		}
		return m.object(map[string]any{"error": m.object(detail)})
	}
	payload, _ := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1]) // it was decoded before
	return m.object(map[string]any{"payload": m.parse(string(payload))})
}

// verify checks signature and times. The kind of key says which algorithms may have been used, so that nobody can sign
// with a public key taken for a secret; "none" never counts.
func (m *machine) verify(token string, key goja.Value, options *goja.Object) error {
	switch {
	case token == "":
		return badToken("jwt must be provided")
	case len(token) > maxToken || strings.Count(token, ".") != 2:
		return badToken("jwt malformed")
	}
	verifier, methods, err := m.verifier(key)
	if err != nil {
		return err
	}
	if wanted := m.texts(options.Get("algorithms")); wanted != nil {
		methods = slices.DeleteFunc(slices.Clone(methods), func(name string) bool { return !slices.Contains(wanted, name) })
	}
	if len(methods) == 0 {
		return badToken("invalid algorithm")
	}
	parser := jwt.NewParser(append(m.tokenOptions(options), jwt.WithValidMethods(methods))...)
	claims := jwt.MapClaims{}
	_, err = parser.ParseWithClaims(token, claims, func(*jwt.Token) (any, error) { return verifier, nil })
	return tokenProblem(err, claims, methods, token)
}

func (m *machine) tokenOptions(options *goja.Object) []jwt.ParserOption {
	var out []jwt.ParserOption
	if options.Get("ignoreExpiration").ToBoolean() {
		out = append(out, jwt.WithoutClaimsValidation())
	}
	if audience := m.texts(options.Get("audience")); audience != nil {
		out = append(out, jwt.WithAudience(audience...))
	}
	if issuer := m.texts(options.Get("issuer")); issuer != nil {
		out = append(out, jwt.WithIssuer(issuer[0]))
	}
	if subject := m.texts(options.Get("subject")); subject != nil {
		out = append(out, jwt.WithSubject(subject[0]))
	}
	if tolerance := options.Get("clockTolerance"); !goja.IsUndefined(tolerance) {
		out = append(out, jwt.WithLeeway(time.Duration(tolerance.ToFloat()*float64(time.Second))))
	}
	return out
}

// texts is a text or a list of them; nil if there is none.
func (m *machine) texts(v goja.Value) []string {
	if v == nil || goja.IsUndefined(v) || goja.IsNull(v) {
		return nil
	}
	if goja.IsString(v) {
		return []string{v.String()}
	}
	out := []string{}
	for _, e := range m.elements(v) {
		out = append(out, e.String())
	}
	return out
}

// verifier turns a secret, or a public key or certificate in PEM, into what checks signatures, and says by which algorithms.
func (m *machine) verifier(key goja.Value) (any, []string, error) {
	var raw []byte
	if goja.IsString(key) {
		raw = []byte(key.String())
	} else if o, ok := key.(*goja.Object); ok {
		raw = m.bytes(o)
	}
	if len(raw) == 0 {
		return nil, nil, badToken("secret or public key must be provided")
	}
	block, _ := pem.Decode(raw)
	if block == nil {
		if strings.Contains(string(raw), "-----BEGIN") {
			return nil, nil, badToken("the key is not valid PEM")
		}
		return raw, []string{"HS256", "HS384", "HS512"}, nil
	}
	public, err := publicKey(block)
	if err != nil {
		return nil, nil, badToken(err.Error())
	}
	switch public.(type) {
	case *rsa.PublicKey:
		return public, []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}, nil
	case *ecdsa.PublicKey:
		return public, []string{"ES256", "ES384", "ES512"}, nil
	}
	return nil, nil, badToken("the key is neither RSA nor ECDSA")
}

func publicKey(block *pem.Block) (any, error) {
	switch block.Type {
	case "CERTIFICATE":
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, errors.New("the certificate cannot be read")
		}
		return certificate.PublicKey, nil
	case "RSA PUBLIC KEY":
		return x509.ParsePKCS1PublicKey(block.Bytes)
	case "PUBLIC KEY":
		return x509.ParsePKIXPublicKey(block.Bytes)
	}
	return nil, fmt.Errorf("tokens are verified with a public key or certificate, and this is a %s", strings.ToLower(block.Type))
}

func tokenProblem(err error, claims jwt.MapClaims, methods []string, token string) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, jwt.ErrTokenMalformed):
		return badToken("jwt malformed")
	case errors.Is(err, jwt.ErrTokenSignatureInvalid), errors.Is(err, jwt.ErrTokenUnverifiable):
		if unverified, _, e := jwt.NewParser().ParseUnverified(token, jwt.MapClaims{}); e == nil && !slices.Contains(methods, unverified.Method.Alg()) {
			return badToken("invalid algorithm")
		}
		return badToken("invalid signature")
	case errors.Is(err, jwt.ErrTokenExpired):
		e := &tokenError{name: "TokenExpiredError", message: "jwt expired"}
		if at, _ := claims.GetExpirationTime(); at != nil {
			e.expiredAt = at.UnixMilli()
		}
		return e
	case errors.Is(err, jwt.ErrTokenNotValidYet):
		return &tokenError{name: "NotBeforeError", message: "jwt not active"}
	case errors.Is(err, jwt.ErrTokenRequiredClaimMissing):
		return badToken("jwt lacks a claim that is asked for")
	case errors.Is(err, jwt.ErrTokenInvalidAudience):
		return badToken("jwt audience invalid")
	case errors.Is(err, jwt.ErrTokenInvalidIssuer):
		return badToken("jwt issuer invalid")
	case errors.Is(err, jwt.ErrTokenInvalidSubject):
		return badToken("jwt subject invalid")
	}
	return badToken("invalid token")
}
