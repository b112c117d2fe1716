package hooks

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"
)

// MemoryKV is a [KV] that ends with the process, for runs that must leave nothing behind. The zero value is empty and
// ready; it is safe for concurrent use.
type MemoryKV struct {
	mu   sync.Mutex
	kept map[[2]string]KVEntry
	last uint64
}

var _ KV = (*MemoryKV)(nil)

// Load returns what is kept.
func (m *MemoryKV) Load(_ context.Context, app, key string) (KVEntry, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.load(app, key), nil
}

func (m *MemoryKV) load(app, key string) KVEntry {
	e := m.kept[[2]string{app, key}]
	if e.Expired(time.Now()) {
		return KVEntry{}
	}
	return e
}

// Store keeps the entry.
func (m *MemoryKV) Store(_ context.Context, app, key string, e KVEntry) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if e.Revision != AnyRevision && m.load(app, key).Revision != e.Revision {
		return ErrStale
	}
	if e.Value == nil {
		delete(m.kept, [2]string{app, key})
		return nil
	}
	if !m.room(app, key, e.Value) {
		return KVFull()
	}
	if m.kept == nil {
		m.kept = map[[2]string]KVEntry{}
	}
	m.last++
	e.Revision, e.Value = m.last, slices.Clone(e.Value)
	m.kept[[2]string{app, key}] = e
	return nil
}

// room reports whether the app may keep the value, too.
func (m *MemoryKV) room(app, key string, value []byte) bool {
	used := KVUsage{Keys: 1, Bytes: int64(len(key) + len(value))}
	for at, e := range m.kept {
		if at[0] == app && at[1] != key {
			used.Keys++
			used.Bytes += int64(len(at[1]) + len(e.Value))
		}
	}
	return used.Add(KVUsage{})
}

// Keys lists keys.
func (m *MemoryKV) Keys(_ context.Context, app, prefix string, limit int) ([]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var keys []string
	for at := range m.kept {
		if at[0] == app && strings.HasPrefix(at[1], prefix) && m.load(app, at[1]).Revision != 0 {
			keys = append(keys, at[1])
		}
	}
	slices.Sort(keys)
	return keys[:min(len(keys), limit)], nil
}
