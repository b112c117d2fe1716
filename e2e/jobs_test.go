package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"gaff/hooks"
)

// jobProject is a project of jobs that share a script.
func jobProject(t *testing.T, script string, jobs ...string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "jobs"), 0o755); err != nil {
		t.Fatal(err)
	}
	yaml := "app: default\njobs:\n"
	for _, job := range jobs {
		yaml += "  - {script: jobs/j.js, " + job + "}\n"
	}
	writeFile(t, dir+"/gaff.yaml", yaml)
	writeFile(t, dir+"/jobs/j.js", script)
	return dir
}

// enqueuers starts more of them and returns all.
func (d *deployment) enqueuers(t *testing.T, more int) []*program {
	t.Helper()
	list := []*program{d.all[len(d.workers)]}
	for range more {
		list = append(list, start(t, d.env, "enqueuer"))
	}
	for _, p := range list[1:] {
		p.live(t)
	}
	return list
}

func (p *program) live(t *testing.T) {
	t.Helper()
	p.err.await(t, "process with the release", func(line string) bool { return strings.Contains(line, "release is live") })
}

// records reads all records of jobs in the log stream.
func (d *deployment) records(t *testing.T) []hooks.Record {
	t.Helper()
	nc, err := nats.Connect(d.nats)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	consumer, err := js.OrderedConsumer(t.Context(), strings.ToUpper(d.prefix)+"_LOG", jetstream.OrderedConsumerConfig{
		FilterSubjects: []string{d.subject("log", "default.job.>")},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer js.DeleteConsumer(context.Background(), strings.ToUpper(d.prefix)+"_LOG", consumer.CachedInfo().Name)
	var records []hooks.Record
	for left := consumer.CachedInfo().NumPending; left > 0; left-- {
		m, err := consumer.Next(jetstream.FetchMaxWait(30 * time.Second))
		if err != nil {
			t.Fatal(err)
		}
		var r hooks.Record
		if err := json.Unmarshal(m.Data(), &r); err != nil {
			t.Fatal(err)
		}
		records = append(records, r)
	}
	return records
}

// tickOf is the job's name and tick that a record is of; the zero time if it is of no tick.
func tickOf(r *hooks.Record) time.Time {
	at, err := time.Parse(time.RFC3339, strings.TrimPrefix(r.Event, "default:"+r.Name+":"))
	if err != nil {
		return time.Time{}
	}
	return at
}

// ran lists how often each tick of each job has run to its end.
func ran(records []hooks.Record) map[string]map[int64]int {
	times := map[string]map[int64]int{}
	for i := range records {
		r := &records[i]
		if r.Status != hooks.StatusOK {
			continue
		}
		if times[r.Name] == nil {
			times[r.Name] = map[int64]int{}
		}
		times[r.Name][tickOf(r).Unix()]++
	}
	return times
}

// idle waits until the queue has no tick until then that could still run.
func (d *deployment) idle(t *testing.T, until time.Time) {
	t.Helper()
	poll := time.NewTicker(200 * time.Millisecond)
	defer poll.Stop()
	for late := time.Now().Add(5 * time.Minute); ; <-poll.C {
		left := ""
		for _, state := range []string{"active", "pending", "retry", "scheduled"} {
			a := d.do(t, "GET", "/v1/tasks?limit=1000&state="+state, "")
			var tasks []hooks.Task
			if err := json.Unmarshal([]byte(a.body), &tasks); err != nil {
				t.Fatalf("%d %s", a.status, a.body)
			}
			for _, task := range tasks {
				if !task.ScheduledAt.After(until) {
					left = fmt.Sprint(task.ID, " is ", state, ": ", task.Error)
				}
			}
		}
		if left == "" {
			return
		}
		if time.Now().After(late) {
			t.Fatal(left)
		}
	}
}

// TestEachTickOnce: three enqueuers and three workers, of which one is killed every five seconds, run each tick of many jobs
// once, as the log has it.
func TestEachTickOnce(t *testing.T) {
	t.Parallel()
	jobs, kills := 12, 4
	if os.Getenv("GAFF_TEST_LONG") != "" {
		jobs, kills = 50, 60
	}
	var lines, names []string
	for i := range jobs {
		names = append(names, fmt.Sprint("job", i))
		lines = append(lines, fmt.Sprintf("name: job%d, schedule: '@every 1s', missed: all, overlap: allow", i))
	}
	script := "function runJob(req, res) { setTimeout(function () { res.end('tick ' + req.job.scheduledAt); }, 80); }\n"
	d := startCluster(t, jobProject(t, script, lines...))
	enqueuers := d.enqueuers(t, 2)
	processes := append(slices.Clone(d.workers), enqueuers...)
	from := time.Now().Truncate(time.Second).Add(2 * time.Second)
	every := time.NewTicker(5 * time.Second)
	defer every.Stop()
	var killed []string
	for range kills {
		<-every.C
		i := rand.IntN(len(processes))
		name := filepath.Base(processes[i].cmd.Path)
		processes[i].stop(t, syscall.SIGKILL)
		processes[i] = start(t, d.env, name)
		killed = append(killed, fmt.Sprint(name, i))
		if i == len(d.workers) {
			d.url = processes[i].url(t)
		}
	}
	<-every.C
	until := time.Now().Truncate(time.Second)
	d.ready(t)
	d.idle(t, until)
	records := d.records(t)
	times, missed, again := ran(records), 0, 0
	for _, name := range names {
		for tick := from; !tick.After(until); tick = tick.Add(time.Second) {
			switch n := times[name][tick.Unix()]; {
			case n == 0:
				if missed++; missed < 5 {
					t.Errorf("%s has not run at %s", name, tick.UTC())
				}
			case n > 1:
				if again++; again < 5 {
					t.Errorf("%s has run %d times at %s", name, n, tick.UTC())
				}
			}
		}
	}
	t.Logf("%d jobs each second from %s to %s, killed %v: %d records, %d ticks missed, %d run more than once",
		jobs, from.Format(time.TimeOnly), until.Format(time.TimeOnly), killed, len(records), missed, again)
}

// ready waits until the enqueuer that is asked is.
func (d *deployment) ready(t *testing.T) {
	t.Helper()
	d.eventually(t, "GET", "/readyz", "", func(a answer) bool { return a.status == 200 })
}

// TestSchedulersAway: when no scheduler was there for a while, a job's missed says which of its ticks run.
func TestSchedulersAway(t *testing.T) {
	t.Parallel()
	away := 8 * time.Second
	if os.Getenv("GAFF_TEST_LONG") != "" {
		away = 90 * time.Second
	}
	d := startCluster(t, jobProject(t, "function runJob(req, res) { res.end('done'); }\n",
		"name: skip, schedule: '@every 2s', missed: skip", "name: latest, schedule: '@every 2s', missed: latest",
		"name: all, schedule: '@every 2s', missed: all"))
	enqueuers := d.enqueuers(t, 1)
	seen := func(job string) bool { return len(ran(d.records(t))[job]) > 0 }
	poll(t, "a run of each job", func() (answer, bool) { return answer{}, seen("skip") && seen("latest") && seen("all") })
	for _, p := range enqueuers {
		p.stop(t, syscall.SIGKILL)
	}
	gone := time.Now()
	<-time.After(away)
	back := time.Now()
	d.url = start(t, d.env, "enqueuer").url(t)
	d.ready(t)
	ready := time.Now()
	poll(t, "runs after that", func() (answer, bool) {
		times := ran(d.records(t))
		after := func(job string) bool {
			return slices.ContainsFunc(slices.Collect(maps.Keys(times[job])), func(tick int64) bool { return tick > ready.Unix()+2 })
		}
		return answer{}, after("skip") && after("latest") && after("all")
	})
	d.idle(t, ready)
	records := d.records(t)
	within := func(job string, from, until time.Time) (ticks []int64) {
		for tick := range ran(records)[job] {
			if at := time.Unix(tick, 0); at.After(from) && !at.After(until) {
				ticks = append(ticks, tick)
			}
		}
		slices.Sort(ticks)
		return ticks
	}
	due := int(back.Unix()/2 - gone.Unix()/2)
	skip, latest, all := within("skip", gone, back), within("latest", gone, back), within("all", gone, back)
	t.Logf("away for %v with %d ticks: skip ran %d of them, latest %d, all %d", back.Sub(gone).Round(time.Second), due, len(skip), len(latest), len(all))
	if len(skip) != 0 || len(all) != due {
		t.Errorf("skip %v, all %v", skip, all)
	}
	// The last tick may have come between the moment at which the process was started and the one at which it was there.
	if last := within("latest", gone, ready); len(latest) > 1 || len(last) == 0 || len(latest) == 1 && latest[0] != back.Unix()/2*2 {
		t.Errorf("latest %v", latest)
	}
	for job, times := range ran(records) {
		for tick, n := range times {
			if n > 1 {
				t.Errorf("%s has run %d times at %s", job, n, time.Unix(tick, 0).UTC())
			}
		}
	}
}

// order orders a run of a job; accepted is false if the server could not take it.
func (d *deployment) order(ctx context.Context, job, id string) (accepted bool) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	a, err := d.try(ctx, "POST", "/v1/jobs/"+job+"/enqueue", fmt.Sprintf(`{"id":%q,"payload":{"n":%q}}`, id, id))
	return err == nil && a.status == 202
}
