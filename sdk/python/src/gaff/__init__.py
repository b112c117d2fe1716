"""Client of Gaff: named methods, documents and events.

A :class:`Gaff` may be shared by threads. It needs nothing but the standard library.
"""

from .client import Gaff
from .documents import Collection
from .errors import FieldError, GaffError
from .events import Events
from .services import SQL, Redis, Service

__all__ = ["SQL", "Collection", "Events", "FieldError", "Gaff", "GaffError", "Redis", "Service"]
