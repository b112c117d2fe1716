// Package store keeps the documents of collections, and the outbox of their events, on PostgreSQL or on SQLite.
//
// [Postgres] and [SQLite] implement hooks.Documents and hooks.Outbox with the same behaviour, which one conformance
// suite holds them to. A change and its after-event commit in one transaction: when Write has returned nil, both
// survive the death of the process and of the machine; when it has returned an error, neither is there.
//
// A document comes back as the text that was written: keys in their order, numbers as they were spelled. Text that
// PostgreSQL's JSONB cannot index (U+0000, unpaired surrogates, numbers beyond 1e±1000) is refused by both stores.
//
// Queries and hints are parsed into a small tree ([Find] of either store says no with a BAD_REQUEST that names the
// operator). PostgreSQL gets it as SQL over JSONB, where values and field paths are bound parameters; SQLite finds
// candidates by a table of terms and matches them in Go, because SQLite's JSON functions lose digits.
//
// The package does not know the rules of hooks: metadata fields and versions are given to it.
package store
