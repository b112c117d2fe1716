package script

import (
	"fmt"
	"strings"
	"time"

	"github.com/dop251/goja"
)

var dateOptions = map[string]bool{
	"weekday": true, "year": true, "month": true, "day": true, "hour": true, "minute": true, "second": true, "hour12": true,
	"timeZone": true, "dateStyle": true, "timeStyle": true,
}

// dateParts says how each part of a date is written: "" leaves it out.
type dateParts struct {
	weekday, year, month, day, hour, minute, second string
	hour24                                          bool
	at                                              string // between date and time
}

// localeDate(date, what, locale, options) writes a time as en-US does: in UTC, or the zone of the server, unless options name
// a time zone. what is date, time or both.
func (m *machine) localeDate(call goja.FunctionCall) goja.Value {
	what, options := call.Argument(1).String(), call.Argument(3)
	function := map[string]string{"date": "toLocaleDateString", "time": "toLocaleTimeString", "both": "toLocaleString"}[what]
	m.checkLocale(function, call.Argument(2), options, dateOptions)
	zone := time.Local
	if v := m.option(options, "timeZone"); v != nil {
		named, err := time.LoadLocation(v.String())
		if err != nil {
			panic(m.newErrorOf("RangeError", "Invalid time zone specified: "+v.String()))
		}
		zone = named
	}
	parts := m.datePartsOf(what, options)
	value, ok := call.Argument(0).Export().(time.Time)
	if !ok {
		return m.js.ToValue("Invalid Date")
	}
	return m.js.ToValue(parts.write(value.In(zone)))
}

func (m *machine) datePartsOf(what string, options goja.Value) dateParts {
	p := dateParts{at: ", "}
	if v := m.option(options, "hour12"); v != nil {
		p.hour24 = !v.ToBoolean()
	}
	if m.option(options, "dateStyle") != nil || m.option(options, "timeStyle") != nil {
		m.styles(&p, options)
		return p
	}
	p.weekday = m.choice(options, "weekday", "", "long", "short")
	p.year = m.choice(options, "year", "", "numeric", "2-digit")
	p.month = m.choice(options, "month", "", "numeric", "2-digit", "long", "short")
	p.day = m.choice(options, "day", "", "numeric", "2-digit")
	p.hour = m.choice(options, "hour", "", "numeric", "2-digit")
	p.minute = m.choice(options, "minute", "", "numeric", "2-digit")
	p.second = m.choice(options, "second", "", "numeric", "2-digit")
	noDate, noTime := p.weekday+p.year+p.month+p.day == "", p.hour+p.minute+p.second == ""
	if noDate && (what == "date" || what == "both" && noTime) {
		p.year, p.month, p.day = "numeric", "numeric", "numeric"
	}
	if noTime && (what == "time" || what == "both" && noDate) {
		p.hour, p.minute, p.second = "numeric", "numeric", "numeric"
	}
	if p.month == "long" {
		p.at = " at "
	}
	return p
}

func (m *machine) styles(p *dateParts, options goja.Value) {
	switch m.choice(options, "dateStyle", "", "full", "long", "medium", "short") {
	case "full":
		p.weekday, p.month, p.day, p.year, p.at = "long", "long", "numeric", "numeric", " at "
	case "long":
		p.month, p.day, p.year, p.at = "long", "numeric", "numeric", " at "
	case "medium":
		p.month, p.day, p.year = "short", "numeric", "numeric"
	case "short":
		p.month, p.day, p.year = "numeric", "numeric", "2-digit"
	}
	switch m.choice(options, "timeStyle", "", "medium", "short") {
	case "medium":
		p.hour, p.minute, p.second = "numeric", "numeric", "numeric"
	case "short":
		p.hour, p.minute = "numeric", "numeric"
	}
}

func (p *dateParts) write(t time.Time) string {
	date, clock := p.date(t), p.clock(t)
	if date == "" || clock == "" {
		return date + clock
	}
	return date + p.at + clock
}

// date is 1/2/2006, January 2, 2006, or what is left of these.
func (p *dateParts) date(t time.Time) string {
	year, day := written(t.Year(), p.year), written(t.Day(), p.day)
	out := ""
	switch p.month {
	case "long", "short":
		out = t.Month().String()
		if p.month == "short" {
			out = out[:3]
		}
		out = joinedBy(" ", out, day)
		if day == "" {
			out = joinedBy(" ", out, year)
		} else {
			out = joinedBy(", ", out, year)
		}
	default:
		out = joinedBy("/", written(int(t.Month()), p.month), day, year)
	}
	weekday := ""
	switch p.weekday {
	case "long":
		weekday = t.Weekday().String()
	case "short":
		weekday = t.Weekday().String()[:3]
	}
	return joinedBy(", ", weekday, out)
}

// clock is 3:04:05 PM, or what is left of it.
func (p *dateParts) clock(t time.Time) string {
	hour, half := "", ""
	switch {
	case p.hour == "":
	case p.hour24:
		hour = fmt.Sprintf("%02d", t.Hour())
	default:
		hour, half = written((t.Hour()+11)%12+1, p.hour), t.Format("PM")
	}
	minute, second := written(t.Minute(), p.minute), written(t.Second(), p.second)
	if minute != "" && hour+second != "" {
		minute = fmt.Sprintf("%02d", t.Minute())
	}
	if second != "" && minute != "" {
		second = fmt.Sprintf("%02d", t.Second())
	}
	return joinedBy(" ", joinedBy(":", hour, minute, second), half)
}

func written(n int, how string) string {
	switch how {
	case "numeric":
		return fmt.Sprint(n)
	case "2-digit":
		return fmt.Sprintf("%02d", n%100)
	}
	return ""
}

// joinedBy joins the texts that are not empty.
func joinedBy(by string, texts ...string) string {
	var there []string
	for _, text := range texts {
		if text != "" {
			there = append(there, text)
		}
	}
	return strings.Join(there, by)
}
