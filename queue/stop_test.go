package queue

import (
	"testing"
	"time"

	"gaff/hooks"
)

// A worker can stop while its server is away.
func TestStopWithoutServer(t *testing.T) {
	t.Parallel()
	s, _ := startServer(t)
	c := connect(t, Config{URL: s.URL()})
	stopServe := serve(t, c, echo)
	stopConsume := consume(t, c, echo, ConsumeOptions{})
	g := newGate(t, c, tables())
	if v, err := g.Ask(t.Context(), call(`{}`)); err != nil || v.Stopped() {
		t.Fatal(v.Error, err)
	}
	if err := g.Publish(t.Context(), told("one")); err != nil {
		t.Fatal(err)
	}
	s.Shutdown()
	e := call(`{}`)
	e.Deadline = time.Now().Add(time.Second)
	if v, err := g.Ask(t.Context(), e); err != nil || v.Error == nil || v.Error.Code != hooks.CodeUnavailable {
		t.Errorf("%+v, %v", v, err)
	}
	start := time.Now()
	for _, stop := range []func() error{stopServe, stopConsume} {
		if err := stop(); err != nil {
			t.Error(err)
		}
	}
	if took := time.Since(start); took > logFlush+3*time.Second {
		t.Errorf("took %v", took)
	}
}

// A worker can stop at any moment of its start.
func TestStopWhileStarting(t *testing.T) {
	t.Parallel()
	c := connect(t, Config{})
	for i := range 60 {
		began := time.NewTimer(time.Duration(i) * 500 * time.Microsecond)
		stop := consume(t, c, echo, ConsumeOptions{})
		<-began.C
		ended := make(chan error, 1)
		go func() { ended <- stop() }()
		select {
		case err := <-ended:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(time.Minute):
			t.Fatalf("a worker that was stopped %v after its start does not end", time.Duration(i)*500*time.Microsecond)
		}
	}
}
