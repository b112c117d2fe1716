package hooks

import (
	"strings"
	"testing"
	"time"
)

func TestClockFinding(t *testing.T) {
	t.Parallel()
	before := time.Now()
	after := before.Add(3 * time.Second) // a slow answer is not a wrong clock
	for _, c := range []struct {
		there time.Time
		ok    bool
		has   string
	}{
		{before.Add(time.Second), true, "within 1s"},
		{after.Add(900 * time.Millisecond), true, "within 1s"},
		{after.Add(2 * time.Second), true, "warning: 2s ahead"},
		{before.Add(-4 * time.Second), true, "warning: 4s behind"},
		{after.Add(6 * time.Second), false, "6s ahead"},
		{before.Add(-time.Hour), false, "1h0m0s behind"},
	} {
		f := ClockFinding("clock", before, c.there, after)
		if f.OK != c.ok || !strings.Contains(f.Detail, c.has) {
			t.Errorf("%s: got %+v, want %q", c.there.Sub(before), f, c.has)
		}
	}
}
