"""The simulator as one object: an ASGI app, its books and its webhooks."""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping
from hashlib import sha256
from typing import ClassVar, Unpack

from litestar import Litestar
from litestar.exceptions import MethodNotAllowedException, NotFoundException
from litestar.types import Scope

from batua.testing.simulators.kit.faults import Broken
from batua.testing.simulators.kit.simulator import Served, Simulator
from batua.testing.simulators.razorpay.asking import AllBooks, refusal
from batua.testing.simulators.razorpay.books import Books
from batua.testing.simulators.razorpay.checkout import CHECKOUT_ROUTES
from batua.testing.simulators.razorpay.control import razorpay_control_routes
from batua.testing.simulators.razorpay.disputes import DisputeBooks, SettlementBooks
from batua.testing.simulators.razorpay.entities import Document, Refused, new_id
from batua.testing.simulators.razorpay.refunds import RefundBooks
from batua.testing.simulators.razorpay.routes import API_ROUTES, unknown_url
from batua.testing.simulators.razorpay.switches import new_faults
from batua.testing.simulators.razorpay.tokens import TokenBooks

__all__ = ["RazorpaySimulator"]

_TOO_MANY = (
    b'{"error":{"code":"BAD_REQUEST_ERROR","description":"Request failed",'
    b'"source":"NA","step":"NA","reason":"NA","metadata":{}}}'
)
_TROUBLE = b'{"error":{"code":"SERVER_ERROR","description":"We are facing some trouble"}}'
_OLD_SECRET = "simulator_old_webhook_secret"  # noqa: S105 - opens nothing but this simulator


class RazorpaySimulator(Simulator):
    """Razorpay on loopback, by its published protocol, with faults on demand.

    Webhooks: 2xx within five seconds, else exponential backoff for a day; the order is not
    guaranteed; the event id stays the same (MD:webhooks/validate-test.md and best-practices.md,
    2026-11-22). ``old_webhook_secret`` signs where the fault ``old_secret`` is set.
    """

    code: ClassVar[str] = "razorpay"
    name: ClassVar[str] = "Razorpay"
    secrets: ClassVar[Mapping[str, str]] = {"key_secret": "", "webhook_secret": ""}
    webhook_timeout_s: ClassVar[float] = 5.0
    webhook_give_up_s: ClassVar[float] = 24 * 3600.0

    def __init__(
        self,
        *,
        key_id: str = "rzp_test_simulator",
        key_secret: str = "simulator_key_secret",  # noqa: S107 - opens nothing but this simulator
        webhook_secret: str = "simulator_webhook_secret",  # noqa: S107
        old_webhook_secret: str = _OLD_SECRET,
        **served: Unpack[Served],
    ) -> None:
        self.key_id = key_id
        self.key_secret = key_secret
        self.webhook_secret = webhook_secret
        self.old_webhook_secret = old_webhook_secret
        # While an answer is owed, Razorpay calls the idempotency key in progress.
        self._keys_in_progress: set[str] = set()
        super().__init__(
            new_faults(),
            **served,
        )

    def forget(self) -> None:
        super().forget()
        self._keys_in_progress.clear()

    def build(self) -> Litestar:
        payments = Books(
            self.store,
            self.faults,
            key_secret=self.key_secret,
            now=lambda: int(self.clock()),
            emit=self._emit,
        )
        books = AllBooks(
            payments,
            RefundBooks(payments),
            DisputeBooks(payments),
            SettlementBooks(payments),
            TokenBooks(payments),
        )
        state = {
            "books": books,
            "faults": self.faults,
            "keys_in_progress": self._keys_in_progress,
            "credentials": f"{self.key_id}:{self.key_secret}",
            "key_id": self.key_id,
        }
        return self.app_of(
            [*API_ROUTES, *CHECKOUT_ROUTES, *razorpay_control_routes(self, books)],
            state=state,
            refusals={
                Refused: refusal,
                NotFoundException: unknown_url,
                MethodNotAllowedException: unknown_url,
            },
        )

    def settings(self) -> dict[str, str]:
        return {
            "BATUA_RAZORPAY_KEY_ID": self.key_id,
            "BATUA_RAZORPAY_KEY_SECRET": self.key_secret,
            "BATUA_RAZORPAY_WEBHOOK_SECRET": self.webhook_secret,
            "BATUA_RAZORPAY_BASE_URL": self.public_url,
            "BATUA_RAZORPAY_CHECKOUT_URL": self.checkout_url,
            # A payment in a UPI app wants somebody to write to.
            "BATUA_RAZORPAY_PAYER_EMAIL": "payer@shop.example",
            "BATUA_RAZORPAY_PAYER_PHONE": "+915550000000",
        }

    def sign(
        self,
        event_id: str,
        body: bytes,
        old_secret: bool,  # noqa: FBT001 - a Sign
    ) -> Mapping[str, str]:
        secret = self.old_webhook_secret if old_secret else self.webhook_secret
        return {
            "x-razorpay-signature": hmac.new(secret.encode(), body, sha256).hexdigest(),
            "x-razorpay-event-id": event_id,
        }

    @property
    def broken(self) -> Broken:
        return Broken(_TROUBLE, _TOO_MANY, self._hanging)

    def is_api(self, path: str) -> bool:
        return "/v1/" in path and not path.endswith("/checkout")

    @property
    def checkout_url(self) -> str:
        """The page where a person pays, below ``public_url``: for the gateway's setting."""
        return f"{self.public_url}/v1/checkout"

    def _emit(self, name: str, parts: Document) -> None:
        envelope = {
            "entity": "event",
            "account_id": "acc_SimulatorAcc01",
            "event": name,
            "contains": list(parts),
            "payload": {part: {"entity": entity} for part, entity in parts.items()},
            "created_at": int(self.clock()),
        }
        self.webhooks.emit(new_id("evt"), name, json.dumps(envelope, separators=(",", ":")))

    def _hanging(self, scope: Scope, hangs: bool) -> None:  # noqa: FBT001 - called by Broken
        key = dict(scope["headers"]).get(b"x-refund-idempotency", b"").decode("latin-1")
        if hangs and key:
            self._keys_in_progress.add(key)
        else:
            self._keys_in_progress.discard(key)
