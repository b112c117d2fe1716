package hooks

import "context"

// SystemCollections are what Gaff itself shows as collections, by name, such as System_log. They have no hooks.
type SystemCollections map[string]SystemCollection

// SystemCollection carries out one call on a collection of Gaff's own, under the same rules for queries, hints, answers
// and errors as [Collections.Do].
type SystemCollection func(ctx context.Context, call CollectionCall) (Reply, error)
