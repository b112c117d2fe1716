//go:build unix

package executor

import (
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync/atomic"
	"syscall"
	"time"
)

// fault is why the supervisor kills an executor.
type fault uint32

const (
	none    fault = iota
	overrun       // a run does not come back
	memory        // it has taken more than it may
	silent        // it gives no sign of life
)

// process is one executor, as its supervisor sees it.
type process struct {
	cmd     *exec.Cmd
	pipe    *os.File // its end ends the process
	region  *region
	started time.Time
	fault   atomic.Uint32
	serves  atomic.Bool   // was ready once
	gone    chan struct{} // closed when the process is, with state
	state   *os.ProcessState
}

// start starts an executor and tells it what to be. The calling goroutine must keep its thread: on Linux the executor
// dies with it.
func start(input []byte, slots int, log io.Writer) (p *process, err error) {
	file, err := memoryFile(size(slots))
	if err != nil {
		return nil, fmt.Errorf("shared memory: %w", err)
	}
	defer file.Close()
	region, err := mapRegion(file, slots)
	if err != nil {
		return nil, err
	}
	region.slots.Store(uint32(slots))
	defer func() {
		if err != nil {
			_ = region.unmap()
		}
	}()
	theirs, ours, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer theirs.Close()
	path, err := program()
	if err != nil {
		ours.Close()
		return nil, err
	}
	cmd := &exec.Cmd{
		Path: path, Args: []string{Name}, Env: environment(), Stdout: log, Stderr: &quiet{to: log},
		ExtraFiles: []*os.File{theirs, file}, SysProcAttr: attributes(),
	}
	if err := cmd.Start(); err != nil {
		ours.Close()
		return nil, err
	}
	p = &process{cmd: cmd, pipe: ours, region: region, started: time.Now(), gone: make(chan struct{})}
	go p.tell(input)
	go p.wait()
	return p, nil
}

// tell hands the input over. It is not in the arguments nor in the environment, which others can read.
func (p *process) tell(input []byte) {
	message := append(binary.BigEndian.AppendUint32(nil, uint32(len(input))), input...)
	if _, err := p.pipe.Write(message); err != nil {
		p.kill(silent)
	}
}

// environment is what an executor gets of this process's own: where things are, and nothing that opens them.
func environment() []string {
	env := []string{"GOTRACEBACK=none"} // thousands of lines about each script that takes too much memory
	for _, name := range []string{"PATH", "TZ", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR", "GODEBUG", "GOTRACEBACK", "GOCOVERDIR"} {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// kill ends the process because of a fault; the first one counts.
func (p *process) kill(f fault) {
	p.fault.CompareAndSwap(uint32(none), uint32(f))
	_ = p.cmd.Process.Kill() // an error means that it is gone
}

// stop has the process finish what it has in hand and end.
func (p *process) stop() { _ = p.cmd.Process.Signal(syscall.SIGTERM) }

// serve has a process that was kept as a spare take calls.
func (p *process) serve() { p.region.serve.Store(1) }

// wait takes note of the process's end.
func (p *process) wait() {
	_ = p.cmd.Wait() // how it ended is in the state
	p.pipe.Close()
	p.state = p.cmd.ProcessState
	close(p.gone)
}

// end kills the process, which has nothing in hand, and waits until it is gone.
func (p *process) end() {
	p.kill(none)
	<-p.gone
	_ = p.region.unmap() // there is nothing in it any more
}
