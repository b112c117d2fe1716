package rpc

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"pgregory.net/rapid"
)

// pgTable makes a table that ends with the test.
func pgTable(t *testing.T, columns string) string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), serverURL(t, Postgres))
	if err != nil {
		t.Fatal(err)
	}
	name := unique()
	if _, err := conn.Exec(t.Context(), "create table "+name+" ("+columns+")"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		conn.Exec(within(t, 10*time.Second), "drop table "+name)
		conn.Close(t.Context())
	})
	return name
}

func TestPostgresTemplate(t *testing.T) {
	t.Parallel()
	s := open(t, Postgres)
	users := pgTable(t, "id int8 primary key, email text, last_seen timestamptz")
	must(t, s, statement(Postgres, "insert into "+users+" values (1, 'a@x', now()), (2, 'b@x', now() - interval '60 days')", ""))
	c := statement(Postgres, "SELECT id, email FROM "+users+" WHERE last_seen > NOW() - ($1 || ' days')::interval", `{"params":[30]}`)
	want := `{"rows":[{"id":1,"email":"a@x"}],"rowCount":1,"fields":[{"name":"id"},{"name":"email"}]}`
	for range 3 {
		if got := must(t, s, c); got != want {
			t.Errorf("got %s", got)
		}
	}
	c.Payload = []byte(`{"args":["30"]}`)
	if got := must(t, s, c); got != want {
		t.Errorf("args for params: %s", got)
	}
	for _, payload := range []string{`{}`, `{"params":[]}`, `{"params":[1,2]}`, `{"params":1}`, `{"keys":["x"],"params":[1]}`} {
		c.Payload = []byte(payload)
		refused(t, s, c, BadRequest)
	}
}

func TestPostgresValues(t *testing.T) {
	t.Parallel()
	s := open(t, Postgres)
	for _, c := range []struct{ sql, params, want string }{
		{"select $1::int8 v", `9223372036854775807`, `"9223372036854775807"`},
		{"select $1::int8 v", `-9007199254740991`, `-9007199254740991`},
		{"select $1::int8 v", `"12"`, `12`},
		{"select $1::numeric v", `12345678901234567890.123456789`, `"12345678901234567890.123456789"`},
		{"select $1::float8 v", `0.1`, `0.1`},
		{"select 'NaN'::float8 v, $1::int", `1`, `"NaN"`},
		{"select $1::bytea v", `{"base64":"AP/+"}`, `{"base64":"AP/+"}`},
		{"select $1::text v", `"it's \"$1\" \\ ü 🎈\n"`, `"it's \"$1\" \\ ü 🎈\n"`},
		{"select $1::text v", `null`, `null`},
		{"select $1::text v", `{"a":[1,"b"]}`, `"{\"a\":[1,\"b\"]}"`},
		{"select $1::bool v", `true`, `true`},
		{"select $1::jsonb v", `{"a": 1}`, `{"a": 1}`},
		{"select $1::jsonb v", `[1, 2]`, `[1, 2]`},
		{"select $1::timestamptz v", `"2026-05-06T07:08:09.123456+02:00"`, `"2026-05-06T05:08:09.123456Z"`},
		{"select $1::timestamp v", `"2026-05-06 07:08:09"`, `"2026-05-06T07:08:09"`},
		{"select $1::timestamptz v", `"infinity"`, `"infinity"`},
		{"select $1::date v", `"2026-05-06"`, `"2026-05-06"`},
		{"select $1::uuid v", `"6f1c2f3e-0000-4000-8000-000000000001"`, `"6f1c2f3e-0000-4000-8000-000000000001"`},
		{"select $1::int[] v", `[1,null,3]`, `[1,null,3]`},
		{"select $1::int[] v", `[[1,2],[3,4]]`, `[[1,2],[3,4]]`},
		{"select $1::text[] v", `["a,b","","NULL",null,"q\"\\{}"]`, `["a,b","","NULL",null,"q\"\\{}"]`},
		{"select $1::int8[] v", `[9223372036854775807]`, `["9223372036854775807"]`},
		{"select $1::jsonb[] v", `[{"a":[1]},[2]]`, `[{"a": [1]},[2]]`},
		{"select 2 = any($1::int[]) v", `[1,2]`, `true`},
		{"select '' v where $1::text = 'x'", `"x"`, `""`},
	} {
		got := must(t, s, statement(Postgres, c.sql, `{"params":[`+c.params+`]}`))
		var result struct{ Rows []struct{ V json.RawMessage } }
		if err := json.Unmarshal([]byte(got), &result); err != nil || len(result.Rows) != 1 || string(result.Rows[0].V) != c.want {
			t.Errorf("%s with %s: got %s, want %s", c.sql, c.params, got, c.want)
		}
	}
	if got := must(t, s, statement(Postgres, "select 1 a, 2 b, 3 a", "")); !strings.HasPrefix(got, `{"rows":[{"b":2,"a":3}]`) {
		t.Errorf("columns of one name: %s", got)
	}
}

func TestPostgresEnumArrays(t *testing.T) {
	t.Parallel()
	s, name := open(t, Postgres), unique()
	must(t, s, statement(Postgres, "create type "+name+" as enum ('a', 'b c')", ""))
	c := statement(Postgres, "select $1::"+name+"[] v", `{"params":[["b c",null,"a"]]}`)
	if got := must(t, s, c); !strings.HasPrefix(got, `{"rows":[{"v":["b c",null,"a"]}]`) {
		t.Errorf("got %s", got)
	}
	must(t, s, statement(Postgres, "drop type "+name, ""))
}

// A caller's value is only ever a value, whatever is in it.
func TestPostgresParametersNeverBecomeSQL(t *testing.T) {
	t.Parallel()
	s := open(t, Postgres)
	table := pgTable(t, "id int generated always as identity, v text")
	c := statement(Postgres, "insert into "+table+" (v) values ($1) returning v", "")
	m := macro(Postgres, `[{"sql":"select $1::text v","params":["x{0}y"]}]`, "")
	rows := 0
	rapid.Check(t, func(rt *rapid.T) {
		value := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{
			"'; drop table " + table + "; --", `\'; --`, "$1", "$$", "{0}", "?", `"`, "/*", "\\", "'", "E'\\''", "NULL", "🎈", "\u2028", "%s",
		})).Draw(rt, "value")
		value = strings.ReplaceAll(value, "\x00", "")
		params, err := json.Marshal(map[string]any{"params": []any{value}})
		if err != nil {
			rt.Fatal(err)
		}
		c.Payload, m.Payload = params, params
		var inserted struct{ Rows []struct{ V string } }
		if json.Unmarshal([]byte(must(t, s, c)), &inserted); len(inserted.Rows) != 1 || inserted.Rows[0].V != value {
			rt.Fatalf("%q came back as %v", value, inserted)
		}
		var inside []struct{ Rows []struct{ V string } }
		if json.Unmarshal([]byte(must(t, s, m)), &inside); len(inside) != 1 || inside[0].Rows[0].V != "x"+value+"y" {
			rt.Fatalf("%q came back as %v", value, inside)
		}
		rows++
	})
	if got := must(t, s, statement(Postgres, "select count(*)::int n from "+table, "")); !strings.Contains(got, fmt.Sprintf(`"n":%d}`, rows)) {
		t.Errorf("%d inserts, and %s", rows, got)
	}
}

func TestPostgresErrors(t *testing.T) {
	t.Parallel()
	s := open(t, Postgres)
	for _, c := range []struct {
		sql   string
		code  Code
		state string
	}{
		{"select nonsense", ServiceError, "42703"},
		{"select 1/0", BadRequest, "22012"},
		{"selec 1", ServiceError, "42601"},
		{"select * from nowhere", ServiceError, "42P01"},
		{"do $$ begin raise exception 'not you' using errcode = 'P0001'; end $$", Rejected, "P0001"},
		{"do $$ begin raise exception 'teapot' using errcode = 'PT418'; end $$", Rejected, "PT418"},
	} {
		e := refused(t, s, statement(Postgres, c.sql, ""), c.code)
		if e.Details["sqlstate"] != c.state {
			t.Errorf("%s: %v %v", c.sql, e, e.Details)
		}
		if c.state == "PT418" && e.Status != 418 {
			t.Errorf("status %d", e.Status)
		}
	}
}

func TestPostgresTransactionLeavesNothing(t *testing.T) {
	t.Parallel()
	s := open(t, Postgres)
	table := pgTable(t, "id int primary key")
	body := fmt.Sprintf(`[{"sql":"insert into %s values ($1)","params":["{0}"]},{"sql":"insert into %[1]s values ($1)","params":["{1}"]}]`, table)
	if got := must(t, s, macro(Postgres, body, `{"args":[1,2]}`)); got != `[{"rows":[],"rowCount":1,"fields":[]},{"rows":[],"rowCount":1,"fields":[]}]` {
		t.Errorf("got %s", got)
	}
	e := refused(t, s, macro(Postgres, body, `{"args":[3,1]}`), Conflict)
	if e.Details["step"] != 2 || e.Details["sqlstate"] != "23505" || e.Details["constraint"] == nil {
		t.Errorf("%v %v", e, e.Details)
	}
	refused(t, s, builtin(Postgres, "transaction", fmt.Sprintf(`{"statements":[{"sql":"insert into %s values ($1)","params":[4]},{"sql":"select 1/0"}]}`, table)), BadRequest)
	p := macro(Postgres, body, `{"args":[5,1]}`)
	p.Pipeline = true
	if got := must(t, s, p); !strings.Contains(got, `{"error":{"code":"CONFLICT"`) {
		t.Errorf("pipeline: %s", got)
	}
	if got := must(t, s, builtin(Postgres, "query", `{"sql":"select array_agg(id order by id) v from `+table+`"}`)); !strings.Contains(got, `"v":[1,2,5]`) {
		t.Errorf("left: %s", got)
	}
	refused(t, s, macro(Postgres, `[{"sql":"select 1"},{"sql":"commit"}]`, ""), BadRequest)
}

func TestPostgresBuiltinsAreGuarded(t *testing.T) {
	t.Parallel()
	s := open(t, Postgres)
	table := pgTable(t, "id int")
	for _, sql := range []string{"drop table " + table, "truncate " + table, "create table x()", "set role postgres", "begin", "commit", "copy " + table + " to stdout",
		"select 1 into y", "do $$ begin end $$", "explain select 1", "listen x", "vacuum", "grant all on " + table + " to public", "alter table " + table + " add x int",
		"call x()", "reset all", "discard all", "prepare x as select 1", "notify x"} {
		payload, _ := json.Marshal(map[string]any{"sql": sql})
		refused(t, s, builtin(Postgres, "query", string(payload)), Forbidden)
	}
	for _, sql := range []string{"select 1; drop table " + table, "", ";", "select 'x", "/* x", "select $0"} {
		payload, _ := json.Marshal(map[string]any{"sql": sql})
		refused(t, s, builtin(Postgres, "query", string(payload)), BadRequest)
	}
	reads := builtin(Postgres, "query", `{"sql":"select 1 v;"}`)
	reads.Allowed = []string{"SELECT", "WITH"}
	must(t, s, reads)
	reads.Payload = []byte(`{"sql":"with x as (insert into ` + table + ` values (1) returning id) select * from x"}`)
	refused(t, s, reads, Forbidden) // the transaction is read-only
	reads.Payload = []byte(`{"sql":"insert into ` + table + ` values (1)"}`)
	refused(t, s, reads, Forbidden)
}

func TestPostgresBounds(t *testing.T) {
	t.Parallel()
	s := open(t, Postgres)
	table := pgTable(t, "id int, v text")
	refused(t, s, statement(Postgres, "select generate_series(1, 10001)", ""), TooLarge)
	must(t, s, statement(Postgres, "select generate_series(1, 10000)", ""))
	refused(t, s, statement(Postgres, "select repeat('x', 800000)", ""), TooLarge)
	refused(t, s, statement(Postgres, "select repeat('x', 40000000)", ""), TooLarge)
	refused(t, s, statement(Postgres, "insert into "+table+" select n, 'x' from generate_series(1, 20000) n returning *", ""), TooLarge)
	if got := must(t, s, statement(Postgres, "select count(*) n from "+table, "")); !strings.Contains(got, `"n":0}`) {
		t.Errorf("what was too large to tell was kept: %s", got)
	}
	must(t, s, statement(Postgres, "select 1", ""))
}

func TestPostgresSlowStatementIsCancelled(t *testing.T) {
	t.Parallel()
	s, mark := open(t, Postgres), unique()
	must(t, s, statement(Postgres, "select 1", ""))
	_, err := s.Do(within(t, 500*time.Millisecond), statement(Postgres, "select pg_sleep(60) /* "+mark+" */", ""))
	if e, ok := errors.AsType[*Error](err); !ok || e.Code != Timeout {
		t.Fatalf("got %v", err)
	}
	query := "select count(*)::int n from pg_stat_activity where state = 'active' and query like '%pg_sleep(60) /* " + mark + "%' and pid <> pg_backend_pid()"
	for ctx := within(t, 20*time.Second); ; {
		if strings.Contains(must(t, s, statement(Postgres, query, "")), `"n":0}`) {
			break
		}
		if ctx.Err() != nil {
			t.Fatal("it still runs")
		}
	}
}

func TestPostgresTableThatChanges(t *testing.T) {
	t.Parallel()
	s := open(t, Postgres)
	table := pgTable(t, "id int")
	must(t, s, statement(Postgres, "insert into "+table+" values (1)", ""))
	c := statement(Postgres, "select * from "+table, "")
	must(t, s, c)
	must(t, s, statement(Postgres, "alter table "+table+" add v text default 'x'", ""))
	if got := must(t, s, c); !strings.Contains(got, `"v":"x"`) {
		t.Errorf("got %s", got)
	}
}
