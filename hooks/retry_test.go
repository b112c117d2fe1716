package hooks

import (
	"testing"
	"time"
)

func TestRetryDelay(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		retry Retry
		want  []time.Duration
	}{
		{Retry{}, []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second}},
		{Retry{Min: time.Minute, Max: 3 * time.Minute}, []time.Duration{time.Minute, 2 * time.Minute, 3 * time.Minute, 3 * time.Minute}},
		{Retry{Backoff: BackoffLinear, Min: 2 * time.Second}, []time.Duration{2 * time.Second, 4 * time.Second, 6 * time.Second}},
		{Retry{Backoff: BackoffConstant, Min: 5 * time.Second}, []time.Duration{5 * time.Second, 5 * time.Second, 5 * time.Second}},
		{Retry{Min: time.Hour}, []time.Duration{time.Hour, time.Hour}},
	} {
		for i, want := range c.want {
			if got := c.retry.Delay(i + 1); got < want || got > want+want/10 {
				t.Errorf("%+v after %d: %v, want %v and up to a tenth more", c.retry, i+1, got, want)
			}
		}
	}
	if got := (Retry{}).Delay(1 << 30); got > defaultRetryMax+defaultRetryMax/10 {
		t.Errorf("after very many: %v", got)
	}
}
