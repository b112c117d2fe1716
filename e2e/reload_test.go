package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// decision is what one call was decided by.
type decision struct {
	began   time.Time
	release uint64
}

// While releases are applied one after the other under load, every call is decided by one release, whole, which it
// names; and a release is live on every worker soon after it is applied. It runs beside no other test of this package,
// for it measures; other packages' tests may load the machine in the short form, which allows for that.
func TestAppliesUnderLoad(t *testing.T) {
	applies, bound := 100, 3*time.Second
	if os.Getenv("GAFF_TEST_LONG") != "" {
		applies, bound = 1000, time.Second
	}
	d := startCluster(t, copyProject(t), "GAFF_MEMORY_LIMIT=128MiB")
	a := newTenant(t, d, generation(1))
	a.ok(t, "apply")
	a.serves(t, 1)
	consumers, memory := d.consumers(t), d.memory(t)
	stop := a.load(t)
	applied := make([]time.Time, applies+2) // by release: when its author was told
	for n := 2; n < len(applied); n++ {
		body, err := json.Marshal(map[string]any{"files": generation(n)})
		if err != nil {
			t.Fatal(err)
		}
		if got := a.call(t, "POST", "/v1/releases", string(body)); got.status != http.StatusCreated || got.at("release") != float64(n) {
			t.Fatalf("apply %d: %d %s", n, got.status, got.body)
		}
		applied[n] = time.Now()
	}
	a.serves(t, uint64(applies+1))
	seen := stop()
	asked, live := lateness(seen, applied), a.liveness(t, applied)
	t.Logf("%d applies, %d calls: 99 %% are live on three workers %v after the answer (by their logs), last decided against %v after it (by asking); all: %v, %v",
		applies, len(seen), at(live, 99), at(asked, 99), at(live, 100), at(asked, 100))
	if at(live, 99) > bound || at(asked, 99) > bound {
		t.Errorf("99 %% of the changes are live after %v, %v", at(live, 99), at(asked, 99))
	}
	poll(t, "as many consumers as before", func() (answer, bool) {
		now := d.consumers(t)
		return answer{body: fmt.Sprint(now, consumers)}, now <= consumers
	})
	after := d.memory(t)
	t.Logf("%d consumers; memory of the workers %v → %v MiB", consumers, memory, after)
	if slices.Max(after) > 256 {
		t.Errorf("a worker with a limit of 128 MiB has %d MiB", slices.Max(after))
	}
	if got := a.json(t, "releases"); got.at("0.release") != float64(applies+1) || got.at("60") != nil {
		t.Errorf("releases: %s", got.body)
	}
}

// at is the value that percent of the sorted durations do not exceed.
func at(sorted []time.Duration, percent int) time.Duration {
	return sorted[(len(sorted)*percent+99)/100-1].Round(100 * time.Microsecond)
}

// load calls steadily over HTTP and NATS until the returned function is called.
func (a *tenant) load(t *testing.T) (stop func() []decision) {
	nc, err := nats.Connect(a.nats)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	callers := []func(key string) (uint64, string){a.byEvent, a.byEvent, a.byDocument, a.byNATS(nc), a.byNATS(nc), a.byNATS(nc)}
	all := make([][]decision, len(callers))
	var wg sync.WaitGroup
	for i, call := range callers {
		wg.Go(func() {
			tick := time.NewTicker(4 * time.Millisecond)
			defer tick.Stop()
			for n := 0; ctx.Err() == nil; n++ {
				began := time.Now()
				release, wrong := call(fmt.Sprint(i, "-", n))
				if wrong != "" {
					t.Errorf("a call during a change: %s", wrong)
				}
				all[i] = append(all[i], decision{began, release})
				<-tick.C
			}
		})
	}
	end := func() []decision {
		cancel()
		wg.Wait()
		nc.Close()
		return slices.Concat(all...)
	}
	t.Cleanup(func() { end() })
	return end
}

func (a *tenant) byEvent(key string) (uint64, string) {
	return a.by("/v1/events", eventBody(key), "message.")
}

func (a *tenant) byDocument(string) (uint64, string) { return a.by("/rest/item", "{}", "") }

func (a *tenant) by(path, body, prefix string) (uint64, string) {
	got, err := a.try(context.Background(), "POST", path, body, "Gaff-App", a.app)
	if err != nil {
		return 0, err.Error()
	}
	release := decided(got.header)
	return release, mixed(got, release, prefix)
}

func (a *tenant) byNATS(nc *nats.Conn) func(string) (uint64, string) {
	subject := a.subject("ask", "before."+a.app+".item.POST")
	return func(key string) (uint64, string) {
		reply, err := nc.Request(subject, fmt.Appendf(nil, `{"message":{},"key":%q}`, key), 10*time.Second)
		if err != nil {
			return 0, err.Error()
		}
		release := decided(http.Header(reply.Header))
		return release, mixed(answer{body: string(reply.Data)}, release, "message.")
	}
}

// lateness is, for each release, how long after its author was told a call still began that an earlier one decided.
func lateness(seen []decision, applied []time.Time) []time.Duration {
	late := make([]time.Duration, len(applied)-2)
	for _, s := range seen {
		for n := int(s.release) + 1; n < len(applied); n++ {
			if n >= 2 {
				late[n-2] = max(late[n-2], s.began.Sub(applied[n]))
			}
		}
	}
	slices.Sort(late)
	return late
}

var liveLine = regexp.MustCompile(`(?m)^time=(\S+) .*msg="release is live"(?: executor=(\d+))? app=(\S+) release=(\d+)$`)

// liveness is, for each release, how long after its author was told the last worker had it, or one after it.
func (a *tenant) liveness(t *testing.T, applied []time.Time) []time.Duration {
	t.Helper()
	late := make([]time.Duration, len(applied)-2)
	for _, w := range a.workers {
		next := map[string]int{} // by executor
		for _, m := range liveLine.FindAllStringSubmatch(w.err.String(), -1) {
			when, err := time.Parse(time.RFC3339Nano, m[1])
			n, bad := strconv.Atoi(m[4])
			if err != nil || bad != nil {
				t.Fatal(m[0])
			}
			if m[3] != a.app {
				continue
			}
			for i := max(next[m[2]], 2); i <= n; i++ {
				late[i-2] = max(late[i-2], when.Sub(applied[i]))
			}
			next[m[2]] = n + 1
		}
		for executor, n := range next {
			if n != len(applied) {
				t.Fatalf("the log of executor %s ends with release %d of %d", executor, n-1, len(applied)-1)
			}
		}
	}
	slices.Sort(late)
	return late
}

// consumers is how many consumers there are on the server.
func (d *deployment) consumers(t *testing.T) int {
	t.Helper()
	nc, err := nats.Connect(d.nats)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	info, err := js.AccountInfo(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return info.Consumers
}

// memory is what the workers have resident, in MiB.
func (d *deployment) memory(t *testing.T) []int {
	t.Helper()
	var all []int
	for _, w := range d.workers {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", w.cmd.Process.Pid))
		if err != nil {
			t.Fatal(err)
		}
		_, rest, _ := strings.Cut(string(b), "VmRSS:")
		kib, err := strconv.Atoi(strings.Fields(rest)[0])
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, kib>>10)
	}
	return all
}

// wire is a TCP proxy in front of a server, which can be cut and mended.
type wire struct {
	addr, to   string
	mu         sync.Mutex
	listener   net.Listener
	connected  []net.Conn
	background sync.WaitGroup
}

func newWire(t *testing.T, server string) *wire {
	t.Helper()
	w := &wire{addr: "127.0.0.1:0", to: strings.TrimPrefix(server, "nats://")}
	w.mend(t)
	t.Cleanup(func() {
		w.cut()
		w.background.Wait()
	})
	return w
}

func (w *wire) mend(t *testing.T) {
	t.Helper()
	l, err := net.Listen("tcp", w.addr)
	if err != nil {
		t.Fatal(err)
	}
	w.listener, w.addr = l, l.Addr().String()
	w.background.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			w.join(c)
		}
	})
}

func (w *wire) join(c net.Conn) {
	to, err := net.Dial("tcp", w.to)
	if err != nil {
		c.Close()
		return
	}
	w.mu.Lock()
	w.connected = append(w.connected, c, to)
	w.mu.Unlock()
	for _, ends := range [][2]net.Conn{{c, to}, {to, c}} {
		w.background.Go(func() {
			io.Copy(ends[0], ends[1]) // ends when one of them is closed, which is what it is for
			ends[0].Close()
		})
	}
}

func (w *wire) cut() {
	w.listener.Close()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.connected {
		c.Close()
	}
	w.connected = nil
}

// A worker that is cut off from NATS while a release is applied is on it within 30 s of coming back. Until then the
// doctor of an enqueuer that is cut off too tells what is wrong.
func TestCutOffWorker(t *testing.T) {
	t.Parallel()
	d := startCluster(t, copyProject(t))
	a := newTenant(t, d, generation(1))
	a.ok(t, "apply")
	w := newWire(t, d.nats)
	env := append(slices.Clone(d.env), "GAFF_NATS_URL=nats://"+w.addr)
	far, edge := start(t, env, "worker"), start(t, env, "enqueuer")
	live := func(release int) {
		t.Helper()
		far.err.await(t, "release", func(line string) bool {
			m := liveLine.FindStringSubmatch(line)
			return m != nil && m[3] == a.app && m[4] == strconv.Itoa(release)
		})
	}
	live(1)
	there := *d
	there.url = edge.url(t)
	natsFails := func(want bool) {
		t.Helper()
		poll(t, "doctor", func() (answer, bool) {
			_, failing := there.doctor(t)
			return answer{body: fmt.Sprint(failing)}, slices.Contains(failing, "NATS") == want
		})
	}
	natsFails(false)
	w.cut()
	natsFails(true)
	a.write(t, generation(2))
	a.ok(t, "apply")
	a.serves(t, 2)
	if out, _, exit := a.cli(t, "", "hooks", "disable", "a"); exit != 0 {
		t.Fatalf("hooks disable: %s", out)
	}
	for _, near := range d.workers { // so that only the one that was cut off can answer
		near.signal(syscall.SIGTERM)
	}
	for _, near := range d.workers {
		<-near.exited
	}
	w.mend(t)
	back := time.Now()
	poll(t, "the worker", func() (answer, bool) {
		got := a.call(t, "POST", eventPath, eventBody("k"))
		return got, decided(got.header) == 2 && got.at("message.a") == nil && got.at("message.b") == 2.0
	})
	took := time.Since(back)
	t.Logf("on the new release %v after coming back", took.Round(time.Millisecond))
	if took > 30*time.Second {
		t.Errorf("on the new release only %v after coming back", took)
	}
	live(2)
	natsFails(false)
}
