"""How the client behaves when its server does not. The server is Python's, on a port of its own."""

import json
import socket
import threading
import unittest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from gaff import Gaff, GaffError


def answer(status, body):
    def step(handler):
        text = json.dumps(body).encode()
        handler.send_response(status)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(text)))
        handler.end_headers()
        handler.wfile.write(text)

    return step


def broken(handler):
    handler.connection.shutdown(socket.SHUT_RDWR)
    handler.close_connection = True


AWAY = answer(503, {"ok": False, "error": {"code": "UNAVAILABLE", "message": "away"}})
UNKNOWN = answer(503, {"ok": False, "error": {"code": "UNAVAILABLE", "message": "broke off", "details": {"outcome": "unknown"}}})
OK = answer(200, {"ok": True, "result": 1, "error": None})


class Failures(unittest.TestCase):
    def serve(self, *steps, **options):
        """Starts a server that answers with one step for each request; returns its client and what it got."""
        got = []

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_one(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                got.append((self.command, self.path, dict(self.headers), body))
                steps[min(len(got), len(steps)) - 1](self)

            do_GET = do_POST = do_PUT = do_DELETE = handle_one

            def log_message(self, *_):
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        gaff = Gaff(f"http://127.0.0.1:{server.server_port}", **options)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        self.addCleanup(gaff.close)
        return gaff, got

    def test_method_again_if_not_carried_out(self):
        gaff, got = self.serve(AWAY, AWAY, OK)
        self.assertEqual(gaff.redis().hook("x"), 1)
        self.assertEqual(len(got), 3)

    def test_method_not_again_if_open(self):
        for step in (UNKNOWN, broken):
            gaff, got = self.serve(step, OK)
            with self.assertRaises(GaffError):
                gaff.redis().hook("x")
            self.assertEqual(len(got), 1)

    def test_write_carries_the_same_key(self):
        gaff, got = self.serve(broken, AWAY, answer(201, {"_id": "1"}))
        self.assertEqual(gaff.collection("a").create({"n": 1})["_id"], "1")
        self.assertEqual(len({headers["Idempotency-Key"] for _, _, headers, _ in got}), 1)

    def test_time_is_bounded(self):
        done = threading.Event()
        self.addCleanup(done.set)
        gaff, _ = self.serve(lambda _: done.wait(10), timeout=0.2)
        with self.assertRaises(GaffError) as caught:
            gaff.collection("a").find()
        self.assertEqual(caught.exception.code, "TIMEOUT")

    def test_nobody_there(self):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
        with self.assertRaises(GaffError) as caught:
            Gaff(f"http://127.0.0.1:{port}", retries=1).redis().hook("x")
        self.assertEqual(caught.exception.code, "CONNECTION")

    def test_errors_say_what_the_server_says(self):
        fields = [{"field": "name", "message": "is required"}]
        said = {"code": "VALIDATION", "message": "no", "hook": "a.beforePOST", "fields": fields, "requestId": "r1"}
        gaff, _ = self.serve(answer(400, {"error": said}))
        with self.assertRaises(GaffError) as caught:
            gaff.collection("a").create({})
        e = caught.exception
        self.assertEqual((e.code, e.status, e.hook, e.fields, e.request_id), ("VALIDATION", 400, "a.beforePOST", fields, "r1"))

    def test_names_are_methods(self):
        gaff, got = self.serve(OK)
        self.assertEqual(gaff.redis().topUsers(10), 1)
        self.assertEqual(json.loads(got[0][3])["payload"], {"args": [10]})
        with self.assertRaises(AttributeError):
            gaff.redis()._private

    def test_connections_are_kept(self):
        gaff, got = self.serve(OK)
        for _ in range(5):
            gaff.redis().hook("x")
        self.assertEqual(len(got), 5)
        self.assertEqual(len(gaff._transport._idle), 1)


if __name__ == "__main__":
    unittest.main()
