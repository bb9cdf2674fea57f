"""Who talks to a shop over HTTP: its customers, its staff, its payers and its provider."""

from __future__ import annotations

import asyncio
import functools
import hmac
import json
import time
from collections.abc import Awaitable, Callable
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import Any, Self

import httpx
import jwt

from batua.ledger.proof import prove
from tests.support.databases import opened
from tests.support.processes import SIMULATOR_SECRETS, Program, clean_environ, run_batua

__all__ = [
    "JWT_SECRET",
    "VARIABLES",
    "ShopClient",
    "assert_sound",
    "new_name",
    "order_of",
    "signature",
]

JWT_SECRET = "a-secret-of-the-tests-that-opens-nothing-else"
"""Shared by the processes that are not the main job's own, so that tokens need no new process."""

VARIABLES = {
    "BATUA_JWT_SECRET": JWT_SECRET,
    "BATUA_RATE_LIMIT": "off",
    "BATUA_CUSTOMER_ORDERS": "on",
    "BATUA_APPROVAL_LIMIT": "100000000",
}
"""Of a shop that a ``ShopClient`` pays at, as often as it can."""

KEY_ID = "rzp_test_simulator"
CONNECTIONS_MAX = 256

_numbers = count(1)


def signature(body: bytes, secret: str) -> str:
    """Razorpay's ``X-Razorpay-Signature``."""
    return hmac.new(secret.encode(), body, sha256).hexdigest()


class ShopClient:
    """Calls one shop in the name of anybody. Open it with ``async with``.

    Razorpay is the ``simulator``, or the demo's own.
    """

    def __init__(self, program: Program, simulator: Program | None = None) -> None:
        self.program = program
        self.simulator = simulator.base if simulator else f"{program.base}/simulators/razorpay"
        self._secrets = SIMULATOR_SECRETS if simulator else None
        self.http = httpx.AsyncClient(
            base_url=f"{program.base}/api/v1",
            trust_env=False,
            verify=False,  # there is no TLS on loopback, and loading certificates takes long
            timeout=60,
            limits=httpx.Limits(max_connections=CONNECTIONS_MAX),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.http.aclose()

    # --- callers ---------------------------------------------------------------------------

    def token(self, who: str) -> str:
        """A token. ``staff`` is staff, everybody else is a customer.

        Where the secret is the demo's own, the real command makes it, as a newcomer would.
        """
        if secret := self.program.environ.get("BATUA_JWT_SECRET"):
            return _signed_token(who, secret)
        return _token(who, self.program.database_url, self.program.cwd)

    async def call(
        self,
        who: str,
        method: str,
        path: str,
        body: Any = None,
        *,
        key: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> httpx.Response:
        """Any request. A POST gets a new ``Idempotency-Key`` unless ``key`` is given."""
        sent = {"Authorization": f"Bearer {self.token(who)}", **(headers or {})}
        if method == "POST":
            sent["Idempotency-Key"] = key or new_name("key")
        return await self.http.request(method, path, json=body, headers=sent)

    async def get(self, who: str, path: str) -> Any:
        """What is at ``path``."""
        return _body(await self.call(who, "GET", path), 200)

    # --- customers -------------------------------------------------------------------------

    async def balance(self, who: str) -> int:
        balance: int = (await self.get(who, "/wallet"))["balance"]
        return balance

    async def statement(self, who: str) -> list[Any]:
        """Every entry with its running balance, newest first."""
        items: list[Any] = (await self.get(who, "/wallet/transactions?limit=100"))["items"]
        return items

    async def top_up(self, who: str, amount: int) -> Any:
        """Open a top-up: pending, and not paid yet."""
        wanted = {"amount": amount, "currency": "INR", "gateway": "razorpay"}
        return _body(await self.call(who, "POST", "/topups", wanted), 201)

    async def order(self, who: str, amount: int) -> Any:
        """A new order that nobody has paid."""
        return _body(await self.call(who, "POST", "/orders", order_of(amount)), 201)

    async def buy(self, who: str, amount: int) -> Any:
        """One tap: an order that is created and paid from the wallet."""
        wanted = order_of(amount) | {"pay_with": "wallet"}
        return _body(await self.call(who, "POST", "/orders", wanted), 201)

    async def pay_by_gateway(self, who: str, order_id: str) -> Any:
        """Open a payment for an order: it has a checkout, and is not paid yet."""
        wanted = {"method": "gateway", "gateway": "razorpay"}
        return _body(await self.call(who, "POST", f"/orders/{order_id}/payments", wanted), 201)

    async def pay_split(self, who: str, order_id: str) -> Any:
        """Hold what the wallet has, and open a payment for the rest, if there is any."""
        wanted = {"method": "split", "gateway": "razorpay"}
        return _body(await self.call(who, "POST", f"/orders/{order_id}/payments", wanted), 201)

    # --- staff -----------------------------------------------------------------------------

    async def give(self, who: str, amount: int) -> None:
        """Credit a wallet by hand."""
        wanted = {"amount": amount, "reason_code": "goodwill"}
        _body(await self.call("staff", "POST", f"/customers/{who}/adjustments", wanted), 201)

    async def refund(self, order_id: str, *, to: str = "auto", amount: int | None = None) -> Any:
        """Refund an order, all that is left of it unless told."""
        wanted = {"to": to, "reason": "damaged"} | ({"amount": amount} if amount else {})
        return _body(await self.call("staff", "POST", f"/orders/{order_id}/refunds", wanted), 201)

    # --- the provider ----------------------------------------------------------------------

    async def control(self, path: str, body: Any = None) -> Any:
        """One of the simulator's control routes: a GET without a ``body``."""
        url = f"{self.simulator}/_control/{path}"
        method = "GET" if body is None else "POST"
        return _body(await self.http.request(method, url, json=body), 200)

    async def pay(self, opened: Any, outcome: str = "captured", **other: Any) -> Any:
        """The payer pays an opened top-up or order payment; returns what their browser gets."""
        reference = opened["checkout"]["provider_reference"]
        return await self.control("pay", {"reference": reference, "outcome": outcome, **other})

    async def lose_webhooks(self) -> None:
        """From now on the provider tells nobody."""
        await self.control("faults", {"webhooks": {"lose": True}})

    async def heal(self) -> None:
        """The provider works again."""
        await self.control("faults", {})

    async def books(self) -> dict[str, Any]:
        """The provider's payments by their id, each with its order and its refunds."""
        payments = (await self.control("payments"))["payments"]
        return {payment["id"]: payment for payment in payments}

    async def provider_orders(self, receipt: str) -> list[Any]:
        """The provider's orders of one payment of ours."""
        secret = self.secrets["SIMULATOR_RAZORPAY_KEY_SECRET"]
        answer = await self.http.get(
            f"{self.simulator}/v1/orders", params={"receipt": receipt}, auth=(KEY_ID, secret)
        )
        items: list[Any] = _body(answer, 200)["items"]
        return items

    async def announcements(self, provider_payment_id: str) -> dict[str, bytes]:
        """The bodies of a payment's events by their name, whether or not they were delivered."""
        events = (await self.control("webhooks"))["webhooks"]
        return {
            event["event"]: event["body"].encode()
            for event in events
            if provider_payment_id in event["body"]
        }

    async def announce(
        self, body: bytes, *, event_id: str = "", headers: dict[str, Any] | None = None
    ) -> httpx.Response:
        """Deliver a webhook, properly signed unless other ``headers`` are given."""
        if headers is None:
            headers = {"X-Razorpay-Signature": signature(body, self.webhook_secret)}
        sent = {"X-Razorpay-Event-Id": event_id or new_name("evt"), **headers}
        return await self.http.post("/webhooks/razorpay", content=body, headers=sent)

    @property
    def secrets(self) -> dict[str, str]:
        """What the shop shares with its provider."""
        return self._secrets or self.program.secrets()

    @property
    def webhook_secret(self) -> str:
        return self.secrets["SIMULATOR_RAZORPAY_WEBHOOK_SECRET"]

    async def messages(self) -> list[str]:
        """What the customers' phones show."""
        url = f"{self.program.base}/simulators/whatsapp/_control/messages"
        return [message["text"] for message in _body(await self.http.get(url), 200)["messages"]]

    # --- time ------------------------------------------------------------------------------

    async def until(
        self, read: Callable[[], Awaitable[Any]], wanted: Any, *, within_s: float = 20
    ) -> None:
        """Wait until ``read()`` gives ``wanted``."""
        deadline = time.monotonic() + within_s
        while (found := await read()) != wanted:
            assert time.monotonic() < deadline, f"{found!r} after {within_s} s, not {wanted!r}"
            await asyncio.sleep(0.05)

    async def until_balance(self, who: str, wanted: int, *, within_s: float = 20) -> None:
        await self.until(lambda: self.balance(who), wanted, within_s=within_s)

    async def until_status(self, who: str, path: str, wanted: str, *, within_s: float = 20) -> None:
        """Wait until what is at ``path`` has the status ``wanted``."""

        async def status() -> Any:
            return (await self.get(who, path))["status"]

        await self.until(status, wanted, within_s=within_s)

    async def verify(self) -> None:
        """The ledger is sound: what ``batua verify`` proves, without a new process."""
        await assert_sound(self.program.database_url)


async def assert_sound(url: str) -> None:
    """The ledger at ``url`` is sound."""
    async with opened(url) as database:
        proof = await prove(database)
    assert proof.is_sound, proof.findings


def order_of(amount: int, reference: str = "") -> dict[str, Any]:
    """The body of a new order."""
    return {"reference": reference or new_name("A"), "amount": amount, "currency": "INR"}


def new_name(prefix: str) -> str:
    """A name that no other test uses."""
    return f"{prefix}-{next(_numbers)}"


@functools.cache
def _token(who: str, database_url: str, cwd: Path) -> str:
    named = ("--scope", "staff", "--subject", "meera") if who == "staff" else ("--customer", who)
    made = run_batua("token", *named, environ=clean_environ(database_url), cwd=cwd)
    assert made.returncode == 0, made.stderr
    return made.stdout.strip()


@functools.cache
def _signed_token(who: str, secret: str) -> str:
    claims = {"sub": who, "iss": "batua", "aud": "batua", "exp": int(time.time()) + 12 * 3600}
    if who == "staff":
        claims |= {"sub": "meera", "scope": "staff", "role": "finance"}
    return jwt.encode(claims, secret, algorithm="HS256")


def _body(answer: httpx.Response, status: int) -> Any:
    assert answer.status_code == status, f"{answer.status_code}: {answer.text}"
    return json.loads(answer.content)
