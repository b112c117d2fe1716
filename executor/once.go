//go:build unix

package executor

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
)

// once is the argument of a process that does one thing and ends.
const once = "once"

// resultDescriptor is where such a process writes its result.
const resultDescriptor = 4

// maxResult bounds that, in bytes.
const maxResult = 128 << 20

// ChildOnce reports whether this process was started by [Once]; then it calls [Errand] before anything else.
func ChildOnce() bool { return Child() && len(os.Args) == 2 && os.Args[1] == once }

// Once starts a process that does one thing, tells it what by input, and returns its result. It is killed when ctx ends.
// What it writes else goes to log. The error is for a process that has no result: it was killed, or has crashed.
func Once(ctx context.Context, input []byte, log io.Writer) ([]byte, error) {
	runtime.LockOSThread() // the process dies with the thread that started it
	defer runtime.UnlockOSThread()
	told, tell, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer tell.Close()
	result, give, err := os.Pipe()
	if err != nil {
		told.Close()
		return nil, err
	}
	defer result.Close()
	cmd, err := startOnce(told, give, log)
	told.Close()
	give.Close()
	if err != nil {
		return nil, err
	}
	defer context.AfterFunc(ctx, func() { _ = cmd.Process.Kill() })() // an error means that it is gone
	go func() {
		message := append(binary.BigEndian.AppendUint32(nil, uint32(len(input))), input...)
		_, _ = tell.Write(message) // what has not got it all has no result
	}()
	out, err := io.ReadAll(io.LimitReader(result, maxResult))
	ended := cmd.Wait()
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case ended != nil:
		return nil, fmt.Errorf("the process ended: %w", ended)
	case err == nil && len(out) == maxResult:
		return nil, errors.New("the result is too large")
	}
	return out, err
}

func startOnce(told, give *os.File, log io.Writer) (*exec.Cmd, error) {
	path, err := program()
	if err != nil {
		return nil, err
	}
	cmd := &exec.Cmd{
		Path: path, Args: []string{Name, once}, Env: environment(), Stdout: log, Stderr: &quiet{to: log},
		ExtraFiles: []*os.File{told, give}, SysProcAttr: attributes(),
	}
	return cmd, cmd.Start()
}

// Errand returns what this process is to do, and what takes its result.
func Errand() (input []byte, result io.WriteCloser, err error) {
	pipe, give := os.NewFile(pipeDescriptor, "supervisor"), os.NewFile(resultDescriptor, "result")
	if pipe == nil || give == nil {
		return nil, nil, errors.New("such a process is started by another of Gaff only")
	}
	input, err = receive(pipe)
	return input, give, err
}
