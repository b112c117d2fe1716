package outbound

import (
	"io"
	"net/http"
	"net/netip"
	"runtime/metrics"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"gaff/hooks"
)

// BenchmarkFetch is one small call over a kept connection.
func BenchmarkFetch(b *testing.B) {
	at := serve(b, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, `{"ok":true}`) })
	client := newClient(b, Config{Allow: []netip.Prefix{public}})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ask(b, client, map[string]any{"url": at}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkLargeAnswers has 60 calls of three apps at once, each with an answer of 4 MiB, and says how large the heap
// became; that has the server's part and what the callers decode.
func BenchmarkLargeAnswers(b *testing.B) {
	page := strings.Repeat("<p>Grüße</p>\n", DefaultMaxSize/15)
	at := serve(b, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, page) })
	client := newClient(b, Config{Allow: []netip.Prefix{public}})
	var peak atomic.Uint64
	for b.Loop() {
		var calls sync.WaitGroup
		for i := range 60 {
			app := []string{"shop", "blog", "bank"}[i%3]
			calls.Go(func() {
				run := hooks.NewCaller(&hooks.Event{App: app}, hooks.NewTable(&hooks.Release{App: app}))
				if _, err := askAs(b.Context(), client, run, map[string]any{"url": at}); err != nil {
					b.Error(err)
				}
				peak.Store(max(peak.Load(), heap()))
			})
		}
		calls.Wait()
	}
	b.ReportMetric(float64(peak.Load())/(1<<20), "peak-MiB")
}

func heap() uint64 {
	sample := [1]metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample[:])
	return sample[0].Value.Uint64()
}
