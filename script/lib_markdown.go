package script

import (
	"bytes"
	"sync"

	"github.com/dop251/goja"
	"github.com/microcosm-cc/bluemonday"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/renderer/html"
)

// maxMarkdown bounds a text of markdown: it is turned into HTML in one step that no deadline can interrupt.
const maxMarkdown = 1 << 20

type markdown struct {
	parser goldmark.Markdown
	policy *bluemonday.Policy
}

// newMarkdown makes what turns markdown into HTML, once. HTML in the text is let through to be sanitised with the rest.
var newMarkdown = sync.OnceValue(func() markdown { //nolint:gochecknoglobals // a constant, which takes a while to make
	return markdown{
		parser: goldmark.New(goldmark.WithExtensions(extension.GFM), goldmark.WithRendererOptions(html.WithUnsafe())),
		policy: bluemonday.UGCPolicy(),
	}
})

func (m *machine) nativeMarkdown(call goja.FunctionCall) goja.Value {
	text := call.Argument(0).String()
	if len(text) > maxMarkdown {
		m.throw("markdown takes at most %d bytes", maxMarkdown)
	}
	var out bytes.Buffer
	md := newMarkdown()
	if err := md.parser.Convert([]byte(text), &out); err != nil {
		m.throw("markdown: %v", err)
	}
	return m.js.ToValue(md.policy.SanitizeReader(&out).String())
}
