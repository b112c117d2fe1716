//go:build unix && !linux

package executor

// Confine does nothing here: apart from [Bound], an executor keeps what its user may do.
func Confine(Paths) error { return nil }

// memoryLimits are none: what counts as a process's own memory differs. The supervisor and the garbage collector remain.
func memoryLimits(uint64) []limit { return nil }
