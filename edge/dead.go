package edge

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/tidwall/gjson"

	"gaff/hooks"
)

// Dead keeps the dead letters.
type Dead interface {
	// Dead returns those that f selects, the oldest first.
	Dead(ctx context.Context, f hooks.DeadFilter) ([]hooks.DeadLetter, error)
	// ReplayDead has their hooks run again, so many in a second (0: a default), and DropDead takes them away. Both do so with
	// a bounded number at once.
	ReplayDead(ctx context.Context, f hooks.DeadFilter, perSecond int) (hooks.Replayed, error)
	DropDead(ctx context.Context, f hooks.DeadFilter) (int, error)
}

// Bounds of what is asked about dead letters.
const (
	maxLetters    = 1000
	maxReplayRate = 10_000 // in a second
)

func (a *api) dead() {
	s := a.server
	if s.config.Dead == nil {
		return
	}
	serve(a, operation{id: "list-dead", method: http.MethodGet, path: "/v1/dead", summary: "List dead letters, the oldest first"}, s.listDead)
	serve(a, operation{id: "get-dead", method: http.MethodGet, path: "/v1/dead/{id}", summary: "Get a dead letter with its event"}, s.getDead)
	serve(a, operation{id: "drop-one-dead", method: http.MethodDelete, path: "/v1/dead/{id}", summary: "Take a dead letter away"}, s.dropOneDead)
	serve(a, operation{
		id: "replay-dead", method: http.MethodPost, path: "/v1/dead/replay",
		summary: "Run the hooks of dead letters again; of many at a time, as long as left is true",
	}, s.replayDead)
	serve(a, operation{
		id: "drop-dead", method: http.MethodPost, path: "/v1/dead/drop",
		summary: "Take dead letters away; of many at a time, as long as left is true",
	}, s.dropDead)
	serve(a, operation{
		id: "replay", method: http.MethodPost, path: "/v1/replay",
		summary: "Run a hook for events that are still there; a part of many at a time, as long as left is true, after next",
	}, s.replay)
}

// letterBody is a dead letter as one gets it.
type letterBody struct {
	ID       string             `json:"id"`
	Time     time.Time          `json:"time" doc:"when it was given up"`
	App      string             `json:"app"`
	Hook     string             `json:"hook"`
	Function string             `json:"function,omitempty"`
	Event    json.RawMessage    `json:"event" doc:"service, operation, phase and the payload; in a list without what the call carried"`
	Stored   time.Time          `json:"stored" doc:"when the event was published"`
	Replays  int                `json:"replays,omitempty" doc:"how often it was replayed"`
	Attempts []hooks.Attempt    `json:"attempts"`
	Error    *hooks.RecordError `json:"error"`
}

func letterBodyOf(l *hooks.DeadLetter) letterBody {
	return letterBody{
		l.FinalID(), l.Time, l.App, l.Hook, l.Function, l.Event, l.Stored, l.Round, append([]hooks.Attempt{}, l.Attempts...), l.Error,
	}
}

// about leaves of an event what tells it from others.
func about(event json.RawMessage) json.RawMessage {
	short := map[string]any{}
	for _, name := range []string{"id", "service", "operation", "phase", "key", "origin", "depth"} {
		if v := gjson.GetBytes(event, name); v.Exists() {
			short[name] = v.Value()
		}
	}
	b, err := json.Marshal(short)
	if err != nil {
		return nil
	}
	return b
}

// DeadSelection says which dead letters are meant.
type DeadSelection struct {
	ID    string `json:"id,omitempty" doc:"of a letter"`
	Hook  string `json:"hook,omitempty"`
	Event string `json:"event,omitempty" doc:"the event's id"`
	Error string `json:"error,omitempty" doc:"part of the error's code or message, in any case"`
	Since string `json:"since,omitempty" doc:"given up since then: a duration before now, or a time"`
	Until string `json:"until,omitempty" doc:"given up before then"`
	All   bool   `json:"all,omitempty" doc:"needed if nothing else is said"`
}

func (d *DeadSelection) filter(app string) (f hooks.DeadFilter, err error) {
	f = hooks.DeadFilter{App: app, ID: d.ID, Hook: d.Hook, Event: d.Event, Error: d.Error}
	if d.Hook != "" {
		if err := hooks.CheckName("hook", d.Hook); err != nil {
			return f, err
		}
	}
	now := time.Now()
	if f.Since, err = instant(d.Since, now); err != nil {
		return f, err
	}
	if f.Until, err = instant(d.Until, now); err != nil {
		return f, wrong("until", "a duration such as 1h, or a time such as 2026-01-02T15:04:05Z")
	}
	return f, nil
}

// chosen is the filter of what is about to change letters: nobody means all of them by saying nothing.
func (d *DeadSelection) chosen(app string) (hooks.DeadFilter, error) {
	if named := *d; !d.All && named == (DeadSelection{}) {
		return hooks.DeadFilter{}, hooks.Errorf(hooks.CodeBadRequest, "say which dead letters: by id, hook, event, error, since, until, or all")
	}
	return d.filter(app)
}

type deadList struct {
	Hook  string `query:"hook"`
	ID    string `query:"id" doc:"the event's id"`
	Error string `query:"error" doc:"part of the error's code or message, in any case"`
	Since string `query:"since" doc:"given up since then: a duration before now, or a time"`
	Until string `query:"until" doc:"given up before then"`
	Limit int    `query:"limit" minimum:"1" maximum:"1000" default:"100"`
}

func (s *Server) listDead(x *exchange, in *deadList) (*tagged[[]letterBody], error) {
	d := DeadSelection{Hook: in.Hook, Event: in.ID, Error: in.Error, Since: in.Since, Until: in.Until}
	f, err := d.filter(x.caller.app)
	if err != nil {
		return nil, err
	}
	f.Limit = min(in.Limit, maxLetters)
	letters, err := s.config.Dead.Dead(x.r.Context(), f)
	if err != nil {
		return nil, err
	}
	list := []letterBody{}
	for i := range letters {
		body := letterBodyOf(&letters[i])
		body.Event = about(body.Event)
		list = append(list, body)
	}
	return &tagged[[]letterBody]{Body: list}, nil
}

func (s *Server) getDead(x *exchange, in *idInput) (*tagged[letterBody], error) {
	letters, err := s.config.Dead.Dead(x.r.Context(), hooks.DeadFilter{App: x.caller.app, ID: in.ID, Limit: 1})
	if err != nil {
		return nil, err
	}
	if len(letters) == 0 {
		return nil, noLetter(in.ID)
	}
	masked := letters[0].Masked()
	return &tagged[letterBody]{Body: letterBodyOf(&masked)}, nil
}

func noLetter(id string) error {
	return hooks.Errorf(hooks.CodeNotFound, "there is no dead letter %.80q", id)
}

func (s *Server) dropOneDead(x *exchange, in *idInput) (*none, error) {
	n, err := s.config.Dead.DropDead(x.r.Context(), hooks.DeadFilter{App: x.caller.app, ID: in.ID})
	switch {
	case err != nil:
		return nil, err
	case n == 0:
		return nil, noLetter(in.ID)
	}
	s.audit(x, x.caller.app, "dead-drop", in.ID, "")
	return &none{}, nil
}

type replayDeadInput struct {
	Body struct {
		DeadSelection
		Rate int `json:"rate,omitempty" minimum:"0" maximum:"10000" doc:"how many in a second; default 100"`
	}
}

func (s *Server) replayDead(x *exchange, in *replayDeadInput) (*tagged[hooks.Replayed], error) {
	f, err := in.Body.chosen(x.caller.app)
	if err != nil {
		return nil, err
	}
	done, err := s.config.Dead.ReplayDead(x.r.Context(), f, min(in.Body.Rate, maxReplayRate))
	if err != nil {
		return nil, err
	}
	if f.ID != "" && done.Found == 0 {
		return nil, noLetter(f.ID)
	}
	s.audit(x, x.caller.app, "dead-replay", "", deadAudit(&in.Body.DeadSelection))
	return &tagged[hooks.Replayed]{Body: done}, nil
}

// deadAudit is a selection as the audit trail names it.
func deadAudit(d *DeadSelection) string {
	b, err := json.Marshal(d)
	if err != nil {
		return ""
	}
	return string(b)
}

type dropDeadInput struct {
	Body struct{ DeadSelection }
}

type droppedBody struct {
	Dropped int  `json:"dropped"`
	Left    bool `json:"left" doc:"there may be more"`
}

func (s *Server) dropDead(x *exchange, in *dropDeadInput) (*tagged[droppedBody], error) {
	f, err := in.Body.chosen(x.caller.app)
	if err != nil {
		return nil, err
	}
	n, err := s.config.Dead.DropDead(x.r.Context(), f)
	if err != nil {
		return nil, err
	}
	if f.ID != "" && n == 0 {
		return nil, noLetter(f.ID)
	}
	s.audit(x, x.caller.app, "dead-drop", deadAudit(&in.Body.DeadSelection), "")
	return &tagged[droppedBody]{Body: droppedBody{n, n >= maxLetters}}, nil
}

type replayInput struct {
	Body struct {
		Hook   string `json:"hook"`
		Event  string `json:"event,omitempty" doc:"the event's id; default: all"`
		Since  string `json:"since,omitempty" doc:"published since then: a duration before now, or a time; needed unless event is given"`
		Until  string `json:"until,omitempty" doc:"published before then; default: now"`
		After  uint64 `json:"after,omitempty" doc:"next of the answer before, to go on"`
		Limit  int    `json:"limit,omitempty" minimum:"0" maximum:"1000"`
		Rate   int    `json:"rate,omitempty" minimum:"0" maximum:"10000" doc:"how many in a second; default 100"`
		DryRun bool   `json:"dryRun,omitempty" doc:"only count"`
	}
}

func (s *Server) replay(x *exchange, in *replayInput) (*tagged[hooks.Replayed], error) {
	b := &in.Body
	if err := hooks.CheckName("hook", b.Hook); err != nil {
		return nil, err
	}
	if b.Since == "" && b.Event == "" {
		return nil, hooks.Errorf(hooks.CodeBadRequest, "say which events: since when, or which one")
	}
	f := hooks.ReplayFilter{App: x.caller.app, Hook: b.Hook, Event: b.Event, After: b.After, Limit: b.Limit}
	now := time.Now()
	var err error
	if f.Since, err = instant(b.Since, now); err != nil {
		return nil, err
	}
	if f.Until = now; b.Until != "" {
		if f.Until, err = instant(b.Until, now); err != nil {
			return nil, wrong("until", "a duration such as 1h, or a time such as 2026-01-02T15:04:05Z")
		}
	}
	done, err := s.config.Replay(x.r.Context(), f, b.Rate, b.DryRun)
	if err != nil {
		return nil, err
	}
	if !b.DryRun {
		s.audit(x, x.caller.app, "replay", "", b.Hook)
	}
	return &tagged[hooks.Replayed]{Body: done}, nil
}
