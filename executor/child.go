//go:build unix

package executor

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"
)

// Name is what an executor's process is called.
const Name = "gaff-executor"

// The descriptors that an executor inherits, besides the standard ones.
const (
	pipeDescriptor   = 3 // tells the executor what to be, and then that its supervisor lives
	memoryDescriptor = 4
)

const (
	// beatEvery is how often an executor gives a sign of life.
	beatEvery = 100 * time.Millisecond
	// maxInput bounds what an executor is told, in bytes.
	maxInput = 64 << 20
)

// Child reports whether this process was started to be an executor; then it calls [Inherit] before anything else.
func Child() bool { return len(os.Args) > 0 && os.Args[0] == Name }

// Executor is this process, if it is one.
type Executor struct {
	Input   []byte // what it is told to be
	Table   *Table
	Journal *Journal
	Counts  []byte // [CountsSize] bytes that the supervisor reads

	region *region
	clock  clock
}

// Inherit takes over what the supervisor has left for this process. From then on the process dies with its supervisor.
func Inherit() (*Executor, error) {
	pipe, file := os.NewFile(pipeDescriptor, "supervisor"), os.NewFile(memoryDescriptor, "memory")
	if pipe == nil || file == nil {
		return nil, errors.New("an executor is started by a worker only")
	}
	defer file.Close()
	input, err := receive(pipe)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err != nil {
		return nil, fmt.Errorf("shared memory: %w", err)
	}
	region, err := mapRegion(file, int(info.Size()-slotsAt)/slotSize)
	if err != nil {
		return nil, err
	}
	c, err := newClock()
	if err != nil {
		return nil, fmt.Errorf("clock: %w", err)
	}
	return &Executor{Input: input, Table: newTable(region, c), Journal: &Journal{region}, Counts: region.counts(), region: region, clock: c}, nil
}

// receive reads what a process is told; then the process dies when the pipe's other end is closed.
func receive(pipe *os.File) ([]byte, error) {
	input, err := readInput(pipe)
	if err != nil {
		return nil, fmt.Errorf("what the supervisor says: %w", err)
	}
	go dieWith(pipe)
	return input, nil
}

func readInput(pipe io.Reader) ([]byte, error) {
	var length [4]byte
	if _, err := io.ReadFull(pipe, length[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(length[:])
	if n > maxInput {
		return nil, fmt.Errorf("%d bytes are too many", n)
	}
	input := make([]byte, n)
	_, err := io.ReadFull(pipe, input)
	return input, err
}

// dieWith ends this process when its supervisor is gone. Nobody would answer for it any more, and nobody stop it.
func dieWith(pipe io.Reader) {
	_, _ = io.Copy(io.Discard, pipe)
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
}

// Beat tells the supervisor that this process lives, until ctx ends.
func (e *Executor) Beat(ctx context.Context) error {
	tick := time.NewTicker(beatEvery)
	defer tick.Stop()
	for {
		e.region.beat.Store(e.clock.now())
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// serveLook is how often a spare executor looks whether it is needed.
const serveLook = 10 * time.Millisecond

// AwaitTurn tells the supervisor that this process could serve, and returns when it is to, or when ctx ends.
func (e *Executor) AwaitTurn(ctx context.Context) {
	e.region.warm.Store(1)
	tick := time.NewTicker(serveLook)
	defer tick.Stop()
	for e.region.serve.Load() == 0 {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Ready tells the supervisor that this process serves.
func (e *Executor) Ready() { e.region.ready.Store(1) }
