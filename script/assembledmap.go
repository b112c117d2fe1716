package script

import (
	"encoding/json"
	"net/url"
	"path"
	"strings"
	"unicode"

	"github.com/go-sourcemap/sourcemap"
)

// segment is one entry of a source map; columns from 0.
type segment struct{ genCol, file, line, col int }

// mapOf writes a source map and reads it: for each generated line its segments, of files named relative to file.
func mapOf(file string, files []string, lines [][]segment) (*sourcemap.Consumer, error) {
	var b strings.Builder
	var last segment
	for i, line := range lines {
		if i > 0 {
			b.WriteByte(';')
		}
		last.genCol = 0
		for j, s := range line {
			if j > 0 {
				b.WriteByte(',')
			}
			s.genCol++ // goja counts columns from 1
			s.col++
			b.WriteString(encodeVLQ([]int{s.genCol - last.genCol, s.file - last.file, s.line - last.line, s.col - last.col}))
			last = s
		}
	}
	sources := make([]string, len(files))
	for i, name := range files {
		sources[i] = relative(path.Dir(file), name)
	}
	raw, err := json.Marshal(map[string]any{"version": 3, "sources": sources, "names": []string{}, "mappings": b.String()})
	if err != nil {
		return nil, err
	}
	return sourcemap.Parse("", raw)
}

// relative is the way from a folder to a file, as a URL.
func relative(dir, file string) string {
	up := ""
	for dir != "." && !strings.HasPrefix(file, dir+"/") {
		up += "../"
		dir = path.Dir(dir)
	}
	if dir != "." {
		file = file[len(dir)+1:]
	}
	return up + (&url.URL{Path: file}).EscapedPath()
}

// sources lists the files of the assembly, file last, and says which number each has.
func (a *assembly) sources(file string) (files []string, number map[string]int) {
	files = append(append(files, a.files...), file)
	number = map[string]int{}
	for i, name := range files {
		number[name] = i
	}
	return files, number
}

// sourceMap leads from the text as it is put together to the author's files, with an entry at each word and sign.
func (a *assembly) sourceMap(file string) (*sourcemap.Consumer, error) {
	files, number := a.sources(file)
	lines := make([][]segment, 0, len(a.lines))
	for i, text := range strings.Split(strings.TrimSuffix(a.text, "\n"), "\n") {
		o := a.lines[i]
		lines = append(lines, segmentsOf(text, number[o.file], o.line-1))
	}
	end := a.lines[len(a.lines)-1] // what we put behind the text is behind the last line
	lines = append(lines, []segment{{0, number[end.file], end.line, 0}})
	return mapOf(file, files, lines)
}

func segmentsOf(text string, file, line int) []segment {
	var out []segment
	word := false
	for col, c := range text {
		inWord := unicode.IsLetter(c) || unicode.IsDigit(c) || c == '_' || c == '$' || c == '#'
		if !(inWord && word) && c != ' ' && c != '\t' {
			out = append(out, segment{col, file, line, col})
		}
		word = inWord
	}
	return out
}

// through leads from transpiled code to the author's files: raw is the map from the code to the assembled text.
func (a *assembly) through(file string, raw []byte) (*sourcemap.Consumer, error) {
	var m struct{ Mappings string }
	if err := json.Unmarshal(raw, &m); err != nil {
		return nil, err
	}
	files, number := a.sources(file)
	var lines [][]segment
	line, col := 0, 0
	for text := range strings.SplitSeq(m.Mappings, ";") {
		var out []segment
		genCol := 0
		for entry := range strings.SplitSeq(text, ",") {
			f := decodeVLQ(entry)
			if len(f) == 0 {
				continue
			}
			genCol += f[0]
			if len(f) < 4 {
				continue
			}
			line, col = line+f[2], col+f[3]
			if line < len(a.lines) {
				o := a.lines[line]
				out = append(out, segment{genCol, number[o.file], o.line - 1, col})
			}
		}
		lines = append(lines, out)
	}
	return mapOf(file, files, lines)
}
