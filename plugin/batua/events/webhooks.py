"""Outbound webhooks, as Standard Webhooks has them: signed, and sent where it is safe to.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import ssl
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import httpcore
import msgspec

from batua.certificates import trusted_certificates
from batua.clock import Clock
from batua.database import Row
from batua.errors import InvalidRequest
from batua.events.addresses import Addresses, AddressRefused, GuardedBackend, Resolve
from batua.events.delivering import DeliveryFailed
from batua.events.facts import Event
from batua.events.listeners import PREFIX, WEBHOOK, secret_place
from batua.sealing import Sealer

__all__ = ["WebhookSender", "sign"]

CONNECT_S_MAX = 5.0
TOTAL_S_MAX = 15.0
MINUTE, HOUR = 60, 3600
RETRY_S = (
    5, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR,
)  # fmt: skip
"""The schedule that the specification recommends."""
GONE = 410


def sign(secret: str, *, id: str, timestamp: int, body: bytes) -> str:
    """One signature: ``v1,`` and HMAC-SHA256 over id, time and body in base64."""
    key = base64.b64decode(secret.removeprefix(PREFIX))
    signed = b".".join([id.encode(), str(timestamp).encode(), body])
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode("ascii")


class WebhookSender:
    """Sends an event to an endpoint. A 2xx is a yes; of any answer the status alone is read.

    So a body may be as long as it likes: nobody waits for it, and nothing of it is kept, which
    could be what somebody wanted fetched. A redirect is a failure. ``tls`` is what servers are
    verified by: this machine's own certificates unless told. All of it takes ``limit_s`` at most.
    """

    kind = WEBHOOK
    retry_s = RETRY_S
    failing_max = timedelta(days=5)
    is_idle = False

    def __init__(
        self,
        sealer: Sealer,
        addresses: Addresses,
        *,
        now: Clock,
        resolve: Resolve,
        tls: ssl.SSLContext | None = None,
        limit_s: float = TOTAL_S_MAX,
    ) -> None:
        self._sealer = sealer
        self._addresses = addresses
        self._now = now
        self._resolve = resolve
        self._tls = tls
        self.limit_s = limit_s

    def reaches(self, listener: Row) -> bool:
        """Any process may send."""
        return bool(listener["kind"] == self.kind)

    async def tell(self, listener: Row, event: Event[Any]) -> None:
        """Send it once. Raises ``DeliveryFailed``."""
        body = msgspec.json.encode(event)
        headers = self._headers(listener, event.id, body)
        try:
            async with asyncio.timeout(self.limit_s):
                status = await self._post(listener["url"], headers, body)
        except TimeoutError:
            raise DeliveryFailed(f"no answer within {self.limit_s:g} s") from None
        except (
            AddressRefused, InvalidRequest, httpcore.TimeoutException, httpcore.NetworkError,
            httpcore.ProtocolError,
        ) as error:  # fmt: skip
            raise DeliveryFailed(f"{type(error).__name__}: {error}") from error
        if not 200 <= status < 300:
            raise DeliveryFailed(f"HTTP {status}", is_gone=status == GONE)

    async def _post(self, url: str, headers: Sequence[tuple[str, str]], body: bytes) -> int:
        is_tls = self._addresses.require_url(url).scheme == "https"
        backend = GuardedBackend(self._addresses, self._resolve, is_tls=is_tls)
        # Connecting and the handshake, which this bounds each, end before the whole does: what is
        # cut off from outside leaves its socket to the garbage collector.
        connect_s = min(CONNECT_S_MAX, self.limit_s / 3)
        timeouts = {"connect": connect_s, "read": self.limit_s, "write": self.limit_s}
        async with (
            # No connection is kept: the next event asks anew where its name leads.
            httpcore.AsyncConnectionPool(
                ssl_context=(self._tls or trusted_certificates()) if is_tls else None,
                network_backend=backend,
                max_connections=1,
                max_keepalive_connections=0,
            ) as pool,
            pool.stream(
                "POST", url, headers=headers, content=body, extensions={"timeout": timeouts}
            ) as response,
        ):
            return int(response.status)

    def _headers(self, listener: Row, id: str, body: bytes) -> list[tuple[str, str]]:
        now = self._now()
        timestamp = int(now.timestamp())
        place = secret_place(listener["id"])
        sealed = [listener["secret"]]
        if listener["old_secret"] is not None and listener["old_until"] > now:
            sealed.append(listener["old_secret"])
        signatures = [
            sign(self._sealer.open(each, place), id=id, timestamp=timestamp, body=body)
            for each in sealed
        ]
        return [
            ("content-type", "application/json"),
            ("user-agent", "batua-webhooks"),
            ("webhook-id", id),
            ("webhook-timestamp", str(timestamp)),
            ("webhook-signature", " ".join(signatures)),
        ]
