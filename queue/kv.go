package queue

import (
	"context"
	"encoding/base64"
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"gaff/hooks"
)

// KV keeps the values of scripts in a stream with one message for each key, which the server removes when it expires. It
// is safe for concurrent use, also by several processes. Expiry is to the second.
type KV struct {
	conn *Conn
}

var _ hooks.KV = (*KV)(nil)

// NewKV returns the values under the connection's prefix.
func NewKV(conn *Conn) *KV { return &KV{conn} }

const (
	// expiresHeader is when a value expires, in milliseconds since 1970, so that a change can keep it.
	expiresHeader = "Gaff-Expires"
	// kvCounted is for how long the number of an app's keys is taken to be what it was.
	kvCounted = time.Second
)

func (c *Conn) kvStream() jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:              c.kept("KV"),
		Description:       "values of scripts by app and key",
		Subjects:          []string{c.config.Prefix + ".kv.>"},
		Storage:           jetstream.FileStorage,
		Replicas:          c.config.Replicas,
		MaxMsgsPerSubject: 1, // and no bound in bytes, which a server would set aside at once; each app has one of keys
		AllowMsgTTL:       true,
		AllowDirect:       true,
	}
}

// kvSubject is where a key is kept: any text, as base64.
func (s subjects) kv(app, key string) string {
	return s.prefix + ".kv." + app + "." + base64.RawURLEncoding.EncodeToString([]byte(key))
}

// Load returns what is kept.
func (k *KV) Load(ctx context.Context, app, key string) (hooks.KVEntry, error) {
	m, err := k.conn.values.GetLastMsgForSubject(ctx, k.conn.subjects.kv(app, key))
	switch {
	case errors.Is(err, jetstream.ErrMsgNotFound):
		return hooks.KVEntry{}, nil
	case err != nil:
		return hooks.KVEntry{}, unavailable("kv", err)
	}
	e := hooks.KVEntry{Value: m.Data, Revision: m.Sequence}
	if text := m.Header.Get(expiresHeader); text != "" {
		ms, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return hooks.KVEntry{}, unavailable("kv", err)
		}
		if e.Expires = time.UnixMilli(ms); !time.Now().Before(e.Expires) {
			return hooks.KVEntry{}, nil
		}
	}
	return e, nil
}

// Store keeps the entry, or removes the key.
func (k *KV) Store(ctx context.Context, app, key string, e hooks.KVEntry) error {
	subject := k.conn.subjects.kv(app, key)
	if e.Value == nil {
		return k.remove(ctx, subject)
	}
	if err := k.room(ctx, app, key, e.Revision); err != nil {
		return err
	}
	m := &nats.Msg{Subject: subject, Data: e.Value, Header: nats.Header{}}
	var options []jetstream.PublishOpt
	if !e.Expires.IsZero() {
		m.Header.Set(expiresHeader, strconv.FormatInt(e.Expires.UnixMilli(), 10))
		left := math.Ceil(time.Until(e.Expires).Seconds())
		options = append(options, jetstream.WithMsgTTL(time.Duration(max(left, 1))*time.Second))
	}
	if e.Revision != hooks.AnyRevision {
		options = append(options, jetstream.WithExpectLastSequencePerSubject(e.Revision))
	}
	_, err := k.conn.js.PublishMsg(ctx, m, options...)
	api, ok := errors.AsType[*jetstream.APIError](err)
	switch {
	case err == nil:
		return nil
	case ok && api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence:
		return k.stale(ctx, app, key, e)
	}
	return unavailable("kv", err)
}

// stale is why a conditional change was refused. A value that has expired a moment ago may still be there; then it goes.
func (k *KV) stale(ctx context.Context, app, key string, e hooks.KVEntry) error {
	now, err := k.Load(ctx, app, key)
	if err != nil || e.Revision != 0 || now.Revision != 0 {
		return errors.Join(err, hooks.ErrStale)
	}
	if err := k.remove(ctx, k.conn.subjects.kv(app, key)); err != nil {
		return err
	}
	return k.Store(ctx, app, key, e)
}

func (k *KV) remove(ctx context.Context, subject string) error {
	if err := k.conn.values.Purge(ctx, jetstream.WithPurgeSubject(subject)); err != nil {
		return unavailable("kv", err)
	}
	return nil
}

// room refuses a key too many. The count may be a second old.
func (k *KV) room(ctx context.Context, app, key string, revision uint64) error {
	if revision != 0 && revision != hooks.AnyRevision {
		return nil // it is there
	}
	n, err := k.conn.kvKeys.of(app, func() (int, error) {
		keys, err := k.all(ctx, app)
		return len(keys), err
	})
	if err != nil || n < hooks.MaxKVKeys {
		return err
	}
	if e, err := k.Load(ctx, app, key); err != nil || e.Revision != 0 {
		return err
	}
	return hooks.Errorf(hooks.CodeOverloaded, "an app keeps at most %d keys in kv: remove some, or give them a ttl", hooks.MaxKVKeys)
}

// Keys lists keys.
func (k *KV) Keys(ctx context.Context, app, prefix string, limit int) ([]string, error) {
	keys, err := k.all(ctx, app)
	if err != nil {
		return nil, err
	}
	keys = slices.DeleteFunc(keys, func(key string) bool { return !strings.HasPrefix(key, prefix) })
	slices.Sort(keys)
	return keys[:min(len(keys), limit)], nil
}

func (k *KV) all(ctx context.Context, app string) ([]string, error) {
	own := k.conn.config.Prefix + ".kv." + app + "."
	info, err := k.conn.values.Info(ctx, jetstream.WithSubjectFilter(own+"*"))
	if err != nil {
		return nil, unavailable("kv", err)
	}
	keys := make([]string, 0, len(info.State.Subjects))
	for subject := range info.State.Subjects {
		if key, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(subject, own)); err == nil {
			keys = append(keys, string(key))
		}
	}
	return keys, nil
}
