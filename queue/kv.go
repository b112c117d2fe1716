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

// expiresHeader is when a value expires, in milliseconds since 1970, so that a change can keep it.
const expiresHeader = "Gaff-Expires"

func (c *Conn) kvStream() jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:              c.kept("KV"),
		Description:       "values of scripts by app and key",
		Subjects:          []string{c.config.Prefix + ".kv.>"},
		Storage:           jetstream.FileStorage,
		Replicas:          c.config.Replicas,
		MaxMsgsPerSubject: 1, // and no bound in bytes, which a server would set aside at once; each app has its own
		AllowMsgTTL:       true,
		AllowDirect:       c.config.Replicas <= 1, // a replica may not know yet what the same run has stored
	}
}

// kvSubject is where a key is kept: any text, as base64.
func (s subjects) kv(app, key string) string {
	return s.prefix + ".kv." + app + "." + base64.RawURLEncoding.EncodeToString([]byte(key))
}

// Load returns what is kept.
func (k *KV) Load(ctx context.Context, app, key string) (hooks.KVEntry, error) {
	e, err := k.load(ctx, app, key)
	if err == nil && e.Expired(time.Now()) {
		e = hooks.KVEntry{}
	}
	return e, err
}

// load is Load, also of what has expired and is not removed yet.
func (k *KV) load(ctx context.Context, app, key string) (hooks.KVEntry, error) {
	m, err := k.conn.values.GetLastMsgForSubject(ctx, k.conn.subjects.kv(app, key))
	switch {
	case errors.Is(err, jetstream.ErrMsgNotFound):
		return hooks.KVEntry{}, nil
	case err != nil:
		return hooks.KVEntry{}, unavailable("kv", err)
	}
	expires, err := expiryOf(m.Header)
	if err != nil {
		return hooks.KVEntry{}, unavailable("kv", err)
	}
	return hooks.KVEntry{Value: m.Data, Revision: m.Sequence, Expires: expires}, nil
}

// expiryOf reads when a value expires; zero: never.
func expiryOf(h nats.Header) (time.Time, error) {
	text := h.Get(expiresHeader)
	if text == "" {
		return time.Time{}, nil
	}
	ms, err := strconv.ParseInt(text, 10, 64)
	return time.UnixMilli(ms), err
}

// Store keeps the entry, or removes the key.
func (k *KV) Store(ctx context.Context, app, key string, e hooks.KVEntry) error {
	if e.Value == nil {
		return k.remove(ctx, app, key, e.Revision)
	}
	if err := k.room(ctx, app, key, e.Value); err != nil {
		return err
	}
	err := k.publish(ctx, app, key, e)
	if errors.Is(err, hooks.ErrStale) && e.Revision == 0 {
		return k.replaceExpired(ctx, app, key, e)
	}
	return err
}

// publish keeps the entry if what is kept has its revision.
func (k *KV) publish(ctx context.Context, app, key string, e hooks.KVEntry) error {
	m := &nats.Msg{Subject: k.conn.subjects.kv(app, key), Data: e.Value, Header: nats.Header{}}
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
	if err == nil {
		return nil
	}
	if api, ok := errors.AsType[*jetstream.APIError](err); ok && api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence {
		return hooks.ErrStale
	}
	return unavailable("kv", err)
}

// replaceExpired keeps an entry where nothing may be kept, but something has expired that is not removed yet. Of several
// who do so at once one succeeds.
func (k *KV) replaceExpired(ctx context.Context, app, key string, e hooks.KVEntry) error {
	kept, err := k.load(ctx, app, key)
	if err != nil {
		return err
	}
	if kept.Revision != 0 && !kept.Expired(time.Now()) {
		return hooks.ErrStale
	}
	e.Revision = kept.Revision
	return k.publish(ctx, app, key, e)
}

// remove removes a key. What was stored after that revision stays.
func (k *KV) remove(ctx context.Context, app, key string, revision uint64) error {
	options := []jetstream.StreamPurgeOpt{jetstream.WithPurgeSubject(k.conn.subjects.kv(app, key))}
	if revision != hooks.AnyRevision {
		kept, err := k.load(ctx, app, key)
		if err != nil {
			return err
		}
		if kept.Revision != revision {
			return hooks.ErrStale
		}
		options = append(options, jetstream.WithPurgeSequence(revision+1))
	}
	if err := k.conn.values.Purge(ctx, options...); err != nil {
		return unavailable("kv", err)
	}
	return nil
}

// Keys lists keys.
func (k *KV) Keys(ctx context.Context, app, prefix string, limit int) ([]string, error) {
	var keys []string
	now := time.Now()
	err := k.each(ctx, app, func(key string, _ int64, expires time.Time) {
		if strings.HasPrefix(key, prefix) && (expires.IsZero() || now.Before(expires)) {
			keys = append(keys, key)
		}
	})
	slices.Sort(keys)
	return keys[:min(len(keys), limit)], err
}
