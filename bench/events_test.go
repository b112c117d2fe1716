package bench

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"gaff/hooks"
	"gaff/queue"
)

var synced = flag.Bool("synced", true, "the NATS server syncs each message to the disk, as deploy/nats.conf has it")

// startStreams starts a NATS server process for events and returns its URL.
func startStreams(b *testing.B) string {
	b.Helper()
	if *synced {
		return startNATS(b, "BENCH_SYNC=1")
	}
	return startNATS(b)
}

// afterHook looks at what was called and derives something.
const afterHook = `
function after(req, res) {
  var b = req.body;
  if (!b.name || b.age < 18) throw new Error('not a customer');
  res.end({ slug: b.name.toLowerCase() });
}
`

// eventful is a NATS server and a worker, each a process, that runs a before hook on customer and an after hook on work.
type eventful struct {
	url    string
	nc     *nats.Conn
	js     jetstream.JetStream
	gate   *queue.Gate
	worker []string // environment
	sent   uint64   // events in the stream
}

func newEventful(b *testing.B) *eventful {
	b.Helper()
	e := &eventful{url: startStreams(b)}
	nc, err := nats.Connect(e.url)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(nc.Close)
	e.nc = nc
	if e.js, err = jetstream.New(nc); err != nil {
		b.Fatal(err)
	}
	startRole(b, "echo", "BENCH_NATS="+e.url)
	await(b, func() bool { return e.echo() == nil })
	var releases *queue.Releases
	e.gate, releases = newGate(b, e.url)
	applyProject(b, releases, map[string]string{
		hooks.ProjectFile: "hooks:\n  - {service: customer, script: hooks/customer.js}\n" +
			"  - {name: work, service: work, operation: do, phase: after, script: hooks/work.js}\n",
		"hooks/customer.js": hook, "hooks/work.js": afterHook,
	})
	e.worker = []string{"GAFF_NATS_URL=" + e.url, "GAFF_REDIS_URL=" + redisURL(b), "GAFF_SQLITE_PATH=" + filepath.Join(b.TempDir(), "d.db")}
	return e
}

// startWorker returns once the worker answers asks.
func (e *eventful) startWorker(b *testing.B) (stop func()) {
	b.Helper()
	stop = startRole(b, "worker", e.worker...)
	await(b, func() bool { return e.ask() == nil })
	return stop
}

func (e *eventful) ask() error {
	v, err := e.gate.Ask(context.Background(), newEvent())
	switch {
	case err != nil:
		return err
	case v.Error != nil:
		return v.Error
	case v.Message == nil:
		return fmt.Errorf("the hook has not run")
	}
	return nil
}

func (e *eventful) echo() error {
	_, err := e.nc.Request("echo", []byte(payload), 10*time.Second)
	return err
}

// publish publishes n events.
func (e *eventful) publish(b *testing.B, n int) {
	b.Helper()
	for n > 0 {
		events := make([]*hooks.Event, min(n, 1024))
		for i := range events {
			events[i] = &hooks.Event{
				App: "default", Service: "work", Operation: "do", Phase: hooks.After,
				Payload: hooks.Payload{ID: fmt.Sprintf("e%d", e.sent+uint64(i)), Message: []byte(payload)},
			}
		}
		for _, err := range e.gate.PublishAll(b.Context(), events) {
			if err != nil {
				b.Fatal(err)
			}
		}
		n, e.sent = n-len(events), e.sent+uint64(len(events))
	}
}

// workedOff returns how many events a consumer has acknowledged, all before them being.
func (e *eventful) workedOff(b *testing.B, consumer string) uint64 {
	b.Helper()
	for {
		c, err := e.js.Consumer(b.Context(), "GAFF_EVENTS", consumer)
		switch {
		case err == nil:
			return c.CachedInfo().AckFloor.Stream
		case !errors.Is(err, context.DeadlineExceeded): // the server may have no time to say
			b.Fatal(err)
		}
	}
}

// drained returns how many events a second a consumer works off, from the first of those that are left to the last.
func (e *eventful) drained(b *testing.B, consumer string) (perSecond float64) {
	b.Helper()
	before := e.workedOff(b, consumer)
	first, begun := before, time.Now()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for ; ; <-tick.C {
		n := e.workedOff(b, consumer)
		switch now := time.Now(); {
		case n >= e.sent && first == e.sent:
			b.Fatal("the events were worked off before they could be timed: take more")
		case n >= e.sent:
			return float64(n-first) / now.Sub(begun).Seconds()
		case n == before:
			first, begun = n, now
		}
	}
}

// latencies are sorted once they are all there.
type latencies []time.Duration

func (l latencies) at(share float64) time.Duration { return l[int(float64(len(l)-1)*share)] }

func (l latencies) report(b *testing.B, name string) {
	slices.Sort(l)
	b.ReportMetric(float64(l.at(0.5).Microseconds())/1000, name+"p50-ms")
	b.ReportMetric(float64(l.at(0.99).Microseconds())/1000, name+"p99-ms")
}

// newGate returns a gate, and the releases that it follows.
func newGate(b *testing.B, url string) (*queue.Gate, *queue.Releases) {
	b.Helper()
	conn, err := queue.Connect(b.Context(), queue.Config{URL: url})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(conn.Close)
	releases := queue.NewReleases(conn)
	tables := &hooks.Tables{}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		releases.Watch(ctx, tables, nil, nil)
	}()
	b.Cleanup(func() { stop(); <-done })
	gate, err := queue.NewGate(conn, tables)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(gate.Close)
	return gate, releases
}

// BenchmarkWorkedOff measures events worked off, each with its script run, its record kept and its acknowledgement, beside a
// bare consumer of nats.go on the same stream that only acknowledges. of-bare is the ratio.
func BenchmarkWorkedOff(b *testing.B) {
	e := newEventful(b)
	e.startWorker(b)() // its consumer is there
	e.publish(b, max(b.N, 1000))
	stop := startRole(b, "acker", "BENCH_NATS="+e.url)
	await(b, func() bool { _, err := e.js.Consumer(b.Context(), "GAFF_EVENTS", "bare"); return err == nil })
	bare := e.drained(b, "bare")
	stop()
	startRole(b, "worker", e.worker...)
	worked := e.drained(b, "gaff-workers")
	b.ReportMetric(bare, "bare/s")
	b.ReportMetric(worked, "events/s")
	b.ReportMetric(worked/bare, "of-bare")
}

// serveAcker acknowledges all events.
func serveAcker(ctx context.Context) int {
	nc, err := nats.Connect(os.Getenv("BENCH_NATS"))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err == nil {
		var consumer jetstream.Consumer
		consumer, err = js.CreateOrUpdateConsumer(ctx, "GAFF_EVENTS", jetstream.ConsumerConfig{
			Durable: "bare", AckPolicy: jetstream.AckExplicitPolicy, MaxAckPending: 20_000,
		})
		if err == nil {
			var consuming jetstream.ConsumeContext
			consuming, err = consumer.Consume(func(m jetstream.Msg) { m.Ack() }, jetstream.PullMaxMessages(2000))
			if err == nil {
				defer consuming.Stop()
			}
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	<-ctx.Done()
	return 0
}
