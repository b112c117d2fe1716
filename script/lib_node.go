package script

import (
	"github.com/dop251/goja"
	"github.com/dop251/goja_nodejs/buffer"
	"github.com/dop251/goja_nodejs/url"
)

// nativeBuffers gives the Buffer that ours is built on.
func (m *machine) nativeBuffers(goja.FunctionCall) goja.Value {
	return m.nodeModule(buffer.Require).Get("Buffer")
}

// nativeURLs gives URL and URLSearchParams.
func (m *machine) nativeURLs(goja.FunctionCall) goja.Value { return m.nodeModule(url.Require) }

// nodeModule makes a module of goja_nodejs; nothing of it is defined as a global.
func (m *machine) nodeModule(load func(*goja.Runtime, *goja.Object)) *goja.Object {
	exports := m.js.NewObject()
	load(m.js, m.object(map[string]any{"exports": exports}))
	return exports
}
