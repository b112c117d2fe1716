package tasks

import (
	"sync"
	"sync/atomic"
	"testing"

	"gaff/hooks"
)

// However many take from a balance at once, none takes what is not there.
func TestAccounts(t *testing.T) {
	onEach(t, func(t *testing.T, r Redis) {
		accounts := NewAccounts(r)
		defer accounts.Close()
		ctx := t.Context()
		if a, err := accounts.Account(ctx, "shop"); err != nil || a != (hooks.Account{}) {
			t.Fatalf("%+v, %v", a, err)
		}
		if ok, err := accounts.Charge(ctx, "shop"); err != nil || ok {
			t.Fatalf("charged without a balance: %v", err)
		}
		if err := accounts.SetBalance(ctx, "shop", 30); err != nil {
			t.Fatal(err)
		}
		if err := accounts.AddBalance(ctx, "shop", 20); err != nil {
			t.Fatal(err)
		}
		var charged atomic.Int64
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for range 20 {
					ok, err := accounts.Charge(ctx, "shop")
					if err != nil {
						t.Error(err)
					}
					if ok {
						charged.Add(1)
					}
				}
			})
		}
		wg.Wait()
		a, err := accounts.Account(ctx, "shop")
		if err != nil || charged.Load() != 50 || a != (hooks.Account{Balance: 0, Used: 50}) {
			t.Errorf("charged %d: %+v, %v", charged.Load(), a, err)
		}
		if other, err := accounts.Account(ctx, "other"); err != nil || other != (hooks.Account{}) {
			t.Errorf("another app: %+v, %v", other, err)
		}
	})
}
