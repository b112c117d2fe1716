package store

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/tidwall/gjson"

	"gaff/hooks"
)

// Bounds of a $filter.
const (
	maxFilter = 1000 // bytes
	maxWords  = 20
)

// words holds if each of some words is in a text of the document, whatever its case.
type words []like

func parseWords(v gjson.Result) (words, error) {
	list := strings.Fields(v.Str)
	if v.Type != gjson.String || len(v.Str) > maxFilter || len(list) > maxWords {
		return nil, hooks.Errorf(hooks.CodeBadRequest, "$filter takes text of at most %d words", maxWords)
	}
	var all words
	for _, word := range list {
		n, err := parseRegex(regexp.QuoteMeta(word), "i")
		if err != nil {
			return nil, hooks.Errorf(hooks.CodeBadRequest, "$filter: %.80q is too long", word)
		}
		all = append(all, n)
	}
	return all, nil
}

func (n words) matches(v gjson.Result) bool {
	for _, word := range n {
		found := false
		ownTexts(v, func(text string) bool {
			found = word.regex.MatchString(text)
			return !found
		})
		if !found {
			return false
		}
	}
	return true
}

func (n words) postgres(s *statement, on string) string {
	conditions := make([]string, len(n))
	for i, word := range n {
		field, x := s.alias(), s.alias()
		conditions[i] = fmt.Sprintf("EXISTS (SELECT FROM jsonb_each(%s) AS %s(k, v), jsonb_path_query(%[2]s.v, 'strict $.**') AS %s(v)"+
			" WHERE left(%[2]s.k, 1) <> '_' AND jsonb_typeof(%[3]s.v) = 'string' AND (%[3]s.v #>> '{}') ~ %s)", on, field, x, s.bind(word.pattern))
	}
	return strings.Join(conditions, " AND ")
}
