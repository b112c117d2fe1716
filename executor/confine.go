//go:build unix

package executor

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Paths are what an executor may still open once it is confined.
type Paths struct {
	Read  []string // files and folders
	Write []string // folders
}

// maxFiles bounds the files and connections that an executor has open.
const maxFiles = 16 << 10

// limit is one of the kernel's limits of a process.
type limit struct {
	what     string
	resource int
	most     uint64
}

// Bound has the kernel hold this process to its limits; on Linux also to so many bytes of memory beyond what it has now,
// past which it ends at once. It comes before anything that takes memory.
func Bound(memory uint64) error {
	limits := []limit{{"size of core dumps", unix.RLIMIT_CORE, 0}, {"open files", unix.RLIMIT_NOFILE, maxFiles}}
	for _, l := range append(limits, memoryLimits(memory)...) {
		var now unix.Rlimit
		if err := unix.Getrlimit(l.resource, &now); err != nil {
			return fmt.Errorf("limit of %s: %w", l.what, err)
		}
		now.Max = min(now.Max, l.most)
		now.Cur = now.Max
		if err := unix.Setrlimit(l.resource, &now); err != nil {
			return fmt.Errorf("limit of %s: %w", l.what, err)
		}
	}
	return nil
}
