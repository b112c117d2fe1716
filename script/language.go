package script

import (
	_ "embed"
	"math"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/dop251/goja"
)

//go:embed language.js
var languageSource string

var language = goja.MustCompile("language.js", languageSource, true) //nolint:gochecknoglobals // a program is a constant

// usesExtensions finds what a runtime of a program's own needs language.js for; making it all costs more than a short run.
var usesExtensions = regexp.MustCompile(`groupBy|withResolvers|\.try\b|fromAsync|captureStackTrace|[dD]ispose|WellFormed|getYear|toLocale|asyncIterator|` +
	`\b(?:eval|Function)\b|function\s*\*|\*\s*\w+\s*\(|\*\s*\[|\.(?:values|entries|keys|matchAll)\s*\(|Symbol\.iterator`)

// extend adds to the language what goja lacks of it.
func (m *machine) extend() {
	f, err := m.js.RunProgram(language)
	if err != nil {
		panic(err) // our own program
	}
	extend, _ := goja.AssertFunction(f)
	if _, err := extend(goja.Undefined(), m.js.ToValue(m.localeNumber), m.js.ToValue(m.localeDate)); err != nil {
		panic(err)
	}
}

// option returns a member of the options of a call, nil if there is none.
func (m *machine) option(options goja.Value, name string) goja.Value {
	o, ok := options.(*goja.Object)
	if !ok {
		return nil
	}
	if v := o.Get(name); v != nil && !goja.IsUndefined(v) {
		return v
	}
	return nil
}

// localeNumber(number, locale, options) writes a number as en-US does, whatever locale is asked for.
func (m *machine) localeNumber(call goja.FunctionCall) goja.Value {
	n := call.Argument(0).ToFloat()
	options := call.Argument(2)
	least, most := int64(0), int64(3)
	if v := m.option(options, "minimumFractionDigits"); v != nil {
		least = v.ToInteger()
		most = max(most, least)
	}
	if v := m.option(options, "maximumFractionDigits"); v != nil {
		most = v.ToInteger()
		least = min(least, most)
	}
	if least < 0 || most > 100 {
		panic(m.newErrorOf("RangeError", "fraction digits must be from 0 to 100"))
	}
	grouped := true
	if v := m.option(options, "useGrouping"); v != nil {
		grouped = v.ToBoolean()
	}
	return m.js.ToValue(formatNumber(n, int(least), int(most), grouped))
}

func formatNumber(n float64, least, most int, grouped bool) string {
	switch {
	case math.IsNaN(n):
		return "NaN"
	case math.IsInf(n, 1):
		return "∞"
	case math.IsInf(n, -1):
		return "-∞"
	}
	shown := strconv.FormatFloat(n, 'g', -1, 64) // what is shown is what is rounded
	exact, _ := new(big.Rat).SetString(shown)
	scaled := exact.Mul(exact.Abs(exact), new(big.Rat).SetInt(power(most)))
	scaled.Add(scaled, big.NewRat(1, 2))
	digits := new(big.Int).Quo(scaled.Num(), scaled.Denom()).String()
	if len(digits) <= most {
		digits = strings.Repeat("0", most-len(digits)+1) + digits
	}
	whole, fraction := digits[:len(digits)-most], digits[len(digits)-most:]
	for len(fraction) > least && fraction[len(fraction)-1] == '0' {
		fraction = fraction[:len(fraction)-1]
	}
	if grouped {
		whole = groupThousands(whole)
	}
	if fraction != "" {
		whole += "." + fraction
	}
	if math.Signbit(n) {
		whole = "-" + whole
	}
	return whole
}

func power(n int) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil) }

func groupThousands(digits string) string {
	var b strings.Builder
	for i, c := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(c)
	}
	return b.String()
}

// localeDate(date, what, locale, options) writes a time as en-US does, whatever locale is asked for: in UTC unless
// options name a time zone.
func (m *machine) localeDate(call goja.FunctionCall) goja.Value {
	value, ok := call.Argument(0).Export().(time.Time)
	if !ok {
		return m.js.ToValue("Invalid Date")
	}
	zone := time.Local
	options := call.Argument(3)
	if v := m.option(options, "timeZone"); v != nil {
		named, err := time.LoadLocation(v.String())
		if err != nil {
			panic(m.newErrorOf("RangeError", "Invalid time zone specified: "+v.String()))
		}
		zone = named
	}
	clock := "3:04:05 PM"
	if v := m.option(options, "hour12"); v != nil && !v.ToBoolean() {
		clock = "15:04:05"
	}
	layout := map[string]string{"date": "1/2/2006", "time": clock, "both": "1/2/2006, " + clock}[call.Argument(1).String()]
	return m.js.ToValue(value.In(zone).Format(layout))
}

// newErrorOf makes an error of a built-in class.
func (m *machine) newErrorOf(class, message string) goja.Value {
	o, err := m.js.New(m.js.Get(class), m.js.ToValue(message))
	if err != nil {
		panic(rethrow(err))
	}
	return o
}
