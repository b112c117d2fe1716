package script

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"unicode/utf16"

	"github.com/dop251/goja"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
)

// natives are the functions that libraries are given. Scripts cannot reach them.
func (m *machine) natives() map[string]any {
	all := map[string]any{
		"host": m.nativeHost, "promise": m.nativePromise, "fail": m.nativeFail, "call": m.nativeCall, "warn": m.nativeWarn,
		"immediate": m.immediate(), "timeout": m.timer(false), "clear": m.clearTimer, "settings": m.nativeSettings,
		"format": m.nativeFormat, "encode": m.nativeEncode, "decode": m.nativeDecode, "markdown": m.nativeMarkdown,
		"milliseconds": m.milliseconds, "buffers": m.nativeBuffers, "urls": m.nativeURLs,
	}
	for _, more := range []map[string]any{m.cryptoNatives(), m.tokenNatives(), m.templateNatives(), m.bridgeNatives()} {
		for name, f := range more {
			all[name] = f
		}
	}
	return all
}

// nativeHost(label, host, args, callback) makes a host call whose result goes to the callback as (error, result), and
// returns a function that lets go of it.
func (m *machine) nativeHost(call goja.FunctionCall) goja.Value {
	callback, ok := goja.AssertFunction(call.Argument(3))
	if !ok {
		m.throw("the callback is not a function")
	}
	c := m.newHostCall(call.Argument(0).String(), callback)
	var cancel context.CancelFunc
	c.aborted, cancel = context.WithCancel(context.Background())
	c.start(call.Argument(1).String(), m.elements(call.Argument(2)))
	return m.js.ToValue(func(goja.FunctionCall) goja.Value {
		cancel()
		return goja.Undefined()
	})
}

func (m *machine) elements(list goja.Value) []goja.Value {
	var out []goja.Value
	m.js.ForOf(list, func(v goja.Value) bool {
		out = append(out, v)
		return true
	})
	return out
}

// nativePromise(label, host, ...args) makes a host call and returns its promise.
func (m *machine) nativePromise(call goja.FunctionCall) goja.Value {
	return m.hostCall(call.Argument(0).String(), call.Argument(1).String(), call.Arguments[2:])
}

// nativeFail ends the run with an error that was thrown where nobody could catch it.
func (m *machine) nativeFail(call goja.FunctionCall) goja.Value {
	r := m.run
	e := r.thrown(call.Argument(0), nil)
	switch {
	case r.answered:
		r.warn("thrown after the answer: " + e.Error())
	case r.failure == nil:
		r.failure = e
	}
	return goja.Undefined()
}

// nativeCall calls a callback of the script from a promise: what it throws ends the run.
func (m *machine) nativeCall(call goja.FunctionCall) goja.Value {
	f, _ := goja.AssertFunction(call.Argument(0))
	if f != nil && !m.run.over() {
		m.run.callback(f, call.Arguments[1:]...)
	}
	return goja.Undefined()
}

// nativeWarn writes into the log, not into the warnings that callers see.
func (m *machine) nativeWarn(call goja.FunctionCall) goja.Value {
	m.run.journal.add("warn", call.Argument(0).String())
	return goja.Undefined()
}

func (m *machine) nativeSettings(goja.FunctionCall) goja.Value { return m.run.settings() }

func (m *machine) nativeFormat(call goja.FunctionCall) goja.Value {
	return m.js.ToValue(m.format(call.Arguments))
}

// nativeEncode(text, encoding) gives the bytes that a text stands for.
func (m *machine) nativeEncode(call goja.FunctionCall) goja.Value {
	text := call.Argument(0).String()
	var out []byte
	switch encoding := call.Argument(1).String(); encoding {
	case "utf8":
		out = []byte(text)
	case "latin1":
		for _, u := range utf16.Encode([]rune(text)) {
			out = append(out, byte(u))
		}
	case "utf-16le":
		for _, u := range utf16.Encode([]rune(text)) {
			out = append(out, byte(u), byte(u>>8))
		}
	case "hex":
		out = make([]byte, hex.DecodedLen(len(text)))
		n, _ := hex.Decode(out, []byte(text)) // as Node does: up to what is no hex
		out = out[:n]
	case "base64", "base64url":
		out = decodeBase64(text)
	default:
		m.throw("unknown encoding %s", encoding)
	}
	return m.js.ToValue(m.js.NewArrayBuffer(out))
}

// decodeBase64 takes both alphabets, with or without padding, and leaves out what belongs to neither.
func decodeBase64(text string) []byte {
	clean := strings.Map(func(r rune) rune {
		switch {
		case r == '-':
			return '+'
		case r == '_':
			return '/'
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '+', r == '/':
			return r
		}
		return -1
	}, text)
	if len(clean)%4 == 1 {
		clean = clean[:len(clean)-1]
	}
	out, _ := base64.RawStdEncoding.DecodeString(clean)
	return out
}

// nativeDecode(bytes, encoding, fatal) gives the text of bytes.
func (m *machine) nativeDecode(call goja.FunctionCall) goja.Value {
	b := m.bytes(call.Argument(0))
	switch encoding := call.Argument(1).String(); encoding {
	case "utf8", "utf-8":
		text, err := unicode.UTF8.NewDecoder().Bytes(b) // puts U+FFFD for what is not valid
		if err != nil || call.Argument(2).ToBoolean() && string(text) != string(b) {
			m.throw("The encoded data was not valid for encoding utf-8")
		}
		return m.js.ToValue(string(text))
	case "utf-16le":
		units := make([]uint16, len(b)/2)
		for i := range units {
			units[i] = uint16(b[2*i]) | uint16(b[2*i+1])<<8
		}
		return goja.StringFromUTF16(units)
	case "latin1":
		runes := make([]rune, len(b))
		for i, c := range b {
			runes[i] = rune(c)
		}
		return m.js.ToValue(string(runes))
	case "windows-1252":
		text, _ := charmap.Windows1252.NewDecoder().Bytes(b) // knows every byte
		return m.js.ToValue(string(text))
	case "hex":
		return m.js.ToValue(hex.EncodeToString(b))
	case "base64":
		return m.js.ToValue(base64.StdEncoding.EncodeToString(b))
	case "base64url":
		return m.js.ToValue(base64.RawURLEncoding.EncodeToString(b))
	default:
		panic(m.js.NewTypeError("unknown encoding " + encoding))
	}
}

// bytes are those of an ArrayBuffer or of an array of bytes, not copied.
func (m *machine) bytes(v goja.Value) []byte {
	switch b := v.Export().(type) {
	case []byte:
		return b
	case goja.ArrayBuffer:
		return b.Bytes()
	}
	panic(m.js.NewTypeError("bytes are an ArrayBuffer, a Buffer or another typed array"))
}
