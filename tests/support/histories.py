"""Histories of a ledger for the figures: every kind of transfer that a figure looks at, at random.

They are posted past the rooms, whose rules would refuse most of what chance asks for; what the
rooms themselves post is in ``tests/integration/test_insight.py``.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from itertools import count
from typing import Any

from hypothesis import strategies as st

from batua.database import Database
from batua.errors import Refusal
from batua.insight import Counter
from batua.ledger import AccountName, Engine, Linked, Movement, PostTransfer, ReverseTransfer
from tests.support.clock import FakeClock

__all__ = ["CUSTOMERS", "STEPS", "History"]

CUSTOMERS = ("asha", "b:INR", "çelik")
CURRENCIES = ("INR", "JPY")
ODD = ("dispute_suspense", "provider_refund_suspense")

_customer, _currency = st.sampled_from(CUSTOMERS), st.sampled_from(CURRENCIES)
_amount, _any = st.integers(1, 900), st.integers(0, 1_000)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("top_up"), _customer, _currency, _amount),
        st.tuples(st.just("order"), _customer, _currency, _amount, st.integers(0, 3)),
        st.tuples(st.just("refund"), _any, st.integers(0, 90), st.integers(0, 90)),
        st.tuples(st.just("provider_refund"), _any, _amount),
        st.tuples(st.just("dispute"), _any, _amount),
        st.tuples(st.just("expire"), _customer, _currency, _amount),
        st.tuples(st.just("reverse"), _any),
        st.tuples(st.just("wait"), st.sampled_from([1, 3_601, 86_400, 20 * 86_400])),
        st.tuples(st.just("count")),
    ),
    min_size=5,
    max_size=25,
)


class History:
    """One ledger, which goes on from one list of steps to the next."""

    def __init__(self, database: Database, engine: Engine, clock: FakeClock) -> None:
        self.database = database
        self.counter = Counter(database)
        self.posted: list[str] = []
        self._engine = engine
        self._clock = clock
        self._numbers = count(1)
        self._bought: list[tuple[str, str, str]] = []

    async def run(self, steps: list[tuple[Any, ...]]) -> None:
        """What the ledger refuses is left out."""
        for name, *how in steps:
            with suppress(Refusal):
                await getattr(self, f"_{name}")(*how)

    async def _post(self, *movements: Movement) -> None:
        await self._engine.submit(Linked(tuple(map(PostTransfer, movements))))
        self.posted += [movement.id for movement in movements]

    def _move(
        self, kind: str, debit: AccountName, credit: AccountName, amount: int, **more: Any
    ) -> Movement:
        values = {"id": f"t{next(self._numbers)}", "reason": "a test", "actor": "test", **more}
        return Movement(kind=kind, debit=debit, credit=credit, amount=amount, **values)

    async def _top_up(self, customer: str, currency: str, amount: int) -> None:
        wallet, bank = AccountName.wallet(customer, currency), AccountName.gateway("g", currency)
        promotion = AccountName.promotion(currency)
        await self._post(
            self._move("top_up", bank, wallet, amount, top_up_id=f"top{amount}"),
            self._move("top_up_bonus", promotion, wallet, 1 + amount // 10),
        )

    async def _order(self, customer: str, currency: str, amount: int, by_gateway: int) -> None:
        order, share = f"o{next(self._numbers)}", amount * by_gateway // 3
        revenue, bank = AccountName.revenue(currency), AccountName.gateway("g", currency)
        wallet = AccountName.wallet(customer, currency)
        parts = []
        if share:
            parts.append(self._move("order_capture", bank, revenue, share, order_id=order))
        if amount - share:
            parts.append(
                self._move("order_payment", wallet, revenue, amount - share, order_id=order)
            )
        await self._insert_order(order, customer, currency, amount, share)
        await self._post(*parts)
        self._bought.append((order, customer, currency))

    async def _insert_order(
        self, order: str, customer: str, currency: str, amount: int, share: int
    ) -> None:
        now = self._clock.now()
        async with self.database.transaction() as transaction:
            await transaction.execute(
                "insert into batua_customer (id, name, phone, language, created_at, updated_at,"
                " version) values ($1, '', '', 'en', $2, $2, 1) on conflict (id) do nothing",
                customer,
                now,
            )
            await transaction.execute(
                "insert into batua_order (id, reference, customer_id, amount, currency,"
                " description, items, status, paid_from_wallet, paid_by_gateway, created_by,"
                " paid_at, created_at, updated_at, version) values ($1, $1, $2, $3, $4, '', '[]',"
                " 'paid', $5, $6, 'test', $7, $7, $7, 1)",
                order,
                customer,
                amount,
                currency,
                amount - share,
                share,
                now,
            )

    async def _refund(self, which: int, to_wallet: int, to_source: int) -> None:
        if not self._bought:
            return
        order, customer, currency = self._bought[which % len(self._bought)]
        refund, revenue = f"r{next(self._numbers)}", AccountName.revenue(currency)
        of: dict[str, Any] = {"order_id": order, "refund_id": refund}
        if to_wallet:
            wallet = AccountName.wallet(customer, currency)
            await self._post(
                self._move("refund_to_wallet", revenue, wallet, to_wallet, id=f"{refund}.wallet",
                           **of)
            )  # fmt: skip
        self._clock.advance(43_200)  # the provider takes its time
        if to_source:
            bank = AccountName.gateway("g", currency)
            await self._post(
                self._move("refund_to_source", revenue, bank, to_source, id=f"{refund}.source",
                           **of)
            )  # fmt: skip

    async def _provider_refund(self, which: int, amount: int) -> None:
        """Of a top-up, whose bonus goes too and of which a part is spent, or of an order."""
        currency = CURRENCIES[which % 2]
        refund, bank = f"r{next(self._numbers)}", AccountName.gateway("g", currency)
        if which % 3 == 0 and self._bought:
            order, _, currency = self._bought[which % len(self._bought)]
            parts = [("revenue", AccountName.revenue(currency)),
                     ("loss", AccountName.dispute_loss(currency))]  # fmt: skip
            of: dict[str, Any] = {"order_id": order}
            bank = AccountName.gateway("g", currency)
        else:
            customer = CUSTOMERS[which % len(CUSTOMERS)]
            parts = [("wallet", AccountName.wallet(customer, currency)),
                     ("debt", AccountName.debt(customer, currency))]  # fmt: skip
            of = {"top_up_id": "top"}
        bonus = self._move(
            "provider_refund_bonus", parts[0][1], AccountName.promotion(currency), 1,
            id=f"{refund}.bonus", refund_id=refund, **of,
        )  # fmt: skip
        await self._post(
            bonus,
            *(
                self._move(
                    f"provider_refund_{part}", account, bank, amount, id=f"{refund}.{part}",
                    refund_id=refund, **of,
                )
                for part, account in parts
            ),
        )  # fmt: skip

    async def _dispute(self, which: int, amount: int) -> None:
        """Opened, and sometimes lost at once."""
        customer, currency = CUSTOMERS[which % len(CUSTOMERS)], CURRENCIES[which % 2]
        disputed, bank = AccountName.dispute("g", currency), AccountName.gateway("g", currency)
        debt, loss = AccountName.debt(customer, currency), AccountName.dispute_loss(currency)
        moves = [
            self._move("dispute_debt", debt, disputed, amount),
            self._move("dispute_loss", loss, disputed, 1),
            self._move("dispute_bonus_debt", debt, AccountName.promotion(currency), 1),
        ]
        if which % 2:
            moves.append(self._move("dispute_lost", disputed, bank, amount + 1))
        await self._post(*moves)

    async def _expire(self, customer: str, currency: str, amount: int) -> None:
        wallet, promotion = AccountName.wallet(customer, currency), AccountName.promotion(currency)
        await self._post(self._move("bonus_expiry", wallet, promotion, amount))

    async def _reverse(self, which: int) -> None:
        if self.posted:
            of = self.posted[which % len(self.posted)]
            reversal = f"{of}.back{next(self._numbers)}"
            await self._engine.submit(
                ReverseTransfer(id=reversal, of=of, reason="a test", actor="test")
            )

    async def _wait(self, seconds: int) -> None:
        self._clock.advance(timedelta(seconds=seconds).total_seconds())

    async def _count(self) -> None:
        await self.counter.count()
