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
from batua.testing.simulators.stripe.aftermath import Aftermath
from batua.testing.simulators.stripe.books import Books
from batua.testing.simulators.stripe.checkout import CHECKOUT_ROUTES
from batua.testing.simulators.stripe.control import stripe_control_routes
from batua.testing.simulators.stripe.entities import Document, Refused, new_id
from batua.testing.simulators.stripe.keys import CRASH, Keys
from batua.testing.simulators.stripe.routes import API_ROUTES, refusal, unknown_url
from batua.testing.simulators.stripe.switches import new_faults

__all__ = ["StripeSimulator"]

_API_VERSION = "2026-10-28.endive"
_TOO_MANY = {
    "error": {"type": "invalid_request_error", "code": "rate_limit", "message": "Too many requests"}
}
# They open nothing but this simulator.
_SECRET_KEY = "sk_test_simulator"  # noqa: S105
_WEBHOOK_SECRET = "whsec_simulator"  # noqa: S105
_OLD_SECRET = "whsec_simulator_old"  # noqa: S105


class StripeSimulator(Simulator):
    """Stripe on loopback, by its published protocol, with faults on demand.

    Webhooks: live mode retries for three days with exponential backoff, in no certain order
    (docs.stripe.com/webhooks, 2026-11-22); how soon an answer must come is not published.
    ``old_webhook_secret`` signs where the fault ``old_secret`` is set. The mode is that of
    ``secret_key``.
    """

    code: ClassVar[str] = "stripe"
    name: ClassVar[str] = "Stripe"
    secrets: ClassVar[Mapping[str, str]] = {"secret_key": "sk_test_", "webhook_secret": "whsec_"}
    webhook_timeout_s: ClassVar[float] = 10.0
    webhook_give_up_s: ClassVar[float] = 3 * 24 * 3600.0

    def __init__(
        self,
        *,
        secret_key: str = _SECRET_KEY,
        webhook_secret: str = _WEBHOOK_SECRET,
        old_webhook_secret: str = _OLD_SECRET,
        **served: Unpack[Served],
    ) -> None:
        self.secret_key = secret_key
        self.livemode = secret_key.startswith(("sk_live_", "rk_live_"))
        self.publishable_key = "pk_live_simulator" if self.livemode else "pk_test_simulator"
        self.webhook_secret = webhook_secret
        self.old_webhook_secret = old_webhook_secret
        super().__init__(
            new_faults(),
            **served,
        )

    def build(self) -> Litestar:
        books = Books(self.store, emit=self._emit, now=self._now, livemode=self.livemode)
        aftermath = Aftermath(books)
        self._keys = Keys(self.store, self.faults, now=self._now)
        state = {
            "books": books,
            "aftermath": aftermath,
            "idempotency": self._keys,
            "faults": self.faults,
            "secret_key": self.secret_key,
            "publishable_key": self.publishable_key,
        }
        return self.app_of(
            [*API_ROUTES, *CHECKOUT_ROUTES, *stripe_control_routes(self, books, aftermath)],
            state=state,
            refusals={
                Refused: refusal,
                NotFoundException: unknown_url,
                MethodNotAllowedException: unknown_url,
            },
        )

    def settings(self) -> dict[str, str]:
        return {
            "BATUA_STRIPE_SECRET_KEY": self.secret_key,
            "BATUA_STRIPE_PUBLISHABLE_KEY": self.publishable_key,
            "BATUA_STRIPE_WEBHOOK_SECRET": self.webhook_secret,
            "BATUA_STRIPE_BASE_URL": self.public_url,
            "BATUA_STRIPE_CHECKOUT_URL": self.checkout_url,
        }

    def sign(self, event_id: str, body: bytes, old_secret: bool) -> Mapping[str, str]:  # noqa: FBT001 - a Sign
        """``Stripe-Signature`` of this moment: each delivery is signed anew."""
        del event_id
        secret = self.old_webhook_secret if old_secret else self.webhook_secret
        sent_at = self._now()
        signed = f"{sent_at}.".encode() + body
        v1 = hmac.new(secret.encode(), signed, sha256).hexdigest()
        # v0 is a fake that Stripe adds to test events; a reader must ignore it.
        return {"stripe-signature": f"t={sent_at},v1={v1},v0={'0' * 64}"}

    @property
    def broken(self) -> Broken:
        return Broken(json.dumps(CRASH).encode(), json.dumps(_TOO_MANY).encode(), self._hanging)

    def is_api(self, path: str) -> bool:
        return "/v1/" in path

    @property
    def checkout_url(self) -> str:
        """The page where a person pays, below ``public_url``: for the gateway's setting."""
        return f"{self.public_url}/checkout"

    def _now(self) -> int:
        return int(self.clock())

    def _emit(self, name: str, entity: Document) -> None:
        """Tell a change by an event, or by two of them where the switch says so."""
        for _ in range(2 if self.faults["twin_events"] else 1):
            event_id = new_id("evt")
            envelope = {
                "id": event_id,
                "object": "event",
                "api_version": _API_VERSION,
                "created": self._now(),
                "data": {"object": entity},
                "livemode": self.livemode,
                "pending_webhooks": 1,
                "request": {"id": new_id("req"), "idempotency_key": None},
                "type": name,
            }
            self.webhooks.emit(event_id, name, json.dumps(envelope, separators=(",", ":")))

    def _hanging(self, scope: Scope, hangs: bool) -> None:  # noqa: FBT001 - called by Broken
        key = dict(scope["headers"]).get(b"idempotency-key", b"").decode("latin-1")
        if hangs and key:
            self._keys.in_progress.add(key)
        else:
            self._keys.in_progress.discard(key)
