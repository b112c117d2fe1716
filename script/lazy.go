package script

import (
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unsafe"

	"github.com/dop251/goja"
	"github.com/tidwall/gjson"
)

// lazyObject is a JavaScript object over JSON text. It is indexed when it is first touched, a property becomes a value
// when it is first read, and what a script writes replaces the text. A property that was never read is encoded by
// copying its text.
type lazyObject struct {
	m       *machine
	raw     string
	slots   []slot
	index   map[string]int // of slots, once there are many and they are looked up often
	lookups int
	indexed bool
	numeric bool  // a key looks like an array index, which JavaScript orders before the others
	hidden  *slot // a property that is not among the keys and is not encoded; raw must not have it
}

// slot is one property: its text, or what builds it, until it is read or written.
type slot struct {
	key   string
	raw   string
	build func(*machine) goja.Value
	value goja.Value
	own   bool // written by the script: raw says nothing any more
}

const (
	manySlots   = 12
	manyLookups = 16
)

var lazyType = reflect.TypeFor[*lazyObject]()

// textOf returns b as a string without copying it. The bytes of events and answers are not written to.
func textOf(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

func (m *machine) lazy(raw string) *goja.Object {
	return m.js.NewDynamicObject(&lazyObject{m: m, raw: raw})
}

// value builds what JSON text stands for. Objects and the elements of arrays stay text until they are touched, unless
// the program needs plain ones.
func (m *machine) value(raw string) goja.Value {
	if raw == "" {
		return goja.Undefined()
	}
	switch c := raw[0]; {
	case c == '"':
		if s := raw[1 : len(raw)-1]; strings.IndexByte(s, '\\') < 0 {
			return m.js.ToValue(s)
		}
		return m.parse(raw)
	case c == 't':
		return m.yes
	case c == 'f':
		return m.no
	case c == 'n':
		return goja.Null()
	case c == '{' && !m.plain:
		return m.lazy(raw)
	case c == '[' && !m.plain:
		return m.array(raw)
	case c == '-' || c >= '0' && c <= '9':
		return m.number(raw)
	}
	return m.parse(raw)
}

func (m *machine) number(raw string) goja.Value {
	if len(raw) < 16 {
		if n, err := strconv.ParseInt(raw, 10, 64); err == nil && (n != 0 || raw[0] != '-') {
			return m.js.ToValue(n)
		}
	}
	f, _ := strconv.ParseFloat(raw, 64) // out of range gives an infinity, as in JSON.parse
	return m.js.ToValue(f)
}

// parse is the runtime's own JSON.parse.
func (m *machine) parse(raw string) goja.Value {
	v, err := m.jsonParse(goja.Undefined(), m.js.ToValue(strings.TrimSpace(raw)))
	if err != nil {
		panic(err)
	}
	return v
}

func (m *machine) array(raw string) goja.Value {
	items := make([]any, 0, 8)
	gjson.Parse(raw).ForEach(func(_, v gjson.Result) bool {
		items = append(items, m.value(v.Raw))
		return true
	})
	return m.js.NewArray(items...)
}

func (o *lazyObject) touch() {
	if o.indexed {
		return
	}
	o.indexed = true
	most := strings.Count(o.raw, ":") // which is faster than to tell those in texts from others
	o.slots = o.m.room(2 + min(most, maxRoom/2))
	var seen keySet
	gjson.Parse(o.raw).ForEach(func(k, v gjson.Result) bool {
		if seen.mayHave(k.Str) {
			if i := o.find(k.Str); i >= 0 { // of two equal keys the last counts, at the place of the first
				o.slots[i].raw = v.Raw
				return true
			}
		}
		o.add(slot{key: k.Str, raw: v.Raw})
		return true
	})
}

// maxRoom bounds the slots that a runtime keeps for its next runs.
const maxRoom = 512

// room returns space for n slots, from what the runtime keeps while that lasts: nothing of a run that is over can be
// reached any more when the next one begins.
func (m *machine) room(n int) []slot {
	if m.slots == nil {
		m.slots = make([]slot, 0, maxRoom)
	}
	used := len(m.slots)
	if used+n > maxRoom {
		return make([]slot, 0, n)
	}
	m.slots = m.slots[:used+n]
	return m.slots[used : used : used+n]
}

// keySet says of most keys that they are new, so that indexing need not look through all slots for each.
type keySet [16]uint64

func (s *keySet) mayHave(key string) bool {
	h := uint32(len(key)) * 0x9E3779B1
	for i := range len(key) {
		h = (h ^ uint32(key[i])) * 0x01000193
	}
	h ^= h >> 15
	word, bit := h>>6%16, uint64(1)<<(h%64)
	had := s[word]&bit != 0
	s[word] |= bit
	return had
}

func (o *lazyObject) add(s slot) {
	if s.key != "" && s.key[0] <= '9' && isArrayIndex(s.key) {
		o.numeric = true
	}
	o.slots = append(o.slots, s)
	if o.index != nil {
		o.index[s.key] = len(o.slots) - 1
	}
}

func (o *lazyObject) reindex() {
	o.index = make(map[string]int, len(o.slots))
	for i := range o.slots {
		o.index[o.slots[i].key] = i
	}
}

func (o *lazyObject) find(key string) int {
	if o.index == nil && len(o.slots) > manySlots {
		if o.lookups++; o.lookups > manyLookups {
			o.reindex()
		}
	}
	if o.index != nil {
		if i, ok := o.index[key]; ok {
			return i
		}
		return -1
	}
	for i := range o.slots {
		if o.slots[i].key == key {
			return i
		}
	}
	return -1
}

// read returns the value of slot i, building it if need be. Building may run code that changes the slots, so the slot
// is looked up again.
func (o *lazyObject) read(i int) goja.Value {
	s := &o.slots[i]
	if s.value != nil {
		return s.value
	}
	if s.build != nil {
		s.value = s.build(o.m)
	} else {
		s.value = o.m.value(s.raw)
	}
	return s.value
}

// Get is called by goja.
func (o *lazyObject) Get(key string) goja.Value {
	if o.hidden != nil && o.hidden.key == key {
		return o.hidden.value
	}
	o.touch()
	if i := o.find(key); i >= 0 {
		return o.read(i)
	}
	return nil
}

// Set is called by goja.
func (o *lazyObject) Set(key string, v goja.Value) bool {
	o.unhide(key)
	o.touch()
	if i := o.find(key); i >= 0 {
		o.slots[i].value, o.slots[i].own = v, true
	} else {
		o.add(slot{key: key, value: v, own: true})
	}
	return true
}

// Has is called by goja.
func (o *lazyObject) Has(key string) bool {
	o.touch()
	return o.hidden != nil && o.hidden.key == key || o.find(key) >= 0
}

// Delete is called by goja.
func (o *lazyObject) Delete(key string) bool {
	o.unhide(key)
	o.touch()
	if i := o.find(key); i >= 0 {
		o.slots = slices.Delete(o.slots, i, i+1)
		if o.index != nil {
			o.reindex()
		}
	}
	return true
}

func (o *lazyObject) unhide(key string) {
	if o.hidden != nil && o.hidden.key == key {
		o.hidden = nil
	}
}

// Keys is called by goja.
func (o *lazyObject) Keys() []string {
	o.touch()
	o.order()
	keys := make([]string, len(o.slots))
	for i := range o.slots {
		keys[i] = o.slots[i].key
	}
	return keys
}

// order puts keys that are array indices first, ascending, as JavaScript does.
func (o *lazyObject) order() {
	if !o.numeric {
		return
	}
	o.numeric = false
	slices.SortStableFunc(o.slots, func(a, b slot) int {
		x, y := isArrayIndex(a.key), isArrayIndex(b.key)
		switch {
		case x && y && len(a.key) != len(b.key):
			return len(a.key) - len(b.key)
		case x && y:
			return strings.Compare(a.key, b.key)
		case x:
			return -1
		case y:
			return 1
		}
		return 0
	})
	if o.index != nil {
		o.reindex()
	}
}

func isArrayIndex(key string) bool {
	n, err := strconv.ParseUint(key, 10, 32)
	return err == nil && n < 1<<32-1 && (key == "0" || key[0] != '0') && key[0] != '+'
}
