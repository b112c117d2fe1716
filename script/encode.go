package script

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"

	"github.com/dop251/goja"
)

const (
	maxDepth  = 64
	maxAnswer = 8 << 20
)

var (
	errCycle    = errors.New("the value contains itself and cannot be turned into JSON")
	errTooDeep  = fmt.Errorf("the value is nested deeper than %d", maxDepth)
	errTooLarge = fmt.Errorf("the value is larger than %d MiB as JSON", maxAnswer>>20)
	errBigInt   = errors.New("a BigInt cannot be turned into JSON")
)

// encoder appends values as JSON.stringify writes them, with two differences: what a script never touched is copied
// as it came, and an Error keeps its message. It may run the script's own code (toJSON, getters), so that it is used
// on the goroutine of the run only, and panics as goja does when that code throws.
type encoder struct {
	m      *machine
	out    []byte
	fields []Field // of the outermost object
	path   []*goja.Object
}

// encode appends v; ok is false for what JSON.stringify leaves out.
func (e *encoder) encode(v goja.Value, key string) (ok bool, err error) {
	if len(e.out) > maxAnswer {
		return false, errTooLarge
	}
	switch {
	case v == nil || goja.IsUndefined(v):
		return false, nil
	case goja.IsNull(v):
		e.out = append(e.out, "null"...)
	case goja.IsString(v):
		e.out = appendString(e.out, v.String())
	case goja.IsNumber(v):
		e.number(v)
	case v == e.m.yes:
		e.out = append(e.out, "true"...)
	case v == e.m.no:
		e.out = append(e.out, "false"...)
	case goja.IsBigInt(v):
		return false, errBigInt
	default:
		if o, ok := v.(*goja.Object); ok {
			return e.object(o, key)
		}
		return false, nil // a symbol
	}
	return true, nil
}

func (e *encoder) number(v goja.Value) {
	f := v.ToFloat()
	switch {
	case math.IsNaN(f) || math.IsInf(f, 0):
		e.out = append(e.out, "null"...)
	case f == math.Trunc(f) && math.Abs(f) < 1e15:
		e.out = strconv.AppendInt(e.out, int64(f), 10)
	default:
		e.out = append(e.out, v.String()...)
	}
}

func (e *encoder) object(o *goja.Object, key string) (ok bool, err error) {
	if o.ExportType() == lazyType {
		return true, e.lazy(o, o.Export().(*lazyObject))
	}
	if toJSON, ok := goja.AssertFunction(o.Get("toJSON")); ok {
		v, err := toJSON(o, e.m.js.ToValue(key))
		if err != nil {
			panic(rethrow(err))
		}
		if p, ok := v.(*goja.Object); !ok || p != o {
			return e.withoutToJSON(v, key)
		}
	}
	return e.plain(o)
}

// withoutToJSON encodes what a toJSON returned, whose own toJSON is not asked again.
func (e *encoder) withoutToJSON(v goja.Value, key string) (bool, error) {
	o, ok := v.(*goja.Object)
	if !ok || o.ExportType() == lazyType {
		return e.encode(v, key)
	}
	return e.plain(o)
}

func (e *encoder) plain(o *goja.Object) (ok bool, err error) {
	switch o.ClassName() {
	case "Function":
		return false, nil
	case "String":
		e.out = appendString(e.out, o.String())
		return true, nil
	case "Number":
		e.number(o.ToNumber())
		return true, nil
	case "Boolean":
		return e.encode(e.m.js.ToValue(o.Export()), "")
	}
	if _, callable := goja.AssertFunction(o); callable {
		return false, nil
	}
	if err := e.enter(o); err != nil {
		return false, err
	}
	if isArray(o) {
		err = e.array(o)
	} else {
		err = e.properties(o)
	}
	e.path = e.path[:len(e.path)-1]
	return true, err
}

var proxyType = reflect.TypeFor[goja.Proxy]()

func isArray(o *goja.Object) bool {
	if o.ExportType() == proxyType {
		target := o.Export().(goja.Proxy).Target()
		return target != nil && isArray(target)
	}
	return o.ClassName() == "Array"
}

func (e *encoder) enter(o *goja.Object) error {
	for _, p := range e.path {
		if p == o {
			return errCycle
		}
	}
	if len(e.path) >= maxDepth {
		return errTooDeep
	}
	e.path = append(e.path, o)
	return nil
}

func (e *encoder) array(o *goja.Object) error {
	length := o.Get("length").ToInteger()
	if length > maxAnswer/2 {
		return errTooLarge
	}
	e.out = append(e.out, '[')
	for i := range length {
		if i > 0 {
			e.out = append(e.out, ',')
		}
		key := strconv.FormatInt(i, 10)
		ok, err := e.encode(o.Get(key), key)
		if err != nil {
			return err
		}
		if !ok {
			e.out = append(e.out, "null"...)
		}
	}
	e.out = append(e.out, ']')
	return nil
}

func (e *encoder) properties(o *goja.Object) error {
	e.out = append(e.out, '{')
	start := len(e.out)
	keys := o.Keys()
	if o.ClassName() == "Error" {
		keys = append([]string{"message"}, keys...)
	}
	for _, key := range keys {
		if err := e.property(key, o.Get(key), start); err != nil {
			return err
		}
	}
	e.out = append(e.out, '}')
	return nil
}

// property appends one property, after a comma if it is not the first since start.
func (e *encoder) property(key string, v goja.Value, start int) error {
	before := len(e.out)
	at := e.key(key, start)
	ok, err := e.encode(v, key)
	if err != nil {
		return err
	}
	if !ok {
		e.out = e.out[:before]
		return nil
	}
	e.field(key, at)
	return nil
}

func (e *encoder) key(key string, start int) (at int) {
	if len(e.out) > start {
		e.out = append(e.out, ',')
	}
	e.out = append(appendString(e.out, key), ':')
	return len(e.out)
}

// field notes where a property of the outermost object lies. The bytes are cut out when all is written, because
// appending moves them.
func (e *encoder) field(key string, at int) {
	if len(e.path) == 1 {
		e.fields = append(e.fields, Field{Name: key, start: at, end: len(e.out)})
	}
}

func (e *encoder) lazy(o *goja.Object, l *lazyObject) error {
	if !l.indexed && len(e.path) > 0 {
		e.out = append(e.out, l.raw...)
		return nil
	}
	if err := e.enter(o); err != nil {
		return err
	}
	l.touch()
	l.order()
	e.out = append(e.out, '{')
	start := len(e.out)
	for i := 0; i < len(l.slots); i++ {
		s := &l.slots[i]
		if _, nested := s.value.(*goja.Object); nested || s.own || s.build != nil {
			if err := e.property(s.key, l.read(i), start); err != nil {
				return err
			}
			continue
		}
		at := e.key(s.key, start)
		e.out = append(e.out, s.raw...)
		e.field(s.key, at)
	}
	e.out = append(e.out, '}')
	e.path = e.path[:len(e.path)-1]
	return nil
}

const hexDigits = "0123456789abcdef"

// appendString appends s as a JSON string, escaping what JSON.stringify escapes.
func appendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	start := 0
	for i := range len(s) {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		dst = append(dst, s[start:i]...)
		start = i + 1
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		case '\b':
			dst = append(dst, '\\', 'b')
		case '\f':
			dst = append(dst, '\\', 'f')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	dst = append(dst, s[start:]...)
	return append(dst, '"')
}
