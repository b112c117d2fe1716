"""Calls named methods."""

from __future__ import annotations

import uuid
from typing import Any, Callable, Dict, Optional, Sequence

from .transport import Request, Transport


class Service:
    """The methods of one service.

    A name that the service does not have itself calls the registered method of that name with its arguments:
    ``redis.topUsers(10)``.
    """

    def __init__(self, transport: Transport, name: str) -> None:
        self._transport = transport
        self._name = name

    def hook(
        self,
        method: str,
        *,
        keys: Optional[Sequence[Any]] = None,
        args: Optional[Sequence[Any]] = None,
        params: Optional[Sequence[Any]] = None,
    ) -> Any:
        """Calls a registered method and returns its result.

        Lua scripts take keys and args, macros args, SQL templates params. A call is tried again only if it was surely not
        carried out.
        """
        given = {"keys": keys, "args": args, "params": params}
        return self._invoke(method, {name: list(values) for name, values in given.items() if values is not None})

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("_"):
            raise AttributeError(name)
        return lambda *args: self.hook(name, args=args)

    def _invoke(self, method: str, payload: Dict[str, Any]) -> Any:
        body = {"requestId": str(uuid.uuid4()), "service": self._name, "method": method, "payload": payload}
        answer = self._transport.send(Request("POST", "/rpc", body))
        if answer.status != 200 or not isinstance(answer.body, dict) or answer.body.get("ok") is not True:
            raise answer.failure()
        return answer.body.get("result")


class Redis(Service):
    """Redis: registered Lua scripts and macros, and commands."""

    def call(self, command: str, *args: Any) -> Any:
        """One command: ``call("GET", "user:1")``."""
        return self._invoke("call", {"command": command, "args": list(args)})

    def pipeline(self, commands: Sequence[Sequence[Any]]) -> Any:
        """Several commands at once, each for itself."""
        return self._invoke("pipeline", {"commands": [list(c) for c in commands]})

    def multi(self, commands: Sequence[Sequence[Any]]) -> Any:
        """Several commands, all or nothing."""
        return self._invoke("multi", {"commands": [list(c) for c in commands]})


class SQL(Service):
    """A database: registered templates and macros, and statements of one's own.

    Parameters are ``$1`` on PostgreSQL and ``?`` on MySQL. Whole numbers beyond 2^53 come as text.
    """

    def query(self, sql: str, params: Sequence[Any] = ()) -> Any:
        """One statement; the answer has rows and fields."""
        return self._invoke("query", {"sql": sql, "params": list(params)})

    def transaction(self, statements: Sequence[Dict[str, Any]]) -> Any:
        """Several statements ``{"sql", "params"}``, all or nothing."""
        return self._invoke("transaction", {"statements": list(statements)})
