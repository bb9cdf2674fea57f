"""Tells the webhook's owner how far each message got, signed and retried as Meta does it."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
from typing import Any

import httpx

from batua.certificates import trusted_certificates
from batua.testing.simulators.whatsapp.errors import title_of
from batua.testing.simulators.whatsapp.store import Message, MessageStore, Report

__all__ = ["StatusWebhooks", "signature", "status_body"]

# Meta retries for days; here a dead listener is given up after about two minutes. What was not
# taken is tried again at the next start.
_ATTEMPTS = 30
_BACKOFF_S_MIN = 0.05
_BACKOFF_S_MAX = 5.0
_TIMEOUT_S = 5.0
_AT_ONCE = 16


def signature(app_secret: str, body: bytes) -> str:
    """The value of ``X-Hub-Signature-256`` for these bytes."""
    return "sha256=" + hmac.new(app_secret.encode(), body, hashlib.sha256).hexdigest()


def status_body(message: Message, report: Report, *, phone_number_id: str) -> bytes:
    """A status webhook's bytes, with Unicode escaped as Meta does it.

    Shape: tests/data/updates/message_status.json of github david-lev/pywa @0bcf2f19.
    """
    status: dict[str, Any] = {
        "id": message.id,
        "status": report.status,
        "timestamp": str(int(time.time())),
        "recipient_id": message.to,
        "pricing": {"billable": True, "pricing_model": "PMP", "category": "utility"},
    }
    if message.biz_opaque_callback_data is not None:
        status["biz_opaque_callback_data"] = message.biz_opaque_callback_data
    if report.error_code is not None:
        status["errors"] = [_error(report.error_code)]
    value = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "15550000000", "phone_number_id": phone_number_id},
        "contacts": [{"profile": {"name": "Customer"}, "wa_id": message.to}],
        "statuses": [status],
    }
    changes = [{"field": "messages", "value": value}]
    entry = [{"id": "5467539754836534", "changes": changes}]
    return json.dumps({"object": "whatsapp_business_account", "entry": entry}).encode()


def _error(code: int) -> dict[str, Any]:
    title = title_of(code)
    details = {"details": f"{title}, as the simulator was told"}
    return {"code": code, "title": title, "message": title, "error_data": details}


class StatusWebhooks:
    """One task per message, so that a slow answer holds up only that message's statuses."""

    def __init__(
        self, store: MessageStore, *, url: str | None, app_secret: str, phone_number_id: str
    ) -> None:
        self._store = store
        self._url = url
        self._app_secret = app_secret
        self._phone_number_id = phone_number_id
        self._http = httpx.AsyncClient(
            verify=trusted_certificates(), trust_env=False, timeout=_TIMEOUT_S
        )
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._tasks: set[asyncio.Task[None]] = set()

    def resume(self) -> None:
        """Go on with what an earlier process left unreported."""
        for message_id in self._store.unreported():
            self.report(message_id)

    def report(self, message_id: str) -> None:
        """Report the statuses of a message in the background."""
        task = asyncio.create_task(self._report(message_id))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        """Drop what is under way; it stays unreported in the store."""
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._http.aclose()

    async def _report(self, message_id: str) -> None:
        for report in self._store.reports(message_id):
            self._store.reach(message_id, report.status)
            body = status_body(
                self._store.message(message_id), report, phone_number_id=self._phone_number_id
            )
            if self._url is not None and not await self._delivered(self._url, body):
                return
            self._store.mark_sent(report)

    async def _delivered(self, url: str, body: bytes) -> bool:
        for attempt in range(_ATTEMPTS):
            if await self._taken(url, body):
                return True
            await asyncio.sleep(min(_BACKOFF_S_MIN * 2**attempt, _BACKOFF_S_MAX))
        return False

    async def _taken(self, url: str, body: bytes) -> bool:
        headers = {
            "Content-Type": "application/json",
            "X-Hub-Signature-256": signature(self._app_secret, body),
        }
        async with self._slots:
            try:
                response = await self._http.post(url, content=body, headers=headers)
            except httpx.HTTPError:
                return False
        return response.status_code == 200
