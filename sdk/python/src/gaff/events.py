"""Events of a service's own calls."""

from __future__ import annotations

import uuid
from typing import Any, Dict

from .transport import Request, Transport


class Events:
    """Sends events as a service would."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def ask(self, service: str, operation: str, **payload: Any) -> Dict[str, Any]:
        """Asks the before hooks of a call and returns their verdict. One that stops the call is no error."""
        return self._send({**payload, "service": service, "operation": operation, "phase": "before"})

    def publish(self, service: str, operation: str, phase: str = "after", **payload: Any) -> str:
        """Tells of a call that was made, and returns the event's id once it is stored."""
        payload.setdefault("id", str(uuid.uuid4()))
        return str(self._send({**payload, "service": service, "operation": operation, "phase": phase})["id"])

    def _send(self, body: Dict[str, Any]) -> Dict[str, Any]:
        answer = self._transport.send(Request("POST", "/v1/events", body, safe=True))
        if answer.status >= 400:
            raise answer.failure()
        return dict(answer.body)
