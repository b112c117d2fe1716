package hooks

import (
	"fmt"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

// Schedule says when a job is due: a cron line in a time zone, or every so many seconds. The zero value never is.
type Schedule struct {
	every time.Duration
	cron  cron.Schedule
}

// maxEvery bounds "@every", so that a job is due at least once a year.
const maxEvery = 366 * 24 * time.Hour

// ParseSchedule reads a job's schedule: five fields, @hourly and the like, or @every with whole seconds. Fields are
// meant in the time zone. One that is never due, such as 31 February, is an error. In an hour that the change to
// summer time leaves out, a job is not due; in one that comes twice, it is due twice.
func ParseSchedule(schedule, timezone string) (Schedule, error) {
	if _, err := location(timezone); err != nil {
		return Schedule{}, err
	}
	schedule = strings.TrimSpace(schedule)
	if period, ok := strings.CutPrefix(schedule, "@every "); ok {
		return parseEvery(period)
	}
	if strings.Contains(schedule, "=") {
		return Schedule{}, fmt.Errorf("schedule %.80q: the time zone has a key of its own, timezone", schedule)
	}
	if n := len(strings.Fields(schedule)); n != 5 && !strings.HasPrefix(schedule, "@") {
		return Schedule{}, fmt.Errorf("schedule %.80q has %d fields: five are needed (minute, hour, day, month, weekday), "+
			"or @hourly, @daily, @weekly, @monthly, @yearly, or @every 30s", schedule, n)
	}
	parsed, err := cron.ParseStandard("CRON_TZ=" + timezone + " " + schedule)
	if err != nil {
		return Schedule{}, fmt.Errorf("schedule %.80q: %.200w", schedule, err)
	}
	leapYear := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	if parsed.Next(leapYear).IsZero() {
		return Schedule{}, fmt.Errorf("schedule %.80q is never due: no month has such a day", schedule)
	}
	return Schedule{cron: parsed}, nil
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
	if s.every > 0 {
		period := int64(s.every / time.Second)
		return time.Unix((t.Unix()/period+1)*period, 0).UTC()
	}
	if s.cron == nil {
		return time.Time{}
	}
	return s.cron.Next(t.UTC())
}

// Every returns the period of an @every schedule, 0 for a cron line.
func (s Schedule) Every() time.Duration { return s.every }
