package queue

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"gaff/hooks"
)

// colleague is another process that works lanes off.
type colleague struct {
	apps hooks.Apps // whose lanes it may take
	seen time.Time  // when it last said that it is there
}

// presence is what a process says of itself; nothing, if it serves all apps.
func presence(apps hooks.Apps) []byte {
	if apps.All() {
		return nil
	}
	value, err := json.Marshal(apps)
	if err != nil {
		return nil
	}
	return value
}

// portion is the lanes that the same processes may take, which they share fairly.
type portion struct {
	workers, total int
	free           []laneID
	owned          []*lane
}

// share returns the lanes to take, and those to leave to workers that have fewer.
func (l *lanes) share(tables map[string]*hooks.Table) (free []laneID, surplus []*lane) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	portions := map[string]*portion{}
	of := map[string]*portion{} // by app
	for id, s := range l.seen {
		if !l.c.options.Apps.Serves(id.app) || !tables[id.app].Ordered() {
			continue
		}
		p := of[id.app]
		if p == nil {
			who := l.who(id.app, now)
			key := strings.Join(who, " ")
			if p = portions[key]; p == nil {
				p = &portion{workers: 1 + len(who)}
				portions[key] = p
			}
			of[id.app] = p
		}
		p.total++
		if n := l.owned[id]; n != nil {
			p.owned = append(p.owned, n)
		} else if s.free(now) {
			p.free = append(p.free, id)
		}
	}
	for _, p := range portions {
		take, leave := p.fair()
		free, surplus = append(free, take...), append(surplus, leave...)
	}
	return free, surplus
}

// who lists the other processes that may take lanes of an app.
func (l *lanes) who(app string, now time.Time) (ids []string) {
	for id, w := range l.workers {
		if id != l.me && now.Sub(w.seen) < laneLease && w.apps.Serves(app) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// fair returns what of a portion to take, and what to leave.
func (p *portion) fair() (take []laneID, leave []*lane) {
	fair := (p.total + p.workers - 1) / p.workers
	take = p.free
	if room := fair - len(p.owned); room < len(take) { // those that leave are still here
		take = take[:max(room, 0)]
	}
	kept := slices.DeleteFunc(p.owned, (*lane).leaving)
	if surplus := len(kept) - fair; surplus > 0 {
		leave = kept[:surplus]
	}
	return take, leave
}
