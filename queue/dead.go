package queue

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/time/rate"

	"gaff/hooks"
)

const (
	// defaultLetters is how many dead letters are returned if their filter does not say.
	defaultLetters = 100
	// replayMost bounds how many are replayed or dropped at once; who wants more goes on.
	replayMost = 1000
	// replayTime bounds how long one replay takes.
	replayTime = 20 * time.Second
	// ReplayRate is how many hooks are replayed in a second, if nothing else is said.
	ReplayRate = 100
)

// Dead returns the dead letters that the filter selects, the oldest first, at most its Limit (default 100).
func (c *Conn) Dead(ctx context.Context, f hooks.DeadFilter) ([]hooks.DeadLetter, error) {
	letters := []hooks.DeadLetter{}
	err := c.eachDead(ctx, f, func(l *hooks.DeadLetter, _ uint64) bool {
		letters = append(letters, *l)
		return len(letters) < cmp.Or(max(f.Limit, 0), defaultLetters)
	})
	return letters, err
}

// eachDead calls f with each dead letter that the filter selects, and its sequence number, until f returns false.
func (c *Conn) eachDead(ctx context.Context, filter hooks.DeadFilter, f func(*hooks.DeadLetter, uint64) bool) error {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	for kind, name := range map[string]string{"app": filter.App, "hook": filter.Hook} {
		if name != "" && !hooks.ValidName(name) {
			return hooks.CheckName(kind, name)
		}
	}
	config := jetstream.OrderedConsumerConfig{
		FilterSubjects: []string{c.subjects.dead(cmp.Or(filter.App, "*"), cmp.Or(filter.Hook, "*"))},
	}
	if !filter.Since.IsZero() {
		start := filter.Since.Add(-clockSkew)
		config.DeliverPolicy, config.OptStartTime = jetstream.DeliverByStartTimePolicy, &start
	}
	err := c.scan(ctx, c.deadStream(), config, math.MaxUint64, func(m jetstream.Msg, meta *jetstream.MsgMetadata) bool {
		var l hooks.DeadLetter
		if err := json.Unmarshal(m.Data(), &l); err != nil {
			c.log.Error("a dead letter cannot be read", "subject", m.Subject(), "sequence", meta.Sequence.Stream, "error", err)
			return true
		}
		event := ""
		if e, err := l.ParseEvent(); err == nil {
			event = e.ID
		}
		return !filter.Match(&l, event) || f(&l, meta.Sequence.Stream)
	})
	if err != nil {
		return unavailable("dead letters", err)
	}
	return nil
}

// found is a dead letter with its place in the stream.
type found struct {
	letter hooks.DeadLetter
	seq    uint64
}

// selectDead returns the first letters that the filter selects, and whether there are more.
func (c *Conn) selectDead(ctx context.Context, f hooks.DeadFilter) (list []found, more bool, err error) {
	most := replayMost
	if f.Limit > 0 {
		most = min(most, f.Limit)
	}
	err = c.eachDead(ctx, f, func(l *hooks.DeadLetter, seq uint64) bool {
		if more = len(list) == most; !more {
			list = append(list, found{*l, seq})
		}
		return !more
	})
	return list, more, err
}

// ReplayDead has the hooks of the dead letters that the filter selects run again, at most 1000 of them, so many in a second
// (0: 100), within 20 s, and takes the letters away; Left says that there are more, given up before Until, which is now if
// the filter does not say. A letter that was replayed in the last ten minutes does not run twice over it.
func (c *Conn) ReplayDead(ctx context.Context, f hooks.DeadFilter, perSecond int) (hooks.Replayed, error) {
	if f.Until.IsZero() {
		f.Until = time.Now()
	}
	r := hooks.Replayed{Until: f.Until}
	list, more, err := c.selectDead(ctx, f)
	if err != nil {
		return r, err
	}
	r.Found, r.Left = len(list), more && f.Limit == 0
	p := newPace(ctx, perSecond)
	defer p.end()
	for i := range list {
		if !p.wait() {
			r.Left = true
			return r, ctx.Err()
		}
		l := &list[i]
		w := l.letter.Replayed()
		duplicate, err := c.publishWork(ctx, &w)
		if err != nil {
			return r, unavailable("dead letter "+l.letter.FinalID(), err)
		}
		if duplicate {
			r.Duplicate++
		} else {
			r.Replayed++
		}
		if err := c.removeDead(ctx, l.seq); err != nil {
			return r, err
		}
	}
	return r, nil
}

// DropDead takes the dead letters away that the filter selects, at most 1000 of them, and returns how many.
func (c *Conn) DropDead(ctx context.Context, f hooks.DeadFilter) (n int, err error) {
	list, _, err := c.selectDead(ctx, f)
	for i := range list {
		if err := c.removeDead(ctx, list[i].seq); err != nil {
			return n, err
		}
		n++
	}
	return n, err
}

func (c *Conn) removeDead(ctx context.Context, seq uint64) error {
	stream, err := c.js.Stream(ctx, c.deadStream())
	if err == nil {
		err = stream.DeleteMsg(ctx, seq)
	}
	if err != nil && !errors.Is(err, jetstream.ErrMsgNotFound) && !errors.Is(err, jetstream.ErrMsgDeleteUnsuccessful) {
		return unavailable("a dead letter", err)
	}
	return nil
}

// pace lets things happen so often in a second, for a while.
type pace struct {
	limiter *rate.Limiter
	ctx     context.Context
	end     context.CancelFunc
}

func newPace(ctx context.Context, perSecond int) pace {
	perSecond = cmp.Or(max(perSecond, 0), ReplayRate)
	ctx, cancel := context.WithTimeout(ctx, replayTime)
	return pace{rate.NewLimiter(rate.Limit(perSecond), max(1, perSecond/10)), ctx, cancel}
}

// wait reports whether one more may happen.
func (p *pace) wait() bool { return p.limiter.Wait(p.ctx) == nil }

// replayable says why a hook has no part in a replay.
func replayable(t *hooks.Table, f hooks.ReplayFilter) error {
	switch h := t.Hook(f.Hook); {
	case h == nil:
		return hooks.Errorf(hooks.CodeHookNotFound, "hook %s of app %s is not registered", f.Hook, f.App)
	case !h.Reacts():
		return hooks.Errorf(hooks.CodeBadRequest, "hook %s of app %s runs while a caller waits for it: only after and failed hooks without sync can be replayed to",
			f.Hook, f.App)
	case waits(t, h):
		return hooks.Errorf(hooks.CodeBadRequest, "hook %s of app %s is switched off, or in quarantine: switch it on first", f.Hook, f.App)
	}
	return nil
}

// Replay has a registered hook run for events that the stream still has, whether or not it has run for them before: those
// that the filter selects and that start it under the current release t. It goes on for 20 s, or up to the filter's Limit
// (default and most: 1000), so many in a second (0: 100); Left says that there is more, after Next. The same replay within
// ten minutes does not run the hook twice. A dry one only counts.
func (c *Conn) Replay(ctx context.Context, t *hooks.Table, f hooks.ReplayFilter, perSecond int, dry bool) (hooks.Replayed, error) {
	r := hooks.Replayed{Next: f.After}
	if err := replayable(t, f); err != nil {
		return r, err
	}
	p := newPace(ctx, perSecond)
	defer p.end()
	most := replayMost
	if f.Limit > 0 {
		most = min(most, f.Limit)
	}
	if dry {
		most = math.MaxInt
	}
	var failed error
	err := c.scan(p.ctx, c.eventStream(), c.replayed(f), math.MaxUint64, func(m jetstream.Msg, meta *jetstream.MsgMetadata) bool {
		if !f.Until.IsZero() && !meta.Timestamp.Before(f.Until) {
			return false
		}
		d := &delivery{message: m, meta: meta}
		match := c.startedBy(t, f, d)
		if match == nil {
			r.Next = meta.Sequence.Stream
			return true
		}
		if r.Left = r.Found == most || !dry && !p.wait(); r.Left {
			return false
		}
		r.Found++
		if !dry {
			failed = c.replayOne(ctx, &r, d, match)
		}
		r.Next = meta.Sequence.Stream
		return failed == nil
	})
	if err == nil {
		err = failed
	}
	switch {
	case err != nil && ctx.Err() == nil && p.ctx.Err() != nil: // its time is up
		r.Left = true
	case err != nil:
		return r, unavailable("the replay", err)
	}
	return r, nil
}

// replayed is where the events of a replay are read.
func (c *Conn) replayed(f hooks.ReplayFilter) jetstream.OrderedConsumerConfig {
	config := jetstream.OrderedConsumerConfig{FilterSubjects: []string{c.config.Prefix + ".event." + f.App + ".>"}}
	switch {
	case f.After > 0:
		config.DeliverPolicy, config.OptStartSeq = jetstream.DeliverByStartSequencePolicy, f.After+1
	case !f.Since.IsZero():
		config.DeliverPolicy, config.OptStartTime = jetstream.DeliverByStartTimePolicy, &f.Since
	}
	return config
}

// startedBy returns the hook if the event is one of those that are replayed to it.
func (c *Conn) startedBy(t *hooks.Table, f hooks.ReplayFilter, d *delivery) *hooks.Match {
	if released(d.message) || d.parseEvent(c.subjects) != nil || f.Event != "" && f.Event != d.event.ID {
		return nil
	}
	return hooks.Named(t.For(d.event).Match(d.event, false), f.Hook)
}

func (c *Conn) replayOne(ctx context.Context, r *hooks.Replayed, d *delivery, m *hooks.Match) error {
	w := hooks.NewWork(taskID(d.meta, m.Name, m.Function), d.event, d.meta.Timestamp, m)
	w.Sequence, w.Round = d.meta.Sequence.Stream, int(time.Now().Unix())
	id := "replay." + w.ID // not with the round: the same replay is another round
	duplicate, err := c.publishJSON(ctx, c.subjects.work(w.App, w.Hook), id, &w)
	if errors.Is(err, errTooLarge) {
		w.Shorten()
		duplicate, err = c.publishJSON(ctx, c.subjects.work(w.App, w.Hook), id, &w)
	}
	switch {
	case err != nil:
		return fmt.Errorf("event %s: %w", d.event.ID, err)
	case duplicate:
		r.Duplicate++
	default:
		r.Replayed++
	}
	return nil
}
