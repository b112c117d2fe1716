package edge

import (
	"context"
	"slices"
	"strconv"
	"time"

	"gaff/hooks"
)

// shop is the app of the tests of what an app has registered.
const shop = "shop"

// registry is the releases, keys and secrets of a world, in memory.
type registry struct {
	pointer hooks.Pointer
	state   hooks.State
	changes uint64 // of state
	keys    []hooks.Key
	account hooks.Account
	nonces  []string
	secrets map[string]string
	audits  []hooks.Audit
	tables  hooks.Tables
	ran     []string
	tried   []*hooks.Event
	tasks   []hooks.Task
	orders  []hooks.TaskOrder
}

func (w *world) Of(app string) *hooks.Table { return w.tables.Of(app) }

func (w *world) Apply(_ context.Context, r *hooks.Release, o hooks.ApplyOptions) (*hooks.Release, uint64, error) {
	if w.apply != nil {
		if err := w.apply(r); err != nil {
			return nil, 0, err
		}
	}
	if o.IfRevision != 0 && o.IfRevision != w.pointer.Revision {
		return nil, 0, hooks.Errorf(hooks.CodeConflict, "somebody else")
	}
	next := *r
	next.Number = 7
	return &next, 12, nil
}

func (w *world) Rollback(_ context.Context, _ string, n uint64, o hooks.ApplyOptions) (hooks.Pointer, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return hooks.Pointer{App: shop, Release: max(n, 5), Revision: 13}, nil
}

func (w *world) Promote(context.Context, string, hooks.ApplyOptions) (hooks.Pointer, error) {
	return hooks.Pointer{App: shop, Release: 6, Revision: 14}, nil
}

func (w *world) List(context.Context, string) ([]hooks.ReleaseSummary, error) {
	return []hooks.ReleaseSummary{{App: shop, Number: 6, Current: true, By: "ann"}}, nil
}

func (w *world) Get(_ context.Context, app string, n uint64) (*hooks.Release, error) {
	if t := w.tables.Of(app); t != nil && (n == 0 || n == t.Release.Number) {
		return t.Release, nil
	}
	return nil, hooks.Errorf(hooks.CodeNotFound, "app %s has no release %d", app, n)
}

func (w *world) Current(_ context.Context, app string) (hooks.Pointer, error) {
	if app != w.pointer.App {
		return hooks.Pointer{}, hooks.Errorf(hooks.CodeNotFound, "there is no app %s", app)
	}
	return w.pointer, nil
}

func (w *world) State(context.Context, string) (hooks.State, uint64, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.state, w.changes, nil
}

func (w *world) SetState(_ context.Context, _ string, ifRevision uint64, change func(*hooks.State) error) (uint64, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if ifRevision != 0 && ifRevision != w.changes {
		return 0, hooks.Errorf(hooks.CodeConflict, "somebody else")
	}
	if err := change(&w.state); err != nil {
		return 0, err
	}
	w.changes++
	return w.changes, nil
}

func (w *world) Apps(context.Context) ([]hooks.AppSummary, error) {
	return []hooks.AppSummary{{Name: "zoo"}, {Name: shop, Release: 6}}, nil
}
func (w *world) CreateApp(context.Context, string) error { return nil }
func (w *world) DeleteApp(context.Context, string) error { return nil }

func (w *world) Account(context.Context, string) (hooks.Account, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.account, nil
}

func (w *world) SetBalance(_ context.Context, _ string, balance int64) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.account.Balance = balance
	return nil
}

func (w *world) AddBalance(_ context.Context, _ string, more int64) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.account.Balance += more
	return nil
}

// Check makes the world the authority.
func (w *world) Check(secret string) (hooks.Key, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	id, _ := hooks.KeyID(secret)
	i := slices.IndexFunc(w.keys, func(k hooks.Key) bool { return k.ID == id })
	if i < 0 {
		return hooks.Key{}, hooks.Errorf(hooks.CodeUnauthorized, "the key is not known")
	}
	return w.keys[i], w.keys[i].Check(secret, time.Now())
}

// SigningSecret is what was given with the key.
func (w *world) SigningSecret(key *hooks.Key) (string, error) { return string(key.Sealed), nil }

// UseNonce takes each nonce once.
func (w *world) UseNonce(_ context.Context, id, nonce string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if slices.Contains(w.nonces, id+nonce) {
		return hooks.Errorf(hooks.CodeUnauthorized, "used")
	}
	w.nonces = append(w.nonces, id+nonce)
	return nil
}

// key makes a key that the world knows, and returns its secret.
func (w *world) key(app string, expires *time.Time, scopes ...hooks.Scope) string {
	key, secret, err := hooks.NewKey(app, "", scopes, expires)
	if err != nil {
		panic(err)
	}
	w.keys = append(w.keys, key)
	return secret
}

// keysOf and secretsOf are the world as keeper of keys and of secrets, whose methods have the names of others.
type (
	keysOf    struct{ *world }
	secretsOf struct{ *world }
)

func (k keysOf) Create(_ context.Context, key hooks.Key, signing string) error {
	key.Signed, key.Sealed = signing != "", []byte(signing)
	k.mu.Lock()
	defer k.mu.Unlock()
	k.keys = append(k.keys, key)
	return nil
}

func (k keysOf) List(_ context.Context, app string) ([]hooks.Key, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(k.keys), func(key hooks.Key) bool { return key.App != app }), nil
}

func (k keysOf) Revoke(_ context.Context, app, id string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	for i := range k.keys {
		if k.keys[i].ID == id && k.keys[i].App == app {
			k.keys[i].Revoked = true
			return nil
		}
	}
	return hooks.Errorf(hooks.CodeNotFound, "there is no such key")
}

func (s secretsOf) Set(_ context.Context, app, name, value string, _ uint64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.secrets == nil {
		s.secrets = map[string]string{}
	}
	s.world.secrets[app+"."+name] = value
	return nil
}
func (s secretsOf) Delete(context.Context, string, string, uint64) error { return nil }
func (s secretsOf) List(context.Context, string) ([]hooks.SecretSummary, error) {
	return []hooks.SecretSummary{{Name: "TOKEN"}}, nil
}

// Record makes the world the recorder of changes.
func (w *world) Record(r hooks.Record) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.audits = append(w.audits, *r.Audit)
}

func (w *world) config() Config {
	return Config{
		Collections: w, Gate: w, Calls: w, Tables: w, Releases: w, History: w, States: w, Apps: w, Accounts: w, Authority: w,
		Signatures: w, Keys: keysOf{w},
		Secrets: secretsOf{w}, Build: hooks.LoadProject, Logs: w, Recorder: w, AdminKey: adminKey,
		RunJob: func(_ context.Context, app, job string) (string, error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.ran = append(w.ran, app+"/"+job)
			return "run-" + strconv.Itoa(len(w.ran)), nil
		},
		Tasks: queueOf{w}, TaskControl: queueOf{w}, Dead: deadOf{w}, Replay: w.replay,
		DryRun: func(_ context.Context, r *hooks.Release, e *hooks.Event) (hooks.Verdict, []hooks.Record, error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.tried = append(w.tried, e)
			lines := []hooks.LogLine{{Text: "hooks: " + strconv.Itoa(len(r.Hooks))}}
			return hooks.GoOn(), []hooks.Record{{Log: lines}}, nil
		},
	}
}

// registered is a world in which the app shop has a release.
func registeredWorld() *world {
	w := &world{}
	w.pointer = hooks.Pointer{App: shop, Release: 6, Revision: 11}
	r := &hooks.Release{
		App: shop, Number: 6, Files: map[string]string{"a.js": "1"},
		Hooks: []hooks.Hook{
			{Name: "customer", Service: "customer", Script: "a.js", Functions: []string{"beforePOST", "afterPUT"}, Timeout: 2 * time.Second},
			{Name: "other", Service: "other", Script: "b.js", Functions: []string{"beforePOST"}},
		},
		Jobs: []hooks.Job{{Name: "nightly", Schedule: "0 3 * * *", Timezone: "UTC", Script: "c.js"}},
	}
	canary := *r
	canary.Number, canary.Hooks = 7, r.Hooks[:1]
	w.tables.Set(hooks.Source{Release: r, Canary: hooks.NewTable(&canary), Percent: 10}.Table())
	return w
}
