package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
)

// maxEvent is the largest server-sent event, in bytes.
const maxEvent = 8 << 20

// readEvents calls each with the data of every server-sent event, until the stream ends or either fails.
func readEvents(stream io.Reader, each func(data []byte) error) error {
	lines := bufio.NewScanner(stream)
	lines.Buffer(make([]byte, 0, 64<<10), maxEvent)
	var data []byte
	for lines.Scan() {
		line := lines.Bytes()
		if len(line) == 0 { // the end of an event
			if data != nil {
				if err := each(data); err != nil {
					return err
				}
			}
			data = nil
			continue
		}
		if value, ok := bytes.CutPrefix(line, []byte("data:")); ok {
			if data != nil {
				data = append(data, '\n')
			}
			data = append(data, bytes.TrimPrefix(value, []byte(" "))...)
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("the stream broke off: %w", err)
	}
	return nil
}
