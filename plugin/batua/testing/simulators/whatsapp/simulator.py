"""The simulator itself: takes messages, keeps them, and reports on them."""

from __future__ import annotations

import asyncio
import base64
import secrets
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from litestar import Litestar

from batua.testing.simulators.whatsapp.app import build_app
from batua.testing.simulators.whatsapp.checks import SendRequest, read_send
from batua.testing.simulators.whatsapp.errors import GraphError
from batua.testing.simulators.whatsapp.faults import FaultBox
from batua.testing.simulators.whatsapp.store import Message, MessageStore
from batua.testing.simulators.whatsapp.templates import rendered
from batua.testing.simulators.whatsapp.webhooks import StatusWebhooks

__all__ = ["WhatsAppSimulator"]

_HOLD_S = 30.0


class WhatsAppSimulator:
    """Stands in for graph.facebook.com: serve ``app`` between ``start`` and ``stop``.

    ``webhook_url`` gets the signed status webhooks; None sends none. ``store`` is a SQLite file
    that outlives the process; None keeps the messages in memory. ``templates`` maps the names
    that exist to their parameter counts; None accepts any template with any parameters.
    """

    def __init__(
        self,
        *,
        phone_number_id: str,
        access_token: str,
        app_secret: str,
        webhook_url: str | None,
        store: Path | None,
        templates: Mapping[str, int] | None = None,
    ) -> None:
        self.phone_number_id = phone_number_id
        self.access_token = access_token
        self.faults = FaultBox()
        self.app: Litestar = build_app(self)
        self._app_secret = app_secret
        self._webhook_url = webhook_url
        self._path = store
        self._templates = templates
        self._stopping = asyncio.Event()
        self._open: tuple[MessageStore, StatusWebhooks] | None = None

    async def start(self) -> None:
        """Open the store and go on reporting. A second start changes nothing."""
        if self._open is not None:
            return
        store = MessageStore(self._path)
        webhooks = StatusWebhooks(
            store,
            url=self._webhook_url,
            app_secret=self._app_secret,
            phone_number_id=self.phone_number_id,
        )
        self._stopping = asyncio.Event()
        self._open = (store, webhooks)
        webhooks.resume()

    async def stop(self) -> None:
        """Let go of held requests, end all tasks, close the store. May be called twice."""
        if self._open is None:
            return
        store, webhooks = self._open
        self._open = None
        self._stopping.set()
        await webhooks.stop()
        store.close()

    async def accept(self, body: bytes) -> Message:
        """Take a valid message. It is committed before this returns. Raises ``GraphError``."""
        request = read_send(body, self._templates)
        faults = self.faults.take()
        if faults.next_error is not None:
            raise GraphError(faults.next_error, "The simulator was told to refuse.")
        store, webhooks = self._running()
        message = _message(request)
        store.add(message, faults.planned())
        webhooks.report(message.id)
        if faults.timeout_after_accept:
            await self._hold()
        return message

    def messages(self, *, newest: int | None = None) -> list[Message]:
        """What was taken, oldest first: all, or only the ``newest`` ones."""
        store, _ = self._running()
        return store.messages(newest=newest)

    def _running(self) -> tuple[MessageStore, StatusWebhooks]:
        if self._open is None:
            raise RuntimeError("the WhatsApp simulator is not started")
        return self._open

    async def _hold(self) -> None:
        # Long enough for any client to give up, and over at once when the simulator stops.
        with suppress(TimeoutError):
            async with asyncio.timeout(_HOLD_S):
                await self._stopping.wait()
        raise GraphError(131016, "The simulator was told not to answer.")


def _message(request: SendRequest) -> Message:
    return Message(
        id="wamid." + base64.b64encode(secrets.token_bytes(24)).decode(),
        to=request.to,
        template=request.template,
        language=request.language,
        parameters=request.parameters,
        text=rendered(request.template, request.parameters),
        biz_opaque_callback_data=request.callback,
        status="accepted",
        created_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
    )
