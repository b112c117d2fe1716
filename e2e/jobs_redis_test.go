package e2e

import (
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gaff/hooks"
)

// aofRedis is a Redis of the test's own, with the configuration that operators get, that can be killed and started again.
type aofRedis struct {
	addr, dir string
	cmd       *exec.Cmd
}

func newAOFRedis(t *testing.T) *aofRedis {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &aofRedis{addr: l.Addr().String(), dir: t.TempDir()}
	l.Close()
	r.start(t)
	t.Cleanup(r.kill)
	return r
}

func (r *aofRedis) start(t *testing.T) {
	t.Helper()
	_, port, err := net.SplitHostPort(r.addr)
	if err != nil {
		t.Fatal(err)
	}
	r.cmd = exec.Command("redis-server", "../deploy/redis.conf", "--port", port, "--dir", r.dir)
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	poll(t, "Redis", func() (answer, bool) {
		c, err := net.Dial("tcp", r.addr)
		if err != nil {
			return answer{body: err.Error()}, false
		}
		defer c.Close()
		fmt.Fprint(c, "PING\r\n")
		b := make([]byte, 7)
		n, _ := c.Read(b)
		return answer{body: string(b[:n])}, string(b[:n]) == "+PONG\r\n"
	})
}

func (r *aofRedis) kill() {
	r.cmd.Process.Kill()
	r.cmd.Wait()
}

// TestRedisRestarts: while Redis is killed and started again, no order that was accepted is lost, and each runs once.
func TestRedisRestarts(t *testing.T) {
	t.Parallel()
	redis := newAOFRedis(t)
	script := "function runJob(req, res) { res.end(req.body.n); }\n"
	d := startCluster(t, jobProject(t, script, "name: take, schedule: '@manual'"), "GAFF_REDIS_URL=redis://"+redis.addr)
	var accepted sync.Map
	var taken atomic.Int64
	stop := make(chan struct{})
	var callers sync.WaitGroup
	for i := range 4 {
		callers.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				if id := fmt.Sprintf("o%d-%d", i, n); d.order(t.Context(), "take", id) {
					accepted.Store(id, true)
					taken.Add(1)
				}
			}
		})
	}
	for restart := range 3 {
		before := taken.Load()
		poll(t, "orders", func() (answer, bool) { return answer{}, taken.Load() >= before+200 })
		redis.kill()
		if restart == 1 {
			<-time.After(2 * time.Second)
		}
		redis.start(t)
	}
	before := taken.Load()
	poll(t, "orders", func() (answer, bool) { return answer{}, taken.Load() >= before+200 })
	close(stop)
	callers.Wait()
	d.idle(t, time.Now().Add(time.Hour))
	runs := map[string]int{}
	for _, r := range d.records(t) {
		if r.Status == hooks.StatusOK {
			runs[r.Event]++
		}
	}
	lost := 0
	accepted.Range(func(id, _ any) bool {
		if n := runs[id.(string)]; n != 1 {
			if lost++; lost < 5 {
				t.Errorf("order %s has run %d times", id, n)
			}
		}
		return true
	})
	t.Logf("%d orders accepted over 3 restarts of Redis, %d did not run once", taken.Load(), lost)
}

// TestRedisAway: without Redis calls go on, and so do after-events; /readyz says what is missing, and jobs go on once it is back.
func TestRedisAway(t *testing.T) {
	t.Parallel()
	redis := newAOFRedis(t)
	project := copyProject(t)
	writeFile(t, project+"/hooks/note.js", "function afterPOST(req, res) { db.put('/rest/note/' + req.body._id, { done: true }, function () { res.end(); }); }\n")
	insert(t, project+"/gaff.yaml", "hooks:\n", "  - service: note\n    script: hooks/note.js\n")
	d := startCluster(t, project, "GAFF_REDIS_URL=redis://"+redis.addr)
	reports := func() int { return len(ran(d.records(t))["report"]) }
	poll(t, "a run of the job", func() (answer, bool) { return answer{}, reports() > 0 })
	redis.kill()
	d.eventually(t, "GET", "/readyz", "", func(a answer) bool {
		return a.status == http.StatusServiceUnavailable && strings.Contains(a.body, "not ready: Redis")
	})
	if a := d.do(t, "POST", "/rest/customer", `{"name":"Ann"}`); a.status != http.StatusCreated || a.at("upper") != "ANN" {
		t.Errorf("a gated call: %d %s", a.status, a.body)
	}
	id, _ := d.do(t, "POST", "/rest/note", `{"text":"x"}`).at("_id").(string)
	d.eventually(t, "GET", "/rest/note/"+id, "", func(a answer) bool { return a.at("done") == true })
	if a := d.do(t, "POST", "/v1/jobs/report/run", ""); a.status != http.StatusServiceUnavailable || a.at("error.code") != "UNAVAILABLE" {
		t.Errorf("a run that cannot be: %d %s", a.status, a.body)
	}
	if a := d.do(t, "GET", "/v1/tasks", ""); a.status != http.StatusServiceUnavailable {
		t.Errorf("tasks: %d %s", a.status, a.body)
	}
	redis.start(t)
	d.ready(t)
	before := reports()
	poll(t, "runs of the job", func() (answer, bool) { return answer{}, reports() > before+1 })
}
