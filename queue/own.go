package queue

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"gaff/hooks"
)

// The kinds of what is handed on, which are the tokens behind the prefix of its subjects.
const (
	kindAsk   = "ask"
	kindCall  = "call"
	kindEvent = "event"
	kindWork  = "work"
)

const (
	// here is asked of those who run an app's scripts; any answer means that there are some.
	here = "here"
	// hereWithin is how long the answer may take; later, somebody is there who is slow.
	hereWithin = 250 * time.Millisecond
	// hereFor is how long an answer holds. Whoever goes meanwhile is not missed before.
	hereFor = 250 * time.Millisecond
	// maxRoutes is from how many apps on it is forgotten what is known of those that nothing comes for.
	maxRoutes = 1024
)

// own shares the work of one kind among processes that do not all run the scripts of the same apps. What reaches one of
// another's app goes on, unread and with its reply subject, to one that runs the app's scripts:
//
//	prefix.own.app.…    to those that were told to run the scripts of the app, or of all apps
//	prefix.rest.…       to those that run the scripts of all apps but some, if there are none of the former
//
// Behind that stands the subject on which it came, without the prefix.
type own struct {
	conn *Conn
	apps hooks.Apps
	kind string
	take nats.MsgHandler // of what was handed on to this process
	subs *subscriptions

	mu     sync.Mutex
	routes map[string]*route // by app
	known  map[string]bool   // apps that others have left to this process
	looks  sync.WaitGroup
}

// route is where the messages of an app go that this process does not serve.
type route struct {
	to      string // begins the subject; empty: nobody is there
	until   time.Time
	waiting []func(to string)
}

func (c *Conn) newOwn(apps hooks.Apps, kind string, subs *subscriptions, take nats.MsgHandler) *own {
	return &own{conn: c, apps: apps, kind: kind, subs: subs, take: take, routes: map[string]*route{}, known: map[string]bool{}}
}

// open takes in what others hand on.
func (o *own) open() error {
	s := o.conn.subjects
	switch {
	case o.apps.All():
		return o.subs.add(s.own("*")+"."+o.kind+".>", group, o.receive)
	case o.apps.Only != "":
		return o.subs.add(s.own(o.apps.Only)+"."+o.kind+".>", group, o.receive)
	}
	if err := o.subs.add(s.rest()+"."+o.kind+".>", group, o.receive); err != nil {
		return err
	}
	return o.subs.add(s.wanted(o.kind, "*"), "", o.wanted)
}

// wanted hears that a process looks for one that runs the scripts of an app. Of those that run the scripts of all apps but
// some, nobody knows in advance which are left to them.
func (o *own) wanted(m *nats.Msg) {
	app := m.Subject[strings.LastIndexByte(m.Subject, '.')+1:]
	if !o.apps.Serves(app) || !hooks.ValidName(app) {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.known[app] || len(o.known) >= maxRoutes {
		return
	}
	if err := o.subs.add(o.conn.subjects.own(app)+"."+o.kind+".>", group, o.receive); err != nil {
		if !errors.Is(err, errEnding) {
			o.conn.log.Warn("an app that others leave to this process is not served", "app", app, "error", err)
		}
		return
	}
	o.known[app] = true
}

// receive takes what was handed on as if it had come by itself.
func (o *own) receive(m *nats.Msg) {
	subject, ok := o.conn.subjects.unowned(m.Subject)
	if !ok {
		return
	}
	if strings.HasSuffix(subject, "."+o.kind+"."+here) {
		_ = m.Respond([]byte(here)) // who does not hear it asks again
		return
	}
	m.Subject = subject
	o.take(m)
}

// find says where the messages of an app go on to; empty: nobody is there. then is called at once if that is known, on
// another goroutine else.
func (o *own) find(app string, then func(to string)) {
	o.mu.Lock()
	r := o.routes[app]
	if r == nil {
		if len(o.routes) >= maxRoutes {
			o.forget()
		}
		r = &route{}
		o.routes[app] = r
	}
	if time.Now().Before(r.until) {
		to := r.to
		o.mu.Unlock()
		then(to)
		return
	}
	r.waiting = append(r.waiting, then)
	if len(r.waiting) == 1 {
		o.looks.Go(func() { o.look(app, r) })
	}
	o.mu.Unlock()
}

// forget drops what is out of date, under the lock.
func (o *own) forget() {
	now := time.Now()
	for app, r := range o.routes {
		if len(r.waiting) == 0 && now.After(r.until) {
			delete(o.routes, app)
		}
	}
}

// look finds out where the messages of an app go, and tells those who wait for it.
func (o *own) look(app string, r *route) {
	to, valid := o.ask(app)
	o.mu.Lock()
	r.to, r.until = to, time.Now().Add(valid)
	waiting := r.waiting
	r.waiting = nil
	o.mu.Unlock()
	for _, then := range waiting {
		then(to)
	}
}

// ask asks who is there for an app, and says how long the answer holds.
func (o *own) ask(app string) (to string, valid time.Duration) {
	s := o.conn.subjects
	candidates := []string{s.own(app)}
	if o.apps.Only != "" {
		candidates = append(candidates, s.rest())
	} else if err := o.conn.nc.Publish(s.wanted(o.kind, app), nil); err != nil {
		return "", hereFor
	}
	for _, to := range candidates {
		_, err := o.conn.nc.Request(to+"."+o.kind+"."+here, nil, hereWithin)
		switch {
		case err == nil:
			return to, hereFor
		case errors.Is(err, nats.ErrTimeout):
			return to, 4 * hereFor // a look takes so long that there should be few
		}
	}
	return "", hereFor
}

// serves waits until it is known whether somebody runs the scripts of an app, and says so.
func (o *own) serves(ctx context.Context, app string) (to string) {
	found := make(chan string, 1)
	o.find(app, func(to string) { found <- to })
	select {
	case to = <-found:
	case <-ctx.Done():
	}
	return to
}

// forward hands a message on.
func (o *own) forward(to string, m *nats.Msg) error {
	return o.conn.nc.PublishMsg(&nats.Msg{
		Subject: o.conn.subjects.handed(to, m.Subject), Reply: m.Reply, Data: m.Data, Header: m.Header,
	})
}

// wait returns when no look is under way. Nobody may look any more.
func (o *own) wait() { o.looks.Wait() }

// own is where what concerns an app is handed on to those that run its scripts: prefix.own.app.
func (s subjects) own(app string) string { return s.prefix + ".own." + app }

// rest is where it is handed on to those that run the scripts of all apps but some.
func (s subjects) rest() string { return s.prefix + ".rest" }

// wanted is where it is told that somebody looks for those that run an app's scripts: prefix.wanted.kind.app.
func (s subjects) wanted(kind, app string) string { return s.prefix + ".wanted." + kind + "." + app }

// handed is the subject of what is handed on.
func (s subjects) handed(to, subject string) string {
	return to + strings.TrimPrefix(subject, s.prefix)
}

// unowned is the subject on which it came first.
func (s subjects) unowned(handed string) (subject string, ok bool) {
	rest, ok := strings.CutPrefix(handed, s.own(""))
	if ok {
		_, rest, ok = strings.Cut(rest, ".")
		return s.prefix + "." + rest, ok
	}
	rest, ok = strings.CutPrefix(handed, s.rest())
	return s.prefix + rest, ok
}
