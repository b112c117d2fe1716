package hooks

import (
	"encoding/json"
	"strings"
	"time"
)

// Task is one run of a job, or of a script by itself, that somebody has asked for: the clock, a caller, a script. It is
// kept until it has run, and longer if it failed.
type Task struct {
	ID          string          `json:"id"`               // unique in its app
	Job         string          `json:"job"`              // or the name that the records of a script by itself have
	Script      string          `json:"script,omitempty"` // of a script that runs by itself: its path
	State       TaskState       `json:"state"`
	Due         *time.Time      `json:"due,omitempty"` // when it runs, or runs again
	ScheduledAt time.Time       `json:"scheduledAt"`   // when it was to run: the tick
	Created     time.Time       `json:"created"`
	Cron        string          `json:"cron,omitempty"`
	Manual      bool            `json:"manual"`   // not a tick
	Attempts    int             `json:"attempts"` // runs that failed
	Error       string          `json:"error,omitempty"`
	FailedAt    *time.Time      `json:"failedAt,omitempty"`
	Payload     json.RawMessage `json:"payload,omitempty"`
}

// TaskState says how far a task is.
type TaskState string

// A pending task waits for a worker, an active one runs, a scheduled one for its time, one in retry for its next attempt; an
// archived one has failed for good.
const (
	TaskPending   TaskState = "pending"
	TaskActive    TaskState = "active"
	TaskScheduled TaskState = "scheduled"
	TaskRetry     TaskState = "retry"
	TaskArchived  TaskState = "archived"
)

// TaskStates lists the states in the order in which lists show them.
func TaskStates() []TaskState {
	return []TaskState{TaskActive, TaskPending, TaskRetry, TaskScheduled, TaskArchived}
}

// TaskFilter selects tasks of an app; an empty field selects all.
type TaskFilter struct {
	App    string
	Job    string
	States []TaskState
	Limit  int // at most so many; 0: 100
}

// TaskOrder asks for a run.
type TaskOrder struct {
	App     string
	Job     string // or the name of a script that runs by itself
	Cron    string // the job's schedule
	Script  string // the path of a script that runs by itself; empty: the job's
	Payload json.RawMessage
	Trace   string    // see [Event]
	At      time.Time // the zero time: now
	// ID makes sure that the task is made once: while one of that id waits, runs, or has run within a day, another is not
	// made; one that has failed for good makes room. Empty: an id is made.
	ID string
}

// Bounds of an order.
const (
	maxTaskPayload = 1 << 20 // bytes
	maxTaskAhead   = 10 * 366 * 24 * time.Hour
)

// Check returns a BAD_REQUEST or BAD_NAME error if the order cannot be carried out.
func (o *TaskOrder) Check(now time.Time) error {
	switch {
	case len(o.Payload) > maxTaskPayload:
		return Errorf(CodeTooLarge, "the payload has more than %d bytes", maxTaskPayload)
	case o.ID != "" && !validTaskID(o.ID):
		return Errorf(CodeBadRequest, "id %.140q: use 1 to %d of A-Z a-z 0-9 _ . -", o.ID, maxTaskID)
	case o.At.Sub(now) > maxTaskAhead:
		return Errorf(CodeBadRequest, "%s is more than ten years away", o.At.UTC().Format(time.RFC3339))
	}
	if len(o.Payload) > 0 {
		if err := CheckJSON(o.Payload); err != nil {
			return err
		}
	}
	if err := CheckName("app", o.App); err != nil {
		return err
	}
	return CheckName("job", o.Job)
}

// maxTaskID is how long the id of a task may be that its orderer names.
const maxTaskID = 128

func validTaskID(id string) bool {
	return len(id) <= maxTaskID && !strings.ContainsFunc(id, func(c rune) bool { return c != '.' && !ValidName(string(c)) })
}

// CodeOverlap is the code of a tick that was passed over because the run of an earlier one went on.
const CodeOverlap Code = "OVERLAP"

// NewUnrunRecord returns the record of a tick or task that is not run, and why.
func NewUnrunRecord(e *Event, release uint64, status Status, code Code, message string) Record {
	return Record{
		ID: newID(), Time: time.Now().UTC(), App: e.App, Kind: KindJob, Name: e.Operation, Function: RunJob, Event: e.ID,
		Trace: TraceID(e.Trace), Release: release, Attempt: max(e.Attempt, 1), Status: status, Error: &RecordError{Code: code, Message: message},
	}
}

// NewTaskID returns an id for a task that nobody has named.
func NewTaskID() string { return newID() }
