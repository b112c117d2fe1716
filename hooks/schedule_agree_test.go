package hooks_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/adhocore/gronx"

	"gaff/hooks"
)

// expressions returns n cron lines: some that people write, the others made up of what fields can say.
func expressions(n int) []string {
	list := []string{
		"* * * * *", "*/5 * * * *", "0 * * * *", "30 2 * * *", "0 0 * * *", "0 3 * * *", "15 1,2,3 * * *", "0 9-17 * * MON-FRI", "*/10 0-4 * * *",
		"0 0 1 * *", "0 0 1 1 *", "59 23 31 12 *", "0 12 * * SUN", "0 12 * * 0", "5 4 * * 7", "5 4 * * 5-7", "5 4 * * 1-7/3", "0 0 1-7 * */7", "0 0 1,15 * 3", "0 0 13 * 5", "0 0 */2 * 1",
		"17 */3 * * *", "0 */2 * * *", "45 23 * * 6", "0 1 * 3,10 *", "30 1-2 25-31 10 *", "*/20 2 8-14 3 SUN", "0 0 31 * *", "1-59/7 * * * *",
	}
	r := rand.New(rand.NewPCG(1, 2))
	field := func(low, high int) string {
		at := func() int { return low + r.IntN(high-low+1) }
		switch a, b := at(), at(); r.IntN(6) {
		case 0, 1:
			return "*"
		case 2:
			return fmt.Sprint(a)
		case 3:
			return fmt.Sprintf("%d-%d", min(a, b), max(a, b))
		case 4:
			return fmt.Sprintf("*/%d", 2+r.IntN(max(high/2, 2)))
		default:
			return fmt.Sprintf("%d,%d,%d", a, b, at())
		}
	}
	for len(list) < n {
		month := "*"
		if r.IntN(4) == 0 {
			month = field(1, 12)
		}
		day := "*"
		if r.IntN(3) == 0 {
			day = field(1, 28)
		}
		list = append(list, strings.Join([]string{field(0, 59), field(0, 23), day, month, field(0, 6)}, " "))
	}
	return list[:n]
}

// onWall lists when the other library finds an expression due, on a wall whose clock is never changed: from long enough
// before start and until n times after it, wherever on Earth that is.
func onWall(t *testing.T, expression string, start time.Time, n int) []time.Time {
	t.Helper()
	var list []time.Time
	for at := start.Add(-48 * time.Hour); n > 0; {
		next, err := gronx.NextTickAfter(expression, at, false)
		if err != nil {
			t.Fatalf("%s after %s: %v", expression, at, err)
		}
		next = next.Truncate(time.Minute)
		list = append(list, next)
		if at = next; at.After(start.Add(15 * time.Hour)) {
			n--
		}
	}
	return list
}

// instants lists the moments at which the clock on the wall of a zone shows a time: none, one or two.
func instants(wall time.Time, zone *time.Location) []time.Time {
	var found []time.Time
	for hours := -36; hours <= 36; hours += 6 {
		_, offset := wall.Add(time.Duration(hours) * time.Hour).In(zone).Zone()
		at := wall.Add(-time.Duration(offset) * time.Second)
		if at.In(zone).Format("2006-01-02 15:04") == wall.Format("2006-01-02 15:04") && !slices.Contains(found, at) {
			found = append(found, at)
		}
	}
	slices.SortFunc(found, time.Time.Compare)
	return found
}

// skippedAt is the moment at which the clock on the wall goes past a time that it never shows.
func skippedAt(wall time.Time, zone *time.Location) time.Time {
	shows := func(at time.Time) time.Time {
		_, offset := at.In(zone).Zone()
		return at.Add(time.Duration(offset) * time.Second)
	}
	low, high := wall.Add(-36*time.Hour), wall.Add(36*time.Hour)
	for high.Sub(low) > time.Second {
		middle := low.Add(high.Sub(low) / 2).Truncate(time.Second)
		if shows(middle).Before(wall) {
			low = middle
		} else {
			high = middle
		}
	}
	return high
}

// byTheRule are the ticks that the documented rule makes of times on the wall.
func byTheRule(walls []time.Time, zone *time.Location, hourly bool) []time.Time {
	var ticks []time.Time
	for _, wall := range walls {
		shown := instants(wall, zone)
		switch {
		case hourly:
			ticks = append(ticks, shown...)
		case len(shown) == 0:
			ticks = append(ticks, skippedAt(wall, zone))
		default:
			ticks = append(ticks, shown[0])
		}
	}
	slices.SortFunc(ticks, time.Time.Compare)
	return slices.CompactFunc(ticks, time.Time.Equal)
}

// everyHour reports whether a line names every hour of the day.
func everyHour(expression string) bool {
	hours := strings.Fields(expression)[1]
	return hours == "*" || hours == "0-23"
}

// TestSchedulesAgree compares ticks with those of an independent library, in zones that change their clocks in spring and
// autumn, at midnight, by half an hour, for a month of fasting, or never.
func TestSchedulesAgree(t *testing.T) {
	t.Parallel()
	lines, ticks := 60, 200
	if os.Getenv("GAFF_TEST_LONG") != "" {
		lines, ticks = 200, 1000
	}
	start := time.Date(2026, 2, 20, 11, 59, 30, 0, time.UTC)
	for _, expression := range expressions(lines) {
		t.Run(expression, func(t *testing.T) {
			t.Parallel()
			walls := onWall(t, expression, start, ticks)
			for _, name := range []string{
				"UTC", "Europe/Oslo", "America/New_York", "America/Havana", "Asia/Kolkata", "Asia/Beirut", "Australia/Lord_Howe", "Africa/Cairo",
				"Africa/Casablanca", "Pacific/Chatham",
			} {
				agree(t, expression, name, walls, start, ticks)
			}
		})
	}
}

func agree(t *testing.T, expression, name string, walls []time.Time, start time.Time, ticks int) {
	t.Helper()
	zone, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	s, err := hooks.ParseSchedule(expression, name)
	if err != nil {
		t.Fatal(err)
	}
	at := start
	for _, want := range byTheRule(walls, zone, everyHour(expression)) {
		if !want.After(start) {
			continue
		}
		if ticks--; ticks < 0 {
			return
		}
		if got := s.Next(at); !got.Equal(want) {
			t.Errorf("%s in %s after %s: %s, want %s", expression, name, at, got, want)
			return
		}
		at = want
	}
}
