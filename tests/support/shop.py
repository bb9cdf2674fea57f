"""A whole shop on a real database, and short words for what happens in it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from types import MappingProxyType
from typing import Any

import msgspec

from batua.bootstrap import Batua, open_batua
from batua.contract import Money
from batua.errors import Refusal
from batua.events import Hooks
from batua.ledger import Claim, StoredAnswer
from batua.ledger.proof import prove
from batua.orders import NewOrder, RefundTo
from batua.payments import NewRefund
from batua.settings import read_settings
from batua.wallets import (
    NO_RULES,
    Adjust,
    AdjustmentReason,
    Direction,
    Newcomer,
    Newcomers,
    Wallet,
    read_wallet,
)
from tests.support.clock import FakeClock
from tests.support.provider import Provider, open_provider
from tests.support.sentences import sentences

__all__ = ["Answer", "Shop", "claim", "open_shop"]

JWT_SECRET = "x" * 32
STAFF = "staff:meera"
SECOND_PERSON = "staff:ravi"
REFUSED = {"insufficient_funds": 402, "gateway_rejected": 502}

STATEMENT_WORDS = frozenset(sentences("element/words", "en", "kinds"))

_keys = count(1)


def claim(key: str | None = None, *, body: str = "", route: str = "POST /test") -> Claim[Any]:
    """Somebody's key; a new one unless told. The answer is whatever was made, as JSON."""
    return Claim(
        principal="customer:asha",
        route=route,
        key=key or f"key-{next(_keys)}",
        fingerprint=body,
        render=lambda made: (201, msgspec.json.encode(made).decode()),
        render_refusal=_refused,
    )


def _refused(refusal: Refusal) -> tuple[int, str]:
    return REFUSED.get(refusal.code, 409), json.dumps({"code": refusal.code})


@dataclass(frozen=True)
class Answer:
    """What a stored answer says."""

    status: int
    body: dict[str, Any]
    replayed: bool

    def __getitem__(self, name: str) -> Any:
        return self.body[name]


def read(stored: StoredAnswer) -> Answer:
    return Answer(stored.status, json.loads(stored.body), stored.replayed)


@dataclass
class Shop:
    """``is_provable`` False says that a test broke rows on purpose, past our code."""

    batua: Batua
    provider: Provider
    clock: FakeClock
    is_provable: bool = True
    _references: count[int] = field(default_factory=lambda: count(1))

    # --- money in -----------------------------------------------------------------------------

    async def give(self, amount: int, customer: str = "asha", currency: str = "INR") -> None:
        """An opening balance."""
        await self.batua.engine.submit(self.adjustment(amount, customer, currency=currency))

    def adjustment(
        self,
        amount: int,
        customer: str = "asha",
        *,
        currency: str = "INR",
        direction: Direction = Direction.CREDIT,
        **changes: Any,
    ) -> Adjust:
        values = {
            "id": self.batua.new_id("adj"),
            "reason_code": AdjustmentReason.GOODWILL,
            "note": "",
            "requested_by": STAFF,
            "approval_limit": 10**12,
            "rules": NO_RULES,
            **changes,
        }
        return Adjust(
            customer_id=customer,
            money=Money(amount, currency),
            direction=direction,
            newcomers=self.batua.newcomers,
            new_id=self.batua.new_id,
            **values,
        )

    async def open_top_up(
        self,
        amount: int = 50_000,
        customer: str = "asha",
        *,
        key: str | None = None,
        gateway: str = "razorpay",
        currency: str = "INR",
    ) -> Answer:
        """A top-up at the provider; ``["top_up"]`` and ``["payment"]`` are its rows."""
        return read(
            await self.batua.top_ups.open(
                customer,
                Money(amount, currency),
                gateway,
                "https://shop.example/back",
                claim(key, route="POST /topups"),
            )
        )

    async def topped_up(self, amount: int = 50_000, customer: str = "asha") -> str:
        """A top-up that was paid and heard of; returns its id."""
        opened = await self.open_top_up(amount, customer)
        await self.provider.pay(opened["payment"]["provider_reference"])
        await self.hear()
        return opened["top_up"]["id"]

    async def refund_top_up(
        self, top_up: str, amount: int | None = None, *, key: str | None = None, **changes: Any
    ) -> Answer:
        new = self.new_refund(amount, **changes)
        return read(await self.batua.top_ups.refund(top_up, new, claim(key)))

    # --- orders -------------------------------------------------------------------------------

    def new_order(
        self,
        amount: int = 30_000,
        customer: str = "asha",
        *,
        reference: str | None = None,
        currency: str = "INR",
    ) -> NewOrder:
        return NewOrder(
            id=self.batua.new_id("ord"),
            reference=reference or f"A-{next(self._references)}",
            customer_id=customer,
            money=Money(amount, currency),
            description="",
            items="[]",
            created_by=f"customer:{customer}",
        )

    async def create_order(
        self,
        amount: int = 30_000,
        customer: str = "asha",
        *,
        pay: bool = False,
        key: str | None = None,
        **changes: Any,
    ) -> Answer:
        new = self.new_order(amount, customer, **changes)
        return read(await self.batua.orders.create(new, claim(key, route="POST /orders"), pay=pay))

    async def pay_from_wallet(self, order: str, *, key: str | None = None) -> Answer:
        return read(
            await self.batua.orders.pay_from_wallet(
                order, claim(key, route=f"POST /orders/{order}"), actor="customer:asha"
            )
        )

    async def pay_by_gateway(self, order: str, *, key: str | None = None) -> Answer:
        """Opens a payment at the provider; the payer has not paid yet."""
        return read(
            await self.batua.orders.pay_by_gateway(
                order,
                "razorpay",
                "https://shop.example/back",
                claim(key, route=f"POST /orders/{order}"),
            )
        )

    async def pay_split(self, order: str, *, key: str | None = None) -> Answer:
        """Holds the wallet's share and opens a payment of the rest; nobody has paid it yet."""
        return read(
            await self.batua.orders.pay_split(
                order,
                "razorpay",
                "https://shop.example/back",
                claim(key, route=f"POST /orders/{order}"),
                actor="customer:asha",
            )
        )

    async def paid_order(
        self, amount: int = 30_000, *, by: str = "wallet", customer: str = "asha"
    ) -> str:
        """An order that is paid; returns its id."""
        if by == "wallet":
            await self.give(amount, customer)
            return (await self.create_order(amount, customer, pay=True))["id"]
        order = (await self.create_order(amount, customer))["id"]
        opened = await self.pay_by_gateway(order)
        await self.provider.pay(opened["payment"]["provider_reference"])
        await self.hear()
        return order

    async def cancel(self, order: str, *, key: str | None = None) -> Answer:
        return read(await self.batua.orders.cancel(order, claim(key)))

    # --- refunds ------------------------------------------------------------------------------

    def new_refund(self, amount: int | None = None, **changes: Any) -> NewRefund:
        values = {
            "id": self.batua.new_id("ref"),
            "reason": "requested_by_customer",
            "requested_by": STAFF,
            "approval_limit": 10**12,
            **changes,
        }
        return NewRefund(amount=amount, **values)

    async def refund(
        self,
        order: str,
        to: str = "auto",
        amount: int | None = None,
        *,
        key: str | None = None,
        **changes: Any,
    ) -> Answer:
        new = self.new_refund(amount, **changes)
        return read(await self.batua.orders.refund(order, RefundTo(to), new, claim(key)))

    # --- what comes in ------------------------------------------------------------------------

    async def receive(self, body: bytes, headers: Mapping[str, str]) -> str | None:
        return await self.batua.receiver.receive("razorpay", body, headers)

    async def hear(self, *, times: int = 1) -> list[str]:
        """Receive and apply every webhook that the provider has not told yet."""
        heard = []
        for _, body, headers in await self.provider.new_events():
            for _ in range(times):
                inbox_id = await self.receive(body, headers)
                if inbox_id is not None:
                    heard.append(inbox_id)
                    await self.batua.applier.apply(inbox_id)
        return heard

    async def work(self, after_s: float = 0) -> int:
        """Let time pass, then do everything that is due, once."""
        self.clock.advance(after_s)
        return await self.batua.worker.run_once()

    async def pause(self) -> None:
        """Let what runs beside the test go on."""
        await asyncio.sleep(0.02)

    # --- looking ------------------------------------------------------------------------------

    async def wallet(self, customer: str = "asha", currency: str = "INR") -> Wallet:
        return await read_wallet(self.batua.database, customer, currency)

    async def balance(self, customer: str = "asha") -> int:
        return (await self.wallet(customer)).posted

    async def posted(self, key: str) -> int:
        """What is posted on an account, such as ``gateway:razorpay:INR``; 0 if there is none."""
        row = await self.batua.database.fetch_one(
            "select posted from batua_account where key = $1", key
        )
        return 0 if row is None else row["posted"]

    async def row(self, table: str, id: str) -> dict[str, Any]:
        """One row by its id."""
        found = await self.rows(table, f"id = '{id}'")
        assert len(found) == 1, (table, id, found)
        return found[0]

    async def rows(
        self, table: str, where: str = "1 = 1", order: str = "1"
    ) -> list[dict[str, Any]]:
        found = await self.batua.database.fetch(
            f"select * from batua_{table} where {where} order by {order}"
        )
        return [dict(row) for row in found]

    async def transfers(self, **columns: str) -> list[dict[str, Any]]:
        """Transfers in order, of whatever the columns say."""
        where = " and ".join(f"{name} = '{value}'" for name, value in columns.items()) or "1 = 1"
        return await self.rows("transfer", where, "seq")

    async def messages(self, template: str | None = None) -> list[dict[str, Any]]:
        """What the outbox holds, oldest first."""
        where = f"template = '{template}'" if template else "1 = 1"
        return await self.rows("outbox", where, "created_at, id")

    async def run(self, sql: str, *args: Any) -> int:
        """A statement past the engine: for faults that have no public door."""
        async with self.batua.database.transaction() as transaction:
            return await transaction.execute(sql, *args)

    async def freeze(self, customer: str = "asha") -> None:
        changed = await self.run(
            "update batua_account set status = 'frozen', version = version + 1 where key = $1",
            f"wallet:{customer}:INR",
        )
        assert changed == 1

    async def assert_sound(self) -> None:
        proof = await prove(self.batua.database)
        assert proof.is_sound, proof.findings
        seen = await self.batua.database.fetch(
            "select distinct t.kind from batua_entry e"
            " join batua_account a on a.id = e.account_id"
            " join batua_transfer t on t.seq = e.transfer_seq"
            " where a.kind = 'wallet'"
        )
        nameless = {row["kind"] for row in seen} - STATEMENT_WORDS
        assert nameless == set(), "the wallet element has no word for these: frontend/element/words"


def with_phone(customer_id: str) -> Newcomer:
    """A customer whom WhatsApp may be sent to."""
    return Newcomer(name=customer_id.title(), phone="+915550000001", consents=("whatsapp",))


@asynccontextmanager
async def open_shop(
    database_url: str,
    clock: FakeClock,
    *,
    provider: Provider | None = None,
    environ: Mapping[str, str] | None = None,
    newcomers: Newcomers = lambda _: Newcomer(),
    hooks: Hooks = MappingProxyType({}),
    **settings: Any,
) -> AsyncIterator[Shop]:
    """A shop with a provider of its own, unless it shares one. Its ledger must end up sound."""
    if provider is None:
        async with (
            open_provider() as own,
            open_shop(
                database_url, clock, provider=own, environ=environ, newcomers=newcomers,
                hooks=hooks, **settings,
            ) as shop,
        ):  # fmt: skip
            yield shop
        return
    wanted = {
        "jwt_secret": JWT_SECRET,
        "gateway_timeout_s": 0.5,
        "database_pool_size": 3,
        **settings,
    }
    core = read_settings({}, database_url=database_url, **wanted)
    plugins = {**provider.environ, **(environ or {})}
    async with open_batua(core, plugins, now=clock.now, newcomers=newcomers, hooks=hooks) as batua:
        shop = Shop(batua, provider, clock)
        yield shop
        if shop.is_provable:
            await shop.assert_sound()
