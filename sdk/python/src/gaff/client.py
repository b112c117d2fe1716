"""The client."""

from __future__ import annotations

from typing import Any, Optional

from .documents import Collection
from .events import Events
from .services import SQL, Redis, Service
from .transport import Transport


class Gaff:
    """A client of one server, with one key. It may be shared by threads.

    ``timeout`` is in seconds, for a whole call with its retries. ``retries`` is how often a call is tried again that was
    surely not carried out, or may be twice. ``signing_secret`` signs each request, for keys made with ``--signed``.
    ``app`` is for the operator's key; other keys say it themselves.
    """

    def __init__(
        self,
        url: str = "http://127.0.0.1:8090",
        key: Optional[str] = None,
        *,
        signing_secret: Optional[str] = None,
        app: Optional[str] = None,
        timeout: float = 10.0,
        retries: int = 2,
    ) -> None:
        self._transport = Transport(url, key, signing_secret, app, timeout, retries)
        self.events = Events(self._transport)

    def redis(self, service: str = "redis") -> Redis:
        """The methods of a Redis."""
        return Redis(self._transport, service)

    def postgres(self, service: str = "postgres") -> SQL:
        """The methods of a PostgreSQL."""
        return SQL(self._transport, service)

    def mysql(self, service: str = "mysql") -> SQL:
        """The methods of a MySQL or MariaDB."""
        return SQL(self._transport, service)

    def service(self, name: str) -> Service:
        """The registered methods of any service."""
        return Service(self._transport, name)

    def collection(self, name: str) -> Collection:
        """The documents of a collection."""
        return Collection(self._transport, name)

    def close(self) -> None:
        """Closes idle connections."""
        self._transport.close()

    def __enter__(self) -> "Gaff":
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()
