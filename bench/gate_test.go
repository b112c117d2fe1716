package bench

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"gaff/hooks"
	"gaff/queue"
)

// payload is the message of a 300-byte event, as the before hook of project() checks it.
var payload = `{"name":"Ann Bernadette Carlsson","email":"ann@example.com","age":41,"address":{"street":"Storgata 1","city":"Oslo",` +
	`"zip":"0155","country":"NO"},"tags":["new","vip"],"note":"` + strings.Repeat("x", 96) + `"}`

// hook validates and derives a field.
const hook = `
function beforePOST(req, res) {
  var b = req.body;
  if (!b.name || b.name.length > 100) return res.end({ error: [{ field: 'name', message: 'is required' }] });
  if (b.age < 18) return res.end({ error: [{ field: 'age', message: 'is too young' }] });
  b.slug = b.name.toLowerCase();
  res.end({ data: b });
}
`

var atOnce = []int{1, 16, 64}

// BenchmarkGatedCall measures one gated call, from Gate.Ask through NATS and a script to the verdict, beside a bare NATS
// echo of the same payload; client, server and worker are processes. hook is a worker as it is by default, with executors,
// and single one whose scripts run in its own process. of-echo is the ratio of calls per second.
func BenchmarkGatedCall(b *testing.B) {
	url := startNATS(b)
	startRole(b, "echo", "BENCH_NATS="+url)
	gates := map[string]*queue.Gate{"hook": startGate(b, url), "single": startGate(b, startNATS(b), "GAFF_EXECUTORS=0")}
	nc, err := nats.Connect(url)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(nc.Close)
	event, message := newEvent(), []byte(`{"message":`+payload+`}`)
	await(b, func() bool { _, err := nc.Request("echo", message, time.Second); return err == nil })
	for _, gate := range gates {
		await(b, func() bool { return askOnce(gate, event) == nil })
	}
	for _, n := range atOnce {
		var echo float64
		b.Run(fmt.Sprintf("echo/%d", n), func(b *testing.B) {
			echo = rate(b, n, func() error {
				_, err := nc.Request("echo", message, 10*time.Second)
				return err
			})
		})
		for _, name := range []string{"hook", "single"} {
			b.Run(fmt.Sprintf("%s/%d", name, n), func(b *testing.B) {
				b.ReportMetric(rate(b, n, func() error { return askOnce(gates[name], event) })/echo, "of-echo")
			})
		}
	}
}

// askOnce has the hook decide on one call.
func askOnce(gate *queue.Gate, event *hooks.Event) error {
	v, err := gate.Ask(context.Background(), event)
	switch {
	case err != nil:
		return err
	case v.Error != nil:
		return v.Error
	case !strings.Contains(string(v.Message), "slug"):
		return fmt.Errorf("the hook has not run: %s", v.Message)
	}
	return nil
}

// rate runs call b.N times, n at once, and returns how many there were per second.
func rate(b *testing.B, n int, call func() error) float64 {
	b.Helper()
	var left atomic.Int64
	left.Store(int64(b.N))
	var failed atomic.Pointer[error]
	var wg sync.WaitGroup
	b.ResetTimer()
	start := time.Now()
	for range n {
		wg.Go(func() {
			for left.Add(-1) >= 0 {
				if err := call(); err != nil {
					failed.Store(&err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.StopTimer()
	if err := failed.Load(); err != nil {
		b.Fatal(*err)
	}
	perSecond := float64(b.N) / time.Since(start).Seconds()
	b.ReportMetric(perSecond, "calls/s")
	return perSecond
}

func await(b *testing.B, ok func() bool) {
	b.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if ok() {
			return
		}
	}
	b.Fatal("not ready after 30 s")
}
