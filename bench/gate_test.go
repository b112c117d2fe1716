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

// BenchmarkGatedCall measures one gated call, from Gate.Ask through NATS and a worker's script to the verdict, beside a
// bare NATS echo of the same payload; client, server and worker are processes. of-echo is the ratio of calls per second.
func BenchmarkGatedCall(b *testing.B) {
	url := startNATS(b)
	startRole(b, "echo", "BENCH_NATS="+url)
	gate := startGate(b, url)
	nc, err := nats.Connect(url)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(nc.Close)
	event := newEvent()
	message := []byte(`{"message":` + payload + `}`)
	await(b, func() bool { _, err := nc.Request("echo", message, time.Second); return err == nil })
	await(b, func() bool {
		v, err := gate.Ask(context.Background(), event)
		return err == nil && strings.Contains(string(v.Message), "slug")
	})
	for _, n := range atOnce {
		var echo float64
		b.Run(fmt.Sprintf("echo/%d", n), func(b *testing.B) {
			echo = rate(b, n, func() error {
				_, err := nc.Request("echo", message, 10*time.Second)
				return err
			})
		})
		b.Run(fmt.Sprintf("hook/%d", n), func(b *testing.B) {
			calls := rate(b, n, func() error {
				v, err := gate.Ask(context.Background(), event)
				if err == nil && v.Error != nil {
					err = v.Error
				}
				return err
			})
			b.ReportMetric(calls/echo, "of-echo")
		})
	}
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
