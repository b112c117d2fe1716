package hooks

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Problem is one thing that is wrong with a project, where its author can find it.
type Problem struct {
	File    string `json:"file"`
	Line    int    `json:"line"` // from 1
	Col     int    `json:"col"`  // from 1
	Message string `json:"message"`
}

// String returns file:line:col: message.
func (p Problem) String() string {
	return fmt.Sprintf("%s:%d:%d: %s", p.File, max(p.Line, 1), max(p.Col, 1), p.Message)
}

// ProjectError is all that is wrong with a project, at once, sorted by place. Nothing of such a project is used.
type ProjectError struct {
	Problems []Problem
}

// Error returns one line for each problem.
func (e *ProjectError) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// problems collects what is wrong while reading goes on.
type problems []Problem

func (ps *problems) add(file string, line, col int, format string, args ...any) {
	*ps = append(*ps, Problem{file, line, col, fmt.Sprintf(format, args...)})
}

// err returns what was collected as a [ProjectError], each problem once, or nil.
func (ps problems) err() error {
	if len(ps) == 0 {
		return nil
	}
	slices.SortFunc(ps, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col),
			cmp.Compare(a.Message, b.Message))
	})
	return &ProjectError{Problems: slices.Compact(ps)}
}
