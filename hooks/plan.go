package hooks

import (
	"context"
	"slices"
)

// Plan says what an app's calls of registered methods cost. Built-ins are always free.
type Plan string

// The plans. An app has PlanUnlimited unless its operator says otherwise.
const (
	PlanUnlimited Plan = "unlimited" // nothing
	PlanMetered   Plan = "metered"   // one each, of a balance that must be positive
	PlanFree      Plan = "free"      // they may not be called
)

// Plans lists all plans.
func Plans() []Plan { return []Plan{PlanUnlimited, PlanMetered, PlanFree} }

// Valid reports whether p is a plan.
func (p Plan) Valid() bool { return slices.Contains(Plans(), p) }

// Account is what a metered app has left, in calls, and how many it has made.
type Account struct {
	Balance int64 `json:"balance"`
	Used    int64 `json:"used"`
}

// Meter keeps the accounts of metered apps.
type Meter interface {
	// Charge takes one call from the app's balance, if that is positive, and reports whether it was.
	Charge(ctx context.Context, app string) (bool, error)
	Account(ctx context.Context, app string) (Account, error)
}

// pay has the app pay for a call of a registered method. A call that is not going to be made is looked at, and costs
// nothing.
func (m *Methods) pay(ctx context.Context, app string, plan Plan, made bool) error {
	var paid bool
	var err error
	switch {
	case plan == PlanFree:
		return Errorf(CodePaidFeature, "methods are not part of the app's plan")
	case plan != PlanMetered || m.Meter == nil:
		return nil
	case made:
		paid, err = m.Meter.Charge(ctx, app)
	default:
		var a Account
		a, err = m.Meter.Account(ctx, app)
		paid = a.Balance > 0
	}
	switch {
	case err != nil:
		return Errorf(CodeUnavailable, "the app's balance cannot be had; try again").Because(err)
	case !paid:
		return Errorf(CodePaidFeature, "the app's balance is used up")
	}
	return nil
}
