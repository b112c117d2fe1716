package script

import (
	"math"
	"math/big"
	"strconv"
	"strings"

	"github.com/dop251/goja"
)

var numberOptions = map[string]bool{
	"minimumFractionDigits": true, "maximumFractionDigits": true, "minimumIntegerDigits": true, "maximumSignificantDigits": true,
	"useGrouping": true, "style": true, "currency": true, "currencyDisplay": true,
}

// currencySigns are what en-US writes for currencies that have a sign there; others have their code.
var currencySigns = map[string]string{
	"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "INR": "₹", "CNY": "CN¥", "KRW": "₩", "BRL": "R$", "CAD": "CA$", "AUD": "A$",
	"MXN": "MX$", "NZD": "NZ$", "ILS": "₪", "VND": "₫", "TWD": "NT$", "HKD": "HK$", "PHP": "₱",
}

// wholeCurrencies have no smaller unit.
var wholeCurrencies = map[string]bool{"JPY": true, "KRW": true, "VND": true, "CLP": true, "ISK": true, "XAF": true, "XOF": true, "PYG": true, "UGX": true}

// localeNumber(number, locale, options) writes a number as en-US does.
func (m *machine) localeNumber(call goja.FunctionCall) goja.Value {
	n, options := call.Argument(0).ToFloat(), call.Argument(2)
	m.checkLocale("toLocaleString", call.Argument(1), options, numberOptions)
	style := m.choice(options, "style", "decimal", "percent", "currency")
	least, most, sign := int64(0), int64(3), ""
	switch style {
	case "percent":
		n, most = n*100, 0
	case "currency":
		sign, least = m.currency(options)
		most = least
	}
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
	if v := m.option(options, "maximumSignificantDigits"); v != nil {
		digits := v.ToInteger()
		if digits < 1 || digits > 21 {
			panic(m.newErrorOf("RangeError", "maximumSignificantDigits must be from 1 to 21"))
		}
		n, _ = strconv.ParseFloat(strconv.FormatFloat(n, 'e', int(digits)-1, 64), 64)
		least, most = 0, 20
	}
	grouped := true
	if v := m.option(options, "useGrouping"); v != nil {
		grouped = v.ToBoolean()
	}
	text := formatNumber(n, int(least), int(most), grouped)
	minus := strings.HasPrefix(text, "-")
	text = m.padded(strings.TrimPrefix(text, "-"), options)
	switch style {
	case "percent":
		text += "%"
	case "currency":
		text = sign + text
	}
	if minus {
		text = "-" + text
	}
	return m.js.ToValue(text)
}

// currency returns what stands before an amount, and how many digits its fraction has.
func (m *machine) currency(options goja.Value) (sign string, digits int64) {
	v := m.option(options, "currency")
	if v == nil {
		panic(m.newErrorOf("TypeError", "Currency code is required with currency style."))
	}
	code := strings.ToUpper(v.String())
	if len(code) != 3 {
		panic(m.newErrorOf("RangeError", "Invalid currency code : "+v.String()))
	}
	digits = 2
	if wholeCurrencies[code] {
		digits = 0
	}
	sign = currencySigns[code]
	if sign == "" || m.choice(options, "currencyDisplay", "symbol", "code") == "code" {
		sign = code + "\u00a0"
	}
	return sign, digits
}

// padded puts zeros before a number until it has its least digits.
func (m *machine) padded(text string, options goja.Value) string {
	v := m.option(options, "minimumIntegerDigits")
	if v == nil {
		return text
	}
	least := v.ToInteger()
	if least < 1 || least > 21 {
		panic(m.newErrorOf("RangeError", "minimumIntegerDigits must be from 1 to 21"))
	}
	whole, _, _ := strings.Cut(text, ".")
	return strings.Repeat("0", max(0, int(least)-len(strings.ReplaceAll(whole, ",", "")))) + text
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
