package deploy_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"gaff/hooks"
	"gaff/queue"
)

// startWithUsers starts a server with the configuration that operators get, users and all, and returns its address.
func startWithUsers(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"GAFF", "SHOP", "AUDITOR"} {
		t.Setenv(name+"_NATS_PASSWORD", strings.ToLower(name)+"-password")
	}
	var text []byte
	for _, name := range []string{"nats.conf", "nats-users.conf"} {
		part, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		text = append(append(text, part...), '\n')
	}
	file := filepath.Join(t.TempDir(), "nats.conf")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	options, err := server.ProcessConfigFile(file)
	if err != nil {
		t.Fatal(err)
	}
	options.Port, options.HTTPPort, options.StoreDir, options.NoSigs = server.RANDOM_PORT, server.RANDOM_PORT, t.TempDir(), true
	s, err := server.NewServer(options)
	if err != nil {
		t.Fatal(err)
	}
	go s.Start()
	t.Cleanup(func() {
		s.Shutdown()
		s.WaitForShutdown()
	})
	if !s.ReadyForConnections(30 * time.Second) {
		t.Fatal("no server")
	}
	return s.Addr().String()
}

func connectAs(t *testing.T, address, user string) *nats.Conn {
	t.Helper()
	nc, err := nats.Connect("nats://"+user+":"+user+"-password@"+address, nats.CustomInboxPrefix("_INBOX_"+user))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	return nc
}

// may reports whether the server lets a client publish or subscribe.
func may(t *testing.T, c *nats.Conn, do, subject string) bool {
	t.Helper()
	before := c.LastError()
	if do == "publish" {
		if err := c.Publish(subject, nil); err != nil {
			t.Fatal(err)
		}
	} else {
		sub, err := c.SubscribeSync(subject)
		if err != nil {
			t.Fatal(err)
		}
		defer sub.Unsubscribe()
	}
	if err := c.Flush(); err != nil { // a refusal comes before the answer to this
		t.Fatal(err)
	}
	return c.LastError() == before //nolint:errorlint // each refusal is an error of its own
}

// TestSubjects is who may publish and subscribe to what.
func TestSubjects(t *testing.T) {
	address := startWithUsers(t)
	for _, bad := range []string{"nats://" + address, "nats://shop:wrong@" + address, "nats://nobody:shop-password@" + address} {
		if nc, err := nats.Connect(bad); !errors.Is(err, nats.ErrAuthorization) {
			nc.Close()
			t.Errorf("%s: %v", strings.TrimSuffix(bad, address), err)
		}
	}
	users := map[string]*nats.Conn{}
	for _, user := range []string{"gaff", "shop", "auditor"} {
		users[user] = connectAs(t, address, user)
	}
	for _, c := range []struct {
		do, subject string
		who         string // of gaff, shop and auditor
	}{
		{"publish", "gaff.ask.before.shop.customer.POST", "gaff shop"},
		{"publish", "gaff.ask.after.shop.customer.POST", "gaff shop"},
		{"publish", "gaff.event.shop.3.customer.POST.after", "gaff shop"},
		{"publish", "gaff.call.shop.redis.topUsers", "gaff shop"},
		{"publish", "gaff.ask.before.other.customer.POST", "gaff"},
		{"publish", "gaff.event.other.3.customer.POST.after", "gaff"},
		{"publish", "gaff.call.other.redis.topUsers", "gaff"},
		{"publish", "gaff.bundle", "gaff"},
		{"publish", "gaff.work.shop.customer", "gaff"},
		{"publish", "gaff.dead.shop.customer", "gaff"},
		{"publish", "gaff.log.shop.hook.customer", "gaff"},
		{"publish", "gaff.kv.shop.YQ", "gaff"},
		{"publish", "_INBOX.gaff-x.1", "gaff"}, // a forged verdict
		{"publish", "_INBOX_shop.1", ""},
		{"publish", "$KV.GAFF_RELEASES.app.shop", "gaff"},
		{"publish", "$KV.GAFF_KEYS.0123456789abcdef", "gaff"},
		{"publish", "$KV.GAFF_SECRETS.shop.JWT", "gaff"},
		{"publish", "$JS.API.STREAM.PURGE.GAFF_EVENTS", "gaff"},
		{"publish", "$JS.API.STREAM.DELETE.GAFF_LOG", "gaff"},
		{"publish", "$JS.API.DIRECT.GET.KV_GAFF_SECRETS.x", "gaff"},
		{"publish", "$JS.API.CONSUMER.CREATE.KV_GAFF_SECRETS.x", "gaff"},
		{"publish", "$JS.API.CONSUMER.CREATE.GAFF_EVENTS.x", "gaff"},
		{"publish", "$JS.ACK.GAFF_EVENTS.gaff-workers.1.1.1.1.1", "gaff"},
		{"publish", "$SYS.REQ.ACCOUNT.PING.CONNZ", ""},
		{"subscribe", "gaff.ask.before.shop.customer.POST", "gaff"}, // answering for hooks
		{"subscribe", "gaff.bundle", "gaff"},
		{"subscribe", "gaff.event.shop.>", "gaff"},
		{"subscribe", "gaff.call.>", "gaff"},
		{"subscribe", "gaff.log.>", "gaff auditor"},
		{"subscribe", "_INBOX.>", "gaff"},
		{"subscribe", "_INBOX_shop.1", "shop"},
		{"subscribe", "$KV.GAFF_SECRETS.>", ""},
		{"subscribe", ">", ""},
	} {
		for user, client := range users {
			if got, want := may(t, client, c.do, c.subject), strings.Contains(c.who, user); got != want {
				t.Errorf("%s may %s to %s: %v", user, c.do, c.subject, got)
			}
		}
	}
}

// TestOwnUser: what Gaff's processes do, their user may.
func TestOwnUser(t *testing.T) {
	address := startWithUsers(t)
	var mu sync.Mutex
	var out bytes.Buffer
	log := slog.New(slog.NewTextHandler(writer(func(b []byte) (int, error) {
		mu.Lock()
		defer mu.Unlock()
		return out.Write(b)
	}), nil))
	vault, err := hooks.NewVault(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	conn, err := queue.Connect(t.Context(), queue.Config{URL: "nats://gaff:gaff-password@" + address, Log: log, Vault: vault})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	release, err := hooks.LoadProject(map[string]string{
		"gaff.yaml": "hooks: [{service: customer, script: a.js}]\n", "a.js": "function beforePOST() {}",
	})
	if err != nil {
		t.Fatal(err)
	}
	key, _, err := hooks.NewKey("default", "", hooks.Scopes(), nil)
	if err != nil {
		t.Fatal(err)
	}
	_, _, applied := queue.NewReleases(conn).Apply(ctx, release, hooks.ApplyOptions{})
	_, listed := queue.Logs(ctx, conn, hooks.LogFilter{})
	for what, err := range map[string]error{
		"apply": applied, "logs": listed,
		"keys":    queue.NewKeys(conn).Create(ctx, key, hooks.NewSigningSecret()),
		"nonces":  queue.NewKeys(conn).UseNonce(ctx, key.ID, "00"),
		"secrets": queue.NewSecrets(conn).Set(ctx, "default", "A", "value-of-a", 0),
		"kv":      queue.NewKV(conn).Store(ctx, "default", "a", hooks.KVEntry{Value: []byte("1"), Revision: hooks.AnyRevision}),
	} {
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if strings.Contains(strings.ToLower(out.String()), "permission") {
		t.Error(out.String())
	}
}

type writer func([]byte) (int, error)

func (w writer) Write(b []byte) (int, error) { return w(b) }
