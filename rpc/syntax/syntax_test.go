package syntax

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestParseSQL(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		dialect Dialect
		text    string
		verb    string
		params  int
		wrong   string // line:col and the beginning of the message
	}{
		{Postgres, "select $1", "SELECT", 1, ""},
		{Postgres, "select $2, $1, $2;", "SELECT", 2, ""},
		{Postgres, " ( select 1 ) ; -- the end\n", "SELECT", 0, ""},
		{Postgres, "select '$1; select' || \"a$2;\" || E'\\';$3' || $$ ;$4 $$ || $x$ $$ ; $x$", "SELECT", 0, ""},
		{Postgres, "/* a /* nested */ ; */ insert into t values ($1)", "INSERT", 1, ""},
		{Postgres, "select a ? 'b', 'it''s ;'", "SELECT", 0, ""},
		{Postgres, `select 'a\'`, "SELECT", 0, ""},
		{Postgres, "select a$1 from t", "SELECT", 0, ""}, // part of a name
		{Postgres, "select 1; select 2", "", 0, "a second statement"},
		{Postgres, "select 1;\n\tdelete from t", "", 0, "a second statement"},
		{Postgres, "", "", 0, "there is no statement"},
		{Postgres, " ; -- nothing", "", 0, "there is no statement"},
		{Postgres, "select 'a", "", 0, "' is not closed"},
		{Postgres, "select $a$ b", "", 0, "$a$ is not closed"},
		{Postgres, "select /* a", "", 0, "/* is not closed"},
		{Postgres, "select $0", "", 0, "$0 is not a placeholder"},
		{Postgres, "select $99999999999", "", 0, "$99999999999 is not a placeholder"},
		{MySQL, "select ?, '?;', \"?;\", `?;` # ? ;\n, ?", "SELECT", 2, ""},
		{MySQL, `select 'a\';?'`, "SELECT", 0, ""},
		{MySQL, "select 5--?\n", "SELECT", 1, ""}, // minus minus, no comment
		{MySQL, "select 5 -- ?\n", "SELECT", 0, ""},
		{MySQL, "select /* /* */ ?", "SELECT", 1, ""},
		{MySQL, "select $1", "SELECT", 0, ""},
		{MySQL, "select 1; drop table t", "", 0, "a second statement"},
	} {
		s, err := ParseSQL(c.text, c.dialect)
		switch {
		case c.wrong == "" && (err != nil || s.Verb != c.verb || s.Params != c.params):
			t.Errorf("%q: %v, %+v", c.text, err, s)
		case c.wrong != "" && (err == nil || !strings.HasPrefix(err.Error(), c.wrong)):
			t.Errorf("%q: %v", c.text, err)
		}
	}
	_, err := ParseSQL("select 1;\n\tdelete from t", Postgres)
	if e, ok := errors.AsType[*Error](err); !ok || e.Line != 2 || e.Col != 2 {
		t.Errorf("place: %+v", err)
	}
}

func TestWhatStatementsDo(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"select 1":                     "reads rows",
		"select 1 for update":          "rows",
		"select * into t from u":       "rows",
		"with a as (select 1) table a": "reads rows",
		"with a as (delete from t returning 1) select * from a": "rows",
		"insert into t values (1)":                              "",
		"insert into t values (1) returning id":                 "rows",
		"begin":                                                 "rows controls",
		"set transaction read only":                             "rows controls",
		"set x = 1":                                             "rows",
		"drop table t":                                          "rows commits",
	} {
		s, err := CheckSQL(text)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for name, is := range map[string]bool{"1 reads": s.Reads(), "2 rows": s.ReturnsRows(), "3 controls": s.Controls(), "4 commits": s.Commits()} {
			if is {
				got = append(got, name)
			}
		}
		slices.Sort(got)
		for i := range got {
			got[i] = got[i][2:]
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q: %v, want %s", text, got, want)
		}
	}
}

func TestCheckLua(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"return redis.call('GET', KEYS[1])": "",
		"":                                  "",
		"local function f(...) return ... end\nreturn f(1)":   "",
		"return cjson.encode({a = #ARGV, [1] = 'x'}) -- note": "",
		"local x = 1\nreturn x +":                             "3",
		"for i = 1 do end":                                    "1",
		"return 'a":                                           "1",
		"if true then":                                        "1",
		strings.Repeat("(", 10_000):                           "1",
		strings.Repeat("a = {", 10_000):                       "1",
	} {
		err := CheckLua(text)
		e, _ := errors.AsType[*Error](err)
		if (want == "") != (err == nil) || e != nil && (e.Line < 1 || e.Col < 1 || e.Message == "") {
			t.Errorf("%.40q: %+v", text, err)
		}
	}
}

func TestKeysOfCommands(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"GET a":                              "a",
		"mset a 1 b 2":                       "a b",
		"DEL a b c":                          "a b c",
		"SET":                                "",
		"LMOVE a b LEFT LEFT":                "a b",
		"BITOP AND dest a b":                 "dest a b",
		"ZUNIONSTORE dest 2 a b WEIGHTS 1 2": "dest a b",
		"ZINTER 2 a b WITHSCORES":            "a b",
		"LMPOP 1 a LEFT":                     "a",
		"LMPOP 9 a":                          "a",
		"LMPOP x a":                          "",
		"ZINTER -1 a":                        "",
		"PING":                               "",
	} {
		words := strings.Fields(line)
		c, ok := RedisCommand(words[0])
		if got := strings.Join(c.Keys(words[1:]), " "); !ok || got != want {
			t.Errorf("%s: %v %q, want %q", line, ok, got, want)
		}
	}
	for _, name := range []string{"FLUSHALL", "CONFIG", "KEYS", "DEBUG", "EVAL", "SCRIPT", "", " ", "GET SET"} {
		if _, ok := RedisCommand(name); ok {
			t.Errorf("%q is open", name)
		}
	}
}

// FuzzParseSQL: whatever the text, reading it ends, and what is one statement stays one when its values are quoted.
func FuzzParseSQL(f *testing.F) {
	for _, seed := range []string{"select $1; ", "select '\\''; --", "$$ $a$ ; $$", "/*/**/ ; */", "e'\\", "`?`#\n;", "select 1;;"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, dialect := range []Dialect{Postgres, MySQL} {
			s, err := ParseSQL(text, dialect)
			if e, ok := errors.AsType[*Error](err); err != nil && (!ok || e.Line < 1 || e.Col < 1) {
				t.Fatalf("%q: %v", text, err)
			}
			if err == nil && s.Params > 0 && s.Verb == "" && len(s.Words) > 0 {
				t.Fatalf("%q: %+v", text, s)
			}
		}
		CheckLua(text)
	})
}
