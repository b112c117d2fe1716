package store

import (
	"cmp"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"

	"gaff/hooks"
)

// aggregate is something to compute of many documents.
type aggregate struct {
	function string // SUM, AVG, MIN, MAX or COUNT
	path     path   // not of COUNT
	name     string // under which it is answered
}

// parseAggregates reads ["SUM:field", "COUNT:name", …].
func parseAggregates(v gjson.Result) ([]aggregate, error) {
	list := v.Array()
	if !v.IsArray() || len(list) == 0 || len(list) > limitAggregates {
		return nil, hooks.Errorf(hooks.CodeBadRequest, "$aggregate takes a list of 1 to %d texts such as SUM:field", limitAggregates)
	}
	var all []aggregate
	for _, item := range list {
		function, field, _ := strings.Cut(item.Str, ":")
		a, found := aggregate{function: strings.ToUpper(function)}, true
		switch a.function {
		case "SUM", "AVG", "MIN", "MAX":
			a.name = a.function + " " + field
			a.path, found = fieldPath(field)
		case "COUNT":
			a.name = cmp.Or(field, "COUNT")
		default:
			return nil, hooks.Errorf(hooks.CodeBadRequest, "$aggregate has SUM, AVG, MIN, MAX and COUNT, not %.40q", function)
		}
		switch {
		case !found:
			return nil, hooks.Errorf(hooks.CodeBadRequest, "$aggregate %.80q needs the path of a field, as in SUM:field", item.Str)
		case slices.ContainsFunc(all, func(other aggregate) bool { return other.name == a.name }):
			return nil, hooks.Errorf(hooks.CodeBadRequest, "$aggregate has %.80q twice", a.name)
		}
		all = append(all, a)
	}
	return all, nil
}

// accumulator is an aggregate as far as it has come.
type accumulator struct {
	count int      // of documents for COUNT, of numbers for SUM and AVG
	whole int64    // the sum of whole numbers
	rest  *big.Rat // the sum of all others
	best  gjson.Result
	doc   string // that has the best value; empty: none has any
}

func (s *accumulator) add(a *aggregate, doc gjson.Result, spent *budget) error {
	if a.function == "COUNT" {
		s.count++
		return nil
	}
	v := a.path.first(doc)
	switch a.function {
	case "SUM", "AVG":
		if v.Type == gjson.Number {
			s.count++
			s.sum(v.Raw)
		}
		return nil
	}
	if rank(v) == 0 {
		return nil
	}
	if s.doc != "" {
		if c := order(v, s.best); c == 0 || (c < 0) != (a.function == "MIN") {
			return nil
		}
	}
	more := len(doc.Raw) - len(s.doc)
	s.best, s.doc = v, doc.Raw
	return spent.spend(more)
}

// sum adds a number, exactly.
func (s *accumulator) sum(number string) {
	if n, err := strconv.ParseInt(number, 10, 64); err == nil {
		if sum := s.whole + n; (sum > s.whole) == (n > 0) {
			s.whole = sum
			return
		}
	}
	if s.rest == nil {
		s.rest = new(big.Rat)
	}
	s.rest.Add(s.rest, rational(number))
}

func (s *accumulator) write(dst []byte, a *aggregate, pg *page) []byte {
	switch a.function {
	case "COUNT":
		return strconv.AppendInt(dst, int64(s.count), 10)
	case "SUM", "AVG":
		total := new(big.Rat).SetInt64(s.whole)
		if s.rest != nil {
			total.Add(total, s.rest)
		}
		if a.function == "AVG" {
			if s.count == 0 {
				return append(dst, "null"...)
			}
			total.Quo(total, new(big.Rat).SetInt64(int64(s.count)))
		}
		return appendNumber(dst, total)
	}
	if s.doc == "" {
		return append(dst, "null"...)
	}
	return append(dst, pg.show(s.doc)...)
}

// maxFraction is with how many digits behind the point a number is written that has all of them.
const maxFraction = 100

// appendNumber writes a number with all its digits, or, if they have no end, the nearest that 64 bits can hold.
func appendNumber(dst []byte, n *big.Rat) []byte {
	if digits, ends := n.FloatPrec(); ends && digits <= maxFraction {
		return append(dst, n.FloatString(digits)...)
	}
	f, _ := n.Float64()
	if math.IsInf(f, 0) {
		return append(dst, n.FloatString(1)...)
	}
	return strconv.AppendFloat(dst, f, 'g', -1, 64)
}
