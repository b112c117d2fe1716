package store

import (
	"encoding/json"
	"strings"
	"unicode"

	"github.com/tidwall/gjson"
)

// maxKeywords bounds the list _keywords of a document.
const maxKeywords = 1000

// show returns a document as its readers get it.
func (pg *page) show(doc string) json.RawMessage {
	switch {
	case pg.metafields:
		doc = withKeywords(doc)
	case pg.fields == nil || !pg.fields.only:
		doc = withoutAuthors(doc)
	}
	raw := pg.fields.apply(doc)
	if pg.flatten {
		return append(flatten([]byte{'{'}, gjson.ParseBytes(raw), ""), '}')
	}
	return raw
}

// withoutAuthors takes out who created and who changed a document, which only those see who ask for it. They stand among
// the server's fields, which come first.
func withoutAuthors(doc string) string {
	kept, dropped, rest := []byte{'{'}, false, len(doc)
	gjson.Parse(doc).ForEach(func(k, v gjson.Result) bool {
		switch {
		case k.Str == "_createdby" || k.Str == "_changedby":
			dropped = true
			return true
		case !strings.HasPrefix(k.Str, "_"):
			rest = k.Index
			return false
		}
		if len(kept) > 1 {
			kept = append(kept, ',')
		}
		kept = append(append(append(kept, k.Raw...), ':'), v.Raw...)
		return true
	})
	switch {
	case !dropped:
		return doc
	case rest == len(doc):
		return string(append(kept, '}'))
	case len(kept) > 1:
		kept = append(kept, ',')
	}
	return string(append(kept, doc[rest:]...))
}

// withKeywords adds the words of a document as the fields _keywords and _tags.
func withKeywords(doc string) string {
	v := gjson.Parse(doc)
	known := map[string]bool{}
	keywords := []string{}
	ownTexts(v, func(text string) bool {
		for _, word := range strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
			if !known[word] && len(keywords) < maxKeywords {
				known[word], keywords = true, append(keywords, word)
			}
		}
		return len(keywords) < maxKeywords
	})
	b, err := json.Marshal(keywords)
	if err != nil {
		panic(err) // texts always marshal
	}
	end := strings.LastIndexByte(doc, '}')
	comma := ","
	if strings.TrimSpace(doc[1:end]) == "" {
		comma = ""
	}
	return doc[:end] + comma + `"_keywords":` + string(b) + `,"_tags":` + quote(strings.Join(keywords, " ")) + "}"
}

// ownTexts calls yield with every text of a document, at any depth, but in the fields that the server keeps, until it
// returns false.
func ownTexts(doc gjson.Result, yield func(string) bool) {
	doc.ForEach(func(k, v gjson.Result) bool {
		return strings.HasPrefix(k.Str, "_") || textsIn(v, yield)
	})
}

func textsIn(v gjson.Result, yield func(string) bool) (going bool) {
	switch v.Type {
	case gjson.String:
		return yield(v.Str)
	case gjson.JSON:
		going = true
		v.ForEach(func(_, item gjson.Result) bool {
			going = textsIn(item, yield)
			return going
		})
		return going
	}
	return true
}

// flatten appends the members of an object with the members of objects in it under the names of their paths.
func flatten(dst []byte, object gjson.Result, prefix string) []byte {
	object.ForEach(func(k, v gjson.Result) bool {
		name := prefix + k.Str
		if v.IsObject() && strings.TrimSpace(v.Raw[1:len(v.Raw)-1]) != "" {
			dst = flatten(dst, v, name+".")
			return true
		}
		if len(dst) > 1 {
			dst = append(dst, ',')
		}
		dst = append(append(append(dst, quote(name)...), ':'), v.Raw...)
		return true
	})
	return dst
}
