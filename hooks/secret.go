package hooks

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strings"
)

// The bounds of secrets. A value shorter than MinSecret could not be masked without shredding the log.
const (
	MinSecret = 6        // bytes
	MaxSecret = 64 << 10 // bytes
	vaultKey  = 32       // bytes
	// sealedForm is the first byte of what [Vault.Seal] returns, so that another form can follow.
	sealedForm = 1
)

// Vault encrypts secrets at rest, with AES-256-GCM. What is sealed for one app and name does not open for another. A nil
// Vault has no key: it refuses with an error that says what to do. It is safe for concurrent use.
type Vault struct {
	aead cipher.AEAD
}

// NewVault returns a vault with a key of 32 bytes.
func NewVault(key []byte) (*Vault, error) {
	if len(key) != vaultKey {
		return nil, errors.New("the key of secrets must have 32 bytes")
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, err
	}
	return &Vault{aead}, nil
}

// ParseVaultKey reads the content of a key file: 32 bytes in base64 or hexadecimal digits. The error does not show it.
func ParseVaultKey(text string) ([]byte, error) {
	text = strings.TrimSpace(text)
	for _, decode := range []func(string) ([]byte, error){
		hex.DecodeString, base64.StdEncoding.DecodeString, base64.RawStdEncoding.DecodeString,
		base64.URLEncoding.DecodeString, base64.RawURLEncoding.DecodeString,
	} {
		if key, err := decode(text); err == nil && len(key) == vaultKey {
			return key, nil
		}
	}
	return nil, errors.New("the key of secrets must be 32 bytes as base64 or hexadecimal digits: `openssl rand -base64 32` makes one")
}

// NewVaultKey returns the content of a new key file.
func NewVaultKey() string {
	var key [vaultKey]byte
	rand.Read(key[:]) // never fails
	return base64.StdEncoding.EncodeToString(key[:]) + "\n"
}

// Seal encrypts the value of an app's secret. The error is a BAD_NAME, BAD_REQUEST or TOO_LARGE, or an UNAVAILABLE if
// there is no key.
func (v *Vault) Seal(app, name, value string) ([]byte, error) {
	if err := v.check(app, name); err != nil {
		return nil, err
	}
	switch {
	case len(value) < MinSecret:
		return nil, Errorf(CodeBadRequest, "a secret has at least %d characters, or it could not be masked in logs", MinSecret)
	case len(value) > MaxSecret:
		return nil, Errorf(CodeTooLarge, "a secret has at most %d bytes", MaxSecret)
	}
	return v.aead.Seal([]byte{sealedForm}, nil, []byte(value), []byte(app+"/"+name)), nil
}

// Open decrypts what Seal returned for the same app and name.
func (v *Vault) Open(app, name string, sealed []byte) (string, error) {
	if err := v.check(app, name); err != nil {
		return "", err
	}
	if len(sealed) == 0 || sealed[0] != sealedForm {
		return "", Errorf(CodeUnavailable, "secret %s of app %s is damaged", name, app)
	}
	value, err := v.aead.Open(nil, nil, sealed[1:], []byte(app+"/"+name))
	if err != nil {
		return "", Errorf(CodeUnavailable, "secret %s of app %s was encrypted with another key or is damaged", name, app).Because(err)
	}
	return string(value), nil
}

func (v *Vault) check(app, name string) error {
	if v == nil {
		return Errorf(CodeUnavailable, "secrets need a key: name a file with GAFF_SECRETS_KEY_FILE")
	}
	if err := CheckName("app", app); err != nil {
		return err
	}
	return CheckName("secret", name)
}
