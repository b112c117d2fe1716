// Package executor keeps the processes in which scripts run, and answers for those that die.
//
// What it promises. A process that overruns a deadline which it cannot keep itself, or its memory, is ended and replaced.
// What it had in hand is known all the same, from a table in memory that it shares with its supervisor: the run that was
// on the processor is answered for, and the others are given to another process. Nothing that a script can reach is
// shared.
//
// What it does not promise. What a run had done before its process ended stays done. Outside Linux, executors drop fewer
// of their rights.
package executor
