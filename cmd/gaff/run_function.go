package main

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"gaff/hooks"
)

// functionFor returns the function that an event is for: the named one, else the one for its phase and operation, else
// the only one.
func functionFor(e *caseEvent, named string, defined []string) (string, error) {
	all := strings.Join(defined, ", ")
	if named != "" {
		if !slices.Contains(defined, named) {
			return "", usagef("--function %q: the script defines %s", named, all)
		}
		return named, nil
	}
	if e.Phase != "" || e.Operation != "" {
		phase := e.event("").Phase
		for _, name := range []string{string(phase) + e.Operation, string(phase)} {
			if slices.Contains(defined, name) {
				return name, nil
			}
		}
		if e.Phase != "" && e.Operation != "" {
			return "", usagef("no function is for %s %s: the script defines %s", phase, e.Operation, all)
		}
	}
	if len(defined) > 1 {
		return "", usagef("the script defines %s: say which by --function, or by phase and operation of the event", all)
	}
	return defined[0], nil
}

// otherOperation is what a call is named whose event and function do not say.
const otherOperation = "call"

// complete fills in what the function says of the event: beforePOST is for phase before and operation POST.
func complete(e *caseEvent, function string) error {
	for _, phase := range hooks.Phases() {
		operation, ok := strings.CutPrefix(function, string(phase))
		if !ok {
			continue
		}
		if e.Phase != "" && e.Phase != string(phase) || operation != "" && e.Operation != "" && e.Operation != operation {
			return usagef("%s is not for an event of phase %s and operation %s", function, e.event("").Phase, e.Operation)
		}
		e.Phase = string(phase)
		switch {
		case operation != "":
			e.Operation = operation
		case e.Operation == "":
			e.Operation = otherOperation
		}
	}
	return nil
}

// indentedJSON is JSON for people.
func indentedJSON(b []byte) []byte {
	var out bytes.Buffer
	if json.Indent(&out, b, "", "  ") != nil {
		return b
	}
	return out.Bytes()
}
