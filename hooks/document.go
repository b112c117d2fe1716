package hooks

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/tidwall/gjson"
)

// The fields of a document that the server keeps.
const (
	fieldID      = "_id"
	fieldVersion = "_version"
	fieldCreated = "_created"
	fieldChanged = "_changed"
)

const maxID = 256

// document is a JSON object as its top-level fields, in the order in which they were written.
type document []documentField

type documentField struct {
	name  string
	value json.RawMessage
}

// parseDocument splits valid JSON; what says whose object it is, for the error.
func parseDocument(raw json.RawMessage, what string) (document, error) {
	root := gjson.ParseBytes(raw)
	if !root.IsObject() {
		return nil, Errorf(CodeBadRequest, "%s must be a JSON object", what)
	}
	var d document
	root.ForEach(func(k, v gjson.Result) bool {
		d.set(k.String(), json.RawMessage(v.Raw))
		return true
	})
	return d, nil
}

func (d document) get(name string) json.RawMessage {
	for _, f := range d {
		if f.name == name {
			return f.value
		}
	}
	return nil
}

func (d *document) set(name string, value json.RawMessage) {
	for i, f := range *d {
		if f.name == name {
			(*d)[i].value = value
			return
		}
	}
	*d = append(*d, documentField{name, value})
}

// without returns the document less the named fields.
func (d document) without(names ...string) document {
	return slices.DeleteFunc(slices.Clone(d), func(f documentField) bool { return slices.Contains(names, f.name) })
}

// merge sets every field of other.
func (d document) merge(other document) document {
	merged := slices.Clone(d)
	for _, f := range other {
		merged.set(f.name, f.value)
	}
	return merged
}

func (d document) raw() json.RawMessage {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, f := range d {
		if i > 0 {
			b.WriteByte(',')
		}
		b.Write(appendString(nil, f.name))
		b.WriteByte(':')
		b.Write(f.value)
	}
	b.WriteByte('}')
	return b.Bytes()
}

func (d document) version() int64 { return gjson.ParseBytes(d.get(fieldVersion)).Int() }

// id returns the document's _id, or "" if it has none.
func (d document) id() (string, error) {
	raw := d.get(fieldID)
	if raw == nil || string(raw) == "null" {
		return "", nil
	}
	v := gjson.ParseBytes(raw)
	if v.Type != gjson.String || v.Str == "" || len(v.Str) > maxID || strings.ContainsFunc(v.Str, isControl) {
		return "", Errorf(CodeBadRequest, "_id must be a string of 1 to %d characters", maxID)
	}
	return v.Str, nil
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }

// stamp sets the server's fields, first in the document as readers expect them.
func (d document) stamp(id string, version int64, created, changed json.RawMessage) document {
	stamped := document{
		{fieldID, appendString(nil, id)},
		{fieldVersion, mustMarshal(version)},
		{fieldCreated, created},
		{fieldChanged, changed},
	}
	return append(stamped, d.without(serverFields...)...)
}

func timestamp(t time.Time) json.RawMessage {
	return appendString(nil, t.UTC().Format("2006-01-02T15:04:05.000Z"))
}

// newID returns 24 hexadecimal digits that sort by the second in which they were made and are otherwise random: unique,
// and not meant to be a secret.
func newID() string {
	var b [16]byte
	binary.BigEndian.PutUint32(b[:], uint32(time.Now().Unix()))
	binary.BigEndian.PutUint64(b[4:], rand.Uint64())
	return hex.EncodeToString(b[:12])
}
