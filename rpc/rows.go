package rpc

import (
	"slices"
	"strconv"
)

// rowWriter writes rows as a JSON list of objects, within the bounds.
type rowWriter struct {
	b      []byte
	start  int
	fields []string
	names  [][]byte // of the columns, as JSON with the colon; nil for one whose name a later one has too
	rows   int
	first  bool
}

func newRowWriter(dst []byte, fields []string) *rowWriter {
	w := &rowWriter{b: dst, start: len(dst), fields: fields, names: make([][]byte, len(fields))}
	for i, name := range fields {
		if !slices.Contains(fields[i+1:], name) {
			w.names[i] = append(appendText(nil, []byte(name)), ':')
		}
	}
	w.b = append(w.b, `{"rows":[`...)
	return w
}

// row begins a row, or returns a TOO_LARGE error.
func (w *rowWriter) row() error {
	switch {
	case w.rows == MaxRows:
		return tooManyRows()
	case len(w.b)-w.start > MaxBytes:
		return tooManyBytes()
	case w.rows > 0:
		w.b = append(w.b, '}', ',')
	}
	w.rows++
	w.first = true
	w.b = append(w.b, '{')
	return nil
}

// column begins a column; false means that it has no place in the row.
func (w *rowWriter) column(i int) bool {
	if w.names[i] == nil {
		return false
	}
	if !w.first {
		w.b = append(w.b, ',')
	}
	w.first = false
	w.b = append(w.b, w.names[i]...)
	return true
}

func (w *rowWriter) end() {
	if w.rows > 0 {
		w.b = append(w.b, '}')
	}
	w.b = append(w.b, ']')
}

// postgres ends the result in the shape of PostgreSQL's.
func (w *rowWriter) postgres(count int64) ([]byte, error) {
	w.end()
	w.b = append(w.b, `,"rowCount":`...)
	w.b = strconv.AppendInt(w.b, count, 10)
	w.b = append(w.b, `,"fields":[`...)
	for i, name := range w.fields {
		if i > 0 {
			w.b = append(w.b, ',')
		}
		w.b = append(w.b, `{"name":`...)
		w.b = append(appendText(w.b, []byte(name)), '}')
	}
	return w.bounded(append(w.b, "]}"...))
}

// mysql ends the result in the shape of MySQL's; more are further fields, as JSON.
func (w *rowWriter) mysql(more []byte) ([]byte, error) {
	w.end()
	w.b = append(w.b, `,"fields":[`...)
	for i, name := range w.fields {
		if i > 0 {
			w.b = append(w.b, ',')
		}
		w.b = appendText(w.b, []byte(name))
	}
	w.b = append(w.b, ']')
	w.b = append(w.b, more...)
	return w.bounded(append(w.b, '}'))
}

func (w *rowWriter) bounded(b []byte) ([]byte, error) {
	if len(b) > MaxBytes {
		return nil, tooManyBytes()
	}
	return b, nil
}
