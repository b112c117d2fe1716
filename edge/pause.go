package edge

import (
	"net/http"

	"gaff/hooks"
)

// pauses adds the operations with which an app's events wait, and go on.
func (a *api) pauses() {
	s := a.server
	serve(a, operation{
		id: "pause-app", method: http.MethodPost, path: "/v1/pause",
		summary: "Have the events of an app wait: none is lost, and no hook that reacts to one runs. Before hooks and jobs go on",
	}, func(x *exchange, _ *none) (*tagged[pauseBody], error) { return s.pause(x, true) })
	serve(a, operation{
		id: "resume-app", method: http.MethodPost, path: "/v1/resume",
		summary: "Have the events of an app go on, those that wait first",
	}, func(x *exchange, _ *none) (*tagged[pauseBody], error) { return s.pause(x, false) })
}

type pauseBody struct {
	Name   string `json:"name"`
	Paused bool   `json:"paused"`
}

func (s *Server) pause(x *exchange, on bool) (*tagged[pauseBody], error) {
	ctx, app := x.r.Context(), x.caller.app
	if _, err := s.config.History.Current(ctx, app); err != nil {
		return nil, err
	}
	_, err := s.config.States.SetState(ctx, app, 0, func(state *hooks.State) error {
		state.Held = state.Held || state.Paused || on
		state.Paused = on
		return nil
	})
	if err != nil {
		return nil, err
	}
	action := "app-resume"
	if on {
		action = "app-pause"
	}
	s.audit(x, app, action, "", app)
	return &tagged[pauseBody]{Body: pauseBody{app, on}}, nil
}
