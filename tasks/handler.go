package tasks

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hibiken/asynq"

	"gaff/hooks"
)

const (
	// maxCrashes is how many workers may die over a task.
	maxCrashes = 3
	// unknownFor is how long a task waits whose job this worker does not know: it may not have the release yet.
	unknownFor = 30 * time.Second
	// pausedFor is how long a task that somebody ordered waits while its job is switched off, before the next look.
	pausedFor = 15 * time.Second
	// maxWait is how long a task waits at most that has found no place, before the next look.
	maxWait = 15 * time.Second
	// flushWithin is how long a task waits for its record.
	flushWithin = 5 * time.Second
)

// taskHandler stands between asynq's tasks and our events.
type taskHandler struct {
	handler hooks.Handler
	queue   *Queue
	opts    Options
}

// ProcessTask runs one task. It is where a verdict becomes what asynq should do: nil is done, an error that wraps
// SkipRetry, as final does, is never tried again, an again is.
func (h *taskHandler) ProcessTask(ctx context.Context, t *asynq.Task) error {
	id, _ := asynq.GetTaskID(ctx)
	retried, _ := asynq.GetRetryCount(ctx)
	w, err := readWork(id, t.Type(), t.Payload())
	if err != nil {
		h.opts.Log.Error("a task cannot be read", "error", err)
		return final{err}
	}
	if !h.opts.Apps.Serves(w.app) {
		return h.pass(ctx, w)
	}
	job, err := h.job(w)
	if job == nil || err != nil {
		return err
	}
	claim, err := h.queue.claim(ctx, w, limitsOf(w, job), w.Late || retried > 0)
	if err != nil {
		return &again{error: err, after: time.Second}
	}
	attempt := &attempt{taskHandler: h, work: w, job: job, failed: max(retried-claim.forgiven, 0), claim: claim}
	err = attempt.run(ctx)
	if lost := h.queue.release(ctx, w, &claim); lost != nil {
		h.opts.Log.Warn("a job's next run may have to wait", "error", lost)
	}
	return err
}

// job returns the job of a task. Without one the task waits, or is given up, as the error says; or it is a tick, which is
// passed over.
func (h *taskHandler) job(w *work) (*hooks.Job, error) {
	table := h.opts.Tables.Of(w.app)
	if job := table.Job(w.job); job != nil && w.Script == "" {
		return job, nil
	}
	if w.Script != "" && table != nil {
		return &hooks.Job{Name: w.job, Overlap: hooks.OverlapAllow}, nil
	}
	paused := table.Registered(w.job) != nil
	switch {
	case paused && w.isTick():
		h.opts.Log.Info("a tick is skipped: its job is switched off", "task", w.id)
		return nil, nil
	case paused:
		return nil, &again{error: errors.New("the job is switched off"), after: pausedFor}
	case time.Since(w.At) < unknownFor || time.Since(w.Created) < unknownFor:
		return nil, &again{error: errors.New("the job is not known yet"), after: time.Second}
	case w.isTick():
		h.opts.Log.Warn("a tick is skipped: its job is gone", "task", w.id)
		return nil, nil
	}
	return nil, final{fmt.Errorf("%s: job %s is not registered", hooks.CodeNotFound, w.job)}
}

// limitsOf says how many of the job run at once.
func limitsOf(w *work, job *hooks.Job) limits {
	l := limits{all: job.Concurrency}
	if w.isTick() && cmp.Or(job.Overlap, hooks.OverlapSkip) == hooks.OverlapSkip {
		l.ticks = 1
	}
	return l
}

// attempt is one attempt at a task.
type attempt struct {
	*taskHandler
	*work
	job    *hooks.Job
	failed int // attempts before it, without those whose worker died
	claim  claim
}

func (a *attempt) run(ctx context.Context) error {
	e, err := a.event(a.failed + a.claim.crashes + 1)
	if err != nil {
		return final{err}
	}
	switch {
	case a.claim.place == placeOverlap && e.Attempt == 1 && !a.Late:
		return a.unrun(e, hooks.StatusRejected, hooks.CodeOverlap, "the run of an earlier tick goes on", nil)
	case a.claim.place != placeFree:
		wait := min(time.Second<<min(a.claim.waits-1, 10), maxWait)
		return &again{error: errors.New("as many of the job run as may"), after: wait}
	case a.failed >= a.attempts():
		return final{fmt.Errorf("it has failed %d times", a.failed)}
	}
	if a.claim.new > 0 {
		if done, err := a.recovered(ctx, e); done {
			return err
		}
	}
	v := a.handler.Handle(ctx, e)
	a.flush(ctx)
	return a.outcome(&v)
}

// recovered deals with a task whose worker died: it may have got as far as to record its run, or have been the cause.
// done is false if it is to run.
func (a *attempt) recovered(ctx context.Context, e *hooks.Event) (done bool, err error) {
	if a.opts.Journal != nil {
		f := hooks.LogFilter{App: e.App, Kind: hooks.KindJob, Name: e.Operation, Event: e.ID, Since: a.At.Add(-time.Minute)}
		records, err := a.opts.Journal.Logs(ctx, f)
		if err != nil {
			return true, &again{error: fmt.Errorf("whether it has run: %w", err), after: time.Second}
		}
		for _, r := range records {
			switch {
			case r.Attempt < e.Attempt && r.Status == hooks.StatusOK:
				return true, nil
			case r.Attempt == e.Attempt-a.claim.new && r.Error != nil && (r.Status == hooks.StatusFailed || r.Status == hooks.StatusTimeout):
				return true, a.fail(fmt.Errorf("%s: %s", r.Error.Code, r.Error.Message))
			}
		}
	}
	ended := a.claim.crashes - a.claim.innocent
	if ended < maxCrashes {
		return false, nil
	}
	message := fmt.Sprintf("the process that ran it has died %d times", ended)
	return true, a.unrun(e, "crashed", "HOOK_CRASHED", message, final{fmt.Errorf("HOOK_CRASHED: %s", message)})
}

// unrun records that the task is not run, and why, and returns then.
func (a *attempt) unrun(e *hooks.Event, status hooks.Status, code hooks.Code, message string, then error) error {
	if table := a.opts.Tables.Of(e.App); a.opts.Journal != nil && table != nil {
		a.opts.Journal.Record(hooks.NewUnrunRecord(e, table.Release.Number, status, code, message))
	}
	return then
}

// flush waits for the record of the run. A log that is away does not hold jobs up for longer.
func (a *attempt) flush(ctx context.Context) {
	if a.opts.Journal == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushWithin)
	defer cancel()
	if err := a.opts.Journal.Flush(ctx); err != nil {
		a.opts.Log.Warn("a job has run, and its record is late", "task", a.id, "error", err)
	}
}

// outcome is what asynq should do after a run.
func (a *attempt) outcome(v *hooks.Verdict) error {
	switch {
	case !v.Stopped():
		return nil
	case v.Error == nil:
		return a.fail(fmt.Errorf("stopped with status %d", v.Status))
	case v.Error.Code == hooks.CodeNotFound && v.Error.Hook == "" && a.isTick():
		a.opts.Log.Warn("a tick is skipped: its job is gone", "task", a.id)
		return nil
	case v.Error.Code == hooks.CodeOverloaded && v.Error.Hook == "":
		return &again{error: v.Error, after: time.Second} // it has not run
	}
	err := fmt.Errorf("%s: %s", v.Error.Code, v.Error.Message)
	if v.Error.Permanent {
		return final{err}
	}
	return a.failLater(err, v.Error.RetryAfter)
}

// attempts is how often the task is run at most.
func (a *attempt) attempts() int { return max(a.job.Retry.Attempts, 1) }

// fail has a task that failed tried again, unless it was its last attempt.
func (a *attempt) fail(err error) error { return a.failLater(err, 0) }

// failLater is [attempt.fail] for an error that says how long it takes at least.
func (a *attempt) failLater(err error, after time.Duration) error {
	if a.failed+1 >= a.attempts() {
		return final{err}
	}
	return &again{error: err, after: max(after, a.job.Retry.Delay(a.failed+1)), counts: true}
}
