"""The simulator as one object: an ASGI app, its books, its faults and its signed webhooks."""

from __future__ import annotations

import json
import shutil
import tempfile
import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Unpack

from litestar import Litestar
from litestar.exceptions import MethodNotAllowedException, NotFoundException
from litestar.types import ASGIApp, Receive, Scope, Send

from batua.testing.simulators.kit.faults import Broken, Spoiling
from batua.testing.simulators.kit.simulator import Served, Simulator
from batua.testing.simulators.paypal.account_routes import ACCOUNT_ROUTES, CERTS, TOKEN
from batua.testing.simulators.paypal.books import DAYS, Books
from batua.testing.simulators.paypal.checkout import CHECKOUT_ROUTES
from batua.testing.simulators.paypal.control import paypal_control_routes
from batua.testing.simulators.paypal.disputes import Disputes
from batua.testing.simulators.paypal.errors import Refused
from batua.testing.simulators.paypal.faults import paypal_faults
from batua.testing.simulators.paypal.orders import Orders
from batua.testing.simulators.paypal.payment_routes import PAYMENT_ROUTES
from batua.testing.simulators.paypal.payments import Payments
from batua.testing.simulators.paypal.provider import Credentials, Provider, refusal
from batua.testing.simulators.paypal.reports import Reports
from batua.testing.simulators.paypal.signing import Signer
from batua.testing.simulators.paypal.vault import Vault
from batua.testing.simulators.paypal.views import Views

__all__ = ["PayPalSimulator"]

_API = ("/v1/", "/v2/", "/v3/")
_PLAIN_429 = b"<html><body><h1>Too Many Requests</h1></body></html>"


class PayPalSimulator(Simulator):
    """PayPal on loopback, by its published protocol, with faults on demand.

    ``public_url`` must be known before the first order or webhook: links and the certificate's
    URL are below it. PayPal tries a webhook up to 25 times over three days (DOC, read
    2026-11-22); how long it waits for an answer is not published. It signs with no secret of the
    shop, so that ``old_secret`` changes nothing.
    """

    code: ClassVar[str] = "paypal"
    name: ClassVar[str] = "PayPal"
    secrets: ClassVar[Mapping[str, str]] = {"client_secret": ""}
    webhook_timeout_s: ClassVar[float] = 10.0
    webhook_give_up_s: ClassVar[float] = 3.0 * DAYS

    def __init__(
        self,
        *,
        client_id: str = "paypal_simulator_client",
        client_secret: str = "paypal_simulator_secret",  # noqa: S107 - opens nothing but this simulator
        webhook_id: str = "1SIM0000000000001",
        **served: Unpack[Served],
    ) -> None:
        self.client_id = client_id
        self.client_secret = client_secret
        self.webhook_id = webhook_id
        self._store_path = served.get("store")
        self._ca_folder: Path | None = None
        super().__init__(
            paypal_faults(),
            **served,
        )

    @property
    def authorities(self) -> str:
        """The simulator's own root and intermediate certificate, as PEM."""
        return self._signer.authorities

    def build(self) -> Litestar:
        self._signer = Signer(self.store, self.faults, webhook_id=self.webhook_id, clock=self.clock)
        views = Views(self.store, lambda: self.public_url)
        self._books = Books(
            self.store, self.faults, views, clock=self.clock, emit=self.webhooks.emit
        )
        provider = self._provider()
        return self.app_of(
            [
                *PAYMENT_ROUTES,
                *ACCOUNT_ROUTES,
                *CHECKOUT_ROUTES,
                *paypal_control_routes(self, provider),
            ],
            state={"provider": provider},
            refusals={
                Refused: refusal,
                NotFoundException: refusal,
                MethodNotAllowedException: refusal,
            },
        )

    def sign(self, event_id: str, body: bytes, old_secret: bool) -> Mapping[str, str]:  # noqa: ARG002, FBT001 - a Sign
        return self._signer.headers(event_id, body, self.public_url)

    def settings(self) -> dict[str, str]:
        """Also writes the CA file: beside the store, or where it lasts until the end."""
        ca_file = self._ca_file()
        ca_file.write_text(self.authorities, encoding="ascii")
        return {
            "BATUA_PAYPAL_CLIENT_ID": self.client_id,
            "BATUA_PAYPAL_CLIENT_SECRET": self.client_secret,
            "BATUA_PAYPAL_WEBHOOK_ID": self.webhook_id,
            "BATUA_PAYPAL_ENVIRONMENT": "sandbox",
            "BATUA_PAYPAL_BASE_URL": self.public_url,
            "BATUA_PAYPAL_CERT_HOSTS": self.public_url.partition("://")[2],
            "BATUA_PAYPAL_CA_FILE": str(ca_file),
        }

    @property
    def broken(self) -> Broken:
        return Broken(
            trouble=json.dumps(Refused(500).body).encode(),
            too_many=json.dumps(Refused(429).body).encode(),
        )

    def spoiling(self, app: ASGIApp) -> ASGIApp:
        """What a 429 says is not known, so a switch takes its JSON away."""
        worded = super().spoiling(app)
        plain = Spoiling(
            app,
            self.faults,
            Broken(trouble=self.broken.trouble, too_many=_PLAIN_429),
            hang_s=self._hang_s,
            is_api=self.is_api,
        )

        async def spoiled(scope: Scope, receive: Receive, send: Send) -> None:
            chosen = plain if self.faults["plain_429"] else worded
            await chosen(scope, receive, send)

        return spoiled

    def is_api(self, path: str) -> bool:
        """Access tokens and certificates are spoiled only where the fault names them."""
        if path == TOKEN or path.startswith(CERTS):
            return self.faults.api is not None and self.faults.api.path in {TOKEN, CERTS}
        return path.startswith(_API)

    def _provider(self) -> Provider:
        payments, vault = Payments(self._books), Vault(self._books)
        return Provider(
            books=self._books,
            orders=Orders(self._books, payments, vault),
            payments=payments,
            disputes=Disputes(self._books, payments),
            vault=vault,
            reports=Reports(self._books),
            credentials=Credentials(self.client_id, self.client_secret, self.faults, self.clock),
            signer=self._signer,
            clock=self.clock,
        )

    def _ca_file(self) -> Path:
        if self._store_path is not None:
            return self._store_path.with_suffix(".ca.pem")
        if self._ca_folder is None:
            self._ca_folder = Path(tempfile.mkdtemp(prefix="batua-paypal-"))
            weakref.finalize(self, shutil.rmtree, self._ca_folder, ignore_errors=True)
        return self._ca_folder / "ca.pem"
