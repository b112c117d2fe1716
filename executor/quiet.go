//go:build unix

package executor

import (
	"bytes"
	"io"
	"os"
)

// quiet passes on what an executor writes, up to the line that says why it cannot go on. The thousands of lines about its
// goroutines that follow help nobody when a script has taken too much memory; GOTRACEBACK brings them back.
type quiet struct {
	to   io.Writer
	line []byte
	over bool
}

// Write implements [io.Writer].
func (q *quiet) Write(b []byte) (int, error) {
	if _, wanted := os.LookupEnv("GOTRACEBACK"); wanted {
		return q.to.Write(b)
	}
	for line := range bytes.Lines(b) {
		if q.line = append(q.line, line...); !bytes.HasSuffix(line, []byte("\n")) && len(q.line) < maxInput {
			break // the rest of it is still to come
		}
		if !q.over {
			if _, err := q.to.Write(q.line); err != nil {
				return 0, err
			}
		}
		q.over = q.over || bytes.HasPrefix(q.line, []byte("fatal error: "))
		q.line = q.line[:0]
	}
	return len(b), nil
}
