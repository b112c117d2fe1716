package store

import (
	"testing"
	"time"

	"github.com/tidwall/gjson"
)

// The expectations are what moment.js documents for these tokens.
func TestFormat(t *testing.T) {
	t.Parallel()
	evening := time.Date(2026, 3, 1, 21, 4, 5, 67_800_000, time.UTC) // a Sunday
	newYear := time.Date(2021, 1, 1, 0, 0, 0, 0, time.UTC)           // a Friday of week 53 of 2020
	for _, c := range []struct {
		at           time.Time
		layout, want string
	}{
		{evening, "YYYY-MM-DD HH:mm:ss.SSS", "2026-03-01 21:04:05.067"},
		{evening, "YY YYYY Y YYYYYY", "26 2026 2026 +002026"},
		{evening, "M Mo MM MMM MMMM", "3 3rd 03 Mar March"},
		{evening, "Q Qo", "1 1st"},
		{evening, "D Do DD DDD DDDo DDDD", "1 1st 01 60 60th 060"},
		{evening, "d do dd ddd dddd e E", "0 0th Su Sun Sunday 0 7"},
		{evening, "w wo ww W Wo WW gggg GGGG", "10 10th 10 9 9th 09 2026 2026"},
		{evening, "H HH h hh k kk", "21 21 9 09 21 21"},
		{evening, "m mm s ss S SS", "4 04 5 05 0 06"},
		{evening, "A a Z ZZ z", "PM pm +00:00 +0000 UTC"},
		{evening, "X x", "1772399045 1772399045067"},
		{evening, "LT LTS", "9:04 PM 9:04:05 PM"},
		{evening, "L | LL | l | ll", "03/01/2026 | March 1, 2026 | 3/1/2026 | Mar 1, 2026"},
		{evening, "LLLL", "Sunday, March 1, 2026 9:04 PM"},
		{evening, "[week] W [of] GGGG", "week 9 of 2026"},
		{evening, "[", "["},
		{evening, "år é", "år é"},
		{newYear, "GGGG-[W]WW gggg-ww h k", "2020-W53 2021-01 12 24"},
		{newYear, "YYYY Do MMMM", "2021 1st January"},
		{time.Date(2026, 12, 11, 12, 0, 0, 0, time.UTC), "Do h A", "11th 12 PM"},
		{time.Date(2026, 12, 22, 0, 0, 0, 0, time.UTC), "Do h A", "22nd 12 AM"},
	} {
		if got := format(c.at, c.layout); got != c.want {
			t.Errorf("%s: got %q, want %q", c.layout, got, c.want)
		}
	}
}

func TestMoment(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		`"2026-03-01T21:04:05.067Z"`:  "2026-03-01T21:04:05.067Z",
		`"2026-03-01T21:04:05+02:00"`: "2026-03-01T19:04:05.000Z",
		`"2026-03-01T21:04:05"`:       "2026-03-01T21:04:05.000Z",
		`"2026-03-01T21:04"`:          "2026-03-01T21:04:00.000Z",
		`"2026-03-01"`:                "2026-03-01T00:00:00.000Z",
		`"2026-03"`:                   "2026-03-01T00:00:00.000Z",
		`1772399045067`:               "2026-03-01T21:04:05.067Z",
		`-1`:                          "1969-12-31T23:59:59.999Z",
		`"2026"`:                      "", `"soon"`: "", `1e20`: "", `true`: "", `null`: "", `{}`: "",
	} {
		at, ok := moment(gjson.Parse(raw))
		if got := at.Format(isoDate); ok != (want != "") || ok && got != want {
			t.Errorf("%s: got %s %v, want %q", raw, got, ok, want)
		}
	}
}

// FuzzFormat: any layout gives a text, of any moment.
func FuzzFormat(f *testing.F) {
	f.Add("YYYY-MM-DD", int64(0))
	f.Add("[a] LLLL SSSSSSSSSSS o", int64(-1))
	f.Add("\xff[", int64(1e15))
	f.Fuzz(func(_ *testing.T, layout string, ms int64) {
		format(time.UnixMilli(ms%1e15).UTC(), layout)
	})
}
