package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
)

// writer is the only one to write: it makes all changes that wait at a moment in one transaction, so that they share
// one wait for the disk. Each is all or nothing by itself.
type writer struct {
	db      *sql.DB
	tx      *transaction
	jobs    chan *job
	closing chan struct{}
	closed  chan struct{}
	once    sync.Once
}

// job is one change, or several that belong together.
type job struct {
	ctx  context.Context
	do   func(*transaction) error
	err  error
	done chan struct{}
}

// maxJobs bounds how many jobs share a transaction, so that the first need not wait long for the last.
const maxJobs = 256

var errClosed = errors.New("the store is closed")

func startWriter(ctx context.Context, db *sql.DB) (*writer, error) {
	tx, err := newTransaction(ctx, db)
	if err != nil {
		return nil, err
	}
	w := &writer{db: db, tx: tx, jobs: make(chan *job), closing: make(chan struct{}), closed: make(chan struct{})}
	go w.run()
	return w, nil
}

// do has the job done and returns once it is on the disk or was refused. A job that has begun is not cancelled, as
// nobody could tell whether it was committed.
func (w *writer) do(ctx context.Context, do func(*transaction) error) error {
	j := &job{ctx: ctx, do: do, done: make(chan struct{})}
	select {
	case w.jobs <- j:
	case <-ctx.Done():
		return unavailable(ctx.Err())
	case <-w.closing:
		return unavailable(errClosed)
	}
	<-j.done
	return j.err
}

func (w *writer) close() error {
	w.once.Do(func() { close(w.closing) })
	<-w.closed
	return w.db.Close()
}

func (w *writer) run() {
	defer close(w.closed)
	for {
		select {
		case j := <-w.jobs:
			w.commit(w.waiting(j))
		case <-w.closing:
			w.tx.close()
			return
		}
	}
}

// waiting returns the first job and those that wait behind it.
func (w *writer) waiting(first *job) []*job {
	jobs := []*job{first}
	for len(jobs) < maxJobs {
		select {
		case j := <-w.jobs:
			jobs = append(jobs, j)
		default:
			return jobs
		}
	}
	return jobs
}

// commit does the jobs in one transaction and tells each what has become of it.
func (w *writer) commit(jobs []*job) {
	err := w.tx.begin()
	for _, j := range jobs {
		if err != nil {
			break
		}
		if j.err = j.ctx.Err(); j.err != nil {
			j.err = unavailable(j.err)
			continue
		}
		var broken *brokenError
		if j.err = w.tx.part(j.do); errors.As(j.err, &broken) {
			err = broken
		}
	}
	if err == nil {
		err = w.tx.commit()
	}
	if err != nil {
		w.tx.rollback()
		err = unavailable(err)
	}
	for _, j := range jobs {
		if err != nil {
			j.err = err
		}
		close(j.done)
	}
}

// brokenError is one after which the whole transaction cannot be relied on.
type brokenError struct{ cause error }

func (e *brokenError) Error() string { return fmt.Sprintf("write: %v", e.cause) }
func (e *brokenError) Unwrap() error { return e.cause }
