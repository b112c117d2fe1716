package script

import (
	"math"
	"time"

	"github.com/dop251/goja"
)

// maxRetryAfter bounds how long a script may put off its next run.
const maxRetryAfter = 24 * time.Hour

// Scripts have Retry and Permanent. Either may be thrown, returned or given to res.end: new Retry('30s') wants another run
// after that time, new Permanent('no such customer') none.

// isOutcome reports whether a script has made o with the class of that name; it has none as long as the library is not
// loaded.
func (m *machine) isOutcome(o *goja.Object, name string) bool {
	lib := m.libs.loaded["outcome"]
	return lib != nil && m.js.InstanceOf(o, lib.Get(name).ToObject(m.js))
}

// milliseconds reads a time to wait: a number of milliseconds, or a text such as 30s or 5m. Nothing means as long as the
// hook's own schedule says.
func (m *machine) milliseconds(call goja.FunctionCall) goja.Value {
	v := call.Argument(0)
	if goja.IsUndefined(v) || goja.IsNull(v) {
		return m.js.ToValue(0)
	}
	ms := v.ToFloat()
	if goja.IsString(v) {
		d, err := time.ParseDuration(v.String())
		if err != nil {
			m.throw("Retry: %q is not a time such as 30s or 5m", v.String())
		}
		ms = float64(d.Milliseconds())
	}
	if math.IsNaN(ms) || ms < 0 || ms > float64(maxRetryAfter.Milliseconds()) {
		m.throw("Retry takes a time from 0 to 24h")
	}
	return m.js.ToValue(ms)
}

// describeOutcome notes what the script wants to become of the run that threw o.
func (m *machine) describeOutcome(e *Error, o *goja.Object) {
	switch {
	case m.isOutcome(o, "Permanent"):
		e.Permanent = true
	case m.isOutcome(o, "Retry"):
		if ms := o.Get("after"); ms != nil && ms.ToFloat() > 0 {
			e.RetryAfter = min(time.Duration(ms.ToFloat()*float64(time.Millisecond)), maxRetryAfter)
		}
	}
}

// gaveUp fails the run if v, with which it wants to end, is a Retry or a Permanent.
func (r *run) gaveUp(v goja.Value) (is bool) {
	o, ok := v.(*goja.Object)
	if !ok || o.ClassName() != "Error" {
		return false
	}
	r.guard(func() { is = r.m.isOutcome(o, "Retry") || r.m.isOutcome(o, "Permanent") })
	if is && !r.over() {
		r.failure = r.thrown(v, nil)
	}
	return is
}
