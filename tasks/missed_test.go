package tasks

import (
	"context"
	"fmt"
	"testing"
	"time"

	"gaff/hooks"
)

// ticksOf lists the tasks of a job that wait, by the seconds of their ticks after start.
func ticksOf(t *testing.T, r Redis, job string, start time.Time) map[int]bool {
	t.Helper()
	q := NewQueue(r)
	defer q.Close()
	list, err := q.Tasks(t.Context(), hooks.TaskFilter{App: "a", Job: job, Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	ticks := map[int]bool{}
	for _, task := range list {
		ticks[int(task.ScheduledAt.Sub(start)/time.Second)] = true
	}
	return ticks
}

func seconds(list ...int) map[int]bool {
	m := map[int]bool{}
	for _, s := range list {
		m[s] = true
	}
	return m
}

// roundAt is a round at a time that the test chooses.
func (s *Scheduler) roundAt(ctx context.Context, at time.Time) {
	s.now = func() time.Time { return at }
	s.round(ctx)
}

// TestMissed has every scheduler away for 90 s, by a clock that the test turns.
func TestMissed(t *testing.T) {
	onEach(t, func(t *testing.T, r Redis) {
		tables := jobsOf(
			hooks.Job{Name: "skip", Schedule: "@every 10s", Missed: hooks.MissedSkip},
			hooks.Job{Name: "latest", Schedule: "@every 10s", Missed: hooks.MissedLatest},
			hooks.Job{Name: "all", Schedule: "@every 10s", Missed: hooks.MissedAll},
			hooks.Job{Name: "manual", Schedule: hooks.Manual, Missed: hooks.MissedAll},
		)
		start := time.Now().Truncate(10 * time.Second)
		var l logs
		life := func(from, to int) {
			s := NewScheduler(r, tables, l.logger())
			defer s.queue.Close()
			for at := from; at <= to; at++ {
				s.roundAt(t.Context(), start.Add(time.Duration(at)*time.Second+time.Millisecond))
			}
		}
		life(1, 20)
		life(111, 122)
		for job, want := range map[string]map[int]bool{
			"skip":   seconds(10, 20, 120),
			"latest": seconds(10, 20, 110, 120),
			"all":    seconds(10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 110, 120),
			"manual": seconds(),
		} {
			if got := ticksOf(t, r, job, start); fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("%s: %v, want %v", job, got, want)
			}
		}
		if l.String() != "" {
			t.Error(l.String())
		}
	})
}

// What a machine sleeps through counts as nobody there, also to the scheduler that has slept.
func TestMissedWhileAsleep(t *testing.T) {
	onEach(t, func(t *testing.T, r Redis) {
		tables := jobsOf(hooks.Job{Name: "skip", Schedule: "@every 10s", Missed: hooks.MissedSkip},
			hooks.Job{Name: "all", Schedule: "@every 10s", Missed: hooks.MissedAll})
		start := time.Now().Truncate(10 * time.Second)
		s := NewScheduler(r, tables, new(logs).logger())
		defer s.queue.Close()
		round := func(second int) { s.roundAt(t.Context(), start.Add(time.Duration(second)*time.Second)) }
		round(1)
		round(11)
		round(95)
		round(101)
		for job, want := range map[string]map[int]bool{"skip": seconds(10, 100), "all": seconds(10, 20, 30, 40, 50, 60, 70, 80, 90, 100)} {
			if got := ticksOf(t, r, job, start); fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("%s: %v, want %v", job, got, want)
			}
		}
	})
}

// A job that is switched on again, or gets another schedule, has missed nothing.
func TestNothingIsMissedWhilePaused(t *testing.T) {
	onEach(t, func(t *testing.T, r Redis) {
		job := hooks.Job{Name: "j", Schedule: "@every 10s", Missed: hooks.MissedAll}
		on := jobsOf(job)
		off := set(&hooks.Tables{}, hooks.Source{
			Release: on.Of("a").Release, State: hooks.State{DisabledJobs: []string{"j"}},
		}.Table())
		job.Schedule = "@every 20s"
		changed := jobsOf(job)
		start := time.Now().Truncate(20 * time.Second)
		s := NewScheduler(r, on, new(logs).logger())
		defer s.queue.Close()
		at := func(second int, tables *hooks.Tables) {
			s.tables = tables
			s.roundAt(t.Context(), start.Add(time.Duration(second)*time.Second))
		}
		at(1, on)
		at(10, on)
		at(15, off)
		at(45, off)
		at(55, on)
		at(60, on)
		at(61, changed)
		at(80, changed)
		if got, want := ticksOf(t, r, "j", start), seconds(10, 60, 80); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%v, want %v", got, want)
		}
	})
}

// Jitter spreads tasks, the same way for every scheduler.
func TestJitter(t *testing.T) {
	onEach(t, func(t *testing.T, r Redis) {
		tables := jobsOf(hooks.Job{Name: "j", Schedule: "@every 1h", Jitter: time.Hour, Missed: hooks.MissedAll})
		start := time.Now().Truncate(time.Hour).Add(2 * time.Hour)
		for range 2 {
			s := NewScheduler(r, tables, new(logs).logger())
			s.roundAt(t.Context(), start.Add(-time.Minute))
			s.roundAt(t.Context(), start)
			s.queue.Close()
		}
		q := NewQueue(r)
		defer q.Close()
		list, err := q.Tasks(t.Context(), hooks.TaskFilter{App: "a"})
		if err != nil || len(list) != 1 {
			t.Fatalf("%+v, %v", list, err)
		}
		task := list[0]
		want := start.Add(delayOf(tickID("a", "j", start), time.Hour))
		if task.State != hooks.TaskScheduled || !task.ScheduledAt.Equal(start) || task.Due == nil || !task.Due.Equal(want) {
			t.Errorf("%+v, want due %v", task, want)
		}
		late := map[time.Duration]bool{}
		for i := range 100 {
			d := delayOf(fmt.Sprint(i), time.Minute)
			if late[d] = true; d < 0 || d >= time.Minute {
				t.Errorf("%v", d)
			}
		}
		if len(late) < 30 {
			t.Errorf("only %d different delays", len(late))
		}
	})
}
