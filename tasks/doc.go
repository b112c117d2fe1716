// Package tasks starts jobs by the clock, through asynq on Redis.
//
// A [Scheduler] enqueues a task for each tick of each job in the apps' current releases; [Serve] runs the tasks, as
// events of phase tick, in the one [hooks.Handler] that every transport ends in. Any number of schedulers and servers
// share a Redis: a task's id is app:job:tick, so that several schedulers make one task, and one server takes it.
//
// What is promised: a tick that any scheduler was alive for, with Redis reachable before the next tick is due, becomes
// one task, and a task whose server neither dies nor loses Redis runs once. What is not: ticks that no scheduler was
// alive for are not made up for, and the task of a server that died is given up rather than run twice.
package tasks
