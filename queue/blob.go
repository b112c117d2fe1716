package queue

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"

	"gaff/hooks"
)

const (
	blobPrefix = "blob."
	// blobsAtOnce is how many blobs are written or read at the same time.
	blobsAtOnce = 16
	// blobHeaders is what NATS needs of a message beside the blob, in bytes.
	blobHeaders = 1 << 10
)

// store keeps the release's files, then its manifest, and returns the manifest's hash.
func (r *Releases) store(ctx context.Context, release *hooks.Release) (string, error) {
	paths := slices.Sorted(maps.Keys(release.Files))
	hashes := make([]string, len(paths))
	g, each := errgroup.WithContext(ctx)
	g.SetLimit(blobsAtOnce)
	for i, path := range paths {
		g.Go(func() (err error) {
			hashes[i], err = r.putBlob(each, path, []byte(release.Files[path]))
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return "", err
	}
	manifest := *release
	manifest.Files = make(map[string]string, len(paths))
	for i, path := range paths {
		manifest.Files[path] = hashes[i]
	}
	data, err := json.Marshal(&manifest)
	if err != nil {
		return "", fmt.Errorf("release: %w", err)
	}
	return r.putBlob(ctx, "the release without its files", data)
}

// load reads a release by its manifest's hash. Files whose source is in have, by hash, are not read.
func (r *Releases) load(ctx context.Context, manifest string, have map[string]string) (*hooks.Release, error) {
	data, err := r.blob(ctx, manifest)
	if err != nil {
		return nil, err
	}
	var release hooks.Release
	if err := json.Unmarshal(data, &release); err != nil {
		return nil, unavailable("release", err)
	}
	paths := slices.Sorted(maps.Keys(release.Files))
	files := make([]string, len(paths))
	g, each := errgroup.WithContext(ctx)
	g.SetLimit(blobsAtOnce)
	for i, path := range paths {
		if source, ok := have[release.Files[path]]; ok {
			files[i] = source
			continue
		}
		g.Go(func() error {
			source, err := r.blob(each, release.Files[path])
			files[i] = string(source)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	for i, path := range paths {
		release.Files[path] = files[i]
	}
	return &release, nil
}

// putBlob keeps data under its hash. What is there already is the same; if it is half as old as to be removed, it is
// made new, so that it is not.
func (r *Releases) putBlob(ctx context.Context, what string, data []byte) (string, error) {
	if limit := r.conn.nc.MaxPayload() - blobHeaders; int64(len(data)) > limit {
		return "", hooks.Errorf(hooks.CodeTooLarge, "%s has %d bytes, NATS takes %d", what, len(data), limit)
	}
	hash := hashOf(data)
	_, err := r.conn.kv.Create(ctx, blobPrefix+hash, data)
	if errors.Is(err, jetstream.ErrKeyExists) {
		err = r.renewBlob(ctx, hash, data)
	}
	if err != nil {
		return "", unavailable(what, err)
	}
	return hash, nil
}

func (r *Releases) renewBlob(ctx context.Context, hash string, data []byte) error {
	kept, err := r.conn.kv.Get(ctx, blobPrefix+hash)
	if err == nil && time.Since(kept.Created()) < r.grace/2 || err != nil && !errors.Is(err, jetstream.ErrKeyNotFound) {
		return err
	}
	_, err = r.conn.kv.Put(ctx, blobPrefix+hash, data)
	return err
}

func hashOf[T []byte | string](data T) string {
	sum := sha256.Sum256([]byte(data))
	return hex.EncodeToString(sum[:])
}

// blob returns what is kept under a hash, and nothing else.
func (r *Releases) blob(ctx context.Context, hash string) ([]byte, error) {
	kept, err := r.conn.kv.Get(ctx, blobPrefix+hash)
	if err != nil {
		return nil, unavailable("a file of the release", err)
	}
	if hashOf(kept.Value()) != hash {
		return nil, unavailable("a file of the release", fmt.Errorf("blob %s is damaged", hash))
	}
	return kept.Value(), nil
}
