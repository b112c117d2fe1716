package executor

import (
	"bytes"
	"fmt"
	"os"
	"strconv"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"github.com/landlock-lsm/go-landlock/landlock"
	"golang.org/x/sys/unix"
)

// memoryLimits bound what a process takes for itself. What the Go runtime has set aside for its own tables at the start
// counts there, and is never used as a whole.
func memoryLimits(memory uint64) []limit {
	b, err := os.ReadFile("/proc/self/statm")
	fields := bytes.Fields(b)
	if err != nil || len(fields) < 6 {
		return nil
	}
	pages, err := strconv.ParseUint(string(fields[5]), 10, 64)
	if err != nil {
		return nil
	}
	return []limit{{"memory", unix.RLIMIT_DATA, pages*uint64(os.Getpagesize()) - allocated(os.Getpid()) + memory}}
}

// Confine gives up, for good, what this process does not need: new privileges, starting programs, looking into other
// processes, what only administrators do, and every file but those of paths and what names and certificates are looked up
// in. A kernel that lacks one of the means leaves it out.
func Confine(paths Paths) error {
	// The first to go when the machine has no memory left: its supervisor replaces it.
	_ = os.WriteFile("/proc/self/oom_score_adj", []byte("500"), 0) // not everywhere allowed
	read := append(lookedUp(), paths.Read...)
	files := landlock.V5.BestEffort()
	if err := files.RestrictPaths(
		landlock.RODirs(folders(read)...).IgnoreIfMissing(),
		landlock.ROFiles(plain(read)...).IgnoreIfMissing(),
		landlock.RWDirs(paths.Write...).IgnoreIfMissing(),
	); err != nil {
		return fmt.Errorf("giving up files: %w", err)
	}
	if !seccomp.Supported() {
		return nil
	}
	filter := seccomp.Filter{
		NoNewPrivs: true,
		Flag:       seccomp.FilterFlagTSync,
		Policy: seccomp.Policy{
			DefaultAction: seccomp.ActionAllow,
			Syscalls:      []seccomp.SyscallGroup{{Action: seccomp.ActionErrno, Names: refused()}},
		},
	}
	if err := seccomp.LoadFilter(filter); err != nil {
		return fmt.Errorf("giving up system calls: %w", err)
	}
	return nil
}

// lookedUp is what names, certificates and time zones are looked up in.
func lookedUp() []string {
	return []string{
		"/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/services", "/etc/localtime", "/etc/ssl", "/etc/pki",
		"/etc/ca-certificates", "/usr/share/ca-certificates", "/usr/local/share/ca-certificates", "/usr/share/zoneinfo",
		"/run/systemd/resolve", os.Getenv("SSL_CERT_FILE"), os.Getenv("SSL_CERT_DIR"),
	}
}

func folders(paths []string) (list []string) {
	for _, p := range paths {
		if info, err := os.Stat(p); err == nil && info.IsDir() {
			list = append(list, p)
		}
	}
	return list
}

func plain(paths []string) (list []string) {
	for _, p := range paths {
		if info, err := os.Stat(p); err == nil && !info.IsDir() {
			list = append(list, p)
		}
	}
	return list
}

// refused are the system calls that no script can be the reason for.
func refused() []string {
	return []string{
		"execve", "execveat", "ptrace", "process_vm_readv", "process_vm_writev", "kcmp", "pidfd_getfd",
		"mount", "umount2", "pivot_root", "chroot", "move_mount", "fsopen", "fsmount", "fsconfig", "fspick", "open_tree", "mount_setattr",
		"setns", "unshare", "open_by_handle_at", "name_to_handle_at", "fanotify_init",
		"kexec_load", "kexec_file_load", "init_module", "finit_module", "delete_module", "reboot", "swapon", "swapoff", "acct",
		"bpf", "perf_event_open", "userfaultfd", "io_uring_setup", "io_uring_enter", "io_uring_register",
		"keyctl", "add_key", "request_key", "syslog", "quotactl", "personality",
		"settimeofday", "clock_settime", "clock_adjtime", "adjtimex", "sethostname", "setdomainname",
	}
}
