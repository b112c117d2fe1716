// Package tasks starts jobs by the clock and on demand, through asynq on Redis.
//
// A [Scheduler] enqueues a task for each tick of each job in the apps' current releases, a [Queue] takes the orders of
// callers and scripts; [Serve] runs the tasks, as events of phase tick, in the one [hooks.Handler] that every transport
// ends in. Any number of schedulers and servers share a Redis: a task's id is app:job:tick, so that several schedulers
// make one task, and one server takes it.
//
// What is promised: a tick that comes due while a scheduler is there and Redis answers becomes one task; of other ticks a
// job says what is to become of them, and Redis remembers which those are. A task that was accepted is run, and recorded
// once, also if the server that runs it dies: then it runs again, and the part that it had got through before is repeated.
// What is not: that the clocks of two schedulers may be more than ten minutes apart, or that a server which is cut off from
// Redis for longer than a quarter of a minute is not taken for dead.
package tasks
