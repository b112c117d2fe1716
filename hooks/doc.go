// Package hooks holds the rules of Gaff: what an event causes.
//
// A service tells of a call in phases (before, after, failed). The [Table] of the app's current [Release] says which
// hooks match; [Runner] runs them in order, the output of one being the input of the next, and decides a [Verdict].
// [Collections] applies the same rules to Gaff's own documents, and [Relay] sees to it that what was committed is told.
//
// The package knows no transport and no database. Adapters (queue, tasks, store, edge) call it or implement the small
// interfaces that it declares; every transport ends in a [Handler].
package hooks
