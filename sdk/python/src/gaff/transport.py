"""Sends requests: in time, signed, and again where that is safe."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import random
import secrets
import socket
import ssl
import threading
import time
from dataclasses import dataclass
from typing import Any, Dict, List, Optional
from urllib.parse import urlsplit

from .errors import GaffError

_FIRST_PAUSE = 0.1
_MAX_IDLE = 8


@dataclass(frozen=True)
class Request:
    """One request. ``safe`` says that it may be carried out twice; of one with ``once`` the server takes one."""

    method: str
    path: str
    body: Any = None
    safe: bool = False
    once: Optional[str] = None


@dataclass(frozen=True)
class Answer:
    """The answer to a request: its status, and its body if it was JSON."""

    status: int
    body: Any
    request_id: Optional[str]

    def failure(self) -> GaffError:
        """Returns what an answer that is no success tells of the failure."""
        said = self.body.get("error") if isinstance(self.body, dict) else None
        if not isinstance(said, dict):
            return GaffError("SERVICE_ERROR", f"the server answered {self.status}", self.status, request_id=self.request_id)
        return GaffError(
            str(said.get("code", "SERVICE_ERROR")),
            str(said.get("message", "")),
            self.status,
            details=said.get("details"),
            fields=said.get("fields"),
            hook=said.get("hook"),
            request_id=said.get("requestId", self.request_id),
        )


class _Broken(Exception):
    """A connection that broke; ``sent`` says whether the server may have the request."""

    def __init__(self, sent: bool) -> None:
        super().__init__()
        self.sent = sent


def sign(secret: str, method: str, target: str, body: bytes) -> Dict[str, str]:
    """Returns the headers that sign a request with a key's signing secret."""
    now, nonce = str(int(time.time() * 1000)), secrets.token_hex(16)
    text = ":".join([now, nonce, method, target, hashlib.sha256(body).hexdigest()])
    mac = hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()
    return {"Gaff-Timestamp": now, "Gaff-Nonce": nonce, "Gaff-Signature": mac}


class Transport:
    """Keeps connections to one server. It may be shared by threads."""

    def __init__(
        self, url: str, key: Optional[str], signing_secret: Optional[str], app: Optional[str], timeout: float, retries: int
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("url must be one such as http://127.0.0.1:8090")
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None
        self._host, self._port, self._base = parts.hostname, parts.port, parts.path.rstrip("/")
        self._signing_secret, self._timeout, self._retries = signing_secret, timeout, retries
        self._headers = {"Accept": "application/json"}
        if key:
            self._headers["X-Api-Key"] = key
        if app:
            self._headers["Gaff-App"] = app
        self._idle: List[http.client.HTTPConnection] = []
        self._lock = threading.Lock()

    def send(self, request: Request) -> Answer:
        """Returns the answer, whatever its status. No answer is a :class:`GaffError`."""
        deadline = time.monotonic() + self._timeout
        attempt = 0
        while True:
            pause = _FIRST_PAUSE * 2**attempt * (0.5 + random.random())
            last = attempt >= self._retries or time.monotonic() + pause >= deadline
            harmless = request.safe or request.once is not None
            try:
                answer = self._try(request, deadline)
                if last or not _again(answer, harmless):
                    return answer
            except socket.timeout as e:
                raise GaffError("TIMEOUT", f"no answer within {self._timeout} s") from e
            except _Broken as e:
                if last or e.sent and not harmless:
                    raise GaffError("CONNECTION", "the server cannot be reached, or broke off") from e.__cause__
            time.sleep(pause)
            attempt += 1

    def close(self) -> None:
        """Closes idle connections; later calls make new ones."""
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _try(self, request: Request, deadline: float) -> Answer:
        body = b"" if request.body is None else json.dumps(request.body, ensure_ascii=False, allow_nan=False).encode()
        target = self._base + request.path
        headers = dict(self._headers)
        if body:
            headers["Content-Type"] = "application/json"
        if request.once:
            headers["Idempotency-Key"] = request.once
        if self._signing_secret:
            headers.update(sign(self._signing_secret, request.method, target, body))
        connection, reused = self._connect(deadline)
        try:
            connection.request(request.method, target, body or None, headers)
            response = connection.getresponse()
            text = response.read()
        except socket.timeout:
            connection.close()
            raise
        except (OSError, http.client.HTTPException) as e:
            connection.close()
            # A kept connection that the server closed meanwhile ends before anything is answered.
            unsent = isinstance(e, ConnectionRefusedError) or reused and isinstance(e, http.client.RemoteDisconnected)
            raise _Broken(sent=not unsent) from e
        self._keep(connection, response)
        return Answer(response.status, _parse(text), response.headers.get("X-Request-Id"))

    def _connect(self, deadline: float) -> "tuple[http.client.HTTPConnection, bool]":
        left = max(deadline - time.monotonic(), 0.001)
        with self._lock:
            connection = self._idle.pop() if self._idle else None
        if connection is not None and connection.sock is not None:
            connection.sock.settimeout(left)
            return connection, True
        if self._tls:
            connection = http.client.HTTPSConnection(self._host, self._port, timeout=left, context=self._tls)
        else:
            connection = http.client.HTTPConnection(self._host, self._port, timeout=left)
        try:
            connection.connect()
        except socket.timeout:
            raise
        except OSError as e:
            raise _Broken(sent=False) from e
        return connection, False

    def _keep(self, connection: http.client.HTTPConnection, response: http.client.HTTPResponse) -> None:
        with self._lock:
            if not response.will_close and len(self._idle) < _MAX_IDLE:
                self._idle.append(connection)
                return
        connection.close()


def _parse(text: bytes) -> Any:
    try:
        return json.loads(text) if text else None
    except ValueError:
        return None


def _again(answer: Answer, harmless: bool) -> bool:
    """Reports whether the same request may succeed in a moment, and was not carried out or may be twice."""
    if answer.status not in (429, 503):
        return False
    return harmless or answer.failure().details.get("outcome") != "unknown"
