package hooks

import (
	"strings"
	"testing"
	"time"
)

func TestScheduleNext(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ schedule, timezone, after, want string }{
		{"0 3 * * *", "UTC", "2026-01-01T02:59:59Z", "2026-01-01T03:00:00Z 2026-01-02T03:00:00Z"},
		{"0 3 * * *", "Europe/Oslo", "2026-01-01T00:00:00Z", "2026-01-01T02:00:00Z 2026-01-02T02:00:00Z"},
		{"0 3 * * *", "Europe/Oslo", "2026-07-01T00:00:00Z", "2026-07-01T01:00:00Z"},
		{"30 2 * * *", "Europe/Oslo", "2026-03-28T12:00:00Z", "2026-03-29T01:00:00Z 2026-03-30T00:30:00Z"}, // 29 March has no 02:30
		{"*/20 1-3 29 3 *", "Europe/Oslo", "2026-03-29T00:20:00Z", "2026-03-29T00:40:00Z 2026-03-29T01:00:00Z 2026-03-29T01:20:00Z"},
		{"30 2 * * *", "Europe/Oslo", "2026-10-24T12:00:00Z", "2026-10-25T00:30:00Z 2026-10-26T01:30:00Z"},
		{"30 2 * * *", "Europe/Oslo", "2026-10-25T01:10:00Z", "2026-10-26T01:30:00Z"}, // from within the second 02:xx
		{"0,30 2,3 * * *", "Europe/Oslo", "2026-10-25T00:00:00Z", "2026-10-25T00:30:00Z 2026-10-25T02:00:00Z"},
		{"@hourly", "Europe/Oslo", "2026-10-24T23:00:00Z", "2026-10-25T00:00:00Z 2026-10-25T01:00:00Z 2026-10-25T02:00:00Z"},
		{"*/30 * * * *", "Europe/Oslo", "2026-03-29T00:20:00Z", "2026-03-29T00:30:00Z 2026-03-29T01:00:00Z 2026-03-29T01:30:00Z"},
		{"0 0 * * *", "Africa/Cairo", "2026-04-23T12:00:00Z", "2026-04-23T22:00:00Z 2026-04-24T21:00:00Z"},         // midnight is left out
		{"15 2 * * *", "Australia/Lord_Howe", "2026-10-03T00:00:00Z", "2026-10-03T15:30:00Z 2026-10-04T15:15:00Z"}, // half an hour is
		{"0 12 30 12 *", "Pacific/Apia", "2011-12-01T00:00:00Z", "2011-12-30T10:00:00Z 2012-12-29T22:00:00Z"},      // a whole day was
		{"0 0 29 2 *", "UTC", "2097-01-01T00:00:00Z", "2104-02-29T00:00:00Z"},
		{"0 0 29 2 *", "UTC", "2026-01-01T00:00:00Z", "2028-02-29T00:00:00Z"},
		{"@hourly", "Asia/Kolkata", "2026-01-01T00:00:00Z", "2026-01-01T00:30:00Z"},
		{"@daily", "America/New_York", "2026-01-01T00:00:00Z", "2026-01-01T05:00:00Z"},
		{"0 9 * * MON-FRI", "UTC", "2026-11-20T10:00:00Z", "2026-11-23T09:00:00Z"},
		{"@every 30s", "UTC", "2026-01-01T00:00:29.9Z", "2026-01-01T00:00:30Z 2026-01-01T00:01:00Z"},
		{"@every 7s", "UTC", "1970-01-01T00:00:13Z", "1970-01-01T00:00:14Z 1970-01-01T00:00:21Z"},
		{"@every 1h", "Asia/Kolkata", "2026-01-01T00:10:00Z", "2026-01-01T01:00:00Z"},
	} {
		t.Run(c.schedule+" "+c.after, func(t *testing.T) {
			t.Parallel()
			s, err := ParseSchedule(c.schedule, c.timezone)
			if err != nil {
				t.Fatal(err)
			}
			at, err := time.Parse(time.RFC3339, c.after)
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range strings.Fields(c.want) {
				at = s.Next(at)
				if got := at.Format(time.RFC3339); got != want {
					t.Errorf("got %s, want %s", got, want)
				}
			}
		})
	}
}
