// Package script runs one program of a release within limits.
//
// [Compile] prepares a file and what it requires, once per release. An [Engine] runs the program's functions, each run
// on a JavaScript runtime of its own for as long as it lasts: files are evaluated anew, timers, promises and host calls
// live on an event loop, and the run ends with an [Answer], without one, or with an [Error].
//
// What one run leaves behind is not visible to the next. Most programs share pooled runtimes whose globals are deeply
// frozen; a program that may change globals or built-in prototypes is recognised when it is compiled and gets a new
// runtime for each run. Only the speed differs.
//
// Scripts reach nothing but their [Call.Host] and the other files of their release: no file system, process or network.
//
// The package bounds time, call depth and the size of answers and logs. It does not bound memory, and cannot end a
// built-in function that is stuck: Run then returns at the deadline and leaves the runtime and its goroutine behind
// ([Engine.Abandoned]). Whoever runs scripts of strangers has to put a process around it.
package script
