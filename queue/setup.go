package queue

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// duplicateWindow is for how long the stream remembers the ids of events, so that one that is published again is
// stored once. An outbox that is down for longer may repeat an event.
const duplicateWindow = 10 * time.Minute

// recordWindow is the same for records. It covers a publisher that tries again, and an event that comes again because its
// worker died just when it had recorded a run; a longer one would have the server remember each of the many runs of that
// time.
const recordWindow = 2 * time.Minute

func (c *Conn) eventStream() string { return c.kept("EVENTS") }
func (c *Conn) logStream() string   { return c.kept("LOG") }
func (c *Conn) workStream() string  { return c.kept("WORK") }
func (c *Conn) deadStream() string  { return c.kept("DEAD") }
func (c *Conn) doneStream() string  { return c.kept("DONE") }

// kept is the name of a stream or bucket.
func (c *Conn) kept(what string) string { return strings.ToUpper(c.config.Prefix) + "_" + what }

func (c *Conn) streams() []jetstream.StreamConfig {
	return []jetstream.StreamConfig{{
		Name:        c.eventStream(),
		Description: "events, to be worked off and replayed",
		Subjects:    []string{c.config.Prefix + ".event.>"},
		Storage:     jetstream.FileStorage,
		Replicas:    c.config.Replicas,
		MaxAge:      c.config.EventsMaxAge,
		MaxBytes:    c.config.EventsMaxBytes,
		Duplicates:  duplicateWindow,
		AllowDirect: true,

		AllowAtomicPublish: c.takesBatches(),
	}, {
		Name:        c.logStream(),
		Description: "records of runs",
		Subjects:    []string{c.config.Prefix + ".log.>"},
		Storage:     jetstream.FileStorage,
		Replicas:    c.config.Replicas,
		MaxAge:      c.config.LogMaxAge,
		MaxBytes:    c.config.LogMaxBytes,
		Duplicates:  recordWindow,
		AllowDirect: true,
		PersistMode: c.logPersistence(),
	}, {
		Name:        c.workStream(),
		Description: "hooks that are to be tried again, and events of apps that are paused",
		Subjects:    []string{c.config.Prefix + ".work.>", c.config.Prefix + ".held.>"},
		Retention:   jetstream.WorkQueuePolicy,
		Storage:     jetstream.FileStorage,
		Replicas:    c.config.Replicas,
		Duplicates:  duplicateWindow,
		AllowDirect: true,
	}, {
		Name:        c.deadStream(),
		Description: "hooks that were given up, to be looked at and replayed",
		Subjects:    []string{c.config.Prefix + ".dead.>"},
		Storage:     jetstream.FileStorage,
		Replicas:    c.config.Replicas,
		MaxAge:      c.config.DeadMaxAge,
		MaxBytes:    c.config.DeadMaxBytes,
		Duplicates:  duplicateWindow,
		AllowDirect: true,
	}, {
		Name:        c.doneStream(),
		Description: "which runs have their records, so that what is delivered again is not run again",
		Subjects:    []string{c.subjects.done()},
		Storage:     jetstream.FileStorage,
		Replicas:    c.config.Replicas,
		MaxBytes:    doneBytes,
		Duplicates:  recordWindow,
		AllowDirect: true,
	}, c.kvStream()}
}

// setup makes sure of streams and buckets.
func (c *Conn) setup(ctx context.Context) error {
	for _, config := range c.streams() {
		err := insist(ctx, func() error { return c.stream(ctx, config) })
		if err != nil {
			return fmt.Errorf("stream %s: %w", config.Name, err)
		}
	}
	var err error
	if c.values, err = c.js.Stream(ctx, c.kept("KV")); err != nil {
		return fmt.Errorf("stream %s: %w", c.kept("KV"), err)
	}
	for what, bucket := range map[string]struct {
		description string
		age         time.Duration
		kv          *jetstream.KeyValue
	}{
		"RELEASES": {"apps' pointers and states, and blobs by their hash", 0, &c.kv},
		"KEYS":     {"keys by their id, without their secrets", 0, &c.keys},
		"NONCES":   {"nonces of signed requests by key", nonceAge, &c.nonces},
		"SECRETS":  {"encrypted secrets by app and name", 0, &c.secrets},
		"ORDER":    {"who works off which part of the ordered events, and how far", 0, &c.order},
		"ONCE":     {"what was done once, by app and key", onceAge, &c.once},
	} {
		if err := c.bucket(ctx, what, bucket.description, bucket.age, bucket.kv); err != nil {
			return fmt.Errorf("bucket %s: %w", c.kept(what), err)
		}
	}
	return nil
}

// stream makes sure of one stream, and lets it be if it is as it should. How a stream is persisted is decided when it is
// made and stays.
func (c *Conn) stream(ctx context.Context, config jetstream.StreamConfig) error {
	there, err := c.js.Stream(ctx, config.Name)
	switch {
	case errors.Is(err, jetstream.ErrStreamNotFound):
	case err != nil:
		return err
	default:
		config.PersistMode = there.CachedInfo().Config.PersistMode
	}
	switch {
	case config.PersistMode == jetstream.AsyncPersistMode && config.Replicas > 1:
		return fmt.Errorf("it was made for 1 replica and cannot have %d: remove it, with what it holds, and it is made anew", config.Replicas)
	case there != nil && isAlready(there.CachedInfo().Config, config):
		return nil
	}
	_, err = c.js.CreateOrUpdateStream(ctx, config)
	return err
}

// isAlready reports whether a stream has the configuration; the server has filled in what that leaves out.
func isAlready(there, config jetstream.StreamConfig) bool {
	with := there
	with.Description, with.Subjects, with.Retention, with.Storage = config.Description, config.Subjects, config.Retention, config.Storage
	with.Replicas, with.MaxAge, with.MaxBytes, with.Duplicates = config.Replicas, config.MaxAge, config.MaxBytes, config.Duplicates
	with.AllowDirect, with.AllowMsgTTL, with.MaxMsgsPerSubject = config.AllowDirect, config.AllowMsgTTL, config.MaxMsgsPerSubject
	with.AllowAtomicPublish = config.AllowAtomicPublish
	if config.Duplicates == 0 {
		with.Duplicates = there.Duplicates
	}
	if config.MaxBytes <= 0 {
		with.MaxBytes = unlimited
	}
	if config.MaxMsgsPerSubject <= 0 {
		with.MaxMsgsPerSubject = unlimited
	}
	return reflect.DeepEqual(with, there)
}

// unlimited is how the server has a bound that is none.
const unlimited = -1

// The oldest server that can write a stream behind, and store several messages or none.
const newerMajor, newerMinor = 2, 12

func isNewer(version string) bool { return atLeast(version, newerMajor, newerMinor) == nil }

// takesBatches reports whether the server can store several events or none.
func (c *Conn) takesBatches() bool { return isNewer(c.nc.ConnectedServerVersion()) }

// logPersistence is how records are persisted. They are recorded behind the runs, and dropped rather than waited for, so
// that a sync for each would only take time from the events', which share the disk. A server that is killed may lose
// the last milliseconds of the log. A replicated stream is written behind its peers anyway.
func (c *Conn) logPersistence() jetstream.PersistModeType {
	if c.config.Replicas == 1 && isNewer(c.nc.ConnectedServerVersion()) {
		return jetstream.AsyncPersistMode
	}
	return jetstream.DefaultPersistMode
}

// bucket makes sure of one bucket, whose entries last for age; 0: for ever.
func (c *Conn) bucket(ctx context.Context, what, description string, age time.Duration, kv *jetstream.KeyValue) error {
	config := jetstream.KeyValueConfig{
		Bucket:      c.kept(what),
		Description: description,
		Storage:     jetstream.FileStorage,
		Replicas:    c.config.Replicas,
		TTL:         age,
		Compression: true,
	}
	return insist(ctx, func() (err error) {
		if *kv, err = c.js.KeyValue(ctx, config.Bucket); err == nil {
			status, err := (*kv).Status(ctx)
			if err == nil && isBucket(status.Config(), config) {
				return nil
			}
		}
		*kv, err = c.js.CreateOrUpdateKeyValue(ctx, config)
		return err
	})
}

// isBucket reports whether a bucket has the configuration.
func isBucket(there, config jetstream.KeyValueConfig) bool {
	return there.Description == config.Description && there.Storage == config.Storage && there.Replicas == config.Replicas &&
		there.TTL == config.TTL && there.Compression == config.Compression
}

const setupAttempts = 5

// insist repeats what fails only because another process does the same at this moment.
func insist(ctx context.Context, do func() error) error {
	for attempt := 1; ; attempt++ {
		err := do()
		var api jetstream.JetStreamError
		if err == nil || attempt == setupAttempts || !errors.As(err, &api) {
			return err
		}
		if !pause(ctx, time.Duration(attempt)*50*time.Millisecond) {
			return err
		}
	}
}

// pause waits, and reports whether ctx let it.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// signal wakes whoever waits for c, now or later; c has room for one.
func signal(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
