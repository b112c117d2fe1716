package tasks

import (
	"strings"
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
		missed             hooks.Missed
		asked              []string // after start; then the ticks that are due
	}{
		{"@every 10s", "UTC", hooks.MissedLatest, []string{"0s", "", "9.9s", "", "10s", "10s", "10s", "", "31s", "30s", "2400h7s", "2400h0s"}},
		{"@every 10s", "UTC", hooks.MissedSkip, []string{"10s", "10s", "31s", "30s"}},
		{"@every 10s", "UTC", hooks.MissedAll, []string{"10s", "10s", "31s", "20s 30s", "32s", ""}},
		{"0 3 * * *", "UTC", hooks.MissedLatest, []string{"14h59m59s", "", "15h", "15h", "15h1s", "", "39h0.1s", "39h", "2400h", "2391h"}},
		{"0 3 * * *", "UTC", hooks.MissedAll, []string{"39h", "15h 39h", "111h", "63h 87h 111h"}},
		// In the night when summer time ends 02:30 comes twice, and is due once.
		{"30 2 * * *", "Europe/Oslo", hooks.MissedAll, []string{"12h30m", "12h30m", "13h30m", "", "37h30m", "37h30m"}},
		{"@manual", "UTC", hooks.MissedAll, []string{"2400h", ""}},
	} {
		clock := clock{schedule: parse(t, c.schedule, c.timezone), missed: c.missed, last: start}
		for i := 0; i < len(c.asked); i += 2 {
			after, err := time.ParseDuration(c.asked[i])
			if err != nil {
				t.Fatal(err)
			}
			ticks, lost := clock.due(start.Add(after), start, 100)
			var got []string
			for _, tick := range ticks {
				got = append(got, tick.Sub(start).String())
				clock.last = tick
			}
			var want []string
			for s := range strings.FieldsSeq(c.asked[i+1]) {
				d, err := time.ParseDuration(s)
				if err != nil {
					t.Fatal(err)
				}
				want = append(want, d.String())
			}
			if strings.Join(got, " ") != strings.Join(want, " ") || lost != 0 {
				t.Errorf("%s %s after %s: got %v, lost %d, want %v", c.schedule, c.missed, c.asked[i], got, lost, want)
			}
		}
	}
}

// What no scheduler was there for is nothing to a job that skips it; what came due since is.
func TestClockSkips(t *testing.T) {
	t.Parallel()
	last := time.Unix(1_000_000, 0)
	c := clock{schedule: parse(t, "@every 10s", "UTC"), missed: hooks.MissedSkip, last: last}
	if ticks, _ := c.due(last.Add(95*time.Second), last.Add(91*time.Second), 10); len(ticks) > 0 || !c.last.Equal(last.Add(90*time.Second)) {
		t.Errorf("%v, last %v", ticks, c.last)
	}
	if ticks, _ := c.due(last.Add(101*time.Second), last.Add(91*time.Second), 10); len(ticks) != 1 {
		t.Errorf("%v", ticks)
	}
}

// A job that misses nothing makes up for so much and no more, a part at a time.
func TestClockIsBounded(t *testing.T) {
	t.Parallel()
	now := time.Unix(2_000_000_000, 0)
	c := clock{schedule: parse(t, "@every 1s", "UTC"), missed: hooks.MissedAll, last: now.Add(-2 * maxMissed * time.Second)}
	ticks, lost := c.due(now, now, 7)
	if lost != maxMissed || len(ticks) != 7 || !ticks[0].Equal(now.Add(-(maxMissed-1)*time.Second)) {
		t.Errorf("lost %d, ticks %v", lost, ticks)
	}
	c.last = now.Add(-10 * maxMissedAge)
	if _, lost := c.due(now, now, 7); lost < maxMissed {
		t.Errorf("lost %d", lost)
	}
}

// TestClockAgrees shows that clocks which are asked at different moments take the same ticks, each once and in order.
func TestClockAgrees(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := parse(t, rapid.SampledFrom([]string{"@every 1s", "@every 7s", "*/5 * * * *", "30 2 * * *", "@hourly"}).Draw(t, "schedule"), "Europe/Oslo")
		start := time.Unix(rapid.Int64Range(0, 2e9).Draw(t, "start"), rapid.Int64Range(0, 999_999_999).Draw(t, "nanos"))
		c, now := clock{schedule: s, missed: hooks.MissedLatest, last: start}, start
		last := start
		for range rapid.IntRange(1, 30).Draw(t, "questions") {
			now = now.Add(time.Duration(rapid.Int64Range(0, int64(48*time.Hour)).Draw(t, "pause")))
			ticks, _ := c.due(now, start, 1)
			if len(ticks) == 0 {
				continue
			}
			tick := ticks[0]
			c.last = tick
			if !tick.After(last) || tick.After(now) || !c.next().After(now) {
				t.Fatalf("at %v: tick %v, next %v, last %v", now, tick, c.next(), last)
			}
			if !s.Next(tick.Add(-time.Second)).Equal(tick) {
				t.Fatalf("%v is not a tick", tick)
			}
			last = tick
		}
	})
}
