package queue

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"gaff/hooks"
)

// BenchmarkAsk measures a gate and a worker that does nothing, beside an echo with an inbox of its own and beside
// nats.Conn.Request, all with the same 300 bytes and in the same run. of-inbox and of-request are the ratios of calls
// per second.
func BenchmarkAsk(b *testing.B) {
	prefix := newPrefix()
	client, worker := connect(b, Config{Prefix: prefix}), connect(b, Config{Prefix: prefix})
	nop := hooks.HandlerFunc(func(context.Context, *hooks.Event) hooks.Verdict { return hooks.Verdict{Status: 200, Release: 1} })
	pool := hooks.NewPool(2*runtime.GOMAXPROCS(0), 4096)
	b.Cleanup(pool.Close)
	run(b, func(ctx context.Context) error { return Serve(ctx, worker, nop, pool, ServeOptions{}) })
	subject := prefix + ".echo"
	if _, err := worker.nc.QueueSubscribe(subject, group, func(m *nats.Msg) { worker.nc.Publish(m.Reply, m.Data) }); err != nil {
		b.Fatal(err)
	}
	worker.nc.Flush()
	g := newGate(b, client, tables())
	e := call(`{"name":"` + strings.Repeat("x", 300-len(`{"message":{"name":""}}`)) + `"}`)
	payload := e.AppendJSON(nil)
	raw := newRawInbox(b, client.nc)
	if v, err := g.Ask(b.Context(), e); err != nil || v.Stopped() {
		b.Fatal(v.Error, err)
	}
	for _, n := range []int{1, 16, 64} {
		var inbox, request float64
		b.Run(fmt.Sprintf("inbox/%d", n), func(b *testing.B) {
			inbox = perSecond(b, n, func() error { return raw.request(subject, payload) })
		})
		b.Run(fmt.Sprintf("request/%d", n), func(b *testing.B) {
			request = perSecond(b, n, func() error {
				_, err := client.nc.Request(subject, payload, 10*time.Second)
				return err
			})
		})
		b.Run(fmt.Sprintf("gate/%d", n), func(b *testing.B) {
			calls := perSecond(b, n, func() error {
				v, err := g.Ask(context.Background(), e)
				if v.Error != nil {
					err = v.Error
				}
				return err
			})
			b.ReportMetric(calls/inbox, "of-inbox")
			b.ReportMetric(calls/request, "of-request")
		})
	}
}

// BenchmarkAskWithoutHooks measures what a call pays that has no hook.
func BenchmarkAskWithoutHooks(b *testing.B) {
	g := newGate(b, connect(b, Config{}), tables())
	e := call(`{}`)
	e.Operation = "GET"
	for b.Loop() {
		if v, err := g.Ask(context.Background(), e); err != nil || v.Stopped() {
			b.Fatal(v.Error, err)
		}
	}
}

// BenchmarkPublish measures events on their way into the stream, several at once, as the outbox sends them.
func BenchmarkPublish(b *testing.B) {
	g := newGate(b, connect(b, Config{}), tables())
	sent := 0
	for _, together := range []bool{false, true} {
		for _, n := range []int{1, 4, 16, 64, 256} {
			b.Run(fmt.Sprintf("together=%v/%d", together, n), func(b *testing.B) {
				before := sent
				for b.Loop() {
					events := make([]*hooks.Event, n)
					for i := range events {
						events[i] = told(strconv.Itoa(sent))
						sent++
					}
					errs, ok := []error(nil), true
					if together {
						errs, ok = g.PublishTogether(context.Background(), events)
					} else {
						errs = g.PublishAll(context.Background(), events)
					}
					if !ok {
						b.Fatal("the stream does not take them together")
					}
					if err := errors.Join(errs...); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(sent-before)/b.Elapsed().Seconds(), "events/s")
			})
		}
	}
}

// BenchmarkConsume measures events worked off by a handler that does nothing.
func BenchmarkConsume(b *testing.B) {
	c := connect(b, Config{})
	g := newGate(b, c, tables())
	for first := 0; first < b.N; first += 256 {
		events := make([]*hooks.Event, min(256, b.N-first))
		for i := range events {
			events[i] = told(strconv.Itoa(first + i))
		}
		for _, err := range g.PublishAll(context.Background(), events) {
			if err != nil {
				b.Fatal(err)
			}
		}
	}
	var left atomic.Int64
	left.Store(int64(b.N))
	done := make(chan struct{})
	log := NewLog(c)
	b.Cleanup(log.Close)
	b.ResetTimer()
	run(b, func(ctx context.Context) error {
		return Consume(ctx, c, handling(hooks.HandlerFunc(func(context.Context, *hooks.Event) hooks.Verdict {
			if left.Add(-1) == 0 {
				close(done)
			}
			return hooks.GoOn()
		})), log, ConsumeOptions{})
	})
	<-done
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

// perSecond runs call b.N times, n at once, and returns how many there were per second.
func perSecond(b *testing.B, n int, call func() error) float64 {
	b.Helper()
	var left atomic.Int64
	left.Store(int64(b.N))
	var wg sync.WaitGroup
	b.ResetTimer()
	for range n {
		wg.Go(func() {
			for left.Add(-1) >= 0 {
				if err := call(); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	calls := float64(b.N) / b.Elapsed().Seconds()
	b.ReportMetric(calls, "calls/s")
	return calls
}

// rawInbox is the least that matches replies to requests.
type rawInbox struct {
	nc      *nats.Conn
	prefix  string
	mu      sync.Mutex
	last    uint64
	waiting map[uint64]chan *nats.Msg
	free    sync.Pool
}

func newRawInbox(b *testing.B, nc *nats.Conn) *rawInbox {
	r := &rawInbox{nc: nc, prefix: nc.NewInbox() + ".", waiting: map[uint64]chan *nats.Msg{}}
	r.free.New = func() any { return make(chan *nats.Msg, 1) }
	sub, err := nc.Subscribe(r.prefix+"*", func(m *nats.Msg) {
		number, _ := strconv.ParseUint(m.Subject[len(r.prefix):], 36, 64)
		r.mu.Lock()
		reply := r.waiting[number]
		delete(r.waiting, number)
		r.mu.Unlock()
		reply <- m
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { sub.Unsubscribe() })
	return r
}

func (r *rawInbox) request(subject string, payload []byte) error {
	reply, _ := r.free.Get().(chan *nats.Msg)
	r.mu.Lock()
	r.last++
	number := r.last
	r.waiting[number] = reply
	r.mu.Unlock()
	if err := r.nc.PublishRequest(subject, r.prefix+strconv.FormatUint(number, 36), payload); err != nil {
		return err
	}
	<-reply
	r.free.Put(reply)
	return nil
}
