"""What the Python client does with a real server. Arguments: the server, a key, its signing secret."""

import sys

from gaff import Gaff, GaffError

url, key, signing_secret = sys.argv[1:]
gaff = Gaff(url, key, signing_secret=signing_secret)


def failed(call, *args, **options):
    try:
        call(*args, **options)
    except GaffError as e:
        return e
    raise AssertionError("no error")


def equal(got, want):
    assert got == want, f"got {got!r}, want {want!r}"


# Methods: the worked examples.
redis = gaff.redis()
board = "board:py"
equal(redis.call("ZADD", board, 10, "ann", 30, "bob", 20, "cid"), 3)
equal(redis.hook("topUsers", keys=[board], args=[2]), ["bob", "cid"])
equal(redis.topUsers(board, 1), ["bob"])
equal(redis.cacheUser("py", '{"name":"Ann"}'), ["OK", 1])
user, ttl = redis.multi([["GET", "user:py"], ["TTL", "user:py"]])
equal((user, 3000 < ttl <= 3600), ('{"name":"Ann"}', True))
equal(redis.pipeline([["PING"], ["ECHO", "x"]]), ["PONG", "x"])
postgres = gaff.postgres()
postgres.addUser(200, "o'hara@y; drop table users", 1)
emails = {row["id"]: row["email"] for row in postgres.hook("activeUsers", params=[30])["rows"]}
equal(emails[200], "o'hara@y; drop table users")
equal(postgres.query("select $1::int8 v", ["9007199254740993"])["rows"], [{"v": "9007199254740993"}])
done = postgres.transaction([{"sql": "select 1 a"}, {"sql": "select $1::text b", "params": ["x"]}])
equal([result["rows"] for result in done], [[{"a": 1}], [{"b": "x"}]])
equal(gaff.mysql().version()["fields"], ["v"])
equal(gaff.service("math").add(1, 2)["sum"], 3)

# Errors have codes.
equal(failed(redis.nobody).code, "HOOK_NOT_FOUND")
equal(failed(gaff.service("math").refuse).status, 418)
taken = failed(postgres.addUser, 200, "again", 0)
equal((taken.code, taken.details["sqlstate"]), ("CONFLICT", "23505"))
equal(failed(redis.call, "FLUSHALL").code, "FORBIDDEN")
equal(failed(Gaff(url, key).redis().call, "PING").code, "UNAUTHORIZED")
equal(failed(Gaff(url, key, signing_secret="gaffsig_other").redis().call, "PING").code, "UNAUTHORIZED")

# Documents.
customers = gaff.collection("customer-py")
ann = customers.create({"name": "Ann", "age": 41})
equal(customers.get(ann["_id"])["name"], "Ann")
equal(customers.update(ann["_id"], {"age": 42})["_version"], 1)
customers.replace(ann["_id"], {"name": "Anna", "age": 42})
customers.create({"name": "Bo", "age": 7})
equal([c["name"] for c in customers.find({"age": {"$gte": 18}}, {"$orderby": {"age": -1}})], ["Anna"])
customers.delete(ann["_id"])
equal(failed(customers.get, ann["_id"]).code, "NOT_FOUND")
equal(len(customers.delete_where({"age": 7})), 1)

# Events.
verdict = gaff.events.ask("redis", "topUsers", message={"keys": [board], "args": [101]})
equal(verdict["status"], 403)
assert gaff.events.publish("payments", "send", message={"n": 1})
print("ok")
