// Package deploy_test holds what operators get to what it says.
package deploy_test

import (
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

func TestNATSConfiguration(t *testing.T) {
	t.Parallel()
	options, err := server.ProcessConfigFile("nats.conf")
	if err != nil {
		t.Fatal(err)
	}
	if options.Host != "127.0.0.1" || options.HTTPHost != "127.0.0.1" {
		t.Errorf("listens on %s and %s: want loopback alone", options.Host, options.HTTPHost)
	}
	if !options.SyncAlways {
		t.Error("an acknowledged event is not on disk")
	}
	if options.MaxPayload < 3<<20 {
		t.Errorf("max_payload %d does not hold an event with three documents of 1 MiB", options.MaxPayload)
	}

	options.Port, options.HTTPPort = server.RANDOM_PORT, server.RANDOM_PORT
	options.StoreDir, options.NoSigs = t.TempDir(), true
	s, err := server.NewServer(options)
	if err != nil {
		t.Fatal(err)
	}
	go s.Start()
	defer func() {
		s.Shutdown()
		s.WaitForShutdown()
	}()
	if !s.ReadyForConnections(30*time.Second) || !s.JetStreamEnabled() {
		t.Fatal("no server with JetStream")
	}
}
