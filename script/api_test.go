package script

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/dop251/goja"
)

// TestAPI compares the table of the host API with what a runtime has, both ways.
func TestAPI(t *testing.T) {
	t.Parallel()
	language := map[string]bool{}
	for _, name := range goja.New().GlobalObject().GetOwnPropertyNames() {
		language[name] = true
	}
	for _, frozen := range []bool{true, false} {
		m := idleMachine(frozen)
		known := map[string]bool{}
		for i := range hostAPI {
			g := &hostAPI[i]
			known[g.name] = true
			v := m.js.GlobalObject().Get(g.name)
			if v == nil || goja.IsUndefined(v) {
				t.Errorf("%s is typed and not there", g.name)
				continue
			}
			compareGlobal(t, m, g, v.ToObject(m.js))
		}
		for _, name := range m.js.GlobalObject().GetOwnPropertyNames() {
			if !language[name] && !known[name] {
				t.Errorf("%s is there and not typed", name)
			}
		}
	}
}

// idleMachine is a runtime with a run that does nothing.
func idleMachine(frozen bool) *machine {
	m := newMachine(frozen)
	p := &Program{mentions: allGlobals}
	m.begin(&run{ctx: context.Background(), prog: p, call: &Call{}, stragglers: &sync.WaitGroup{}, m: m})
	return m
}

// notTyped are members that functions and classes have.
var notTyped = []string{"length", "name", "prototype", "constructor", "arguments", "caller"}

func compareGlobal(t *testing.T, m *machine, g *global, o *goja.Object) {
	t.Helper()
	if g.kind != classShape {
		compareMembers(t, g.name, g.members, o)
		if _, callable := goja.AssertFunction(o); callable != (g.kind == functionShape) {
			t.Errorf("%s is a function: %v", g.name, callable)
		}
		return
	}
	compareMembers(t, g.name, g.static, o)
	compareMembers(t, g.name+".prototype", g.members, inherited(m, g, o.Get("prototype").ToObject(m.js)))
}

// inherited gathers what instances of a class have that its typed parent has not.
func inherited(m *machine, g *global, proto *goja.Object) *goja.Object {
	parent := g.extends
	if parent == "" {
		parent = "Object"
	}
	end := m.js.Get(parent).ToObject(m.js).Get("prototype")
	all := m.js.NewObject()
	for o := proto; o != nil && o != end; o = o.Prototype() {
		for _, key := range o.GetOwnPropertyNames() {
			if key != "constructor" && (key != "name" || parent != "Error") {
				_ = all.DefineDataProperty(key, m.yes, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_TRUE)
			}
		}
		if o.GetSymbol(goja.SymIterator) != nil {
			_ = all.DefineDataPropertySymbol(goja.SymIterator, m.yes, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_TRUE)
		}
	}
	return all
}

func compareMembers(t *testing.T, name string, typed []member, o *goja.Object) {
	t.Helper()
	var have, want []string
	for _, key := range o.GetOwnPropertyNames() {
		if strings.HasSuffix(name, ".prototype") || !slices.Contains(notTyped, key) {
			have = append(have, key)
		}
	}
	for _, m := range typed {
		switch {
		case m.name == "[Symbol.iterator]":
			if o.GetSymbol(goja.SymIterator) == nil {
				t.Errorf("%s has no iterator", name)
			}
		case !slices.Contains(fieldsOfInstances, name+"."+m.name):
			want = append(want, m.name)
		}
	}
	slices.Sort(have)
	slices.Sort(want)
	if !slices.Equal(have, want) {
		t.Errorf("%s has\n%s\nand is typed with\n%s", name, strings.Join(have, " "), strings.Join(want, " "))
	}
}

// fieldsOfInstances are set by constructors.
var fieldsOfInstances = []string{"AbortSignal.prototype.onabort", "Retry.prototype.after"}

// TestRequestTypes compares the types of req and res with what a run gets.
func TestRequestTypes(t *testing.T) {
	t.Parallel()
	m := idleMachine(true)
	compareMembers(t, "res", shapeNamed(t, "Res").fields, m.resProto)
	raw := []byte(`{}`)
	m.run.call.Request = Request{Body: raw, Query: raw, Result: raw, Original: raw, Error: raw, Params: raw, Job: raw, Key: "k"}
	var have, want []string
	for _, s := range m.reqParts(nil) {
		have = append(have, s.key)
	}
	for _, f := range shapeNamed(t, "Req").fields {
		want = append(want, f.name)
	}
	slices.Sort(have)
	slices.Sort(want)
	if !slices.Equal(have, want) {
		t.Errorf("req has %v and is typed with %v", have, want)
	}
	compareMembers(t, "req.event", shapeNamed(t, "EventInfo").fields, m.event().ToObject(m.js))
	options := &Request{Hint: raw}
	m.run.call.Request = *options
	hint := m.hint().ToObject(m.js).Keys()
	if !slices.Equal(hint, []string{"#headers", "#usersession"}) {
		t.Errorf("req.hint has %v", hint)
	}
}

func shapeNamed(t *testing.T, name string) *record {
	t.Helper()
	for i := range shapes {
		if got, _, _ := strings.Cut(shapes[i].name, "<"); got == name {
			return &shapes[i]
		}
	}
	t.Fatalf("no type %s", name)
	return nil
}
