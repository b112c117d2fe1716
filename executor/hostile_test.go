package executor_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/tools/txtar"

	"gaff/hooks"
)

const (
	hostileTimeout = 300 * time.Millisecond
	hostileMemory  = 192 << 20
)

// Scripts that try everything hurt themselves only: each is stopped at its deadline, the executors stay within their
// memory, and what runs beside them does not notice.
func TestHostileScripts(t *testing.T) {
	t.Parallel()
	archive, err := txtar.ParseFile("testdata/hostile.txtar")
	if err != nil {
		t.Fatal(err)
	}
	if len(archive.Files) < 60 {
		t.Fatalf("only %d scripts", len(archive.Files))
	}
	w := newWorld(t, hostileProject(archive), "GAFF_EXECUTORS=3", "GAFF_MEMORY_LIMIT="+strconv.Itoa(hostileMemory))
	beside := w.innocents(4)
	memory := w.watchMemory()
	atOnce, late := 2, 5*time.Second
	if long() {
		atOnce, late = 1, 250*time.Millisecond
	}
	places := make(chan struct{}, atOnce)
	var running sync.WaitGroup
	for _, f := range archive.Files {
		places <- struct{}{}
		running.Go(func() {
			defer func() { <-places }()
			v, took := w.ask(f.Name, `{"n":1}`, hostileTimeout)
			code := hooks.Code("none")
			if v.Error != nil {
				code = v.Error.Code
			}
			t.Logf("%-22s %4d ms %s", f.Name, took.Milliseconds(), code)
			if took > hostileTimeout+late {
				t.Errorf("%s was answered after %v", f.Name, took)
			}
		})
	}
	running.Wait()
	calls := beside()
	w.await("nothing computes any more", w.idle)
	if most := memory(); most > hostileMemory*11/10 {
		t.Errorf("an executor took %d bytes, its cap is %d", most, hostileMemory)
	} else {
		t.Logf("%d innocent calls; most memory %.0f %% of the cap", calls, 100*float64(most)/hostileMemory)
	}
	if calls < 100 {
		t.Errorf("only %d innocent calls beside them", calls)
	}
}

// hostileProject has a service for each script, and one for innocent calls.
func hostileProject(archive *txtar.Archive) map[string]string {
	files := map[string]string{"hooks/innocent.js": innocent}
	yaml := "hooks:\n  - {service: innocent, script: hooks/innocent.js}\n"
	for _, f := range archive.Files {
		files["hooks/"+f.Name+".js"] = "function beforePOST(req, res) {\n" + string(f.Data) + "}\n"
		yaml += fmt.Sprintf("  - {service: %s, script: hooks/%s.js, timeout: %s}\n", f.Name, f.Name, hostileTimeout)
	}
	files["gaff.yaml"] = yaml
	return files
}

// innocents makes calls, so many at once, until the returned function is called, which says how many there were. None of
// them may fail.
func (w *world) innocents(atOnce int) (stop func() int64) {
	var calls atomic.Int64
	done := make(chan struct{})
	var g sync.WaitGroup
	for range atOnce {
		g.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				n := calls.Add(1)
				want := fmt.Sprintf(`{"n":%d}`, n)
				if v, took := w.ask("innocent", want, 0); v.Stopped() || string(v.Message) != want {
					w.t.Errorf("an innocent call failed after %v: %+v %s", took, v.Error, v.Message)
				}
			}
		})
	}
	return func() int64 {
		close(done)
		g.Wait()
		return calls.Load()
	}
}

// executors are the ids of the worker's executors.
func (w *world) executors() (pids []int) {
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", w.worker.Process.Pid))
	for _, path := range tasks {
		b, _ := os.ReadFile(path)
		for _, field := range strings.Fields(string(b)) {
			if pid, err := strconv.Atoi(field); err == nil {
				pids = append(pids, pid)
			}
		}
	}
	return pids
}

// watchMemory looks at what executors take for themselves, until the returned function is called, which says how much the
// greediest took.
func (w *world) watchMemory() (stop func() uint64) {
	var most uint64
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for {
			for _, pid := range w.executors() {
				most = max(most, anonymous(pid))
			}
			select {
			case <-done:
				return
			case <-tick.C:
			}
		}
	}()
	return func() uint64 {
		close(done)
		<-ended
		return most
	}
}

// anonymous is the memory that a process has taken for itself, in bytes.
func anonymous(pid int) uint64 {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	for line := range bytes.Lines(b) {
		if rest, ok := bytes.CutPrefix(line, []byte("RssAnon:")); ok {
			kb, _ := strconv.ParseUint(string(bytes.Fields(rest)[0]), 10, 64)
			return kb << 10
		}
	}
	return 0
}

// idle reports whether no executor has used more than half of a processor for a moment.
func (w *world) idle() bool {
	before := w.processorTime()
	<-time.After(idleFor) // a share of time needs some
	return w.processorTime()-before < idleFor/2
}

const idleFor = 300 * time.Millisecond

// processorTime is how long executors have computed since they began.
func (w *world) processorTime() (sum time.Duration) {
	for _, pid := range w.executors() {
		b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		fields := bytes.Fields(b[bytes.LastIndexByte(b, ')')+1:])
		if len(fields) < 13 {
			continue
		}
		user, _ := strconv.Atoi(string(fields[11]))
		system, _ := strconv.Atoi(string(fields[12]))
		sum += time.Duration(user+system) * 10 * time.Millisecond
	}
	return sum
}
