"""``Idempotency-Key``: the first answer of a key is its answer for a day, a 500 included.

Source: docs.stripe.com/api/idempotent_requests, 2026-11-22.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from batua.testing.simulators.kit.faults import Faults
from batua.testing.simulators.kit.store import Store
from batua.testing.simulators.stripe.entities import Document, Refused

__all__ = ["CRASH", "Answer", "Keys"]

CRASH: Document = {"error": {"type": "api_error", "message": "An unexpected error occurred."}}

_LENGTH_MAX = 255


@dataclass(frozen=True, slots=True)
class Answer:
    """``is_run`` says that the endpoint had begun to run, so that a key keeps the answer."""

    status: int
    body: Document
    is_run: bool = True
    is_repeated: bool = False


class Keys:
    """Runs a request together with keeping its answer, in one database transaction.

    ``in_progress`` are the keys to which an answer is owed.
    """

    def __init__(self, store: Store, faults: Faults, *, now: Callable[[], int]) -> None:
        self.in_progress: set[str] = set()
        self._store = store
        self._faults = faults
        self._now = now

    def answer(self, key: str, path: str, fields: Document, run: Callable[[], Document]) -> Answer:
        with self._store.transaction():
            if not key:
                return _ran(run)
            kept = self._kept(key, path, fields)
            if kept is not None:
                return kept
            answer = self._crashing(run)
            if answer.is_run:
                self._store.put("key", self._entry(key, path, fields, answer))
            return answer

    def _entry(self, key: str, path: str, fields: Document, answer: Answer) -> Document:
        return {
            "id": key,
            "for": _request(path, fields),
            "status": answer.status,
            "body": answer.body,
            "at": self._now(),
        }

    def _kept(self, key: str, path: str, fields: Document) -> Answer | None:
        if len(key) > _LENGTH_MAX:
            return _error(400, "Idempotency keys have at most 255 characters.")
        if key in self.in_progress:
            return _error(
                409,
                "There is currently another in-progress request using this idempotency key.",
                code="idempotency_key_in_use",
            )
        kept = self._store.get("key", key)
        if kept is None or self._now() - kept["at"] >= self._faults["keys_live_s"]:
            return None
        if kept["for"] != _request(path, fields):
            return _error(
                self._faults["idempotency_status"],
                "Keys for idempotent requests can only be used with the same parameters they were "
                "first used with.",
            )
        return Answer(kept["status"], kept["body"], is_repeated=True)

    def _crashing(self, run: Callable[[], Document]) -> Answer:
        crash = self._faults["crash"]
        answer = _ran(run) if crash != "before" else Answer(500, CRASH)
        return Answer(500, CRASH) if crash == "after" and answer.is_run else answer


def _ran(run: Callable[[], Document]) -> Answer:
    try:
        return Answer(200, run())
    except Refused as refused:
        # What was written before it stays: a declined try is a fact.
        return Answer(refused.status, refused.body, is_run=refused.is_run)


def _request(path: str, fields: Document) -> str:
    return json.dumps([path, fields], sort_keys=True)


def _error(status: int, message: str, **more: Any) -> Answer:
    error = {"type": "idempotency_error", "message": message, **more}
    return Answer(status, {"error": error}, is_run=False)
