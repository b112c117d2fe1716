//go:build unix

package executor

// Limits are what an executor may use.
type Limits struct {
	Memory uint64   // bytes that the process may take for itself
	Read   []string // files and folders that it may read
	Write  []string // and those that it may change
}

// Limits are those of an executor with so much memory.
func (e *Executor) Limits(memory uint64) Limits { return Limits{Memory: memory} }
