package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/tidwall/gjson"

	"gaff/hooks"
)

// caseAnswer is what a host function answers in a case, so that nothing leaves the machine.
type caseAnswer struct {
	Call   string `yaml:"call"` // for example http.fetch
	Args   raw    `yaml:"args"` // of each, the fields that must be so; default: any
	Result raw    `yaml:"result"`
	Error  *struct {
		Code    string `yaml:"code"`
		Message string `yaml:"message"`
	} `yaml:"error"`
}

// outside are the host functions that would leave the machine, or need what a test does not have.
func outside() []string { return []string{"http.fetch", "mail.send", "slack.send", "rpc.call"} }

// answering returns the functions with those in front that the case answers. Each answer is given once, in order; the
// last one that fits is given again.
func answering(functions hooks.HostFunctions, answers []caseAnswer) hooks.HostFunctions {
	all := hooks.HostFunctions{}
	for name, f := range functions {
		all[name] = f
	}
	a := &caseAnswers{list: answers, used: make([]bool, len(answers))}
	names := outside()
	for _, answer := range answers {
		names = append(names, answer.Call)
	}
	for _, name := range names {
		all[name] = func(_ context.Context, _ *hooks.Caller, args []json.RawMessage) (json.RawMessage, error) {
			return a.give(name, args)
		}
	}
	return all
}

// caseAnswers are the answers of a case, of which some have been given.
type caseAnswers struct {
	mu   sync.Mutex
	list []caseAnswer
	used []bool
}

func (a *caseAnswers) give(name string, args []json.RawMessage) (json.RawMessage, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	last := -1
	for i := range a.list {
		if a.list[i].Call != name || !a.list[i].fits(args) {
			continue
		}
		if last = i; !a.used[i] {
			break
		}
	}
	if last < 0 {
		return nil, hooks.Errorf(hooks.CodeUnavailable, "in a test nothing leaves the machine: give the case an answer for %s(%s)", name, argsText(args))
	}
	a.used[last] = true
	return a.list[last].answer()
}

func argsText(args []json.RawMessage) string {
	texts := make([]string, len(args))
	for i, arg := range args {
		texts[i] = fmt.Sprintf("%.200s", arg)
	}
	return strings.Join(texts, ", ")
}

// fits reports whether the arguments have what the answer asks of them.
func (a *caseAnswer) fits(args []json.RawMessage) bool {
	want := gjson.ParseBytes(a.Args)
	if a.Args == nil || !want.IsArray() {
		return true
	}
	for i, arg := range want.Array() {
		if i >= len(args) || !fits(raw(arg.Raw), args[i]) {
			return false
		}
	}
	return true
}

func (a *caseAnswer) answer() (json.RawMessage, error) {
	if a.Error != nil {
		return nil, hooks.Errorf(hooks.Code(a.Error.Code), "%s", a.Error.Message)
	}
	if a.Call == "http.fetch" {
		return response(gjson.ParseBytes(a.Result))
	}
	return a.Result.message(), nil
}

// response completes what an author writes of an HTTP answer: {status, headers, body}; a body that is no text is JSON.
func response(given gjson.Result) (json.RawMessage, error) {
	status := int(given.Get("status").Int())
	if status == 0 {
		status = 200
	}
	body := given.Get("body")
	text := body.String()
	headers := [][2]string{}
	given.Get("headers").ForEach(func(name, value gjson.Result) bool {
		headers = append(headers, [2]string{strings.ToLower(name.String()), value.String()})
		return true
	})
	if body.IsObject() || body.IsArray() {
		text = body.Raw
		if !slices.ContainsFunc(headers, func(h [2]string) bool { return h[0] == "content-type" }) {
			headers = append(headers, [2]string{"content-type", "application/json"})
		}
	}
	return json.Marshal(map[string]any{
		"url": given.Get("url").String(), "status": status, "statusText": given.Get("statusText").String(), "headers": headers,
		"redirected": false, "body": text,
	})
}
