package bench

import (
	"context"
	"fmt"
	"strconv"
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

const (
	// turn is how many calls one has before it is another's turn.
	turn = 25_000
	// warm is how many calls each has before anything is measured: memory that it needs for so many has come into being.
	warm = 40_000
)

// BenchmarkGatedCall measures one gated call, from Gate.Ask through NATS and a script to the verdict, beside a bare NATS
// echo of the same payload; client, server and worker are processes. hook is a worker as it is by default, with executors,
// and single one whose scripts run in its own process. They have short turns, so that a machine that changes its pace changes
// it for all. The ratios are of calls per second.
func BenchmarkGatedCall(b *testing.B) {
	url := startNATS(b)
	startRole(b, "echo", "BENCH_NATS="+url)
	nc, err := nats.Connect(url)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(nc.Close)
	event, message := newEvent(), []byte(`{"message":`+payload+`}`)
	ask := func(env ...string) func() error {
		gate := startGate(b, startNATS(b), env...)
		return func() error { return askOnce(gate, event) }
	}
	const echo, hook, single = "echo", "hook", "single"
	calls := map[string]func() error{
		echo: func() error {
			_, err := nc.Request("echo", message, 10*time.Second)
			return err
		},
		hook: ask(), single: ask("GAFF_EXECUTORS=0"),
	}
	for _, call := range calls {
		await(b, func() bool { return call() == nil })
		elapsed(b, atOnce[len(atOnce)-1], warm, call)
	}
	for _, n := range atOnce {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			took := map[string]time.Duration{}
			for left := b.N; left > 0; left -= turn {
				for _, name := range []string{echo, hook, single} {
					took[name] += elapsed(b, n, min(left, turn), calls[name])
				}
			}
			b.ReportMetric(float64(b.N)/took[echo].Seconds(), "echo/s")
			b.ReportMetric(float64(b.N)/took[hook].Seconds(), "hook/s")
			for _, ratio := range [][2]string{{hook, echo}, {single, echo}, {hook, single}} {
				b.ReportMetric(took[ratio[1]].Seconds()/took[ratio[0]].Seconds(), ratio[0]+"-of-"+ratio[1])
			}
		})
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
	b.ResetTimer()
	perSecond := float64(b.N) / elapsed(b, n, b.N, call).Seconds()
	b.StopTimer()
	b.ReportMetric(perSecond, "calls/s")
	return perSecond
}

// elapsed runs call so many times, n at once, and returns how long that took.
func elapsed(b *testing.B, n, calls int, call func() error) time.Duration {
	b.Helper()
	var left atomic.Int64
	left.Store(int64(calls))
	var failed atomic.Pointer[error]
	var wg sync.WaitGroup
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
	took := time.Since(start)
	if err := failed.Load(); err != nil {
		b.Fatal(*err)
	}
	return took
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
