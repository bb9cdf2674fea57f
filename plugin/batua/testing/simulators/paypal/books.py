"""What every part of PayPal's books shares: finding, idempotency, and telling by webhook."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from batua.testing.simulators.kit.faults import Faults
from batua.testing.simulators.kit.store import Store
from batua.testing.simulators.paypal.collisions import twin_of
from batua.testing.simulators.paypal.documents import iso, new_id
from batua.testing.simulators.paypal.errors import Document, not_found
from batua.testing.simulators.paypal.views import Views

__all__ = ["DAYS", "HOURS", "TWIN", "Books", "Emit"]

HOURS = 3600
DAYS = 24 * HOURS

TWIN = "~same-crc"
"""What the id of an event ends with whose body was replaced by one of the same CRC-32."""

Emit = Callable[[str, str, str], None]


class Books:
    """Every change is one database transaction, together with the webhooks that it fires."""

    def __init__(
        self,
        store: Store,
        faults: Faults,
        views: Views,
        *,
        clock: Callable[[], float],
        emit: Emit,
    ) -> None:
        self.store = store
        self.faults = faults
        self.views = views
        self._clock = clock
        self._emit = emit

    @property
    def now(self) -> str:
        return iso(self._clock())

    def found(self, kind: str, document_id: str) -> Document:
        """Raises ``Refused`` with HTTP 404."""
        document = self.store.get(kind, document_id)
        if document is None:
            raise not_found()
        return document

    def changed(self, kind: str, document: Document) -> Document:
        """Keep the document, as changed now."""
        document["update_time"] = self.now
        self.store.put(kind, document)
        return document

    @contextmanager
    def once(self, deed: str, request_id: str | None, *, kept_s: int) -> Iterator[_Once]:
        """A transaction that knows what the same ``PayPal-Request-Id`` did before.

        Kept ``kept_s`` seconds, and only where it succeeded; a replay answers with the latest
        status (DOC reference/guidelines/idempotency, 2026-11-22). What a replay with another body
        does is not documented: here the body is not looked at.
        """
        with self.store.transaction():
            key = f"{deed}|{request_id}"
            known = self.store.get("request", key) if request_id is not None else None
            is_kept = known is not None and self._clock() - known["at"] < kept_s
            once = _Once(known["result"] if known is not None and is_kept else None)
            yield once
            if request_id is not None and once.result is not None and not is_kept:
                self.store.put("request", {"id": key, "result": once.result, "at": self._clock()})

    def tell(self, name: str, resource_type: str, summary: str, resource: Document) -> None:
        """Fire a webhook; inside the transaction of what it tells."""
        event_id = f"WH-{new_id()}-{new_id()}"
        path = f"{self.views.url}/v1/notifications/webhooks-events/{event_id}"
        event = {
            "id": event_id,
            "event_version": "1.0",
            "create_time": self.now.replace("Z", ".000Z"),
            "resource_type": resource_type,
            "event_type": name,
            "summary": summary,
            "resource": resource,
            "links": [
                {"href": path, "rel": "self", "method": "GET"},
                {"href": f"{path}/resend", "rel": "resend", "method": "POST"},
            ],
        }
        # Disputes' samples alone have no version of their resource.
        event |= {} if resource_type == "dispute" else {"resource_version": "2.0"}
        body = json.dumps(event, separators=(",", ":"))
        self._emit(event_id, name, body)
        twin = twin_of(body) if self.faults["same_crc"] else None
        if twin is not None:
            self._emit(event_id + TWIN, name, twin)


class _Once:
    """``result`` is the id that the same request made before, or None; to be set when made."""

    def __init__(self, result: str | None) -> None:
        self.result = result
