"""What goes wrong."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, TypedDict


class FieldError(TypedDict, total=False):
    """One thing that is wrong with a message."""

    field: str
    message: str


class GaffError(Exception):
    """A call that failed.

    ``code`` is for programs: one of Gaff's, such as ``HOOK_NOT_FOUND``, one that a hook chose, or of the client itself
    ``CONNECTION`` (no answer) and ``TIMEOUT`` (not in time). After those two it is open whether the call was carried out.
    ``status`` is that of HTTP, 0 if there was no answer. ``details`` are those of methods, such as ``sqlstate``.
    """

    def __init__(
        self,
        code: str,
        message: str,
        status: int = 0,
        *,
        details: Optional[Dict[str, Any]] = None,
        fields: Optional[List[FieldError]] = None,
        hook: Optional[str] = None,
        request_id: Optional[str] = None,
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.details = details or {}
        self.fields = fields or []
        self.hook = hook
        self.request_id = request_id
