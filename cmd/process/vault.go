package process

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"gaff/hooks"
)

// LoadVault reads the key that encrypts secrets from a file.
func LoadVault(path string) (*hooks.Vault, error) {
	text, err := readSecret(path)
	if err != nil {
		return nil, err
	}
	key, err := hooks.ParseVaultKey(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return hooks.NewVault(key)
}

// MakeVault is LoadVault that makes the file, for its owner only, if there is none.
func MakeVault(path string) (*hooks.Vault, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return LoadVault(path)
	}
	if err != nil {
		return nil, fmt.Errorf("key of secrets: %w", err)
	}
	_, err = f.WriteString(hooks.NewVaultKey())
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return nil, fmt.Errorf("key of secrets: %w", err)
	}
	return LoadVault(path)
}

func readVault(c *Config, path string) (err error) {
	c.VaultFile = path
	c.Vault, err = LoadVault(path)
	return err
}
