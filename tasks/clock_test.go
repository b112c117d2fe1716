package tasks

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"gaff/hooks"
)

func parse(t interface{ Fatal(...any) }, schedule, timezone string) hooks.Schedule {
	s, err := hooks.ParseSchedule(schedule, timezone)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestClock(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 10, 24, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		schedule, timezone string
		asked              []string // after start; then the tick that is taken, or nothing
	}{
		{"@every 10s", "UTC", []string{"0s", "", "9s", "", "9.6s", "10s", "10s", "", "31s", "30s", "2400h7s", "2400h0s"}},
		{"0 3 * * *", "UTC", []string{"14h59m59s", "", "15h", "15h", "15h1s", "", "39h0.1s", "39h", "2400h", "2391h"}},
		// 02:30 comes twice in the night when summer time ends.
		{"30 2 * * *", "Europe/Oslo", []string{"12h30m", "12h30m", "13h30m", "13h30m", "14h30m", "", "37h30m", "37h30m"}},
	} {
		clock := newClock(c.schedule, parse(t, c.schedule, c.timezone), start)
		for i := 0; i < len(c.asked); i += 2 {
			after, err := time.ParseDuration(c.asked[i])
			if err != nil {
				t.Fatal(err)
			}
			tick, next, ok := clock.take(start.Add(after))
			want, err := time.ParseDuration(c.asked[i+1])
			if ok != (err == nil) || ok && (!tick.Equal(start.Add(want)) || !next.After(tick)) {
				t.Errorf("%s after %s: got %v (%v), want %q", c.schedule, c.asked[i], tick.Sub(start), ok, c.asked[i+1])
			}
		}
	}
}

// TestClockAgrees shows that clocks which are asked at different moments take the same ticks, each once and in order.
func TestClockAgrees(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := parse(t, rapid.SampledFrom([]string{"@every 1s", "@every 7s", "*/5 * * * *", "30 2 * * *", "@hourly"}).Draw(t, "schedule"), "Europe/Oslo")
		start := time.Unix(rapid.Int64Range(0, 2e9).Draw(t, "start"), rapid.Int64Range(0, 999_999_999).Draw(t, "nanos"))
		c, now := newClock("", s, start), start
		last := start
		for range rapid.IntRange(1, 30).Draw(t, "questions") {
			now = now.Add(time.Duration(rapid.Int64Range(0, int64(48*time.Hour)).Draw(t, "pause")))
			tick, next, ok := c.take(now)
			if !ok {
				continue
			}
			if !tick.After(last) || tick.After(now.Add(early)) || !next.After(now.Add(early)) {
				t.Fatalf("at %v: tick %v, next %v, last %v", now, tick, next, last)
			}
			if !s.Next(tick.Add(-time.Second)).Equal(tick) || !s.Next(tick).Equal(next) {
				t.Fatalf("%v or %v is not a tick", tick, next)
			}
			last = tick
		}
	})
}
