"""Webhooks: signed over their exact bytes, delivered at least once, retried, kept on disk."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from typing import Any

import httpx

from batua.certificates import trusted_certificates
from batua.testing.simulators.kit.faults import Faults
from batua.testing.simulators.kit.store import Store

__all__ = ["Sign", "Webhooks"]

Document = dict[str, Any]

Sign = Callable[[str, bytes, bool], Mapping[str, str]]
"""The headers of a delivery: of an event id, its body, and whether the old secret signs."""

_WAIT_MAX_S = 3600.0
_REORDER_WAIT_S = 0.1
_AT_ONCE_MAX = 16
_AMOUNT = re.compile(rb"""(amount["']?\s*[:=]\s*["']?)(\d)""", re.IGNORECASE)


class Webhooks:
    """Writes events into the store and delivers those that are due.

    A delivery counts when it is answered with 2xx within ``timeout_s``; else it is tried again,
    ever more rarely, until ``give_up_s`` have passed. ``forged_answers`` of an event are the
    statuses with which altered copies of it were answered; 0 stands for no answer.
    """

    def __init__(
        self,
        store: Store,
        faults: Faults,
        *,
        url: str | None,
        sign: Sign,
        clock: Callable[[], float],
        backoff_s: float,
        timeout_s: float,
        give_up_s: float,
    ) -> None:
        self.url = url
        self._store = store
        self._faults = faults
        self._sign = sign
        self._timeout_s = timeout_s
        self._give_up_s = give_up_s
        self._clock = clock
        self._backoff_s = backoff_s
        self._changed = asyncio.Event()
        self._waiting: dict[str, float] = {}
        self._running: asyncio.Task[None] | None = None

    def emit(self, event_id: str, name: str, body: str) -> None:
        """Write the event; called inside the transaction of what it tells."""
        now, faults = self._clock(), self._faults.webhooks
        self._keep(
            {
                "id": event_id,
                "event": name,
                "body": body,
                "state": "lost" if faults.lose or self.url is None else "waiting",
                "attempts": 0,
                "forged_answers": [],
                "created_at": now,
                "next_at": now + faults.delay_s + (_REORDER_WAIT_S if faults.reorder else 0),
            }
        )

    def replay(self) -> int:
        """Send every event again, as providers do on request. Returns how many there are."""
        events = self._store.all("event")
        with self._store.transaction():
            for event in events:
                now = self._clock()
                again = {"state": "waiting", "attempts": 0, "created_at": now, "next_at": now}
                self._keep(event | again)
        return len(events)

    def events(self, *, skip: int = 0) -> list[Document]:
        """Every event with how far it got, oldest first, but for the ``skip`` first ones."""
        return self._store.all("event", skip=skip)

    def start(self) -> None:
        """Deliver from now on, beginning with what a killed process left behind."""
        if self._running is None:
            self._changed = asyncio.Event()  # of the loop that runs now
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
            httpx.AsyncClient(
                verify=trusted_certificates(),
                timeout=self._timeout_s,
                limits=limits,
                trust_env=False,
            ) as http,
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
        if due and self._faults.webhooks.reorder:
            # Those that came while the first one waited go before it.
            soon = now + _REORDER_WAIT_S
            due = [event_id for event_id, next_at in self._waiting.items() if next_at <= soon]
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
        faults, body = self._faults.webhooks, event["body"].encode()
        headers = {
            "content-type": "application/json",
            **self._sign(event_id, body, faults.old_secret),
        }
        for _ in range(faults.forge):
            answer = await self._send(http, _forged(body), headers)
            event["forged_answers"].append(answer)
        copies = (self._send(http, body, headers) for _ in range(1 + faults.duplicate))
        taken = [200 <= status < 300 for status in await asyncio.gather(*copies)]
        event["attempts"] += 1
        if any(taken):
            event["state"] = "delivered"
        elif self._clock() - event["created_at"] >= self._give_up_s:
            event["state"] = "dropped"
        else:
            wait_s = self._backoff_s * 2 ** min(event["attempts"] - 1, 30)
            event["next_at"] = self._clock() + min(wait_s, _WAIT_MAX_S)
        self._keep(event)

    async def _send(self, http: httpx.AsyncClient, body: bytes, headers: Mapping[str, str]) -> int:
        try:
            answer = await http.post(str(self.url), content=body, headers=dict(headers))
        except (httpx.HTTPError, httpx.InvalidURL):
            return 0
        return answer.status_code


def _forged(body: bytes) -> bytes:
    """The body with other amounts in it, or with a byte more where it tells none."""
    other = _AMOUNT.sub(lambda found: found[1] + (b"8" if found[2] == b"9" else b"9"), body)
    return other if other != body else body + b" "
