package store

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// format writes a moment in the tokens of moment.js, in English and in UTC. What is no token stands for itself, and so
// does what is in brackets.
func format(t time.Time, layout string) string {
	var b strings.Builder
	for layout != "" {
		if layout[0] == '[' {
			if end := strings.IndexByte(layout, ']'); end > 0 {
				b.WriteString(layout[1:end])
				layout = layout[end+1:]
				continue
			}
		}
		token := tokenOf(layout)
		b.WriteString(formatToken(t, token))
		layout = layout[len(token):]
	}
	return b.String()
}

// tokens are those of moment.js, of each letter the longest first.
const tokens = `
	YYYYYY YYYY YY Y GGGG GG gggg gg Qo Q MMMM MMM MM Mo M DDDD DDDo DDD DD Do D dddd ddd dd do d e E
	ww wo w WW Wo W HH H hh h kk k mm m ss s A a ZZ Z z X x LTS LT LLLL LLL LL L llll lll ll l`

// tokenOf is the token that a layout begins with, or its first character.
func tokenOf(layout string) string {
	if layout[0] == 'S' { // as many as there are digits wanted
		return layout[:min(9, len(layout)-len(strings.TrimLeft(layout, "S")))]
	}
	for token := range strings.FieldsSeq(tokens) {
		if strings.HasPrefix(layout, token) {
			return token
		}
	}
	for i := range layout {
		if i > 0 {
			return layout[:i]
		}
	}
	return layout
}

func formatToken(t time.Time, token string) string {
	year, week := t.ISOWeek()
	localYear, localWeek := localWeek(t)
	hour := t.Hour() % 12
	if hour == 0 {
		hour = 12
	}
	number, known := map[byte]int{
		'Y': t.Year(), 'G': year, 'g': localYear, 'Q': (int(t.Month()) + 2) / 3, 'M': int(t.Month()), 'd': int(t.Weekday()),
		'e': int(t.Weekday()), 'E': (int(t.Weekday())+6)%7 + 1, 'W': week, 'w': localWeek, 'H': t.Hour(), 'h': hour,
		'k': (t.Hour()+23)%24 + 1, 'm': t.Minute(), 's': t.Second(), 'D': t.Day(),
	}[token[0]]
	if strings.HasPrefix(token, "DDD") {
		number = t.YearDay()
	}
	switch {
	case token[0] == 'S':
		return fmt.Sprintf("%09d", t.Nanosecond())[:len(token)]
	case token[0] == 'L' || token[0] == 'l':
		return format(t, localLayout[token])
	case known && strings.HasSuffix(token, "o"):
		return ordinal(number)
	}
	if text, ok := spelledToken(t, token); ok {
		return text
	}
	switch {
	case !known:
		return token
	case token == "YY" || token == "GG" || token == "gg":
		return fmt.Sprintf("%02d", number%100)
	case token == "YYYYYY":
		return fmt.Sprintf("%+07d", number)
	case strings.HasPrefix(token, "DDD"):
		return fmt.Sprintf("%0*d", 3*(len(token)-3), number)
	}
	return fmt.Sprintf("%0*d", len(token), number)
}

// spelledToken writes the tokens that are no numbers.
func spelledToken(t time.Time, token string) (text string, ok bool) {
	switch token {
	case "MMMM":
		return t.Month().String(), true
	case "MMM":
		return t.Format("Jan"), true
	case "dddd":
		return t.Weekday().String(), true
	case "ddd", "dd":
		return t.Weekday().String()[:len(token)], true
	case "A":
		return t.Format("PM"), true
	case "a":
		return t.Format("pm"), true
	case "Z":
		return "+00:00", true
	case "ZZ":
		return "+0000", true
	case "z":
		return "UTC", true
	case "X":
		return strconv.FormatInt(t.Unix(), 10), true
	case "x":
		return strconv.FormatInt(t.UnixMilli(), 10), true
	}
	return "", false
}

// localLayout are the layouts of the English of the United States, which is that of moment.js without a locale.
var localLayout = map[string]string{
	"LT": "h:mm A", "LTS": "h:mm:ss A", "L": "MM/DD/YYYY", "LL": "MMMM D, YYYY", "LLL": "MMMM D, YYYY h:mm A",
	"LLLL": "dddd, MMMM D, YYYY h:mm A", "l": "M/D/YYYY", "ll": "MMM D, YYYY", "lll": "MMM D, YYYY h:mm A",
	"llll": "ddd, MMM D, YYYY h:mm A",
}

// localWeek counts weeks from Sunday; the first is that of the first of January.
func localWeek(t time.Time) (year, week int) {
	saturday := t.AddDate(0, 0, 6-int(t.Weekday())) // its year is that of the week
	return saturday.Year(), (saturday.YearDay()-1)/7 + 1
}

func ordinal(n int) string {
	suffix := "th"
	if n%100 < 11 || n%100 > 13 {
		switch n % 10 {
		case 1:
			suffix = "st"
		case 2:
			suffix = "nd"
		case 3:
			suffix = "rd"
		}
	}
	return strconv.Itoa(n) + suffix
}
