// Package store keeps the documents of collections, and the outbox of their events, on PostgreSQL or on SQLite.
//
// [Postgres] and [SQLite] implement hooks.Documents and hooks.Outbox with the same behaviour, which one conformance
// suite holds them to. A change and its after-event commit in one transaction: when Write has returned nil, both
// survive the death of the process and of the machine; when it has refused the change, neither is there. Only when the
// database fails during the call (UNAVAILABLE), nobody can tell: both are there or neither.
//
// A document comes back as the text that was written: keys in their order, numbers as they were spelled. Text that
// PostgreSQL's JSONB cannot index (U+0000, unpaired surrogates, numbers beyond 1e±1000) is refused by both stores.
//
// Queries and hints are parsed into a small tree; what cannot be answered is a BAD_REQUEST that names the operator.
// Groups, aggregates and distinct values are made here of the documents that the query selects, one after the other, so
// that they are the same on both.
// PostgreSQL gets the tree as SQL over JSONB, where values and field paths are bound parameters, and finds equal
// strings and numbers by a GIN index. SQLite reads the collection in the order of its ids, unless the query says which
// _id, and matches in Go, because SQLite's own JSON functions lose digits: that costs about a millisecond for a thousand
// documents.
//
// The package does not know the rules of hooks: metadata fields and versions are given to it.
package store
