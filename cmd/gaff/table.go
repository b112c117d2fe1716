package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"
)

// printTable prints rows below a header. An empty cell is a hyphen, so that columns can be counted.
func (t *terminal) printTable(header []string, rows [][]string) error {
	w := tabwriter.NewWriter(t.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, strings.Join(header, "\t"))
	for _, row := range rows {
		for i, cell := range row {
			row[i] = oneLine(cell)
			if row[i] == "" {
				row[i] = "-"
			}
		}
		fmt.Fprintln(w, strings.Join(row, "\t"))
	}
	return w.Flush()
}

// oneLine is text that may come from others, as it can stand in a line.
func oneLine(s string) string { return strings.Join(strings.Fields(plain(s)), " ") }

// printJSON prints what a server answered on one line.
func (t *terminal) printJSON(answer []byte) error {
	var line bytes.Buffer
	if err := json.Compact(&line, answer); err != nil {
		return fmt.Errorf("the server's answer is not JSON: %w", err)
	}
	line.WriteByte('\n')
	_, err := line.WriteTo(t.stdout)
	return err
}

// printValue prints a value of ours as JSON on one line.
func (t *terminal) printValue(v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return t.printJSON(b)
}

// moment is a time as tables show it; the zero time is nothing.
func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Local().Format("2006-01-02 15:04:05")
}

// number is a number as tables show it; zero is nothing.
func number(n uint64) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprint(n)
}
