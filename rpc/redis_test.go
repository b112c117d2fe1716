package rpc

import (
	"fmt"
	"strings"
	"testing"
)

func TestLuaByHashWithKeysAndArguments(t *testing.T) {
	t.Parallel()
	s, board := open(t, Redis), unique()
	must(t, s, redisCall("ZADD", board, "3", "Ann", "5", "Bob", "1", "Cid"))
	top := Call{
		Service: "redis", Name: "topUsers", Form: Script, Body: "return redis.call('ZREVRANGE', KEYS[1], 0, tonumber(ARGV[1]) - 1)",
		Payload: []byte(`{"keys":["` + board + `"],"args":[2]}`),
	}
	if got := must(t, s, &top); got != `["Bob","Ann"]` {
		t.Errorf("got %s", got)
	}
	must(t, s, &top)
	positional := top
	positional.Keys, positional.Payload = 1, []byte(`{"args":["`+board+`",1]}`)
	if got := must(t, s, &positional); got != `["Bob"]` {
		t.Errorf("positional: %s", got)
	}
	positional.Payload = []byte(`{"args":[]}`)
	refused(t, s, &positional, BadRequest)
}

func TestLuaIsLoadedAgain(t *testing.T) {
	t.Parallel()
	s := open(t, Redis)
	r := s.byName["redis"].(*redisService)
	for i := range 3 {
		c := &Call{Service: "redis", Form: Script, Body: "return " + fmt.Sprint(i) + " --" + unique()}
		if got := must(t, s, c); got != fmt.Sprint(i) {
			t.Errorf("got %s", got)
		}
		if err := r.client.ScriptFlush(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
		if got := must(t, s, c); got != fmt.Sprint(i) {
			t.Errorf("after a flush: %s", got)
		}
	}
}

func TestRepliesAsJSON(t *testing.T) {
	t.Parallel()
	s := open(t, Redis)
	for lua, want := range map[string]string{
		"return nil":            "null",
		"return 7":              "7",
		"return 'a\"b\\n\\001'": `"a\"b\n\u0001"`,
		"return {1,{'x',false},redis.status_reply('OK')}":                          `[1,["x",null],"OK"]`,
		"return '\\255\\254'":                                                      `{"base64":"//4="}`,
		"redis.call('INCRBY', KEYS[1], ARGV[1]) return redis.call('GET', KEYS[1])": `"9007199254740993"`,
		"return {redis.error_reply('MY bad')}":                                     `[{"error":{"code":"SERVICE_ERROR","message":"Redis: MY bad"}}]`,
		"return #ARGV[1] .. ARGV[2] .. ARGV[3]":                                    `"16true{\"a\":[1]}"`,
		"return ARGV[4]":                                                           `{"base64":"/w=="}`,
	} {
		c := &Call{Service: "redis", Form: Script, Body: lua,
			Payload: []byte(`{"keys":["` + unique() + `"],"args":["9007199254740993",true,{"a":[1]},{"base64":"/w=="}]}`)}
		if got := must(t, s, c); got != want {
			t.Errorf("%s: got %s, want %s", lua, got, want)
		}
	}
}

func TestLuaErrors(t *testing.T) {
	t.Parallel()
	s := open(t, Redis)
	for lua, word := range map[string]string{
		"return redis.error_reply('NOTYOURS go away')": "NOTYOURS",
		"error('oh')":               "ERR",
		"return redis.call('INCR')": "ERR",
		"return nonsense":           "ERR",
		"syntax error here":         "ERR",
	} {
		e := refused(t, s, &Call{Service: "redis", Form: Script, Body: lua}, ServiceError)
		if e.Details["redis"] != word && word != "ERR" || e.Message == "" {
			t.Errorf("%s: %v %v", lua, e, e.Details)
		}
	}
	for _, payload := range []string{`[]`, `"x"`, `{"args":{}}`, `{"args":[null]}`, `{"nonsense":1}`, `{"params":[1]}`, `{"args":[1]} 2`} {
		refused(t, s, &Call{Service: "redis", Form: Script, Body: "return 1", Payload: []byte(payload)}, BadRequest)
	}
}

func TestMacroIsWholeOrAbsent(t *testing.T) {
	t.Parallel()
	s := open(t, Redis)
	const body = `[{"command":"SET","args":["user:{0}","{1}"]},{"command":"EXPIRE","args":["user:{0}",3600]}]`
	key := unique()
	if got := must(t, s, macro(Redis, body, `{"args":["`+key+`","{\"a\":1}"]}`)); got != `["OK",1]` {
		t.Errorf("got %s", got)
	}
	if got := must(t, s, redisCall("GET", "user:"+key)); got != `"{\"a\":1}"` {
		t.Errorf("kept %s", got)
	}
	refused(t, s, macro(Redis, body, `{"args":["`+key+`"]}`), BadRequest)

	// The third fails as it runs: a key that was there is as it was, with its time to live, and one that was not is not.
	text, hash, fresh := unique(), unique(), unique()
	must(t, s, redisCall("SET", text, "old", "EX", "1000"))
	must(t, s, redisCall("HSET", hash, "f", "1"))
	broken := fmt.Sprintf(`[{"command":"set","args":[%q,"new"]},{"command":"HSET","args":[%q,"f","2","g","3"]},
		{"command":"LPUSH","args":[%q,"x"]},{"command":"INCR","args":[%q]},{"command":"SET","args":[%q,"never"]}]`, text, hash, fresh, hash, fresh)
	e := refused(t, s, macro(Redis, broken, `{}`), ServiceError)
	if e.Details["step"] != 4 || e.Details["redis"] != "WRONGTYPE" || e.Details["applied"] != nil {
		t.Errorf("%v %v", e, e.Details)
	}
	for words, want := range map[string]string{
		"GET " + text: `"old"`, "HGETALL " + hash: `["f","1"]`, "EXISTS " + fresh: "0", "HLEN " + hash: "1",
	} {
		if got := must(t, s, redisCall(strings.Fields(words)...)); got != want {
			t.Errorf("%s: got %s, want %s", words, got, want)
		}
	}
	if ttl := must(t, s, redisCall("TTL", text)); len(ttl) != 3 && ttl != "1000" {
		t.Errorf("time to live: %s", ttl)
	}
}

func TestTransactionOnLargeValuesSaysWhatStays(t *testing.T) {
	t.Parallel()
	s, key := open(t, Redis), unique()
	must(t, s, redisCall("SET", key, strings.Repeat("x", maxKept+1)))
	e := refused(t, s, builtin(Redis, "multi", `{"commands":[["APPEND","`+key+`","y"],["INCR","`+key+`"],["GET","`+unique()+`"]]}`), ServiceError)
	if e.Details["applied"] != 1 || !strings.Contains(e.Message, "step 2") {
		t.Errorf("%v %v", e, e.Details)
	}
	must(t, s, redisCall("DEL", key))
}

func TestPipelineGoesOn(t *testing.T) {
	t.Parallel()
	s, key := open(t, Redis), unique()
	c := macro(Redis, `[{"command":"SET","args":["{0}","a"]},{"command":"INCR","args":["{0}"]},{"command":"GET","args":["{0}"]},{"command":"GET","args":["no{0}"]}]`, `{"args":["`+key+`"]}`)
	c.Pipeline = true
	if got := must(t, s, c); !strings.HasPrefix(got, `["OK",{"error":{"code":"SERVICE_ERROR","message":"Redis: ERR value`) || !strings.HasSuffix(got, `,"a",null]`) {
		t.Errorf("got %s", got)
	}
}

func TestDangerousCommandsAreClosed(t *testing.T) {
	t.Parallel()
	s := open(t, Redis)
	for _, name := range []string{"FLUSHALL", "flushdb", "CONFIG", "KEYS", "DEBUG", "EVAL", "EVALSHA", "SCRIPT", "FCALL", "BLPOP", "SUBSCRIBE",
		"PSUBSCRIBE", "MONITOR", "SHUTDOWN", "CLIENT", "SELECT", "MULTI", "SORT", "MIGRATE", "RESTORE", "XREAD", "WAIT", "ACL", "AUTH", "HELLO",
		"SWAPDB", "REPLICAOF", "MODULE", "FUNCTION", "SAVE", "INFO", "COMMAND", "MEMORY", "OBJECT", "nonsense", "GET\r\nFLUSHALL"} {
		refused(t, s, redisCall(name, "x"), Forbidden)
		refused(t, s, builtin(Redis, "pipeline", fmt.Sprintf(`{"commands":[{"command":"PING"},{"command":%q}]}`, name)), Forbidden)
		refused(t, s, builtin(Redis, "multi", fmt.Sprintf(`{"commands":[[%q]]}`, name)), Forbidden)
		refused(t, s, macro(Redis, fmt.Sprintf(`[{"command":%q}]`, name), `{}`), Forbidden)
	}
	c := redisCall("SET", unique(), "x")
	c.Allowed = []string{"GET"}
	refused(t, s, c, Forbidden)
	c = redisCall("get", unique())
	c.Allowed = []string{"GET"}
	must(t, s, c)
}

func TestAnswersAreBounded(t *testing.T) {
	t.Parallel()
	s, key := open(t, Redis), unique()
	must(t, s, redisCall("SETRANGE", key, fmt.Sprint(MaxBytes+10), "x"))
	refused(t, s, redisCall("GET", key), TooLarge)
	must(t, s, redisCall("SETRANGE", key, fmt.Sprint(maxRaw*2), "x"))
	refused(t, s, redisCall("GET", key), TooLarge)
	must(t, s, redisCall("DEL", key))
}

func TestLargeNumbersSurviveTransactions(t *testing.T) {
	t.Parallel()
	s, a, h := open(t, Redis), unique(), unique()
	c := builtin(Redis, "multi", `{"commands":[["INCRBY","`+a+`","9007199254740993"],["HINCRBY","`+h+`","f",-9007199254740993],["GET","`+a+`"],["INCRBY","`+a+`",2]]}`)
	if got := must(t, s, c); got != `["9007199254740993","-9007199254740993","9007199254740993","9007199254740995"]` {
		t.Errorf("got %s", got)
	}
	if got := must(t, s, redisCall("INCR", a)); got != `"9007199254740996"` {
		t.Errorf("got %s", got)
	}
}
