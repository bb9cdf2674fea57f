"""What clients asked for and what they heard, kept where no kill reaches it.

All of it follows from answers that came, so that its sums can be held against the shop's books.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.support.clients import ShopClient
from tests.support.databases import read_rows

__all__ = ["Asked", "Journal", "KnownOrder", "assert_books_agree"]


@dataclass(eq=False)
class KnownOrder:
    """An order by what its client was told of it. ``status`` is empty until then."""

    reference: str
    customer: str
    amount: int
    id: str = ""
    status: str = ""
    refunded: int = 0

    @property
    def left(self) -> int:
        """How much may still be refunded."""
        return self.amount - self.refunded


@dataclass(eq=False)
class Asked:
    """A request under its key: sent again, it is the same to the byte."""

    kind: str
    key: str
    who: str
    path: str
    body: dict[str, Any]
    customer: str
    amount: int
    refusal: int = 0  # the status of the refusal that must come; 0 where it must succeed
    order: KnownOrder | None = None
    was_cut: bool = False  # a kill came when it was on its way, or its answer was
    resumes_at: float = 0.0  # until then somebody who is gone may hold its lease

    async def send(self, shop: ShopClient) -> httpx.Response:
        return await shop.call(self.who, "POST", self.path, self.body, key=self.key)


@dataclass
class Journal:
    """What is known of the shop by its answers alone."""

    balances: Counter[str] = field(default_factory=Counter)
    count: Counter[str] = field(default_factory=Counter)  # kind of transfer -> how many
    moved: Counter[str] = field(default_factory=Counter)  # kind of transfer -> how much in all
    orders: dict[str, KnownOrder] = field(default_factory=dict)  # reference -> order
    refunds: dict[str, tuple[str, int]] = field(default_factory=dict)  # id -> order and amount
    adjustments: dict[str, tuple[str, str, int]] = field(default_factory=dict)
    top_ups: dict[str, tuple[str, str, int]] = field(default_factory=dict)  # by provider's order
    refused: Counter[str] = field(default_factory=Counter)
    heard: list[tuple[Asked, int, bytes]] = field(default_factory=list)  # with a digest
    resolved: int = 0  # answered after a kill had cut them
    had_happened: int = 0  # of these, those that were done when the kill came
    replayed: int = 0
    slowest_s: float = 0.0  # from a restart to the answer to what a kill had cut

    def hear(self, asked: Asked, answer: httpx.Response) -> None:
        """Take in an answer that is final: it is what the journal foresaw."""
        told = answer.json()
        expected = asked.refusal or (200 if asked.kind == "cancel" else 201)
        assert answer.status_code == expected, (asked, answer.text)
        self.heard.append((asked, expected, _digest(answer)))
        if asked.refusal:
            self.refused[told["code"]] += 1
        else:
            getattr(self, f"_{asked.kind}")(asked, told)

    async def repeat(self, shop: ShopClient, heard: tuple[Asked, int, bytes]) -> None:
        """Ask for what was answered before: the answer is the same to the byte."""
        asked, status, digest = heard
        again = await asked.send(shop)
        assert (again.status_code, _digest(again)) == (status, digest), (asked, again.text)
        assert again.headers["Idempotency-Replayed"] == "true"
        self.replayed += 1

    # --- what each kind of request has done ------------------------------------------------

    def _tap(self, asked: Asked, told: Any) -> None:
        self._order(asked, told)
        self._pay(asked, {"order": told})

    def _order(self, asked: Asked, told: Any) -> None:
        order = asked.order
        assert order.reference not in self.orders
        assert (told["reference"], told["amount"]) == (order.reference, order.amount)
        order.id, order.status = told["id"], "pending"
        self.orders[order.reference] = order

    def _pay(self, asked: Asked, told: Any) -> None:
        order = told["order"]
        assert (order["status"], order["paid_from_wallet"]) == ("paid", asked.order.amount)
        asked.order.status = "paid"
        self._post("order_payment", asked, -asked.order.amount)

    def _cancel(self, asked: Asked, told: Any) -> None:
        assert told["status"] == "cancelled"
        asked.order.status = "cancelled"

    def _refund(self, asked: Asked, told: Any) -> None:
        assert (told["status"], told["to_wallet"]) == ("succeeded", asked.amount)
        assert told["id"] not in self.refunds
        order = asked.order
        order.refunded += asked.amount
        order.status = "partially_refunded" if order.left else "refunded"
        self.refunds[told["id"]] = (order.id, asked.amount)
        self._post("refund_to_wallet", asked, asked.amount)

    def _credit(self, asked: Asked, told: Any) -> None:
        self._adjust(asked, told, asked.amount)

    def _debit(self, asked: Asked, told: Any) -> None:
        self._adjust(asked, told, -asked.amount)

    def _adjust(self, asked: Asked, told: Any, amount: int) -> None:
        assert (told["status"], told["amount"]) == ("posted", asked.amount)
        assert told["id"] not in self.adjustments
        self.adjustments[told["id"]] = (asked.customer, asked.kind, asked.amount)
        self._post(f"adjustment_{asked.kind}", asked, amount)

    def _top_up(self, asked: Asked, told: Any) -> None:
        reference = told["checkout"]["provider_reference"]
        assert reference not in self.top_ups
        self.top_ups[reference] = (told["id"], asked.customer, asked.amount)

    def _post(self, kind: str, asked: Asked, amount: int) -> None:
        self.balances[asked.customer] += amount
        self.count[kind] += 1
        self.moved[kind] += abs(amount)


def _digest(answer: httpx.Response) -> bytes:
    """Of an answer's bytes: thousands of kills would leave too many to keep."""
    return hashlib.sha256(answer.content).digest()


async def assert_books_agree(url: str, journal: Journal, payments: Sequence[Any]) -> None:
    """The shop's books are the journal's sums and the provider's captures, and nothing else."""
    captured = {each["id"]: each for each in payments if each["status"] == "captured"}
    balances, credited = journal.balances.copy(), defaultdict(int)
    for payment in captured.values():
        top_up, customer, _ = journal.top_ups[payment["order_id"]]
        balances[customer] += payment["amount"]
        credited[top_up] += payment["amount"]

    rows = await read_rows(url, "select owner, posted, held from batua_account where kind='wallet'")
    assert {row["owner"]: (row["posted"], row["held"]) for row in rows} == {
        customer: (balance, 0) for customer, balance in balances.items()
    }
    rows = await read_rows(
        url, "select kind, count(*) as times, sum(amount) as moved from batua_transfer group by 1"
    )
    expected = {kind: (times, journal.moved[kind]) for kind, times in journal.count.items()}
    if captured:
        expected["top_up"] = (len(captured), sum(credited.values()))
    assert {row["kind"]: (row["times"], int(row["moved"])) for row in rows} == expected

    wanted = {
        order.reference: (order.id, order.customer, order.amount, order.status, order.refunded, 0)
        for order in journal.orders.values()
    }
    of_order = "id, customer_id, amount, status, refunded, refund_reserved"
    assert await _stored(url, f"reference, {of_order}", "order") == wanted
    refunds = {refund: (*of, "succeeded") for refund, of in journal.refunds.items()}
    assert await _stored(url, "id, order_id, amount, status", "refund") == refunds
    by_hand = {adjustment: (*of, "posted") for adjustment, of in journal.adjustments.items()}
    of_adjustment = "id, customer_id, direction, amount, status"
    assert await _stored(url, of_adjustment, "adjustment") == by_hand
    top_ups = {
        top_up: (customer, amount, credited[top_up])
        for top_up, customer, amount in journal.top_ups.values()
    }
    assert await _stored(url, "id, customer_id, amount, credited", "top_up") == top_ups
    captures = {payment: (each["amount"], "wallet") for payment, each in captured.items()}
    assert await _stored(url, "provider_payment_id, amount, destination", "capture") == captures


async def _stored(url: str, columns: str, table: str) -> dict[str, tuple[Any, ...]]:
    """A table's rows by their first column, which no two share."""
    rows = [
        tuple(row.values()) for row in await read_rows(url, f"select {columns} from batua_{table}")
    ]
    found = {first: tuple(rest) for first, *rest in rows}
    assert len(found) == len(rows)
    return found
