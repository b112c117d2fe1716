package script

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/go-sourcemap/sourcemap"
)

// oneBased reads a source map and moves its columns by one, because goja counts them from 1 where the format counts
// from 0.
func oneBased(raw []byte) (*sourcemap.Consumer, error) {
	var m map[string]any
	if err := json.Unmarshal(raw, &m); err != nil {
		return nil, err
	}
	mappings, ok := m["mappings"].(string)
	if !ok {
		return nil, fmt.Errorf("no mappings")
	}
	m["mappings"] = shiftColumns(mappings)
	shifted, err := json.Marshal(m)
	if err != nil {
		return nil, err
	}
	return sourcemap.Parse("", shifted)
}

// shiftColumns adds 1 to every generated and every source column. Both are written as differences: the generated
// column to the segment before it on the line, the source column to the segment before it in the file, so only the
// first of each changes.
func shiftColumns(mappings string) string {
	lines := strings.Split(mappings, ";")
	first := true
	for i, line := range lines {
		if line == "" {
			continue
		}
		segment, rest, more := strings.Cut(line, ",")
		fields := decodeVLQ(segment)
		if len(fields) == 0 {
			continue
		}
		fields[0]++
		if first && len(fields) >= 4 {
			fields[3]++
			first = false
		}
		lines[i] = encodeVLQ(fields)
		if more {
			lines[i] += "," + rest
		}
	}
	return strings.Join(lines, ";")
}

const base64Digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

func decodeVLQ(s string) []int {
	var fields []int
	value, shift := 0, 0
	for i := range len(s) {
		digit := strings.IndexByte(base64Digits, s[i])
		if digit < 0 {
			return nil
		}
		value |= (digit & 31) << shift
		if shift += 5; digit&32 != 0 {
			continue
		}
		if value&1 != 0 {
			value = -(value >> 1)
		} else {
			value >>= 1
		}
		fields = append(fields, value)
		value, shift = 0, 0
	}
	return fields
}

func encodeVLQ(fields []int) string {
	var b strings.Builder
	for _, v := range fields {
		u := v << 1
		if v < 0 {
			u = -v<<1 | 1
		}
		for {
			digit := u & 31
			if u >>= 5; u > 0 {
				digit |= 32
			}
			b.WriteByte(base64Digits[digit])
			if u == 0 {
				break
			}
		}
	}
	return b.String()
}
