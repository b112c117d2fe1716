package edge

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"

	"gaff/hooks"
)

type appInput struct {
	Body struct {
		Name string `json:"name"`
	}
}

func (a *api) apps() {
	s := a.server
	serve(a, operation{id: "list-apps", method: http.MethodGet, path: "/v1/apps", summary: "List apps", operator: true}, s.listApps)
	serve(a, operation{id: "create-app", method: http.MethodPost, path: "/v1/apps", summary: "Make an app", operator: true,
		status: http.StatusCreated}, s.createApp)
	serve(a, operation{id: "change-app", method: http.MethodPatch, path: "/v1/apps/{name}", operator: true,
		summary: "Set an app's plan and balance"}, s.changeApp)
	serve(a, operation{id: "delete-app", method: http.MethodDelete, path: "/v1/apps/{name}", operator: true,
		summary: "Remove an app with its releases, keys and secrets"}, s.deleteApp)
}

func (s *Server) listApps(x *exchange, _ *none) (*tagged[[]hooks.AppSummary], error) {
	list, err := s.config.Apps.Apps(x.r.Context())
	if err != nil {
		return nil, err
	}
	list = append([]hooks.AppSummary{}, list...)
	slices.SortFunc(list, func(a, b hooks.AppSummary) int { return cmp.Compare(a.Name, b.Name) })
	for i := range list {
		if err := s.account(x.r.Context(), &list[i]); err != nil {
			return nil, err
		}
	}
	return &tagged[[]hooks.AppSummary]{Body: list}, nil
}

type appBody struct {
	Name string `json:"name"`
}

func (s *Server) createApp(x *exchange, in *appInput) (*tagged[appBody], error) {
	name := in.Body.Name
	if err := hooks.CheckName("app", name); err != nil {
		return nil, err
	}
	if err := s.config.Apps.CreateApp(x.r.Context(), name); err != nil {
		return nil, err
	}
	s.audit(x, name, "app-create", "", name)
	return &tagged[appBody]{Body: appBody{name}}, nil
}

func (s *Server) deleteApp(x *exchange, in *nameInput) (*none, error) {
	if err := hooks.CheckName("app", in.Name); err != nil {
		return nil, err
	}
	if err := s.config.Apps.DeleteApp(x.r.Context(), in.Name); err != nil {
		return nil, err
	}
	s.audit(x, in.Name, "app-delete", in.Name, "")
	return &none{}, nil
}

// account puts the app's plan into its summary, and its balance if it is metered.
func (s *Server) account(ctx context.Context, app *hooks.AppSummary) error {
	state, _, err := s.config.States.State(ctx, app.Name)
	if err != nil {
		return err
	}
	app.Paused = state.Paused
	if app.Plan = cmp.Or(state.Plan, hooks.PlanUnlimited); app.Plan != hooks.PlanMetered {
		return nil
	}
	account, err := s.config.Accounts.Account(ctx, app.Name)
	if err != nil {
		return hooks.Errorf(hooks.CodeUnavailable, "the balance of app %s cannot be had", app.Name).Because(err)
	}
	app.Account = &account
	return nil
}

type appChange struct {
	Name string `path:"name"`
	Body struct {
		Plan    hooks.Plan `json:"plan,omitempty" doc:"unlimited, metered or free"`
		Balance *int64     `json:"balance,omitempty" doc:"calls that a metered app may make"`
		Add     int64      `json:"add,omitempty" doc:"calls more"`
	}
}

type planBody struct {
	Name    string         `json:"name"`
	Plan    hooks.Plan     `json:"plan"`
	Account *hooks.Account `json:"account,omitempty"`
}

// changeApp sets what is given. The balance comes first, so that an app that becomes metered has one.
func (s *Server) changeApp(x *exchange, in *appChange) (*tagged[planBody], error) {
	ctx, plan := x.r.Context(), in.Body.Plan
	if plan != "" && !plan.Valid() {
		return nil, hooks.Errorf(hooks.CodeBadRequest, "%.40q is not a plan: use one of %v", string(plan), hooks.Plans())
	}
	if _, err := s.config.History.Current(ctx, in.Name); err != nil {
		return nil, err
	}
	if in.Body.Balance != nil {
		if err := s.config.Accounts.SetBalance(ctx, in.Name, *in.Body.Balance); err != nil {
			return nil, unavailableAccount(in.Name, err)
		}
		s.audit(x, in.Name, "app-balance", "", strconv.FormatInt(*in.Body.Balance, 10))
	}
	if in.Body.Add != 0 {
		if err := s.config.Accounts.AddBalance(ctx, in.Name, in.Body.Add); err != nil {
			return nil, unavailableAccount(in.Name, err)
		}
		s.audit(x, in.Name, "app-balance-add", "", strconv.FormatInt(in.Body.Add, 10))
	}
	if plan != "" {
		var before hooks.Plan
		_, err := s.config.States.SetState(ctx, in.Name, 0, func(state *hooks.State) error {
			before, state.Plan = cmp.Or(state.Plan, hooks.PlanUnlimited), plan
			return nil
		})
		if err != nil {
			return nil, err
		}
		s.audit(x, in.Name, "app-plan", string(before), string(plan))
	}
	app := hooks.AppSummary{Name: in.Name}
	err := s.account(ctx, &app)
	return &tagged[planBody]{Body: planBody{app.Name, app.Plan, app.Account}}, err
}

func unavailableAccount(app string, err error) error {
	if _, ours := errors.AsType[*hooks.Error](err); ours {
		return err
	}
	return hooks.Errorf(hooks.CodeUnavailable, "the balance of app %s cannot be changed", app).Because(err)
}
