// Package metrics shows what a process does at /metrics, for Prometheus.
//
// Runs are counted where their records are made, in a piece of memory that another process may read ([Counts]). So a worker
// shows what its executors have counted up to the moment at which they were killed, and a count never goes back
// ([Runs]). What waits on servers is asked for when somebody looks ([Gauges]).
//
// Labels are names of apps, hooks, jobs and methods, and there is a bound on how many: past it they are counted together,
// as "other". The package does not promise that figures of different names are of the same moment.
package metrics
