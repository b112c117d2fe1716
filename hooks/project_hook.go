package hooks

import (
	"errors"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"gaff/script"
)

// hook reads one of hooks.
func (l *loader) hook(n ast.Node) {
	h := Hook{Timeout: DefaultTimeout, Origins: []Origin{Client, Script}}
	o := l.object(n, "a hook", map[string]setter{
		"name":      l.name("hook", &h.Name),
		"service":   l.service(&h.Service),
		"operation": l.name("operation", &h.Operation),
		"phase":     oneOf(l, &h.Phase, Phases()...),
		"script":    l.scriptPath(&h.Script),
		"timeout":   l.timeout(&h.Timeout),
		"onError":   oneOf(l, &h.OnError, Fail, Ignore),
		"order":     l.order(&h.Order),
		"when":      l.condition(&h),
		"changed":   words(l, "changed", &h.Changed, l.field),
		"origins":   words(l, "origins", &h.Origins, func(o *Origin) setter { return oneOf(l, o, Client, Script, S2S) }),
		"params":    l.json(&h.Params),
		"sync":      l.flag("sync", &h.Sync),
		"ordered":   l.flag("ordered", &h.Ordered),
		"retry":     l.retry(&h.Retry),
		"limits":    l.limits(&h.Limits),
	})
	l.needs(o, "a hook", "service", "script")
	_, operation := o.value("operation")
	_, phase := o.value("phase")
	switch {
	case operation && !phase:
		l.at(o.at("operation"), "a hook with an operation needs a phase: before, after or failed")
	case phase && !operation:
		l.at(o.at("phase"), "a phase needs an operation; without one, the names of the script's functions say which phase")
	}
	l.nameOf(o, "hook", &h.Name, h.Script)
	if _, said := o.value("timeout"); !said {
		h.Timeout = l.release.scriptTime(h.Script)
	}
	l.hookScript(o, &h)
	h.Sync = h.Sync || answersByItself(o, &h)
	l.checkSync(o, &h)
	l.checkLater(o, &h)
	l.release.Hooks = append(l.release.Hooks, h)
}

// answersByItself reports whether a hook is sync without saying so: scripts whose last value is their answer were written to
// change what the caller gets, unless the hook says something that only makes sense when nobody waits.
func answersByItself(o object, h *Hook) bool {
	if !h.LastValue || h.Phase == Before {
		return false
	}
	return !slices.ContainsFunc([]string{"sync", "ordered", "retry"}, func(key string) bool {
		_, said := o.value(key)
		return said
	})
}

// checkSync tells if nothing of the hook could be sync: before a call everybody waits anyway.
func (l *loader) checkSync(o object, h *Hook) {
	switch {
	case !h.Sync:
	case h.Phase == Before:
		l.at(o.at("sync"), "sync is for hooks that run after a call: a before hook is always waited for")
	case h.Operation == "" && h.Functions != nil && !slices.ContainsFunc(h.Functions, runsLater):
		l.at(o.at("sync"), "sync is for functions that run after a call, and %s defines none", h.Script)
	}
}

// needs tells of keys that are missing.
func (l *loader) needs(o object, what string, keys ...string) {
	if _, ok := mappingOf(o.node); !ok {
		return // told
	}
	for _, key := range keys {
		if _, ok := o.value(key); !ok {
			article := "a"
			if strings.ContainsRune("aeiou", rune(key[0])) {
				article = "an"
			}
			l.at(o.node, "%s needs %s %s", what, article, key)
		}
	}
}

// condition reads the JavaScript expression of when.
func (l *loader) condition(h *Hook) setter {
	return func(n ast.Node) {
		v, ok := l.scalar(n)
		if !ok {
			return
		}
		line, col := textPlace(n)
		if _, err := script.CompileExpr(v, ProjectFile, line); err != nil {
			l.compileError(n, shifted(err, line, col-1))
			return
		}
		h.When, h.WhenLine, h.WhenCol = v, line, col
	}
}

// shifted moves the problems of an expression to the columns where its first line stands in gaff.yaml.
func shifted(err error, line, cols int) error {
	if bad, ok := errors.AsType[*script.CompileError](err); ok {
		for i := range bad.Problems {
			if p := &bad.Problems[i]; p.File == ProjectFile && p.Line == line {
				p.Col += cols
			}
		}
	}
	return err
}

// compileError tells of the problems of a script that does not compile; n is what names the script.
func (l *loader) compileError(n ast.Node, err error) {
	bad, ok := errors.AsType[*script.CompileError](err)
	if !ok || len(bad.Problems) == 0 {
		l.at(n, "%s", firstLine(err.Error()))
		return
	}
	for _, p := range bad.Problems {
		l.add(p.File, max(p.Line, 1), max(p.Col, 1), "%s", p.Message)
	}
}

// hookScript settles which functions of the hook's script an event can start, or that its last value is the answer, and
// tells if it is neither.
func (l *loader) hookScript(o object, h *Hook) {
	known := slices.DeleteFunc(Functions(), func(name string) bool { return name == RunJob })
	s, ok := l.functions(o, h.Script)
	if !ok {
		return
	}
	h.Functions = slices.DeleteFunc(append([]string{}, s.functions...), func(name string) bool { return name == RunJob })
	switch {
	case h.Operation == "" && len(h.Functions) == 0 && s.lastValue:
		l.at(o.at("script"), "%s defines none of the functions of a hook; for its last value to be the answer the hook needs an "+
			"operation and a phase", h.Script)
	case h.Operation == "" && len(h.Functions) == 0:
		l.at(o.at("script"), "%s defines none of the functions of a hook: %s", h.Script, enumerate(known, "or"))
	case h.Operation == "" || h.Phase == "" || functionOf(h.Phase, h.Operation, h.Functions) != "":
	case s.lastValue && !slices.ContainsFunc(s.functions, isSpecific):
		h.LastValue = true
	default:
		fits := []string{string(h.Phase)}
		if own := string(h.Phase) + h.Operation; slices.Contains(known, own) {
			fits = []string{own, string(h.Phase)}
		}
		hint := ""
		if len(s.functions) == 0 && !s.lastValue {
			hint = ", and has no last value, which would be the answer: end it with an expression such as main();"
		}
		l.at(o.at("script"), "%s does not define %s, which %s %s starts%s", h.Script, enumerate(fits, "or"), h.Phase, h.Operation, hint)
	}
}
