package queue

import (
	"context"
	"encoding/base64"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"gaff/hooks"
)

// kvUsage remembers for a while how much each app keeps. It is safe for concurrent use.
type kvUsage struct {
	mu sync.Mutex
	by map[string]*kvUsed
}

// kvUsed is what an app keeps: what was found, and what this process has stored since, as if all of it were new. What
// others store meanwhile is not seen.
type kvUsed struct {
	hooks.KVUsage
	at time.Time
}

const (
	// kvKnown is for how long what was found is taken to be so while there is room, kvFull while there is none.
	kvKnown = 5 * time.Second
	kvFull  = time.Second
)

// admit adds something to what an app keeps, if there is room as far as is known. If that is too long ago it is asked.
func (u *kvUsage) admit(app string, more hooks.KVUsage, ask func() (hooks.KVUsage, error)) (bool, error) {
	u.mu.Lock()
	used := u.by[app]
	if used != nil && time.Since(used.at) < kvKnown && used.Add(more) {
		u.mu.Unlock()
		return true, nil
	}
	full := used != nil && time.Since(used.at) < kvFull
	u.mu.Unlock()
	if full {
		return false, nil
	}
	found, err := ask()
	if err != nil {
		return false, err
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.by == nil {
		u.by = map[string]*kvUsed{}
	}
	used = &kvUsed{found, time.Now()}
	u.by[app] = used
	return used.Add(more), nil
}

// room refuses what an app has no room for. What replaces something needs only as much as it is larger.
func (k *KV) room(ctx context.Context, app, key string, value []byte) error {
	ask := func() (hooks.KVUsage, error) { return k.used(ctx, app) }
	more := hooks.KVUsage{Keys: 1, Bytes: int64(len(key) + len(value))}
	ok, err := k.conn.kvUsage.admit(app, more, ask)
	if err != nil || ok {
		return err
	}
	kept, err := k.load(ctx, app, key)
	if err != nil {
		return err
	}
	if kept.Revision != 0 {
		more = hooks.KVUsage{Bytes: int64(len(value) - len(kept.Value))}
		if ok, err = k.conn.kvUsage.admit(app, more, ask); err != nil || ok {
			return err
		}
	}
	return hooks.KVFull()
}

// used looks at what an app keeps.
func (k *KV) used(ctx context.Context, app string) (used hooks.KVUsage, err error) {
	err = k.each(ctx, app, func(key string, size int64, _ time.Time) {
		used.Keys++
		used.Bytes += int64(len(key)) + size
	})
	return used, err
}

// each calls f with each key of an app, how long its value is and when it expires.
func (k *KV) each(ctx context.Context, app string, f func(key string, size int64, expires time.Time)) error {
	own := k.conn.subjects.prefix + ".kv." + app + "."
	config := jetstream.OrderedConsumerConfig{FilterSubjects: []string{own + "*"}, HeadersOnly: true}
	err := k.conn.scan(ctx, k.conn.kept("KV"), config, ^uint64(0), func(m jetstream.Msg, _ *jetstream.MsgMetadata) bool {
		key, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(m.Subject(), own))
		size, sizeErr := strconv.ParseInt(m.Headers().Get(nats.MsgSize), 10, 64)
		if err == nil && sizeErr == nil {
			expires, _ := expiryOf(m.Headers())
			f(string(key), size, expires)
		}
		return true
	})
	if err != nil {
		return unavailable("kv", err)
	}
	return nil
}
