// Package process holds the processes that operators run, the worker and the enqueuer, as functions: cmd/worker and
// cmd/enqueuer start one each, gaff dev both in one process. It joins the adapters and decides nothing.
package process
