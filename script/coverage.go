package script

import (
	"maps"
	"slices"
	"sync"
	"sync/atomic"
)

// Coverage counts which statements of a project's files have run. The zero value is ready for use; it is safe for
// concurrent use. Programs that are compiled without it cost nothing more; those compiled with it run slower.
//
// What is declared is no statement; the expression that an arrow function returns is one. Statements that run while a
// program is compiled are not counted, nor is what scripts pass to eval.
type Coverage struct {
	mu    sync.Mutex
	files map[string]statements
}

// statements says of each statement of a file whether it has run.
type statements []atomic.Bool

// FileCoverage is how much of one file has run.
type FileCoverage struct {
	File       string `json:"file"`
	Statements int    `json:"statements"`
	Covered    int    `json:"covered"`
}

// Compile is the function [Compile] for a program whose runs are counted. All programs must be of the same files. A nil
// Coverage counts nothing.
func (c *Coverage) Compile(files Files, path string, known ...string) (*Program, error) {
	return compile(files, path, c, known)
}

// Files returns what has run so far of each file that was compiled, by name. A file required at run time by a name
// that is not written out is known once it was required.
func (c *Coverage) Files() []FileCoverage {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []FileCoverage
	for _, name := range slices.Sorted(maps.Keys(c.files)) {
		f := FileCoverage{File: name, Statements: len(c.files[name])}
		for i := range c.files[name] {
			if c.files[name][i].Load() {
				f.Covered++
			}
		}
		out = append(out, f)
	}
	return out
}

// file returns the statements of a file; several programs may have it.
func (c *Coverage) file(path string, n int) statements {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.files == nil {
		c.files = map[string]statements{}
	}
	if known, ok := c.files[path]; ok && len(known) == n {
		return known
	}
	c.files[path] = make(statements, n)
	return c.files[path]
}
