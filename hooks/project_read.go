package hooks

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
)

// ReadProject returns the files of a folder that belong to a project: [ProjectFile] and whatever scripts can use (.js
// .ts .mjs .cjs .ccjs .json .lua .sql .hbs .md), but nothing hidden, nothing in node_modules, and no
// declarations of types (.d.ts, tsconfig.json, jsconfig.json). Files in tests and data that
// are too large for a project are left out; anywhere else they are a problem, as is a symbolic link that leads out of
// the folder. Such problems are returned together as a [ProjectError]; other errors are those of fsys.
func ReadProject(fsys fs.FS) (map[string]string, error) {
	r := reader{fsys: fsys, files: map[string]string{}}
	if err := fs.WalkDir(fsys, ".", r.visit); err != nil {
		return nil, fmt.Errorf("reading the project: %w", err)
	}
	if !r.stopped {
		r.checkSize(len(r.files), r.total)
	}
	if err := r.err(); err != nil {
		return nil, err
	}
	return r.files, nil
}

type reader struct {
	problems
	fsys    fs.FS
	files   map[string]string
	total   int
	stopped bool // because of its size
}

func (r *reader) visit(name string, d fs.DirEntry, err error) error {
	if err != nil {
		if name != "." && errors.Is(err, fs.ErrNotExist) {
			return nil // gone meanwhile
		}
		return err
	}
	base := path.Base(name)
	switch {
	case name == ".":
		return nil
	case strings.HasPrefix(base, "."), d.IsDir() && base == "node_modules":
		if d.IsDir() {
			return fs.SkipDir
		}
		return nil
	case d.IsDir(), !belongs(name):
		return nil
	case d.Type()&fs.ModeSymlink != 0:
		return r.link(name)
	case !d.Type().IsRegular():
		r.add(name, 1, 1, "this is not a regular file")
		return nil
	}
	return r.read(name)
}

// belongs leaves out the files that editors and compilers read: declarations of types, and what configures them.
func belongs(name string) bool {
	switch base := path.Base(name); {
	case strings.HasSuffix(base, ".d.ts"), base == "tsconfig.json", base == "jsconfig.json":
		return false
	}
	switch path.Ext(name) {
	case ".js", ".ts", ".mjs", ".cjs", ".ccjs", ".json", ".lua", ".sql", ".hbs", ".md":
		return true
	}
	return name == ProjectFile
}

// read takes a file in. It stops reading soon after the project has become too large.
func (r *reader) read(name string) error {
	f, err := r.fsys.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, MaxFileSize+1))
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if len(b) > MaxFileSize {
		if top, _, _ := strings.Cut(name, "/"); top != "tests" && top != "data" {
			r.add(name, 1, 1, "the file is larger than the %d bytes that are allowed", MaxFileSize)
		}
		return nil
	}
	r.files[name] = string(b)
	r.total += len(b)
	if len(r.files) > MaxProjectFiles || r.total > MaxProjectSize {
		r.checkSize(len(r.files), r.total)
		r.stopped = true
		return fs.SkipAll
	}
	return nil
}

// link takes in the file that a symbolic link leads to, if the way there stays inside the folder and has no further
// links; so it does not depend on fsys to guard the folder.
func (r *reader) link(name string) error {
	target, err := fs.ReadLink(r.fsys, name)
	if err != nil {
		return err
	}
	to := path.Join(path.Dir(name), target)
	if path.IsAbs(target) || !fs.ValidPath(to) {
		r.add(name, 1, 1, "this link leads out of the project, to %.200s", target)
		return nil
	}
	for i := range len(to) + 1 {
		if i < len(to) && to[i] != '/' {
			continue
		}
		info, err := fs.Lstat(r.fsys, to[:i])
		switch {
		case errors.Is(err, fs.ErrNotExist):
			r.add(name, 1, 1, "this link leads to %.200s, which does not exist", target)
			return nil
		case err != nil:
			return err
		case info.Mode()&fs.ModeSymlink != 0 || i == len(to) && !info.Mode().IsRegular():
			r.add(name, 1, 1, "this link leads to %.200s, which is not a regular file", target)
			return nil
		}
	}
	return r.read(name)
}
