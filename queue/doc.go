// Package queue is all that Gaff says over NATS: asks, events, the log, releases, and a server to embed.
//
// A service that wants its calls gated needs [Connect], [Releases.Watch] and a [Gate]. A worker answers asks with
// [Serve], works events off with [Consume] and records its runs with a [Log].
//
// Promised: an event whose Publish returned nil is in the stream and is handled at least once; an ask is answered once,
// with a verdict or with why there is none, by its deadline; a worker that is killed costs its asks a second and fails
// none whose deadline allows asking again; stopping drops nothing that was accepted.
//
// Not promised: that a hook runs only once. An ask is repeated when its worker falls silent, an event when its worker
// dies before it has acknowledged.
package queue
