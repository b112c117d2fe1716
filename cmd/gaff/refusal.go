package main

import (
	"errors"
	"fmt"
	"strings"

	"gaff/hooks"
)

// refusal is an error that a server answered with, in words that say what to do about it.
type refusal struct {
	cause *hooks.Error
	text  string
}

// Error returns what a person reads.
func (r *refusal) Error() string { return r.text }

// Unwrap returns what the server said.
func (r *refusal) Unwrap() error { return r.cause }

// explain says all that the server told, and what to do about it.
func explain(e *hooks.Error) error {
	text := fmt.Sprintf("%s: %s", e.Code, e.Message)
	if e.Hook != "" {
		text += " (" + e.Hook + ")"
	}
	for _, f := range e.Fields {
		text += "\n  " + strings.TrimPrefix(f.Field+": "+f.Message, ": ")
	}
	text = plain(text)
	switch e.Code {
	case hooks.CodeUnauthorized, hooks.CodeForbidden:
		text += "\nSet GAFF_KEY to a key that may do this."
	case hooks.CodeUnavailable:
		text += "\n`gaff doctor` says what the server lacks."
	case hooks.CodeBadName:
		return badUsage{&refusal{e, text}}
	}
	return &refusal{e, text}
}

// codeOf returns the code that a server refused with, or nothing.
func codeOf(err error) hooks.Code {
	if e, ok := errors.AsType[*hooks.Error](err); ok {
		return e.Code
	}
	return ""
}

// advise adds what to do about one code.
func advise(err error, code hooks.Code, advice string) error {
	if codeOf(err) != code {
		return err
	}
	return fmt.Errorf("%w\n%s", err, advice)
}
