"""Documents of collections."""

from __future__ import annotations

import json
import uuid
from typing import Any, Dict, List, Optional, Union
from urllib.parse import quote, urlencode

from .transport import Request, Transport

Document = Dict[str, Any]


class Collection:
    """The documents of one collection. Writes are safe to try again: the server carries each out once."""

    def __init__(self, transport: Transport, name: str) -> None:
        self._transport = transport
        self._path = "/rest/" + quote(name, safe="")

    def find(self, query: Optional[Document] = None, hint: Optional[Document] = None) -> List[Document]:
        """Returns the documents that a query selects, at most 1,000 unless the hint says otherwise."""
        params = {name: json.dumps(value) for name, value in (("q", query), ("h", hint)) if value is not None}
        path = self._path + ("?" + urlencode(params) if params else "")
        return self._send(Request("GET", path, safe=True))

    def get(self, id: str) -> Document:
        """Returns one document."""
        return self._send(Request("GET", self._of(id), safe=True))

    def create(self, document: Union[Document, List[Document]]) -> Any:
        """Creates a document, or several, and returns what was stored."""
        return self._write("POST", self._path, document)

    def replace(self, id: str, document: Document) -> Document:
        """Puts another document in its place."""
        return self._write("PUT", self._of(id), document)

    def update(self, id: str, fields: Document) -> Document:
        """Sets the given fields."""
        return self._write("PATCH", self._of(id), fields)

    def delete(self, id: str) -> None:
        """Removes a document."""
        self._write("DELETE", self._of(id))

    def delete_where(self, query: Document) -> List[str]:
        """Removes all that a query selects, and returns their ids."""
        return self._write("DELETE", self._path + "/*?" + urlencode({"q": json.dumps(query)}))["result"]

    def _of(self, id: str) -> str:
        return self._path + "/" + quote(id, safe="")

    def _write(self, method: str, path: str, body: Any = None) -> Any:
        return self._send(Request(method, path, body, once=str(uuid.uuid4())))

    def _send(self, request: Request) -> Any:
        answer = self._transport.send(request)
        if answer.status >= 400:
            raise answer.failure()
        return answer.body
