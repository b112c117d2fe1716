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

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"gaff/hooks"
)

// The hooks of the projects below. Each run leaves a document, so that runs can be counted whatever the log says.
const (
	ranScript   = "function after(req, res) { db.post('/rest/ran', { event: req.event.id, hook: '%s' }, function (err) { %s }); }\n"
	steadyEnd   = "if (err) throw err; res.end();"
	flakyEnd    = "if (err) throw err; if (Math.random() < 0.02) throw new Error('now and then'); res.end();"
	eventsYAML  = "app: default\nhooks:\n"
	eventOfHook = "  - {name: %s, service: work, operation: do, phase: after, script: hooks/%s.js, timeout: 20s, retry: {attempts: 50, min: 200ms, max: 2s}%s}\n"
)

// eventProject returns a folder with one hook for each end of a script.
func eventProject(t *testing.T, more string, ends map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(dir+"/hooks", 0o755); err != nil {
		t.Fatal(err)
	}
	yaml := eventsYAML
	for _, name := range []string{"steady", "flaky", "ordered"} {
		end, ok := ends[name]
		if !ok {
			continue
		}
		writeFile(t, dir+"/hooks/"+name+".js", fmt.Sprintf(ranScript, name, end))
		yaml += fmt.Sprintf(eventOfHook, name, name, more)
	}
	writeFile(t, dir+"/gaff.yaml", yaml)
	return dir
}

// history is what a log says of events: how often each hook of each came to an end.
type history struct {
	mu    sync.Mutex
	final map[string]map[string]int // by hook and event
	runs  map[string]int            // records by status
}

// follow reads the log until ctx ends, over whatever happens to its server: then it begins anew, since a server that was
// killed may have lost the end of what was read.
func (h *history) follow(ctx context.Context, t *testing.T, d *deployment) {
	for ctx.Err() == nil {
		if err := h.read(ctx, d); err != nil && ctx.Err() == nil {
			t.Logf("the log cannot be read: %v", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(200 * time.Millisecond):
		}
	}
}

func (h *history) read(ctx context.Context, d *deployment) error {
	lost := make(chan struct{}, 1)
	nc, err := nats.Connect(d.nats, nats.NoReconnect(), nats.ClosedHandler(func(*nats.Conn) { lost <- struct{}{} }))
	if err != nil {
		return err
	}
	defer nc.Close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-lost:
			cancel()
		case <-ctx.Done():
		}
	}()
	js, err := jetstream.New(nc)
	if err != nil {
		return err
	}
	consumer, err := js.OrderedConsumer(ctx, strings.ToUpper(d.prefix)+"_LOG", jetstream.OrderedConsumerConfig{})
	if err != nil {
		return err
	}
	messages, err := consumer.Messages()
	if err != nil {
		return err
	}
	defer messages.Stop()
	h.mu.Lock()
	h.final, h.runs = map[string]map[string]int{}, map[string]int{}
	h.mu.Unlock()
	for {
		m, err := messages.Next(jetstream.NextContext(ctx))
		if err != nil {
			return err
		}
		var r hooks.Record
		if json.Unmarshal(m.Data(), &r) == nil && r.Kind == hooks.KindHook {
			h.note(&r)
		}
	}
}

func (h *history) note(r *hooks.Record) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.runs[string(r.Status)]++
	if r.Status == hooks.StatusOK || r.Status == hooks.StatusDead {
		if h.final[r.Name] == nil {
			h.final[r.Name] = map[string]int{}
		}
		h.final[r.Name][r.Event]++
	}
}

func (h *history) missing(ids []string, names ...string) (n int, example string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, name := range names {
		for _, id := range ids {
			if h.final[name][id] == 0 {
				n, example = n+1, name+" of "+id
			}
		}
	}
	return n, example
}

func (h *history) repeated() (n int, example string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for name, events := range h.final {
		for id, times := range events {
			if times > 1 {
				n, example = n+1, fmt.Sprintf("%s of %s, %d times", name, id, times)
			}
		}
	}
	return n, example
}

// publishers publish events over NATS, each until it is acknowledged, and return their ids.
func publishers(t *testing.T, d *deployment, n, at int, event func(i int) (id, key string)) []string {
	t.Helper()
	ids := make([]string, n)
	var all sync.WaitGroup
	var next atomic.Int64
	for range at {
		all.Go(func() {
			nc, err := nats.Connect(d.nats, nats.MaxReconnects(-1), nats.ReconnectWait(100*time.Millisecond))
			if err != nil {
				t.Error(err)
				return
			}
			defer nc.Close()
			js, err := jetstream.New(nc)
			if err != nil {
				t.Error(err)
				return
			}
			again := time.NewTicker(50 * time.Millisecond)
			defer again.Stop()
			for {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				id, key := event(i)
				subject := d.subject("event", fmt.Sprintf("default.%d.work.do.after", partition(key)))
				data := fmt.Appendf(nil, `{"id":%q,"key":%q,"message":{"n":%d}}`, id, key, i)
				for t.Context().Err() == nil {
					ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
					_, err := js.PublishMsg(ctx, &nats.Msg{Subject: subject, Data: data, Header: nats.Header{"Nats-Msg-Id": {"default.work.do.after." + id}}})
					cancel()
					if err == nil {
						ids[i] = id
						break
					}
					<-again.C
				}
			}
		})
	}
	all.Wait()
	return ids
}

func partition(key string) uint32 {
	h := uint32(2166136261)
	for i := range len(key) {
		h = (h ^ uint32(key[i])) * 16777619
	}
	return h % 16
}

// killWorkers kills one worker after the other and starts another in its place, until ctx ends. It returns how many.
func killWorkers(ctx context.Context, t *testing.T, d *deployment, every time.Duration) (kills int) {
	t.Helper()
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return kills
		case <-tick.C:
		}
		i := rand.IntN(len(d.workers))
		d.workers[i].signal(syscall.SIGKILL)
		<-d.workers[i].exited
		kills++
		d.workers[i] = start(t, d.env, "worker")
	}
}

func long() bool { return os.Getenv("GAFF_TEST_LONG") != "" }

// Every acknowledged event runs each of its hooks to one final record, while workers are killed every 3 s, and NATS, Redis
// and PostgreSQL are killed twice each.
func TestEventsSurviveEverything(t *testing.T) {
	t.Parallel()
	n, every := 2000, 3*time.Second
	if long() {
		n = 100_000
	}
	natsServer, redis := newMortalNATS(t), newMortalRedis(t)
	postgres, database := newMortalPostgres(t)
	d := startCluster(t, eventProject(t, "", map[string]string{"steady": steadyEnd, "flaky": flakyEnd}),
		"GAFF_NATS_URL=nats://"+natsServer.addr, "GAFF_REDIS_URL=redis://"+redis.addr, "GAFF_POSTGRES_URL="+database)
	d.nats = "nats://" + natsServer.addr
	h := &history{final: map[string]map[string]int{}, runs: map[string]int{}}
	ctx, cancel := context.WithCancel(t.Context())
	var beside sync.WaitGroup
	defer beside.Wait()
	defer cancel()
	beside.Go(func() { h.follow(ctx, t, d) })

	disturbing, enough := context.WithCancel(ctx)
	var kills int
	var disturbers sync.WaitGroup
	disturbers.Go(func() { kills = killWorkers(disturbing, t, d, every) })
	worked := func(share float64) bool {
		h.mu.Lock()
		defer h.mu.Unlock()
		return float64(len(h.final["steady"])) >= share*float64(n)
	}
	disturbers.Go(func() {
		for i, share := range []float64{0.1, 0.2, 0.3, 0.5, 0.6, 0.7} {
			for !worked(share) {
				select {
				case <-disturbing.Done():
					t.Errorf("the events were worked off before all servers were killed twice")
					return
				case <-time.After(50 * time.Millisecond):
				}
			}
			[]*mortal{natsServer, postgres, redis}[i%3].restart(t)
		}
	})
	started := time.Now()
	ids := publishers(t, d, n, 16, func(i int) (string, string) { return fmt.Sprintf("e%d", i), fmt.Sprintf("k%d", i%1000) })
	t.Logf("%d events acknowledged after %v", n, time.Since(started).Round(time.Millisecond))
	awaitHistory(t, h, ids, time.Duration(n)*10*time.Millisecond+3*time.Minute, "steady", "flaky")
	t.Logf("all worked off after %v", time.Since(started).Round(time.Millisecond))
	enough()
	disturbers.Wait()
	if n, example := h.repeated(); n > 0 {
		t.Errorf("%d hooks of events have more than one final record: %s", n, example)
	}
	runs, distinct := countRuns(t, database, d)
	t.Logf("%d workers killed; records by status: %v; %d runs left a document, for %d hooks of events", kills, h.runs, runs, distinct)
	again := runs - distinct - h.runs[string(hooks.StatusFailed)] // attempts that failed ran again on purpose
	if most := n/500 + kills*64; again > most {                   // 0.1 % of the runs, and those that were in hand when a worker died
		t.Errorf("%d runs were repeated, at most %d may be", again, most)
	}
}

func awaitHistory(t *testing.T, h *history, ids []string, within time.Duration, names ...string) {
	t.Helper()
	deadline := time.Now().Add(within)
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		missing, example := h.missing(ids, names...)
		if missing == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("after %v %d hooks of acknowledged events have no final record: %s; records: %v", within, missing, example, h.runs)
		}
		<-tick.C
	}
}

// countRuns returns how many runs have left their document, and of how many hooks of events they are.
func countRuns(t *testing.T, database string, d *deployment) (runs, distinct int) {
	t.Helper()
	var list []struct{ Event, Hook string }
	seen := map[string]bool{}
	for skip := 0; ; skip += 1000 {
		a := d.do(t, http.MethodGet, fmt.Sprintf(`/rest/ran?max=1000&skip=%d&h={"$fields":{"event":1,"hook":1}}`, skip), "")
		list = list[:0]
		if err := json.Unmarshal([]byte(a.body), &list); err != nil {
			t.Fatalf("%d %.300s", a.status, a.body)
		}
		for _, r := range list {
			seen[r.Event+" "+r.Hook] = true
		}
		if runs += len(list); len(list) < 1000 {
			return runs, len(seen)
		}
	}
}

// Events of one key are worked off one at a time and in order by an ordered hook, while workers are killed.
func TestOrderSurvivesKills(t *testing.T) {
	t.Parallel()
	keys, each := 40, 15
	if long() {
		keys, each = 1000, 100
	}
	d := startCluster(t, eventProject(t, ", ordered: true", map[string]string{"ordered": flakyEnd}))
	h := &history{final: map[string]map[string]int{}, runs: map[string]int{}}
	ctx, cancel := context.WithCancel(t.Context())
	var beside sync.WaitGroup
	defer beside.Wait()
	defer cancel()
	beside.Go(func() { h.follow(ctx, t, d) })
	disturbing, enough := context.WithCancel(ctx)
	var disturbers sync.WaitGroup
	disturbers.Go(func() { killWorkers(disturbing, t, d, 3*time.Second) })
	// One publisher: the order is that of publishing.
	ids := publishers(t, d, keys*each, 1, func(i int) (string, string) {
		return fmt.Sprintf("k%d-%d", i%keys, i/keys), fmt.Sprintf("k%d", i%keys)
	})
	awaitHistory(t, h, ids, time.Duration(keys*each)*20*time.Millisecond+4*time.Minute, "ordered")
	enough()
	disturbers.Wait()
	if n, example := h.repeated(); n > 0 {
		t.Errorf("%d hooks of events have more than one final record: %s", n, example)
	}
	order := map[string][]int{}
	for skip := 0; ; skip += 1000 {
		a := d.do(t, http.MethodGet, fmt.Sprintf(`/rest/ran?max=1000&skip=%d&h={"$orderby":{"_created":1}}`, skip), "")
		var list []struct{ Event string }
		if err := json.Unmarshal([]byte(a.body), &list); err != nil {
			t.Fatalf("%d %.300s", a.status, a.body)
		}
		for _, r := range list {
			key, at, _ := strings.Cut(r.Event, "-")
			var i int
			fmt.Sscan(at, &i)
			order[key] = append(order[key], i)
		}
		if len(list) < 1000 {
			break
		}
	}
	inversions := 0
	for key, list := range order {
		if !slices.IsSorted(list) {
			inversions++
			t.Errorf("%s: %v", key, list)
		}
	}
	t.Logf("%d keys of %d events, %d inversions; records by status: %v", keys, each, inversions, h.runs)
}
