package queue

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	// compareEvery is how often what is known is compared with what is kept, whatever a watch has told.
	compareEvery = 30 * time.Second

	firstWatchBackoff = 100 * time.Millisecond
	maxWatchBackoff   = 5 * time.Second
)

// source is some keys of a bucket.
type source struct {
	kv   jetstream.KeyValue
	keys []string
}

// follower keeps something in memory at what buckets hold. Its functions are called by one goroutine: take and gone for
// what has changed since they were last told of the key, settle when everything that is known at the moment was told.
type follower struct {
	conn    *Conn
	what    string
	sources []source
	take    func(jetstream.KeyValueEntry)
	gone    func(bucket, key string)
	settle  func(context.Context) error

	told map[place]uint64 // revision
}

// place is a key of a bucket.
type place struct{ bucket, key string }

// run follows until ctx ends. A change arrives in milliseconds; if the watch fails, no later than the connection is
// back, or after 30 s. An error of settle has everything compared, and settle called, again soon.
func (f *follower) run(ctx context.Context) error {
	f.told = map[place]uint64{}
	status := f.conn.nc.StatusChanged(nats.CONNECTED, nats.CLOSED)
	defer f.conn.nc.RemoveStatusListener(status)
	backoff := firstWatchBackoff
	for {
		err := f.round(ctx, status)
		switch {
		case ctx.Err() != nil:
			return nil
		case f.conn.nc.IsClosed():
			return fmt.Errorf("watch %s: the connection was closed", f.what)
		case err == nil:
			backoff = firstWatchBackoff
			continue
		}
		f.conn.log.Warn(f.what+": what is loaded stays, and is compared again soon", "error", err)
		if !pause(ctx, backoff) {
			return nil
		}
		backoff = min(2*backoff, maxWatchBackoff)
	}
}

// round opens watches, which begin with all that is there, and follows them for a while. So each round compares
// everything, and a watch that has died unnoticed is replaced by the next.
func (f *follower) round(ctx context.Context, status <-chan nats.Status) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	updates := make(chan jetstream.KeyValueEntry)
	ended := make(chan struct{})
	for _, s := range f.sources {
		watcher, err := s.kv.WatchFiltered(ctx, slices.Clone(s.keys)) // which it changes
		if err != nil {
			return fmt.Errorf("watch: %w", err)
		}
		defer end(watcher)
		forwarded := make(chan struct{})
		go forward(ctx, watcher, updates, ended, forwarded)
		defer func() { <-forwarded }()
		defer cancel()
	}
	next := time.NewTimer(compareEvery)
	defer next.Stop()
	listed := map[place]bool{}
	for open := len(f.sources); ; {
		select {
		case <-ctx.Done():
			return nil
		case <-next.C:
			return nil
		case <-status:
			return nil
		case <-ended:
			return errors.New("the watch has ended")
		case kept := <-updates:
			if kept == nil {
				if open--; open == 0 {
					f.drop(listed)
				}
			} else {
				f.note(kept, listed)
			}
		}
		if open > 0 {
			continue
		}
		if err := f.settle(ctx); err != nil {
			return err
		}
	}
}

// forward hands on what a watcher tells.
func forward(ctx context.Context, watcher jetstream.KeyWatcher, to chan<- jetstream.KeyValueEntry, ended chan<- struct{}, done chan<- struct{}) {
	defer close(done)
	for {
		select {
		case <-ctx.Done():
			return
		case kept, ok := <-watcher.Updates():
			if !ok {
				select {
				case ended <- struct{}{}:
				case <-ctx.Done():
				}
				return
			}
			select {
			case to <- kept:
			case <-ctx.Done():
				return
			}
		}
	}
}

// note tells of a key, unless it is as it was.
func (f *follower) note(kept jetstream.KeyValueEntry, listed map[place]bool) {
	at := place{kept.Bucket(), kept.Key()}
	if kept.Operation() != jetstream.KeyValuePut {
		delete(listed, at)
		f.forget(at)
		return
	}
	listed[at] = true
	if f.told[at] != kept.Revision() {
		f.told[at] = kept.Revision()
		f.take(kept)
	}
}

// drop forgets the keys that are gone without anybody having told.
func (f *follower) drop(listed map[place]bool) {
	for at := range f.told {
		if !listed[at] {
			f.forget(at)
		}
	}
}

func (f *follower) forget(at place) {
	if _, known := f.told[at]; known {
		delete(f.told, at)
		f.gone(at.bucket, at.key)
	}
}

// end stops a watcher and lets it get rid of what it still has to say, so that its goroutine ends. It does not wait for the
// watcher to close its channel, which it never does if its context ended while it was made: once it is stopped, at most one
// more message is handed over, for which there is room.
func end(watcher jetstream.KeyWatcher) {
	_ = watcher.Stop() // it fails only if it has ended
	for {
		select {
		case _, ok := <-watcher.Updates():
			if !ok {
				return
			}
		default:
			return
		}
	}
}
