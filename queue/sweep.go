package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"gaff/hooks"
)

const (
	// blobGrace is for how long a blob that nothing refers to is kept. Whoever stores a release makes blobs that are half
	// as old new again, and gives up if it has not swung the pointer within a quarter of it; so a blob that a release is
	// about to refer to is never old enough to be removed. It also bounds how far clocks may differ.
	blobGrace = time.Hour
	// sweepEvery is how often one of all processes looks for blobs to remove.
	sweepEvery = time.Hour
	sweepLook  = 10 * time.Minute
	sweepKey   = "sweep" // when somebody last did
)

// Sweep removes the blobs that have not been part of any release for an hour, and returns how many. Any number of
// processes may do so at any time; [Releases.Watch] does it every hour.
func (r *Releases) Sweep(ctx context.Context) (int, error) {
	old, err := r.oldBlobs(ctx)
	if err != nil || len(old) == 0 {
		return 0, err
	}
	if err := r.spare(ctx, old); err != nil {
		return 0, err
	}
	return len(old), r.remove(ctx, old)
}

// remove removes blobs, unless somebody has stored them again since.
func (r *Releases) remove(ctx context.Context, old map[string]uint64) error {
	bucket := r.conn.kept("RELEASES")
	stream, err := r.conn.js.Stream(ctx, "KV_"+bucket)
	if err != nil {
		return unavailable("releases", err)
	}
	for hash, revision := range old {
		err := stream.Purge(ctx, jetstream.WithPurgeSubject("$KV."+bucket+"."+blobPrefix+hash), jetstream.WithPurgeSequence(revision+1))
		if err != nil {
			return unavailable("releases", err)
		}
	}
	return nil
}

// oldBlobs returns the revision of each blob that is old enough to be removed, by hash.
func (r *Releases) oldBlobs(ctx context.Context) (map[string]uint64, error) {
	before := time.Now().Add(-r.grace)
	old := map[string]uint64{}
	err := each(ctx, r.conn.kv, blobPrefix+"*", func(kept jetstream.KeyValueEntry) error {
		if kept.Created().Before(before) {
			old[strings.TrimPrefix(kept.Key(), blobPrefix)] = kept.Revision()
		}
		return nil
	}, jetstream.MetaOnly())
	if err != nil {
		return nil, unavailable("releases", err)
	}
	return old, nil
}

// spare takes the blobs of every app's releases out of the list.
func (r *Releases) spare(ctx context.Context, old map[string]uint64) error {
	var manifests []string
	err := each(ctx, r.conn.kv, pointerPrefix+"*", func(kept jetstream.KeyValueEntry) error {
		var p pointer
		if err := json.Unmarshal(kept.Value(), &p); err != nil {
			return fmt.Errorf("%s: %w", kept.Key(), err)
		}
		for _, e := range p.Releases {
			manifests = append(manifests, e.Manifest)
		}
		return nil
	})
	if err != nil {
		return unavailable("releases", err)
	}
	for _, manifest := range manifests {
		delete(old, manifest)
		data, err := r.blob(ctx, manifest)
		if err != nil {
			return err
		}
		var release hooks.Release
		if err := json.Unmarshal(data, &release); err != nil {
			return unavailable("release", err)
		}
		for _, hash := range release.Files {
			delete(old, hash)
		}
	}
	return nil
}

// keepSwept sweeps when nobody has for a while, until ctx ends.
func (r *Releases) keepSwept(ctx context.Context) {
	for pause(ctx, sweepLook) {
		mine, err := r.claimSweep(ctx)
		if err == nil && mine {
			_, err = r.Sweep(ctx)
		}
		if err != nil && ctx.Err() == nil {
			r.conn.log.Warn("releases: what nobody needs could not be removed", "error", err)
		}
	}
}

// claimSweep reports whether a sweep is due, to one of all processes.
func (r *Releases) claimSweep(ctx context.Context) (bool, error) {
	revision := uint64(0)
	kept, err := r.conn.kv.Get(ctx, sweepKey)
	switch {
	case errors.Is(err, jetstream.ErrKeyNotFound):
	case err != nil:
		return false, err
	case time.Since(kept.Created()) < sweepEvery:
		return false, nil
	default:
		revision = kept.Revision()
	}
	_, err = replace(ctx, r.conn.kv, sweepKey, nil, revision)
	if errors.Is(err, errReplaced) {
		return false, nil
	}
	return err == nil, err
}
