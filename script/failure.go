package script

import (
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"github.com/dop251/goja"
)

var promiseType = reflect.TypeFor[*goja.Promise]()

// failureOf turns an error of a call into JavaScript into that of the run.
func (r *run) failureOf(err error) *Error {
	if ex, ok := errors.AsType[*goja.StackOverflowError](err); ok {
		e := &Error{Kind: Threw, Message: fmt.Sprintf("the calls are nested deeper than %d", maxCalls)}
		r.placeAt(e, ex.Stack())
		return e
	}
	if ex, ok := errors.AsType[*goja.Exception](err); ok {
		return r.thrown(ex.Value(), ex.Stack())
	}
	return &Error{Kind: Threw, Message: err.Error(), File: r.prog.main.path}
}

// thrown describes a value that was thrown. Looking at it may run code of the script, which may throw again.
func (r *run) thrown(v goja.Value, frames []goja.StackFrame) *Error {
	e := &Error{Kind: Threw, Message: "unknown error"}
	if ex := r.m.js.Try(func() { r.describe(e, v) }); ex != nil && e.Message == "" {
		e.Message = "unknown error"
	}
	if e.Stack == "" {
		r.placeAt(e, frames)
	}
	if e.File == "" {
		e.File = r.prog.main.path
	}
	return e
}

func (r *run) describe(e *Error, v goja.Value) {
	o, ok := v.(*goja.Object)
	if !ok {
		e.Message = fmt.Sprint(v)
		return
	}
	if r.m.js.InstanceOf(o, r.m.error) {
		r.m.describeOutcome(e, o)
		e.Message = o.Get("message").String()
		if name := o.Get("name"); name != nil && name.String() != "Error" && name.String() != "" {
			e.Message = strings.TrimSuffix(name.String()+": "+e.Message, ": ")
		}
		if stack := o.Get("stack"); stack != nil {
			r.placeText(e, stack.String())
		}
		return
	}
	enc := encoder{m: r.m}
	if ok, err := enc.encode(o, ""); ok && err == nil {
		e.Value = enc.out
		e.Message = string(enc.out)
	}
	if m := o.Get("message"); m != nil && goja.IsString(m) {
		e.Message = m.String()
	}
}

// place fills in where an interrupt hit.
func (r *run) place(e *Error, err error) {
	if ex, ok := errors.AsType[*goja.InterruptedError](err); ok {
		r.placeAt(e, ex.Stack())
	}
}

func (r *run) placeAt(e *Error, frames []goja.StackFrame) {
	r.placeText(e, r.prog.stack(frames))
}

// stack writes the frames that lie in files of the release.
func (p *Program) stack(frames []goja.StackFrame) string {
	var b strings.Builder
	lines := 0
	for i := range frames {
		f := &frames[i]
		file := f.SrcName()
		if !p.has(file) || lines == maxFrames {
			continue
		}
		pos := f.Position()
		if pos.Line < 1 || pos.Column < 1 {
			continue
		}
		if name, err := url.PathUnescape(pos.Filename); err == nil && p.has(name) {
			file = name // one that is included
		}
		lines++
		name := f.FuncName()
		if name == "<anonymous>" {
			name = ""
		}
		writeFrame(&b, name, file, pos.Line, pos.Column)
	}
	return b.String()
}

func writeFrame(b *strings.Builder, name, file string, line, col int) {
	if name == "" {
		fmt.Fprintf(b, "\tat %s:%d:%d\n", file, line, col)
	} else {
		fmt.Fprintf(b, "\tat %s (%s:%d:%d)\n", name, file, line, col)
	}
}

// frameLine is a line of a stack as goja or we write it.
var frameLine = regexp.MustCompile(`(?m)^\s*at (?:(.*) \()?([^\s()][^()\n]*):(\d+):(\d+)(?:\(\d+\))?\)?$`)

// placeText takes the author's frames out of a stack in text form, and the position from the innermost.
func (r *run) placeText(e *Error, text string) {
	var b strings.Builder
	for _, m := range frameLine.FindAllStringSubmatch(text, maxFrames) {
		line, _ := strconv.Atoi(m[3])
		col, _ := strconv.Atoi(m[4])
		file := m[2]
		if unescaped, err := url.PathUnescape(file); err == nil && !r.prog.has(file) {
			file = unescaped // a name that went through a source map
		}
		if !r.prog.has(file) || m[1] == "" && r.prog.added(file, line, col) {
			continue
		}
		if b.Len() == 0 {
			e.File, e.Line, e.Col = file, line, col
		}
		writeFrame(&b, m[1], file, line, col)
	}
	e.Stack = b.String()
}

// added reports whether a position is that of what we put behind the author's text.
func (p *Program) added(file string, line, col int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	m := p.modules[file]
	if m == nil || m.tree == nil {
		return false
	}
	end := m.tree.File.Position(int(m.end()) - 1)
	return end.Line == line && end.Column == col
}

// has reports whether the program has the file.
func (p *Program) has(file string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.modules[file] != nil || p.included[file]
}

// trackRejection keeps the rejected promises that nobody handles.
func (m *machine) trackRejection(p *goja.Promise, op goja.PromiseRejectionOperation) {
	if m.run == nil {
		return
	}
	if op == goja.PromiseRejectionReject {
		m.run.rejected = append(m.run.rejected, p)
	} else {
		m.run.handled(p)
	}
}

func (r *run) handled(p *goja.Promise) {
	for i := range r.rejected {
		if r.rejected[i] == p {
			r.rejected = append(r.rejected[:i], r.rejected[i+1:]...)
			return
		}
	}
}

// reportRejections warns of rejections that nobody handled.
func (r *run) reportRejections() {
	for _, p := range r.rejected {
		r.warn("unhandled rejection: " + r.thrown(p.Result(), nil).Error())
	}
	r.rejected = nil
}

func firstLine(x any) string {
	line, _, _ := strings.Cut(fmt.Sprint(x), "\n")
	return line
}
