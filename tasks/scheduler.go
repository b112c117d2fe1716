package tasks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/hibiken/asynq"

	"gaff/hooks"
)

const (
	// syncInterval is how often the jobs are compared with those of the current releases. A new job is ready after two.
	syncInterval = time.Second
	// kept is how long, beyond the next tick, Redis remembers that a tick had its task. It bounds how far the clocks of
	// two schedulers may be apart.
	kept = 10 * time.Minute
	// retryPause is how long a tick waits that Redis did not take.
	retryPause = time.Second
	// taskTimeout is when asynq gives a task up. It is past what a run may take, so that the run's own limit decides.
	taskTimeout = hooks.MaxTimeout + 10*time.Second
)

// Scheduler enqueues one task for each tick of each job. Several of them on one Redis make one task together. A
// scheduler that comes late to a tick enqueues the latest one that is due and no earlier ones.
type Scheduler struct {
	redis  Redis
	tables *hooks.Tables
	log    *slog.Logger

	mu   sync.Mutex
	jobs map[string]*entry // by task type; nil before the first call of GetConfigs
}

// entry is what the scheduler keeps of one job. asynq hands the slice of its options to PreEnqueueFunc, to Enqueue and
// to a hash that it makes after it has registered the job, without a lock. So that slice is changed only when the hash
// is made (ready) and no Enqueue is under way (busy is 0).
type entry struct {
	*clock
	ready bool
	busy  int
}

// NewScheduler returns a scheduler of the jobs in tables, which it follows within a few seconds.
func NewScheduler(redis Redis, tables *hooks.Tables, log *slog.Logger) *Scheduler {
	return &Scheduler{redis: redis, tables: tables, log: log}
}

// Run schedules until ctx is cancelled. It is called once. It fails at once if Redis does not answer; a Redis that goes away later is
// waited for, and a tick that it could not take meanwhile is enqueued late, as long as the next one is not due.
func (s *Scheduler) Run(ctx context.Context) error {
	if err := s.redis.Ping(ctx); err != nil {
		return fmt.Errorf("scheduler: %w", err)
	}
	client := asynq.NewClient(s.redis.opt)
	defer client.Close()
	manager, err := asynq.NewPeriodicTaskManager(asynq.PeriodicTaskManagerOpts{
		PeriodicTaskConfigProvider: s,
		RedisConnOpt:               s.redis.opt,
		SyncInterval:               syncInterval,
		SchedulerOpts: &asynq.SchedulerOpts{
			Logger:         logger{s.log},
			LogLevel:       asynq.WarnLevel,
			PreEnqueueFunc: s.mark,
			PostEnqueueFunc: func(info *asynq.TaskInfo, err error) {
				if err == nil {
					s.done(info.Type)
				}
			},
			//nolint:staticcheck // its successor, PostEnqueueFunc, does not say which task could not be enqueued
			EnqueueErrorHandler: func(task *asynq.Task, opts []asynq.Option, err error) {
				s.retry(ctx, client, task, opts, err)
			},
		},
	})
	if err != nil {
		return fmt.Errorf("scheduler: %w", err)
	}
	if err := manager.Start(); err != nil {
		return fmt.Errorf("scheduler: %w", err)
	}
	<-ctx.Done()
	manager.Shutdown()
	return nil
}

// The options of a task that each tick sets anew, by their place.
const (
	optionID = iota
	optionRetention
)

// GetConfigs lists the jobs of the current releases for asynq. The options are fresh each time, because asynq compares
// them and mark changes them.
func (s *Scheduler) GetConfigs() ([]*asynq.PeriodicTaskConfig, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	jobs := map[string]*entry{}
	var configs []*asynq.PeriodicTaskConfig
	tables := s.tables.All()
	for _, app := range slices.Sorted(maps.Keys(tables)) {
		for _, job := range tables[app].Release.Jobs {
			if tables[app].Job(job.Name) == nil {
				continue // disabled
			}
			config, err := s.config(jobs, app, &job)
			if err != nil {
				s.log.Error("a job cannot be scheduled", "app", app, "job", job.Name, "error", err)
				continue
			}
			configs = append(configs, config)
		}
	}
	s.jobs = jobs
	return configs, nil
}

// config returns asynq's entry for the job, and puts ours into jobs. asynq counts @every from when an entry was
// registered, and ours from 1970; so such an entry asks the clock each second.
func (s *Scheduler) config(jobs map[string]*entry, app string, job *hooks.Job) (*asynq.PeriodicTaskConfig, error) {
	schedule, err := hooks.ParseSchedule(job.Schedule, job.Timezone)
	if err != nil {
		return nil, err
	}
	body, err := json.Marshal(payload{Cron: job.Schedule})
	if err != nil {
		return nil, err
	}
	key, text := taskType(app, job.Name), "CRON_TZ="+job.Timezone+" "+job.Schedule
	switch known := s.jobs[key]; {
	case known == nil:
		jobs[key] = &entry{clock: newClock(text, schedule, time.Now()), ready: s.jobs == nil}
	case known.text != text:
		jobs[key] = &entry{clock: newClock(text, schedule, time.Now()), busy: known.busy}
	default:
		known.ready = true
		jobs[key] = known
	}
	if schedule.Every() > 0 {
		text = "@every 1s"
	}
	return &asynq.PeriodicTaskConfig{
		Cronspec: text,
		Task:     asynq.NewTask(key, body),
		Opts: []asynq.Option{
			optionID:        asynq.TaskID(""), // refused by asynq before it asks Redis: nothing is due
			optionRetention: asynq.Retention(0),
			asynq.Queue(s.redis.queue()),
			asynq.MaxRetry(0),
			asynq.Timeout(taskTimeout),
		},
	}, nil
}

// mark has the task, which asynq is about to enqueue, stand for the tick that is due. Its id makes sure that it is
// enqueued once, for as long as somebody else might still think that it is due.
func (s *Scheduler) mark(task *asynq.Task, opts []asynq.Option) {
	s.mu.Lock()
	defer s.mu.Unlock()
	job, ok := s.jobs[task.Type()]
	if !ok {
		return // gone meanwhile
	}
	if job.busy++; job.busy > 1 || !job.ready {
		return
	}
	if tick, next, due := job.take(time.Now()); due {
		opts[optionID] = asynq.TaskID(taskID(task.Type(), tick))
		opts[optionRetention] = asynq.Retention(next.Sub(tick) + kept)
	} else {
		opts[optionID] = asynq.TaskID("")
	}
}

// done takes note that an Enqueue which mark has prepared has ended.
func (s *Scheduler) done(taskType string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if job, ok := s.jobs[taskType]; ok && job.busy > 0 {
		job.busy--
	}
}

// retry enqueues a tick that Redis did not take, until it does or the next tick is due.
func (s *Scheduler) retry(ctx context.Context, client *asynq.Client, task *asynq.Task, opts []asynq.Option, err error) {
	opts = slices.Clone(opts)
	s.done(task.Type())
	id, _ := opts[optionID].Value().(string)
	if id == "" || errors.Is(err, asynq.ErrTaskIDConflict) {
		return // nothing was due, or another scheduler was first
	}
	retention, _ := opts[optionRetention].Value().(time.Duration)
	nextTick := time.Now().Add(retention - kept)
	s.log.Warn("a tick waits for Redis", "task", id, "error", err)
	for time.Now().Before(nextTick) {
		select {
		case <-ctx.Done():
			return
		case <-time.After(retryPause):
		}
		if _, err = client.EnqueueContext(ctx, task, opts...); err == nil || errors.Is(err, asynq.ErrTaskIDConflict) {
			return
		}
	}
	s.log.Error("a tick is lost: Redis did not take it before the next one was due", "task", id, "error", err)
}
