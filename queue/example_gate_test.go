package queue_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"gaff/hooks"
	"gaff/queue"
)

// A service gates a call of its own and tells of it afterwards. Connection, tables and gate are made once per process.
func ExampleGate() {
	ctx, stop := context.WithCancel(context.Background())
	conn, done := startGaff(ctx)
	defer done()
	defer stop()

	// What is registered arrives while the service runs; calls without a hook pay next to nothing.
	tables, ready := &hooks.Tables{}, make(chan struct{})
	go queue.NewReleases(conn).Watch(ctx, tables, nil, func() { close(ready) })
	<-ready
	gate, err := queue.NewGate(conn, tables)
	if err != nil {
		log.Fatal(err)
	}
	defer gate.Close()

	for _, message := range []string{`{"amount":20}`, `{"amount":2000}`} {
		call := hooks.Event{
			App: "default", Service: "payments", Operation: "send", Phase: hooks.Before,
			Payload: hooks.Payload{ID: "call-" + message, Message: []byte(message)},
		}
		verdict, err := gate.Ask(ctx, &call)
		if err != nil {
			log.Fatal(err)
		}
		if verdict.Stopped() {
			fmt.Println("refused:", verdict.Error.Message)
			continue
		}
		if verdict.Message != nil {
			call.Message = verdict.Message
		}
		fmt.Printf("sent: %s\n", call.Message) // the service's own work

		call.Phase, call.Context = hooks.After, verdict.Context
		if err := gate.Publish(ctx, &call); err != nil {
			log.Fatal(err)
		}
	}
	// Output:
	// sent: {"amount":20,"fee":1}
	// refused: too much
}

// startGaff stands for what runs elsewhere: a NATS server, and a worker with a hook for payments.send.
func startGaff(ctx context.Context) (conn *queue.Conn, done func()) {
	dir, err := os.MkdirTemp("", "gaff-example-")
	if err != nil {
		log.Fatal(err)
	}
	server, err := queue.StartServer(queue.ServerConfig{Addr: "127.0.0.1:0", Dir: dir})
	if err != nil {
		log.Fatal(err)
	}
	conn, err = queue.Connect(ctx, queue.Config{URL: server.URL()})
	if err != nil {
		log.Fatal(err)
	}
	_, _, err = queue.NewReleases(conn).Apply(ctx, &hooks.Release{App: "default", Hooks: []hooks.Hook{{
		Name: "limit", Service: "payments", Operation: "send", Phase: hooks.Before, Script: "limit.js",
		Functions: []string{"before"}, Origins: []hooks.Origin{hooks.Client},
	}}}, hooks.ApplyOptions{})
	if err != nil {
		log.Fatal(err)
	}
	limit := hooks.HandlerFunc(func(_ context.Context, e *hooks.Event) hooks.Verdict {
		if string(e.Message) == `{"amount":2000}` {
			return hooks.Stop(hooks.Errorf(hooks.CodeRejected, "too much"))
		}
		return hooks.Verdict{Status: 200, Message: []byte(`{"amount":20,"fee":1}`)}
	})
	pool, served := hooks.NewPool(2, 100), make(chan error)
	go func() { served <- queue.Serve(ctx, conn, limit, pool, queue.ServeOptions{}) }()
	return conn, func() {
		if err := <-served; err != nil {
			log.Fatal(err)
		}
		pool.Close()
		conn.Close()
		server.Shutdown()
		os.RemoveAll(dir)
	}
}
