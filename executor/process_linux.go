package executor

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// program is this very program, also if its file has been replaced meanwhile.
func program() (string, error) { return "/proc/self/exe", nil }

// memoryFile returns a file of that size that is in memory only.
func memoryFile(size int) (*os.File, error) {
	fd, err := unix.MemfdCreate(Name, unix.MFD_CLOEXEC)
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(fd), Name)
	if err := f.Truncate(int64(size)); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// attributes have an executor die with its supervisor, and keep the signals of a terminal from it.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// giveBack frees the pages of shared memory that lie wholly in b.
func giveBack(b []byte) {
	if n := len(b) &^ (os.Getpagesize() - 1); n > 0 {
		_ = unix.Madvise(b[:n], unix.MADV_REMOVE) // without it the memory is used again later
	}
}

// allocated is how much memory the process has taken for itself, in bytes; 0 if that is not known.
func allocated(pid int) uint64 {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	fields := bytes.Fields(b)
	if err != nil || len(fields) < 3 {
		return 0
	}
	resident, err1 := strconv.ParseUint(string(fields[1]), 10, 64)
	shared, err2 := strconv.ParseUint(string(fields[2]), 10, 64)
	if err1 != nil || err2 != nil || shared > resident {
		return 0
	}
	return (resident - shared) * uint64(os.Getpagesize())
}
