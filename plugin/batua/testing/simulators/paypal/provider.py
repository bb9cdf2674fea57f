"""All of the simulated PayPal behind its routes, and who may call it."""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from litestar import Request, Response

from batua.testing.simulators.kit.faults import Faults
from batua.testing.simulators.paypal.books import Books
from batua.testing.simulators.paypal.disputes import Disputes
from batua.testing.simulators.paypal.errors import Document, Refused, invalid
from batua.testing.simulators.paypal.orders import Orders
from batua.testing.simulators.paypal.payments import Payments
from batua.testing.simulators.paypal.reports import Reports
from batua.testing.simulators.paypal.signing import Signer
from batua.testing.simulators.paypal.vault import Vault

__all__ = ["AnyRequest", "Credentials", "Provider", "answered", "authorized", "body_of", "refusal"]

AnyRequest = Request[Any, Any, Any]


class Credentials:
    """Access tokens carry their own end, so that they outlive a restart."""

    def __init__(
        self, client_id: str, client_secret: str, faults: Faults, clock: Callable[[], float]
    ) -> None:
        self._pair = f"{client_id}:{client_secret}".encode()
        self._faults = faults
        self._clock = clock

    def are_of(self, header: str) -> bool:
        """Whether a Basic header has the client's id and secret."""
        scheme, _, encoded = header.partition(" ")
        try:
            sent = base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):
            return False
        return scheme.lower() == "basic" and hmac.compare_digest(sent, self._pair)

    def new_token(self) -> Document:
        """SDK:controllers/o_auth_authorization_controller.py; further fields are unverified."""
        lifetime_s = self._faults["token_lifetime_s"]
        ends_at = int(self._clock()) + lifetime_s
        claim = f"A21AA.{self._faults['token_epoch']}.{ends_at}.{secrets.token_hex(8)}"
        return {
            "scope": "https://uri.paypal.com/services/payments/payment",
            "access_token": f"{claim}.{self._mark(claim)}",
            "token_type": "Bearer",
            "app_id": "APP-SIMULATOR",
            "expires_in": lifetime_s,
            "nonce": secrets.token_hex(16),
        }

    def accept(self, header: str) -> bool:
        """Whether a Bearer header has a token of ours that is still good."""
        scheme, _, token = header.partition(" ")
        claim, _, mark = token.rpartition(".")
        is_ours = hmac.compare_digest(mark.encode(), self._mark(claim).encode())
        if scheme != "Bearer" or not is_ours:
            return False
        _, epoch, ends_at, _ = claim.split(".")
        return epoch == str(self._faults["token_epoch"]) and self._clock() < int(ends_at)

    def _mark(self, claim: str) -> str:
        return hmac.new(self._pair, claim.encode(), sha256).hexdigest()


@dataclass(frozen=True, slots=True)
class Provider:
    books: Books
    orders: Orders
    payments: Payments
    disputes: Disputes
    vault: Vault
    reports: Reports
    credentials: Credentials
    signer: Signer
    clock: Callable[[], float]


def authorized(request: AnyRequest) -> Provider:
    """The provider, for a request with a good access token. Raises ``Refused`` (401)."""
    provider: Provider = request.app.state.provider
    if not provider.credentials.accept(request.headers.get("authorization", "")):
        raise Refused(401)
    return provider


async def body_of(request: AnyRequest) -> Document:
    """The JSON object that was sent, or an empty one. Raises ``Refused`` (400)."""
    raw = await request.body()
    try:
        body = json.loads(raw or b"{}")
    except ValueError as error:
        raise _malformed() from error
    if not isinstance(body, dict):
        raise _malformed()
    return body


def answered(request: AnyRequest, shown: Document, *, is_new: bool) -> Response[Document]:
    """201 for what is new, 200 for a replay; id, status and links unless more is asked for.

    SPEC, ``Prefer``: return=minimal is the default.
    """
    wants_all = "return=representation" in request.headers.get("prefer", "")
    if not wants_all:
        shown = {name: shown[name] for name in ("id", "status", "links")}
    return Response(shown, status_code=201 if is_new else 200)


def refusal(_request: AnyRequest, error: Exception) -> Response[Document]:
    """The answer to a ``Refused``; any other path or method is PayPal's 404."""
    refused = error if isinstance(error, Refused) else Refused(404)
    return Response(refused.body, status_code=refused.status)


def _malformed() -> Refused:
    return invalid("MALFORMED_REQUEST_JSON", "The request JSON is not well formed.")
