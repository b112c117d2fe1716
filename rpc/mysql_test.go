package rpc

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func myTable(t *testing.T, s *Services, columns string) string {
	t.Helper()
	name := unique()
	must(t, s, statement(MySQL, "create table "+name+" ("+columns+") engine=innodb", ""))
	return name
}

func TestMySQLTemplate(t *testing.T) {
	t.Parallel()
	s := open(t, MySQL)
	users := myTable(t, s, "id bigint unsigned auto_increment primary key, email varchar(100)")
	got := must(t, s, statement(MySQL, "insert into "+users+" (email) values (?), (?)", `{"params":["a@x","b@x"]}`))
	if got != `{"rows":[],"fields":[],"affectedRows":2,"insertId":1}` {
		t.Errorf("insert: %s", got)
	}
	got = must(t, s, statement(MySQL, "select id, email from "+users+" order by id limit ?", `{"args":[1]}`))
	if got != `{"rows":[{"id":1,"email":"a@x"}],"fields":["id","email"]}` {
		t.Errorf("select: %s", got)
	}
	got = must(t, s, statement(MySQL, "delete from "+users+" where id = ? returning email", `{"args":[2]}`))
	if got != `{"rows":[{"email":"b@x"}],"fields":["email"]}` {
		t.Errorf("returning: %s", got)
	}
	refused(t, s, statement(MySQL, "select ?", `{"params":[]}`), BadRequest)
	e := refused(t, s, statement(MySQL, "select $1", `{"params":[1]}`), BadRequest)
	if !strings.Contains(e.Message, "?") {
		t.Errorf("no hint: %v", e)
	}
}

func TestMySQLValues(t *testing.T) {
	t.Parallel()
	s := open(t, MySQL)
	table := myTable(t, s, "i bigint, u bigint unsigned, d decimal(40,10), f double, g float, b blob, t text, ts timestamp(6) null, dt datetime(6), da date, ti time, bo tinyint(1), j json, bi bit(8)")
	payload := `{"params":[-9223372036854775808,18446744073709551615,123456789012345678901234567890.0123456789,0.1,0.1,{"base64":"AP/+"},"ü 🎈 \\ ' \" ?",
		"2026-05-06 07:08:09.123456","2026-05-06T07:08:09.5","2026-05-06","07:08:09",true,{"a":[1]},5]}`
	must(t, s, statement(MySQL, "insert into "+table+" values (?,?,?,?,?,?,?,?,?,?,?,?,?,?)", payload))
	got := must(t, s, statement(MySQL, "select * from "+table, ""))
	want := `{"rows":[{"i":"-9223372036854775808","u":"18446744073709551615","d":"123456789012345678901234567890.0123456789","f":0.1,"g":0.1,` +
		`"b":{"base64":"AP/+"},"t":"ü 🎈 \\ ' \" ?","ts":"2026-05-06T07:08:09.123456Z","dt":"2026-05-06T07:08:09.500000","da":"2026-05-06",` +
		`"ti":"07:08:09","bo":1,"j":"{\"a\":[1]}","bi":{"base64":"BQ=="}}]`
	if !strings.HasPrefix(got, want) {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := must(t, s, statement(MySQL, "select ? v, null n", `{"params":[null]}`)); !strings.HasPrefix(got, `{"rows":[{"v":null,"n":null}]`) {
		t.Errorf("got %s", got)
	}
}

func TestMySQLParametersNeverBecomeSQL(t *testing.T) {
	t.Parallel()
	s := open(t, MySQL)
	table := myTable(t, s, "v longtext character set utf8mb4")
	c := statement(MySQL, "insert into "+table+" (v) values (?) returning v", "")
	rows := 0
	rapid.Check(t, func(rt *rapid.T) {
		value := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{
			"'; drop table " + table + "; -- ", `\'; -- `, "?", "{0}", `"`, "/*!", "\\", "'", "`", "#", "\x00", "🎈",
		})).Draw(rt, "value")
		c.Payload, _ = json.Marshal(map[string]any{"params": []any{value}})
		var inserted struct{ Rows []struct{ V string } }
		if json.Unmarshal([]byte(must(t, s, c)), &inserted); len(inserted.Rows) != 1 || inserted.Rows[0].V != value {
			rt.Fatalf("%q came back as %v", value, inserted)
		}
		rows++
	})
	if got := must(t, s, statement(MySQL, "select count(*) n from "+table, "")); !strings.Contains(got, fmt.Sprintf(`"n":%d}`, rows)) {
		t.Errorf("%d inserts, and %s", rows, got)
	}
}

func TestMySQLErrorsAndTransactions(t *testing.T) {
	t.Parallel()
	s := open(t, MySQL)
	table := myTable(t, s, "id int primary key, v varchar(3) not null default ''")
	for sql, want := range map[string]struct {
		code  Code
		state string
	}{
		"select nonsense": {ServiceError, "42S22"},
		"selec 1":         {ServiceError, "42000"},
		"insert into " + table + " values (1, 'toolong')": {BadRequest, "22001"},
		"insert into " + table + " values (1, null)":      {BadRequest, "23000"},
	} {
		if e := refused(t, s, statement(MySQL, sql, ""), want.code); e.Details["sqlstate"] != want.state {
			t.Errorf("%s: %v %v", sql, e, e.Details)
		}
	}
	body := fmt.Sprintf(`[{"sql":"insert into %s (id) values (?)","params":["{0}"]},{"sql":"insert into %[1]s (id) values (?)","params":["{1}"]}]`, table)
	must(t, s, macro(MySQL, body, `{"args":[1,2]}`))
	e := refused(t, s, macro(MySQL, body, `{"args":[3,1]}`), Conflict)
	if e.Details["step"] != 2 || e.Details["errno"] != uint16(1062) {
		t.Errorf("%v %v", e, e.Details)
	}
	refused(t, s, macro(MySQL, `[{"sql":"insert into `+table+` (id) values (9)"},{"sql":"create table z (i int)"}]`, ""), BadRequest)
	if got := must(t, s, builtin(MySQL, "query", `{"sql":"select count(*) n from `+table+`"}`)); !strings.Contains(got, `"n":2}`) {
		t.Errorf("left: %s", got)
	}
	refused(t, s, builtin(MySQL, "query", `{"sql":"select 1 into outfile '/x'"}`), Forbidden)
	refused(t, s, builtin(MySQL, "query", `{"sql":"select /*! 1; drop table x */ 1"}`), Forbidden)
	refused(t, s, builtin(MySQL, "query", `{"sql":"drop table `+table+`"}`), Forbidden)
	refused(t, s, builtin(MySQL, "query", `{"sql":"select 1; select 2"}`), BadRequest)
	reads := builtin(MySQL, "query", `{"sql":"delete from `+table+`"}`)
	reads.Allowed = []string{"SELECT"}
	refused(t, s, reads, Forbidden)
	if got := must(t, s, builtin(MySQL, "transaction", `{"statements":[{"sql":"select 1 a"},{"sql":"update `+table+` set v = ? where id = ?","params":["x",1]}]}`)); got !=
		`[{"rows":[{"a":1}],"fields":["a"]},{"rows":[],"fields":[],"affectedRows":1,"insertId":0}]` {
		t.Errorf("got %s", got)
	}
}

func TestMySQLBoundsAndSlowStatements(t *testing.T) {
	t.Parallel()
	s, mark := open(t, MySQL), unique()
	refused(t, s, statement(MySQL, "select seq from seq_1_to_10001", ""), TooLarge)
	refused(t, s, statement(MySQL, "select repeat('x', 800000)", ""), TooLarge)
	_, err := s.Do(within(t, 500*time.Millisecond), statement(MySQL, "select sleep(60), '"+mark+"'", ""))
	if e, ok := errors.AsType[*Error](err); !ok || e.Code != Timeout {
		t.Fatalf("got %v", err)
	}
	query := "select count(*) n from information_schema.processlist where info like concat('select sleep%', ?, '%')"
	for ctx := within(t, 20*time.Second); ; {
		if strings.Contains(must(t, s, statement(MySQL, query, `{"params":["`+mark+`"]}`)), `"n":0}`) {
			break
		}
		if ctx.Err() != nil {
			t.Fatal("it still runs")
		}
	}
}
