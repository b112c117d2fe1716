//go:build unix && !linux

package executor

import (
	"os"
	"syscall"
)

// program is this program.
func program() (string, error) { return os.Executable() }

// memoryFile returns a file of that size that nobody else can open.
func memoryFile(size int) (*os.File, error) {
	f, err := os.CreateTemp("", Name)
	if err != nil {
		return nil, err
	}
	if err := os.Remove(f.Name()); err != nil {
		f.Close()
		return nil, err
	}
	if err := f.Truncate(int64(size)); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// attributes keep the signals of a terminal from an executor.
func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// giveBack does nothing: the memory is used again later.
func giveBack([]byte) {}

// allocated is not known here. The process's own limits hold.
func allocated(int) uint64 { return 0 }
