package queue

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/nats-io/nats.go/jetstream"

	"gaff/hooks"
)

// Secrets keeps the secrets of all apps, encrypted by the connection's vault. It is safe for concurrent use, also by
// several processes. What is set reaches the tables of [Releases.Watch] by itself.
type Secrets struct {
	conn *Conn
}

// NewSecrets returns the secrets under the connection's prefix.
func NewSecrets(conn *Conn) *Secrets { return &Secrets{conn} }

// Set keeps a secret of an app, in place of the one of that name if there is one. If ifRevision is not 0, and not the
// revision of what is there, the error is a CONFLICT.
func (s *Secrets) Set(ctx context.Context, app, name, value string, ifRevision uint64) error {
	sealed, err := s.conn.config.Vault.Seal(app, name, value)
	if err != nil {
		return err
	}
	if ifRevision == 0 {
		_, err = s.conn.secrets.Put(ctx, secretKey(app, name), sealed)
	} else {
		_, err = replace(ctx, s.conn.secrets, secretKey(app, name), sealed, ifRevision)
	}
	switch {
	case errors.Is(err, errReplaced):
		return secretChanged(name)
	case err != nil:
		return unavailable("secrets", err)
	}
	return nil
}

func secretChanged(name string) error {
	return hooks.Errorf(hooks.CodeConflict, "somebody else has changed secret %s meanwhile", name)
}

// Delete removes a secret; if there is none the error is a NOT_FOUND, and if ifRevision is neither 0 nor its revision a
// CONFLICT. Hooks whose settings refer to it fail from then on.
func (s *Secrets) Delete(ctx context.Context, app, name string, ifRevision uint64) error {
	if err := errors.Join(hooks.CheckName("app", app), hooks.CheckName("secret", name)); err != nil {
		return err
	}
	kept, err := s.conn.secrets.Get(ctx, secretKey(app, name))
	switch {
	case errors.Is(err, jetstream.ErrKeyNotFound):
		return hooks.Errorf(hooks.CodeNotFound, "app %s has no secret %s", app, name)
	case err == nil && ifRevision != 0 && ifRevision != kept.Revision():
		return secretChanged(name)
	case err == nil:
		err = s.conn.secrets.Delete(ctx, secretKey(app, name), jetstream.LastRevision(kept.Revision()))
	}
	if err != nil {
		return unavailable("secrets", err)
	}
	return nil
}

// List tells of the app's secrets, by name, without their values.
func (s *Secrets) List(ctx context.Context, app string) ([]hooks.SecretSummary, error) {
	list := []hooks.SecretSummary{}
	err := s.each(ctx, app, func(name string, kept jetstream.KeyValueEntry) error {
		list = append(list, hooks.SecretSummary{Name: name, Changed: kept.Created().UTC(), Revision: kept.Revision()})
		return nil
	})
	slices.SortFunc(list, func(a, b hooks.SecretSummary) int { return cmp.Compare(a.Name, b.Name) })
	return list, err
}

// Values returns the app's secrets by name, for building a table. They must not be shown to anybody.
func (s *Secrets) Values(ctx context.Context, app string) (map[string]string, error) {
	values := map[string]string{}
	err := s.each(ctx, app, func(name string, kept jetstream.KeyValueEntry) (err error) {
		values[name], err = s.conn.config.Vault.Open(app, name, kept.Value())
		return err
	})
	return values, err
}

func (s *Secrets) each(ctx context.Context, app string, f func(name string, kept jetstream.KeyValueEntry) error) error {
	if err := hooks.CheckName("app", app); err != nil {
		return err
	}
	err := each(ctx, s.conn.secrets, secretKey(app, "*"), func(kept jetstream.KeyValueEntry) error {
		return f(strings.TrimPrefix(kept.Key(), secretKey(app, "")), kept)
	})
	if _, ours := errors.AsType[*hooks.Error](err); err != nil && !ours {
		return unavailable("secrets", err)
	}
	return err
}

func (s *Secrets) deleteAll(ctx context.Context, app string) error {
	list, err := s.List(ctx, app)
	for _, secret := range list {
		err = errors.Join(err, s.Delete(ctx, app, secret.Name, 0))
	}
	return err
}

func secretKey(app, name string) string { return app + "." + name }
