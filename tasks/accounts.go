package tasks

import (
	"context"
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"

	"gaff/hooks"
)

// Accounts keeps what metered apps have left and have used, beside the tasks. Close ends it. It is safe for concurrent
// use, also by several processes: no call is charged that the balance does not cover.
type Accounts struct {
	redis  Redis
	client redis.UniversalClient
}

var _ hooks.Meter = (*Accounts)(nil)

// NewAccounts returns the accounts that are kept in a Redis, without asking it.
func NewAccounts(r Redis) *Accounts { return &Accounts{redis: r, client: r.impatient()} }

// Close ends the connections.
func (a *Accounts) Close() error { return a.client.Close() }

func (a *Accounts) key(app string) string { return a.redis.key("account:" + app) }

// charge takes one from a balance that is positive.
//
// KEYS[1] the account, a hash of balance and used. Returns 1 if it was charged.
const charge = `
if tonumber(redis.call('HGET', KEYS[1], 'balance') or '0') <= 0 then return 0 end
redis.call('HINCRBY', KEYS[1], 'balance', -1)
redis.call('HINCRBY', KEYS[1], 'used', 1)
return 1`

// Charge takes one call from the app's balance, if that is positive, and reports whether it was.
func (a *Accounts) Charge(ctx context.Context, app string) (bool, error) {
	charged, err := a.client.Eval(ctx, charge, []string{a.key(app)}).Int()
	if err != nil {
		return false, fmt.Errorf("account of app %s: %w", app, err)
	}
	return charged == 1, nil
}

// Account returns what an app has left and has used; nothing, if it never had anything.
func (a *Accounts) Account(ctx context.Context, app string) (hooks.Account, error) {
	var account hooks.Account
	values := a.client.HMGet(ctx, a.key(app), "balance", "used")
	if err := values.Err(); err != nil {
		return account, fmt.Errorf("account of app %s: %w", app, err)
	}
	for i, into := range []*int64{&account.Balance, &account.Used} {
		text, _ := values.Val()[i].(string)
		if text == "" {
			continue
		}
		if _, err := fmt.Sscan(text, into); err != nil {
			return account, fmt.Errorf("account of app %s: %w", app, err)
		}
	}
	return account, nil
}

// maxBalance is what Lua's numbers and JSON's still count one by one.
const maxBalance = 1 << 53

// SetBalance gives the app so many calls.
func (a *Accounts) SetBalance(ctx context.Context, app string, balance int64) error {
	if balance > maxBalance || balance < -maxBalance {
		return hooks.Errorf(hooks.CodeBadRequest, "a balance is at most %d", int64(maxBalance))
	}
	if err := a.client.HSet(ctx, a.key(app), "balance", balance).Err(); err != nil {
		return fmt.Errorf("account of app %s: %w", app, err)
	}
	return nil
}

// AddBalance gives the app so many calls more; a negative number takes them.
func (a *Accounts) AddBalance(ctx context.Context, app string, more int64) error {
	if more > maxBalance || more < -maxBalance {
		return hooks.Errorf(hooks.CodeBadRequest, "a balance is at most %d", int64(maxBalance))
	}
	err := a.client.HIncrBy(ctx, a.key(app), "balance", more).Err()
	var refused redis.Error
	switch {
	case errors.As(err, &refused):
		return hooks.Errorf(hooks.CodeBadRequest, "the balance would not be a number any more").Because(err)
	case err != nil:
		return fmt.Errorf("account of app %s: %w", app, err)
	}
	return nil
}
