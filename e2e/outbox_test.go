package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// seenScript leaves a document for each item that was made.
const seenScript = `function afterPOST(req, res) {
  db.post('/rest/seen', { _id: req.result._id }, function (err) {
    if (err && err.code !== 'CONFLICT') throw err;
    res.end();
  });
}
`

// itemProject has an after hook on item, and whatever else yaml says.
func itemProject(t *testing.T, yaml string, scripts map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(dir+"/hooks", 0o755); err != nil {
		t.Fatal(err)
	}
	writeFile(t, dir+"/hooks/item.js", seenScript)
	for name, source := range scripts {
		writeFile(t, dir+"/hooks/"+name, source)
	}
	writeFile(t, dir+"/gaff.yaml", "app: default\nhooks:\n  - {service: item, script: hooks/item.js, retry: {min: 200ms}}\n"+yaml)
	return dir
}

// Every committed change has its after hook run, although the enqueuer is killed again and again, at any moment between
// commit and publish, and no worker relays what it leaves.
func TestKilledEnqueuerForgetsNoChange(t *testing.T) {
	t.Parallel()
	kills := 10
	if long() {
		kills = 200
	}
	d := startCluster(t, itemProject(t, "", nil))
	for _, p := range d.all { // workers relay too
		p.stop(t, syscall.SIGTERM)
	}
	env := append(d.env, "GAFF_HTTP="+freeAddr(t))
	enqueuer := start(t, env, "enqueuer")
	d.url = enqueuer.url(t)
	ctx, cancel := context.WithCancel(t.Context())
	c := &creators{d: d, answered: make(chan struct{}, 1)}
	for i := range 8 {
		c.all.Go(func() { c.create(ctx, i) })
	}
	caught := 0
	for range kills {
		c.await(t, 1+rand.Int64N(60))
		enqueuer.signal(syscall.SIGKILL)
		<-enqueuer.exited
		if waiting(t, d) > 0 {
			caught++
		}
		enqueuer = start(t, env, "enqueuer")
		enqueuer.url(t)
	}
	cancel()
	c.all.Wait()
	start(t, d.env, "worker")
	committed := d.ids(t, "item")
	d.awaitTotal(t, "seen", len(committed))
	seen := d.ids(t, "seen")
	if slices.Sort(committed); !slices.Equal(committed, slices.Sorted(slices.Values(seen))) {
		t.Errorf("%d committed changes, after hooks of %d", len(committed), len(seen))
	}
	t.Logf("%d kills, %d of them with events between commit and publish; %d committed changes, each with its after hook run",
		kills, caught, len(committed))
	if long() && caught == 0 {
		t.Error("no kill came between a commit and its publish")
	}
}

// creators make items until they are told to stop, also while nobody serves.
type creators struct {
	d        *deployment
	all      sync.WaitGroup
	n        atomic.Int64
	answered chan struct{}
}

func (c *creators) create(ctx context.Context, creator int) {
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for i := 0; ctx.Err() == nil; i++ {
		a, err := c.d.try(ctx, http.MethodPost, "/rest/item", fmt.Sprintf(`{"_id":"c%d-%d"}`, creator, i))
		if err != nil || a.status >= 500 {
			<-again.C
			continue
		}
		c.n.Add(1)
		select {
		case c.answered <- struct{}{}:
		default:
		}
	}
}

// await returns once n more items are made.
func (c *creators) await(t *testing.T, n int64) {
	t.Helper()
	late := time.After(time.Minute)
	for until := c.n.Load() + n; c.n.Load() < until; {
		select {
		case <-c.answered:
		case <-late:
			t.Fatal("no item is made any more")
		}
	}
}

// waiting counts the events that are committed and not known to be published.
func waiting(t *testing.T, d *deployment) (n int) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), variable(d.env, "GAFF_POSTGRES_URL"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if err := conn.QueryRow(t.Context(), "select count(*) from outbox").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func variable(env []string, name string) (value string) {
	for _, v := range env {
		if rest, ok := strings.CutPrefix(v, name+"="); ok {
			value = rest
		}
	}
	return value
}

// ids lists the ids of all documents of a collection.
func (d *deployment) ids(t *testing.T, collection string) (ids []string) {
	t.Helper()
	for {
		a := d.do(t, http.MethodGet, fmt.Sprintf(`/rest/%s?max=1000&skip=%d&h={"$fields":{"_id":1},"$orderby":{"_id":1}}`, collection, len(ids)), "")
		var list []struct {
			ID string `json:"_id"`
		}
		if err := json.Unmarshal([]byte(a.body), &list); err != nil {
			t.Fatalf("%d %.300s", a.status, a.body)
		}
		for _, one := range list {
			ids = append(ids, one.ID)
		}
		if len(list) < 1000 {
			return ids
		}
	}
}

// While NATS is away, calls without before hooks are carried out and none of them waits for it; their after and failed hooks
// run once it is back.
func TestNATSAway(t *testing.T) {
	t.Parallel()
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		natsAway(t)
	})
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		natsAway(t, "GAFF_SQLITE_PATH="+t.TempDir()+"/gaff.db")
	})
}

func natsAway(t *testing.T, extra ...string) {
	const missed = "  - {name: missed, service: item, operation: GET, phase: failed, script: hooks/missed.js}\n"
	natsServer := newMortalNATS(t)
	d := startCluster(t, itemProject(t, missed, map[string]string{
		"missed.js": "function failed(req, res) { db.post('/rest/missed', { n: 1 }, function (err) { if (err) throw err; res.end(); }); }\n",
	}), append(extra, "GAFF_NATS_URL=nats://"+natsServer.addr)...)
	natsServer.kill()
	var took []time.Duration
	timed := func(method, path, body string, status int) {
		before := time.Now()
		if a := d.do(t, method, path, body); a.status != status {
			t.Fatalf("%s %s: %d %s", method, path, a.status, a.body)
		}
		took = append(took, time.Since(before))
	}
	n := 0
	for back := time.Now().Add(awayAtLeast()); n < 100 || time.Now().Before(back); n++ {
		timed(http.MethodPost, "/rest/item", fmt.Sprintf(`{"_id":"i%d"}`, n), http.StatusCreated)
		timed(http.MethodGet, "/rest/item/none", "", http.StatusNotFound)
	}
	slices.Sort(took)
	t.Logf("%d calls while NATS was away, half of them within %v, the slowest in %v", len(took), took[len(took)/2], took[len(took)-1])
	if took[len(took)*9/10] > time.Second {
		t.Errorf("a tenth of the calls took more than %v", took[len(took)*9/10])
	}
	natsServer.start(t)
	since := time.Now()
	for _, collection := range []string{"seen", "missed"} {
		d.awaitTotal(t, collection, n)
	}
	t.Logf("all hooks have run %v after it is back", time.Since(since).Round(time.Millisecond))
}

// awaitTotal returns once a collection has n documents, however long that takes while there are more and more.
func (d *deployment) awaitTotal(t *testing.T, collection string, n int) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	most, deadline := 0, time.Now().Add(time.Minute)
	for ; ; <-tick.C {
		a := d.do(t, http.MethodGet, "/rest/"+collection+"?totals=true&max=1", "")
		total, _ := a.at("totals.total").(float64)
		if int(total) >= n {
			return
		}
		if int(total) > most {
			most, deadline = int(total), time.Now().Add(time.Minute)
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s has %v documents, not %d", collection, total, n)
		}
	}
}

// A script's change of many documents needs nothing of the file system that executors may not touch.
func TestScriptsWriteMuchOnSQLite(t *testing.T) {
	t.Parallel()
	const many = `function afterPOST(req, res) {
  var list = [];
  for (var i = 0; i < 500; i++) list.push({ text: 'x'.repeat(2000) });
  db.post('/rest/many', list, function (err) {
    if (err) throw err;
    db.delete('/rest/many/*?q={}', {}, function (err) { if (err) throw err; res.end(); });
  });
}
`
	d := startCluster(t, itemProject(t, "  - {service: batch, script: hooks/batch.js}\n", map[string]string{"batch.js": many}),
		"GAFF_SQLITE_PATH="+t.TempDir()+"/gaff.db")
	d.do(t, http.MethodPost, "/rest/batch", "{}")
	a := d.eventually(t, http.MethodGet, "/v1/logs?hook=batch", "", func(a answer) bool { return a.at("0.status") != nil })
	if a.at("0.status") != "ok" {
		t.Errorf("the record of the hook: %.500s", a.body)
	}
}

// awayAtLeast is for how long NATS is away.
func awayAtLeast() time.Duration {
	if long() {
		return 5 * time.Minute
	}
	return 0
}
