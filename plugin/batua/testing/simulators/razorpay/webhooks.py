"""Webhooks: signed over their exact bytes, delivered at least once, retried, kept on disk.

Sources: MD:webhooks/validate-test.md and best-practices.md, 2026-11-22: 2xx within five seconds,
else exponential backoff for a day; the order is not guaranteed; the event id stays the same.
"""

from __future__ import annotations

import asyncio
import hmac
import json
from collections.abc import Callable
from hashlib import sha256

import httpx

from batua.testing.simulators.razorpay.entities import Document, new_id
from batua.testing.simulators.razorpay.faults import Faults
from batua.testing.simulators.razorpay.store import Store

__all__ = ["Webhooks"]

_TIMEOUT_S = 5.0
_GIVE_UP_S = 24 * 3600
_WAIT_MAX_S = 3600.0
_REORDER_WAIT_S = 0.1
_AT_ONCE_MAX = 16


class Webhooks:
    """Writes events into the store and delivers those that are due."""

    def __init__(
        self,
        store: Store,
        faults: Faults,
        *,
        url: str | None,
        secret: str,
        clock: Callable[[], float],
        backoff_s: float,
    ) -> None:
        self.url = url
        self._store = store
        self._faults = faults
        self._secret = secret.encode()
        self._clock = clock
        self._backoff_s = backoff_s
        self._changed = asyncio.Event()
        self._waiting: dict[str, float] = {}
        self._running: asyncio.Task[None] | None = None

    def emit(self, name: str, parts: Document) -> None:
        """Write the event; called inside the transaction of what it tells."""
        now, faults = self._clock(), self._faults.webhooks
        envelope = {
            "entity": "event",
            "account_id": "acc_SimulatorAcc01",
            "event": name,
            "contains": list(parts),
            "payload": {part: {"entity": entity} for part, entity in parts.items()},
            "created_at": int(now),
        }
        event = {
            "id": new_id("evt"),
            "event": name,
            "body": json.dumps(envelope, separators=(",", ":")),
            "state": "lost" if faults.lose or self.url is None else "waiting",
            "attempts": 0,
            "created_at": now,
            "next_at": now + faults.delay_s + (_REORDER_WAIT_S if faults.reorder else 0),
        }
        self._keep(event)

    def replay(self) -> int:
        """Send every event again, as Razorpay does on request. Returns how many there are."""
        events = self._store.all("event")
        with self._store.transaction():
            for event in events:
                now = self._clock()
                again = {"state": "waiting", "attempts": 0, "created_at": now, "next_at": now}
                self._keep(event | again)
        return len(events)

    def events(self) -> list[Document]:
        """Every event with how far it got."""
        return self._store.all("event")

    def start(self) -> None:
        """Deliver from now on, beginning with what a killed process left behind."""
        if self._running is None:
            for event in self._store.all("event"):
                if event["state"] == "waiting":
                    self._waiting[event["id"]] = event["next_at"]
            self._running = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Stop delivering; what is under way is cut off and stays due."""
        running, self._running = self._running, None
        if running is not None:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
        self._waiting.clear()

    def _keep(self, event: Document) -> None:
        self._store.put("event", event)
        if event["state"] == "waiting":
            self._waiting[event["id"]] = event["next_at"]
        else:
            self._waiting.pop(event["id"], None)
        self._changed.set()

    async def _run(self) -> None:
        limits = httpx.Limits(max_connections=_AT_ONCE_MAX)
        async with (
            httpx.AsyncClient(timeout=_TIMEOUT_S, limits=limits, trust_env=False) as http,
            asyncio.TaskGroup() as tasks,
        ):
            while True:
                self._changed.clear()
                if due := self._take_due():
                    tasks.create_task(self._deliver_all(http, due))
                try:
                    # Not wait_for: Python 3.11's may swallow the cancellation that stops this.
                    async with asyncio.timeout(self._wait_s()):
                        await self._changed.wait()
                except TimeoutError:
                    continue

    def _take_due(self) -> list[str]:
        now = self._clock()
        due = [event_id for event_id, next_at in self._waiting.items() if next_at <= now]
        for event_id in due:
            del self._waiting[event_id]
        return due

    def _wait_s(self) -> float:
        next_at = min(self._waiting.values(), default=self._clock() + _WAIT_MAX_S)
        return min(_WAIT_MAX_S, max(0.001, next_at - self._clock()))

    async def _deliver_all(self, http: httpx.AsyncClient, due: list[str]) -> None:
        if self._faults.webhooks.reorder:
            for event_id in reversed(due):
                await self._deliver(http, event_id)
            return
        await asyncio.gather(*(self._deliver(http, event_id) for event_id in due))

    async def _deliver(self, http: httpx.AsyncClient, event_id: str) -> None:
        event = self._store.get("event", event_id)
        if event is None or self.url is None:
            return
        copies = 1 + self._faults.webhooks.duplicate
        taken = await asyncio.gather(*(self._send(http, event) for _ in range(copies)))
        event["attempts"] += 1
        if any(taken):
            event["state"] = "delivered"
        elif self._clock() - event["created_at"] >= _GIVE_UP_S:
            event["state"] = "dropped"
        else:
            wait_s = self._backoff_s * 2 ** min(event["attempts"] - 1, 30)
            event["next_at"] = self._clock() + min(wait_s, _WAIT_MAX_S)
        self._keep(event)

    async def _send(self, http: httpx.AsyncClient, event: Document) -> bool:
        body = event["body"].encode()
        headers = {
            "content-type": "application/json",
            "user-agent": "Razorpay-Webhook/v1",
            "x-razorpay-event-id": event["id"],
            "x-razorpay-signature": hmac.new(self._secret, body, sha256).hexdigest(),
        }
        try:
            answer = await http.post(str(self.url), content=body, headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL):
            return False
        return answer.is_success
