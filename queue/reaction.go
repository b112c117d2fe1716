package queue

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"gaff/hooks"
)

// task is a hook that is to run for an event.
type task struct {
	event    *hooks.Event
	table    *hooks.Table
	match    *hooks.Match
	work     hooks.Work                              // without its event until it has failed
	since    time.Time                               // what was told until then may be about this task
	doubtful bool                                    // it may have run
	repeated bool                                    // it was given to a worker before
	records  *tally                                  // that wait for its records
	retry    func(context.Context, hooks.Work) error // remembers that it is to be tried again; it must last
}

// taskID is the id of what a message and a hook are together; it is the same whoever works it off.
func taskID(meta *jetstream.MsgMetadata, hook, function string) string {
	b := binary.BigEndian.AppendUint64(nil, meta.Sequence.Stream)
	b = binary.BigEndian.AppendUint64(b, uint64(meta.Timestamp.UnixNano()))
	b = append(append(append(b, hook...), 0), function...)
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:12])
}

const (
	// overloadedAgain is how often a hook is offered to a pool that has no room.
	overloadedAgain = 50 * time.Millisecond
	// insistAgain is after what time what must be published is published again.
	insistAgain = 200 * time.Millisecond
	// maxStarts is how often a run may be begun by workers that do not live to see its end.
	maxStarts = 3
)

// run runs the task, unless it has run, and sees to what becomes of it. It returns false if the handlers' context ended,
// and the task is to be worked off by another worker.
func (c *consuming) run(ctx context.Context, k *task) bool {
	attempt := len(k.work.Attempts) + 1
	if k.doubtful {
		known, ok := c.known(ctx, k, attempt)
		if known || !ok {
			return ok
		}
	}
	event := *k.event
	event.Attempt = attempt
	r, ok := c.react(ctx, k, &event, attempt)
	switch {
	case !ok:
		return false
	case !r.Ran && r.Error == nil: // its condition does not hold
		return true
	}
	return c.settle(ctx, k, &event, &r)
}

// known reports whether the attempt has its record; ok is false if ctx ended before that was clear.
func (c *consuming) known(ctx context.Context, k *task, attempt int) (known, ok bool) {
	ok = c.insist(ctx, func() (err error) {
		known, err = c.done.any(ctx, k.since, k.work.FinalID(), k.work.AttemptID(attempt))
		return err
	})
	return known, ok
}

// react has the hook run. One with which several workers have died counts as failed.
func (c *consuming) react(ctx context.Context, k *task, e *hooks.Event, attempt int) (r hooks.Reaction, ok bool) {
	if k.repeated {
		if crashed, ok := c.begins(ctx, k, attempt); !ok || crashed {
			return hooks.Crashed(e, k.table, k.match), ok
		}
	}
	for {
		r = c.reactor.React(ctx, e, k.table, k.match)
		switch {
		case ctx.Err() != nil:
			return r, false
		case r.Ran || r.Error == nil || r.Error.Code != hooks.CodeOverloaded:
			return r, true
		}
		pause(ctx, overloadedAgain)
	}
}

// begins tells that the attempt begins. crashed means that too many have told so before.
func (c *consuming) begins(ctx context.Context, k *task, attempt int) (crashed, ok bool) {
	crashed = true
	ok = c.insist(ctx, func() error {
		for start := 1; start <= maxStarts && crashed; start++ {
			id := fmt.Sprintf("%s.start%d", k.work.AttemptID(attempt), start)
			begun, err := c.done.any(ctx, k.since, id)
			if err != nil {
				return err
			}
			if begun {
				continue
			}
			if _, err := c.conn.js.PublishMsg(ctx, doneMessage(c.conn.subjects.done(), []relied{{id: id}})); err != nil {
				return err
			}
			c.done.note(id)
			crashed = false
		}
		return nil
	})
	return crashed, ok
}

// settle records how the task went. Before that, one that failed is remembered to be tried again, or as a dead letter.
func (c *consuming) settle(ctx context.Context, k *task, e *hooks.Event, r *hooks.Reaction) bool {
	if r.Error == nil {
		r.Record.ID = k.work.FinalID()
		c.record(k.records, r.Record)
		return true
	}
	w := k.work
	if w.Event == nil {
		made := hooks.NewWork(w.ID, k.event, w.Stored, k.match)
		made.Round, made.Attempts, made.Sequence = w.Round, w.Attempts, w.Sequence
		w = made
	}
	w = w.Failed(&r.Record)
	attempt := len(w.Attempts)
	r.Record.ID, r.Record.Attempt = w.AttemptID(attempt), attempt
	if wait, again := k.match.Again(attempt, r.Error); again {
		w.Due = time.Now().Add(wait).UTC()
		if !c.insist(ctx, func() error { return k.retry(ctx, w) }) {
			return false
		}
		k.work = w
		c.record(k.records, r.Record)
		return true
	}
	if !c.bury(ctx, k, &w, e) {
		return false
	}
	c.record(k.records, r.Record)
	return true
}

// bury gives the work up: a dead letter is published, then its final record.
func (c *consuming) bury(ctx context.Context, k *task, w *hooks.Work, e *hooks.Event) bool {
	letter, record := w.Bury(time.Now(), e)
	if !c.insist(ctx, func() error { return c.conn.publishDead(ctx, &letter) }) {
		return false
	}
	k.work.Attempts, k.work.Due = w.Attempts, time.Time{}
	c.record(k.records, record)
	c.alert(&letter, &record)
	return true
}

func (c *consuming) record(t *tally, r hooks.Record) {
	t.begin()
	r.Stored = t.end
	c.log.Record(r)
}

// insist repeats what fails until it does not, or ctx ends.
func (c *consuming) insist(ctx context.Context, do func() error) bool {
	for {
		err := do()
		switch {
		case err == nil:
			return true
		case ctx.Err() != nil:
			return false
		}
		c.conn.log.Warn("what an event needs could not be kept; trying again", "error", err)
		if !pause(ctx, insistAgain) {
			return false
		}
	}
}

// errTooLarge is why something cannot be published, ever.
var errTooLarge = errors.New("larger than the server takes")

// publishJSON publishes v and waits for the acknowledgement; duplicate says that the stream had a message of that id.
func (c *Conn) publishJSON(ctx context.Context, subject, id string, v any) (duplicate bool, err error) {
	data, err := json.Marshal(v)
	if err != nil {
		return false, err
	}
	if int64(len(data)) > c.nc.MaxPayload() {
		return false, fmt.Errorf("%s of %d bytes: %w", subject, len(data), errTooLarge)
	}
	ctx, cancel := context.WithTimeout(ctx, ackTimeout)
	defer cancel()
	m := &nats.Msg{Subject: subject, Data: data, Header: nats.Header{jetstream.MsgIDHeader: {id}}}
	ack, err := c.js.PublishMsg(ctx, m)
	if err != nil {
		return false, fmt.Errorf("%s: %w", subject, err)
	}
	return ack.Duplicate, nil
}

// publishWork publishes work to be done when it is due. Its id and round and the number of its attempts tell it from
// other work, so that it is there once however often it is published.
func (c *Conn) publishWork(ctx context.Context, w *hooks.Work) (duplicate bool, err error) {
	subject, id := c.subjects.work(w.App, w.Hook), w.AttemptID(len(w.Attempts)+1)
	duplicate, err = c.publishJSON(ctx, subject, id, w)
	if errors.Is(err, errTooLarge) {
		short := *w
		short.Shorten()
		return c.publishJSON(ctx, subject, id, &short)
	}
	return duplicate, err
}

func (c *Conn) publishDead(ctx context.Context, l *hooks.DeadLetter) error {
	subject := c.subjects.dead(l.App, l.Hook)
	_, err := c.publishJSON(ctx, subject, l.FinalID(), l)
	if errors.Is(err, errTooLarge) {
		short := *l
		short.Shorten()
		_, err = c.publishJSON(ctx, subject, l.FinalID(), &short)
	}
	return err
}
