package hooks

import (
	"context"
	"runtime"
	"sync"
	"time"
)

// Pool runs functions on a bounded number of goroutines. Its places are for runs that compute for a moment: one that
// waits parks and leaves its place to another, so that hooks which call hooked services cannot starve each other, and one
// that computes for long loses its place and shares the processors with those who follow. What is running, waiting and
// queued together is bounded too: past that, Submit refuses at once.
//
// Apps share a pool fairly. Whose turn it is goes round among those that have something queued; one that crowds the pool
// is refused before others are; and one whose runs compute for long, many at once, waits for them.
type Pool struct {
	places, bound int

	mu       sync.Mutex
	work     sync.Cond // there is some, or the pool is closed
	apps     map[string]*turn
	turns    []*turn // of the apps that have something to run; the first is next
	inFlight int
	active   int // workers that hold a place
	busy     map[*Place]struct{}
	look     int // how often the pool has looked for runs that take long
	looking  bool
	closed   bool

	workers sync.WaitGroup
}

// turn is what the pool has of one app.
type turn struct {
	app      string
	queue    []func(*Place)
	first    int // in the queue
	inFlight int
	long     int  // runs that have lost their place, and compute
	listed   bool // among the turns
}

// Place is where a function runs.
type Place struct {
	pool   *Pool
	turn   *turn
	since  int // at which look the function has begun, or gone on
	parked bool
	lost   bool // it has been computing for long
}

const (
	// lookEvery is how often the pool looks for runs that take long, and longLooks after how many a run does.
	lookEvery = 10 * time.Millisecond
	longLooks = 2
	// idleLooks is for how many looks without anything in flight it goes on.
	idleLooks = 10
	// crowding is how many times what is left free one app may have in flight. One app alone gets 8/9 of a large pool.
	crowding = 8
	// maxApps is from how many apps on the pool forgets those that have nothing in flight.
	maxApps = 1024
)

// maxLong is how many runs of one app may compute for long at the same moment.
func maxLong() int { return max(8, 4*runtime.GOMAXPROCS(0)) }

// NewPool returns a pool with so many places and so many functions in flight at most.
func NewPool(places, bound int) *Pool {
	p := &Pool{places: places, bound: bound, apps: map[string]*turn{}, busy: map[*Place]struct{}{}}
	p.work.L = &p.mu
	for range places {
		p.start()
	}
	return p
}

// Submit has f run soon for an app, or returns false if there is no room for it. It does not block.
func (p *Pool) Submit(app string, f func(*Place)) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	t := p.turn(app)
	if left := p.bound - p.inFlight; left <= 0 || t.inFlight >= crowding*left {
		return false
	}
	p.inFlight++
	t.inFlight++
	t.queue = append(t.queue, f)
	p.list(t)
	if !p.looking {
		p.looking = true
		go p.watch()
	}
	p.work.Signal()
	return true
}

func (p *Pool) turn(app string) *turn {
	t := p.apps[app]
	if t == nil {
		if len(p.apps) >= maxApps {
			p.forget()
		}
		t = &turn{app: app}
		p.apps[app] = t
	}
	return t
}

func (p *Pool) forget() {
	for app, t := range p.apps {
		if t.inFlight == 0 {
			delete(p.apps, app)
		}
	}
}

// list gives an app its turn, at the end, if it has anything that may run.
func (p *Pool) list(t *turn) {
	if !t.listed && len(t.queue) > t.first && t.long < maxLong() {
		t.listed = true
		p.turns = append(p.turns, t)
	}
}

// next takes what runs next from the app whose turn it is.
func (p *Pool) next() (*turn, func(*Place)) {
	t := p.turns[0]
	p.turns = append(p.turns[:0], p.turns[1:]...)
	t.listed = false
	f := t.queue[t.first]
	t.queue[t.first] = nil
	if t.first++; t.first == len(t.queue) {
		t.queue, t.first = t.queue[:0], 0
	}
	p.list(t)
	return t, f
}

func (p *Pool) start() {
	p.active++
	p.workers.Go(p.serve)
}

// serve is a worker.
func (p *Pool) serve() {
	place := &Place{pool: p}
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		for len(p.turns) == 0 {
			if p.closed && p.inFlight == 0 {
				p.active--
				return
			}
			p.work.Wait()
		}
		t, f := p.next()
		place.turn, place.since = t, p.look
		p.busy[place] = struct{}{}
		p.mu.Unlock()
		f(place)
		p.mu.Lock()
		delete(p.busy, place)
		p.end(place)
		if p.active > p.places {
			p.active--
			return
		}
	}
}

// end notes that the function of a place has ended.
func (p *Pool) end(place *Place) {
	t := place.turn
	p.inFlight--
	t.inFlight--
	if place.lost {
		p.active++
		t.long--
		place.lost = false
		p.list(t)
		if len(p.turns) > 0 {
			p.work.Signal()
		}
	}
	if p.closed && p.inFlight == 0 {
		p.work.Broadcast()
	}
}

// Park gives the place up; the function waits for something and then calls resume. A run that resumes does not queue for
// a place again, so for a moment more may compute than there are places; the surplus worker ends after its present
// function.
func (place *Place) Park() (resume func()) {
	if place == nil {
		return func() {}
	}
	p := place.pool
	p.mu.Lock()
	defer p.mu.Unlock()
	place.parked = true
	p.leave(place)
	return place.resume
}

// leave has others have the place; of a run that has lost it already only the app's account changes.
func (p *Pool) leave(place *Place) {
	if place.lost {
		place.lost = false
		place.turn.long--
		p.list(place.turn)
	} else if p.active--; p.active < p.places {
		p.start()
		return
	}
	if len(p.turns) > 0 {
		p.work.Signal()
	}
}

func (place *Place) resume() {
	p := place.pool
	p.mu.Lock()
	defer p.mu.Unlock()
	if place.parked {
		place.parked, place.since = false, p.look
		p.active++
	}
}

// watch takes their places from runs that compute for long, as long as anything is in flight.
func (p *Pool) watch() {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for idle := 0; ; {
		<-tick.C
		p.mu.Lock()
		p.look++
		for place := range p.busy {
			if !place.parked && !place.lost && p.look-place.since > longLooks {
				place.lost = true
				place.turn.long++
				if p.active--; p.active < p.places {
					p.start()
				}
			}
		}
		if idle++; p.inFlight > 0 {
			idle = 0
		}
		if idle > idleLooks || p.closed && p.inFlight == 0 {
			p.looking = false
			p.mu.Unlock()
			return
		}
		p.mu.Unlock()
	}
}

// Handler returns a handler whose work is done by the pool; it waits for the verdict. An event that the pool has no
// room for gets an OVERLOADED verdict.
func (p *Pool) Handler(a Answerer) Handler {
	return HandlerFunc(func(ctx context.Context, e *Event) Verdict {
		done := make(chan Verdict, 1)
		own := *e
		submitted := p.Submit(e.App, func(place *Place) {
			own.Place = place
			a.HandleThen(ctx, &own, func(v Verdict) { done <- v })
		})
		if !submitted {
			return Stop(Errorf(CodeOverloaded, "too many runs in flight; try again"))
		}
		return <-done
	})
}

// Close waits for everything submitted and ends the workers. Nobody may submit any more.
func (p *Pool) Close() {
	p.mu.Lock()
	p.closed = true
	p.work.Broadcast()
	p.mu.Unlock()
	p.workers.Wait()
}
