package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"

	"gaff/hooks"
)

const (
	// laneTick is how often a worker says that it is there, and looks for lanes that nobody works off.
	laneTick = time.Second
	// laneLease is after what time of silence a worker's lanes are another's.
	laneLease = 5 * time.Second
	// laneMargin is how much earlier a worker that cannot say that it is there stops.
	laneMargin = time.Second
	// workerGone is after what time of silence a worker is forgotten.
	workerGone = time.Minute

	lanePrefix   = "lane."
	retryPrefix  = "retry."
	workerPrefix = "worker."
)

// laneID is one part of the events of an app whose hooks want them in order. One worker at a time works a lane off.
type laneID struct {
	app  string
	part int
}

func (id laneID) key() string { return fmt.Sprintf("%s%s.%d", lanePrefix, id.app, id.part) }

func (id laneID) retries() string { return fmt.Sprintf("%s%s.%d.", retryPrefix, id.app, id.part) }

func parseLane(key string) (id laneID, ok bool) {
	rest, ok := strings.CutPrefix(key, lanePrefix)
	if !ok {
		return id, false
	}
	n, err := fmt.Sscanf(strings.Replace(rest, ".", " ", 1), "%s %d", &id.app, &id.part)
	return id, err == nil && n == 2
}

// lease is what is kept of a lane.
type lease struct {
	Owner string `json:"owner,omitempty"` // empty: nobody
	Floor uint64 `json:"floor"`           // sequence number up to which all events are worked off
}

// leaseSeen is a lease, and when it was last seen to change.
type leaseSeen struct {
	lease
	revision uint64
	at       time.Time
}

// free reports whether no worker has the lane.
func (s leaseSeen) free(now time.Time) bool { return s.Owner == "" || now.Sub(s.at) > laneLease }

// lanes are what this process knows of all lanes, and those that it works off.
type lanes struct {
	c      *consuming
	me     string
	runs   context.Context
	places chan struct{} // one for each hook that runs
	kick   chan struct{}

	mu      sync.Mutex
	seen    map[laneID]leaseSeen
	workers map[string]colleague // by id
	owned   map[laneID]*lane
	closed  bool
	present bool           // it was said that this worker is there
	leaves  sync.WaitGroup // of lanes on their way to others
}

func newLanes(runs context.Context, c *consuming) *lanes {
	return &lanes{
		c: c, me: nuid.Next(), runs: runs, places: make(chan struct{}, c.options.Concurrency), kick: make(chan struct{}, 1),
		seen: map[laneID]leaseSeen{}, workers: map[string]colleague{}, owned: map[laneID]*lane{},
	}
}

// run keeps lanes worked off until ctx ends.
func (l *lanes) run(ctx context.Context) error {
	following := make(chan error, 1)
	go func() {
		f := &follower{
			conn: l.c.conn, what: "lanes", take: l.take, gone: l.gone, settle: func(context.Context) error { return nil },
			sources: []source{{l.c.conn.order, []string{lanePrefix + ">", workerPrefix + "*"}}},
		}
		following <- f.run(ctx)
	}()
	tick := time.NewTicker(laneTick)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return <-following
		case <-tick.C:
		case <-l.kick:
		}
		l.look(ctx)
	}
}

func (l *lanes) take(kept jetstream.KeyValueEntry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if id, ok := strings.CutPrefix(kept.Key(), workerPrefix); ok {
		w := colleague{seen: time.Now()}
		if len(kept.Value()) > 0 && json.Unmarshal(kept.Value(), &w.apps) != nil {
			return
		}
		l.workers[id] = w
		return
	}
	id, ok := parseLane(kept.Key())
	s := leaseSeen{revision: kept.Revision(), at: time.Now()}
	if !ok || json.Unmarshal(kept.Value(), &s.lease) != nil || l.seen[id].revision >= s.revision {
		return
	}
	l.seen[id] = s
	if s.Owner == "" {
		l.wake()
	}
}

func (l *lanes) gone(_, key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if id, ok := strings.CutPrefix(key, workerPrefix); ok {
		delete(l.workers, id)
	} else if id, ok := parseLane(key); ok {
		delete(l.seen, id)
	}
}

func (l *lanes) wake() {
	signal(l.kick)
}

// look renews what this worker has, gives up what it has no more right to, and takes what is free, as far as that is fair.
func (l *lanes) look(ctx context.Context) {
	tables := l.c.reactor.All()
	any := false
	for app, t := range tables {
		any = any || t.Ordered() && l.c.options.Apps.Serves(app)
	}
	l.mu.Lock()
	any = any || len(l.owned) > 0
	l.mu.Unlock()
	if !any {
		return
	}
	l.present = true
	if _, err := l.c.conn.order.Put(ctx, workerPrefix+l.me, presence(l.c.options.Apps)); err != nil {
		l.c.conn.log.Warn("lanes: the worker cannot say that it is there", "error", err)
	}
	for _, n := range l.mine() {
		if !tables[n.id.app].Ordered() {
			n.abandon(ctx)
			continue
		}
		n.renew(ctx)
	}
	free, surplus := l.share(tables)
	for _, id := range free {
		l.claim(ctx, id)
	}
	for _, n := range surplus {
		l.leaves.Go(func() { n.leave(l.runs) })
	}
	for _, id := range l.dead() {
		if err := l.c.conn.erase(ctx, l.c.conn.order, workerPrefix+id); err != nil {
			return // another time
		}
	}
}

// dead returns workers that have been silent for so long that nobody needs to know of them, and forgets them.
func (l *lanes) dead() (ids []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for id, w := range l.workers {
		if time.Since(w.seen) > workerGone {
			ids = append(ids, id)
			delete(l.workers, id)
		}
	}
	return ids
}

func (l *lanes) mine() []*lane {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := make([]*lane, 0, len(l.owned))
	for _, n := range l.owned {
		all = append(all, n)
	}
	return all
}

// claim takes a lane, unless another is faster.
func (l *lanes) claim(ctx context.Context, id laneID) {
	l.mu.Lock()
	s := l.seen[id]
	free := s.free(time.Now()) && !l.closed // and not only when it was looked for
	l.mu.Unlock()
	if !free {
		return
	}
	began := time.Now()
	value, err := json.Marshal(lease{Owner: l.me, Floor: s.Floor})
	if err != nil {
		return
	}
	revision, err := l.c.conn.order.Update(ctx, id.key(), value, s.revision)
	if err != nil {
		return // it is another's, or will be tried again
	}
	n := newLane(l, id, s.Floor, revision, began)
	l.mu.Lock()
	l.seen[id] = leaseSeen{lease{l.me, s.Floor}, revision, began}
	l.owned[id] = n
	l.mu.Unlock()
	go n.run()
}

// What the worker that has an event does with an ordered hook.
type laneAnswer int

const (
	laneTakes  laneAnswer = iota // the lane runs it
	laneMay                      // the lane may run it: look again
	laneLeaves                   // the lane does not run it
)

// takes says who runs an ordered hook for an event. Soon after a release, the worker that has the lane may have passed the
// event by without knowing of the hook: then it is looked again what has become of it.
func (l *lanes) takes(ctx context.Context, d *delivery, t *hooks.Table, m *hooks.Match) laneAnswer {
	id, ok := l.c.conn.subjects.lane(d.message.Subject())
	if !ok {
		return laneLeaves
	}
	if !l.c.insist(ctx, func() error { return l.ensure(ctx, d) }) {
		return laneMay
	}
	if d.meta.Timestamp.Sub(t.Release.Created) > compareEvery+5*time.Second {
		return laneTakes
	}
	if l.floor(id) < d.meta.Sequence.Stream {
		return laneMay
	}
	work := hooks.Work{ID: taskID(d.meta, m.Name, m.Function)}
	known, err := l.c.done.any(ctx, time.Now(), work.FinalID(), work.AttemptID(1)) // what it ran had its record before it passed
	switch {
	case err != nil:
		return laneMay
	case known:
		return laneTakes
	}
	return laneLeaves
}

func (l *lanes) floor(id laneID) uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.seen[id].Floor
}

// ensure makes sure that there is the lane of an event, which begins no later than with it.
func (l *lanes) ensure(ctx context.Context, d *delivery) error {
	id, ok := l.c.conn.subjects.lane(d.message.Subject())
	if !ok {
		return nil
	}
	l.mu.Lock()
	_, known := l.seen[id]
	l.mu.Unlock()
	if known {
		return nil
	}
	consumer, err := l.c.conn.js.Consumer(ctx, l.c.conn.eventStream(), l.c.conn.config.Prefix+"-workers")
	if err != nil {
		return err
	}
	s := leaseSeen{lease: lease{Floor: consumer.CachedInfo().AckFloor.Stream}, at: time.Now()}
	value, err := json.Marshal(s.lease)
	if err != nil {
		return err
	}
	s.revision, err = l.c.conn.order.Create(ctx, id.key(), value)
	switch {
	case errors.Is(err, jetstream.ErrKeyExists):
		return nil
	case err != nil:
		return err
	}
	l.mu.Lock()
	if l.seen[id].revision < s.revision {
		l.seen[id] = s
	}
	l.mu.Unlock()
	l.wake()
	return nil
}

// rest ends the lanes of this worker, whose running hooks may end until ctx does, and leaves them to others.
func (l *lanes) rest(ctx context.Context) {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	var all sync.WaitGroup
	for _, n := range l.mine() {
		all.Go(func() { n.leave(ctx) })
	}
	all.Wait()
	if !l.present || !l.c.conn.nc.IsConnected() {
		return
	}
	if err := l.c.conn.erase(context.WithoutCancel(ctx), l.c.conn.order, workerPrefix+l.me); err != nil {
		l.c.conn.log.Warn("lanes: the worker cannot say that it is gone", "error", err)
	}
}
