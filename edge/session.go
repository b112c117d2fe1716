package edge

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/golang-jwt/jwt/v5"

	"gaff/hooks"
)

// session returns the verified claims of the token that the caller sends, as JSON; nil if the app has no sessions, or
// the caller sends no token: then the session is anonymous. A token that is not valid is an UNAUTHORIZED error, which
// says which check it failed.
func (s *Server) session(x *exchange) (json.RawMessage, error) {
	table := s.config.Tables.Of(x.caller.app)
	if table == nil || table.Sessions == nil {
		return nil, nil
	}
	token := x.caller.token
	if name := table.Sessions.Header; name != "" && name != "authorization" {
		token = x.r.Header.Get(name)
		if bearer, ok := bearerToken(token); ok {
			token = bearer
		}
	}
	if token == "" {
		return nil, nil
	}
	claims, err := s.sessions.verify(x.r.Context(), table.Sessions, token)
	if err != nil {
		x.challenge(err)
	}
	return claims, err
}

// sessions verifies tokens.
type sessions struct{ keys *keySets }

func newSessions() *sessions { return &sessions{keys: newKeySets()} }

// verify returns the claims of a token.
func (v *sessions) verify(ctx context.Context, s *hooks.Sessions, token string) (json.RawMessage, error) {
	if len(s.Algorithms) == 0 { // the parser would take that for all
		return nil, badToken("no algorithm is allowed")
	}
	options := []jwt.ParserOption{jwt.WithValidMethods(s.Algorithms), jwt.WithStrictDecoding()}
	if s.Issuer != "" {
		options = append(options, jwt.WithIssuer(s.Issuer))
	}
	if s.Audience != "" {
		options = append(options, jwt.WithAudience(s.Audience))
	}
	parsed, err := jwt.NewParser(options...).ParseWithClaims(token, jwt.MapClaims{}, func(t *jwt.Token) (any, error) {
		if s.JWKS == "" {
			return []byte(s.Secret), nil
		}
		id, _ := t.Header["kid"].(string)
		return v.keys.find(ctx, s.JWKS, id, t.Method.Alg())
	})
	if err != nil {
		return nil, tokenError(s, parsed, err)
	}
	claims, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	if err != nil || checkJSON("the token", claims) != nil {
		return nil, badToken("its claims are not JSON that can be taken")
	}
	return claims, nil
}

func badToken(why string) *hooks.Error {
	return hooks.Errorf(hooks.CodeUnauthorized, "the token is not valid: %s", why)
}

// tokenError says what is wrong with a token, without showing any of it.
func tokenError(s *hooks.Sessions, t *jwt.Token, err error) error {
	if ours, ok := errors.AsType[*hooks.Error](err); ok { // the key could not be had
		return ours
	}
	if t != nil && (errors.Is(err, jwt.ErrTokenSignatureInvalid) || errors.Is(err, jwt.ErrTokenUnverifiable)) {
		if alg, _ := t.Header["alg"].(string); !slices.Contains(s.Algorithms, alg) {
			return badToken("its algorithm is not one that the app allows")
		}
	}
	for _, c := range []struct {
		is  error
		why string
	}{
		{jwt.ErrTokenMalformed, "it is not a JWT"},
		{jwt.ErrTokenSignatureInvalid, "its signature is wrong"},
		{jwt.ErrTokenExpired, "it has expired"},
		{jwt.ErrTokenNotValidYet, "it is not valid yet"},
		{jwt.ErrTokenInvalidAudience, "it is for another audience"},
		{jwt.ErrTokenInvalidIssuer, "it is of another issuer"},
		{jwt.ErrTokenRequiredClaimMissing, "it lacks a claim that the app asks for"},
	} {
		if errors.Is(err, c.is) {
			return badToken(c.why)
		}
	}
	return badToken("it cannot be verified")
}
