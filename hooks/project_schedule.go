package hooks

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

// Schedule says when a job is due: a cron line in a time zone, or every so many seconds. The zero value never is.
//
// Where a zone changes its clocks, a cron line that names hours is due once for each time that the clock on the wall
// should show: what falls into the hour that spring leaves out is due once, at the moment of the change, and what falls
// into the hour that autumn repeats is due in the first of the two. A line that is due in every hour of the day follows
// the hours as they pass instead: not in the one that is left out, in both of those that are one on the wall.
type Schedule struct {
	every  time.Duration
	cron   *cron.SpecSchedule // of times on the wall, as if they were UTC
	zone   *time.Location
	hourly bool // due in every hour of the day
}

const (
	// maxEvery bounds "@every", so that a job is due at least once a year.
	maxEvery = 366 * 24 * time.Hour
	// Manual is the schedule of a job that runs only when it is asked to.
	Manual = "@manual"
	// everyHour are the bits of a cron line's hours if it names them all.
	everyHour = 1<<24 - 1
)

// ParseSchedule reads a job's schedule: five fields, @hourly and the like, @every with whole seconds, or @manual, which
// is never due. Fields are meant in the time zone. One that can never be due, such as 31 February, is an error.
func ParseSchedule(schedule, timezone string) (Schedule, error) {
	zone, err := location(timezone)
	if err != nil {
		return Schedule{}, err
	}
	schedule = strings.TrimSpace(schedule)
	if schedule == Manual {
		return Schedule{}, nil
	}
	if period, ok := strings.CutPrefix(schedule, "@every "); ok {
		return parseEvery(period)
	}
	if strings.Contains(schedule, "=") {
		return Schedule{}, fmt.Errorf("schedule %.80q: the time zone has a key of its own, timezone", schedule)
	}
	if n := len(strings.Fields(schedule)); n != 5 && !strings.HasPrefix(schedule, "@") {
		return Schedule{}, fmt.Errorf("schedule %.80q has %d fields: five are needed (minute, hour, day, month, weekday), "+
			"or @hourly, @daily, @weekly, @monthly, @yearly, @every 30s, or @manual", schedule, n)
	}
	return parseCron(schedule, zone)
}

// parseCron reads a cron line as cron itself does: 7 is Sunday too, and if day or weekday begins with a star both must fit,
// else one of them.
func parseCron(schedule string, zone *time.Location) (Schedule, error) {
	fields := strings.Fields(schedule)
	if len(fields) == 5 {
		fields[4] = withoutSeven(fields[4])
	}
	parsed, err := cron.ParseStandard(strings.Join(fields, " "))
	if err != nil {
		return Schedule{}, fmt.Errorf("schedule %.80q: %.200w", schedule, err)
	}
	spec, ok := parsed.(*cron.SpecSchedule)
	if !ok {
		return Schedule{}, fmt.Errorf("schedule %.80q: %w", schedule, errors.ErrUnsupported)
	}
	if len(fields) == 5 && strings.HasPrefix(fields[2], "*") {
		spec.Dom |= starBit
	}
	if len(fields) == 5 && strings.HasPrefix(fields[4], "*") {
		spec.Dow |= starBit
	}
	spec.Location = time.UTC
	leapYear := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	if spec.Next(leapYear).IsZero() {
		return Schedule{}, fmt.Errorf("schedule %.80q is never due: no month has such a day", schedule)
	}
	return Schedule{cron: spec, zone: zone, hourly: spec.Hour&everyHour == everyHour}, nil
}

// starBit is how the library marks a field that says nothing.
const starBit = 1 << 63

// withoutSeven writes Sunday as 0 in a list of weekdays.
func withoutSeven(field string) string {
	parts := strings.Split(field, ",")
	for i, part := range parts {
		days, step, stepped := strings.Cut(part, "/")
		first, last, ranged := strings.Cut(days, "-")
		switch {
		case days == "7" && !stepped:
			parts[i] = "0"
		case ranged && last == "7" && len(first) == 1 && first[0] >= '0' && first[0] <= '7':
			parts[i] = spelledOut(int(first[0]-'0'), step, part)
		}
	}
	return strings.Join(parts, ",")
}

// spelledOut lists the weekdays from first to 7, as part means them.
func spelledOut(first int, step, part string) string {
	by := 1
	if step != "" {
		n, err := strconv.Atoi(step)
		if err != nil || n < 1 {
			return part // which is refused
		}
		by = n
	}
	var days []string
	for d := first; d <= 7; d += by {
		days = append(days, strconv.Itoa(d%7))
	}
	return strings.Join(days, ",")
}

func parseEvery(period string) (Schedule, error) {
	d, err := time.ParseDuration(strings.TrimSpace(period))
	switch {
	case err != nil:
		return Schedule{}, fmt.Errorf("@every %.40s: that is not a duration such as 30s or 5m", period)
	case d < time.Second || d%time.Second != 0 || d > maxEvery:
		return Schedule{}, fmt.Errorf("@every %.40s: whole seconds are needed, from 1s to %v", period, maxEvery)
	}
	return Schedule{every: d}, nil
}

func location(timezone string) (*time.Location, error) {
	if timezone == "" || timezone == "Local" {
		return nil, fmt.Errorf("time zone %q: name one, such as UTC or Europe/Oslo", timezone)
	}
	loc, err := time.LoadLocation(timezone)
	if err != nil {
		return nil, fmt.Errorf("time zone %.80q is not known", timezone)
	}
	return loc, nil
}

// Next returns the first tick after t, in UTC; the zero time if there is none. Ticks of @every are at multiples of its
// period since 1970, so that everybody finds the same ones.
func (s Schedule) Next(t time.Time) time.Time {
	switch {
	case s.every > 0:
		period := int64(s.every / time.Second)
		return time.Unix((t.Unix()/period+1)*period, 0).UTC()
	case s.cron == nil:
		return time.Time{}
	}
	return s.nextOnWall(t)
}

// maxChanges bounds how many changes of a zone's clocks Next looks across: more than there are in the years in which
// every schedule is due.
const maxChanges = 128

// nextOnWall goes from one change of the zone's clocks to the next. Between two, the wall is UTC with an offset.
func (s Schedule) nextOnWall(t time.Time) time.Time {
	offset, until := s.period(t)
	from := t.Add(offset) // the time on the wall after which the next is sought
	if began, _ := t.In(s.zone).ZoneBounds(); !s.hourly && !began.IsZero() {
		if before, _ := s.period(began.Add(-1)); began.Add(before).After(from) {
			from = began.Add(before - 1) // the wall shows what it has shown already
		}
	}
	for range maxChanges {
		wall := s.onWall(from)
		if wall.IsZero() {
			return time.Time{}
		}
		if tick := wall.Add(-offset); until.IsZero() || tick.Before(until) {
			return tick
		}
		next, end := s.period(until)
		was, is := until.Add(offset), until.Add(next)
		switch {
		case s.hourly || !is.After(was) && !is.Before(was):
			from = is.Add(-1)
		case is.Before(was): // set back
			from = was.Add(-1)
		case wall.Before(is): // set forward, past this
			return until.UTC()
		default:
			from = is.Add(-1)
		}
		offset, until = next, end
	}
	return time.Time{}
}

// period returns the offset of the zone at t, and until when it holds; the zero time means for ever.
func (s Schedule) period(t time.Time) (offset time.Duration, until time.Time) {
	local := t.In(s.zone)
	_, seconds := local.Zone()
	if _, until = local.ZoneBounds(); !until.IsZero() && !until.After(t) {
		until = t.Add(24 * time.Hour) // time takes the last day of a leap year to be past the year's end
	}
	return time.Duration(seconds) * time.Second, until
}

// onWall returns the next time on the wall, as if it were UTC. A leap day can be eight years away.
func (s Schedule) onWall(from time.Time) time.Time {
	from = from.UTC()
	if found := s.cron.Next(from); !found.IsZero() {
		return found
	}
	return s.cron.Next(time.Date(from.Year()+5, 1, 1, 0, 0, 0, 0, time.UTC).Add(-1))
}
