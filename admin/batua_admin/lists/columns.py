"""What a column of a list is: how it is read, shown and found by.

Nearly everything follows from a column's name and type. The rest stands with each list.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any

from piccolo.columns import (
    BigInt,
    Boolean,
    Bytea,
    Date,
    Integer,
    Serial,
    Timestamp,
    Timestamptz,
)
from piccolo.columns.base import Column as PiccoloColumn
from piccolo.table import Table

from batua.identity import Role

__all__ = ["Column", "Kind", "Link", "Listed", "listed"]

AMOUNTS = frozenset(
    {
        "amount",
        "balance_after",
        "bonus",
        "bonus_amount",
        "bonus_returned",
        "captured",
        "capture_amount",
        "clawed_back",
        "credited",
        "disputed",
        "held",
        "paid_by_gateway",
        "paid_from_wallet",
        "posted",
        "refund_reserved",
        "refunded",
        "remaining",
        "remaining_after",
        "source_amount",
        "spent",
        "wallet_amount",
        "wallet_refunded",
    }
)
"""Columns of minor units, in whatever table."""

EXACT = frozenset(
    {
        "dedupe_key",
        "event_id",
        "id",
        "jti",
        "key",
        "provider_dispute_id",
        "provider_payment_id",
        "provider_reference",
        "provider_refund_id",
        "reference",
        "transfer_id",
    }
)
"""Ids and references: found whole, because an index finds them so."""

LEADS_TO = {
    "account_id": "accounts", "capture_id": "captures", "customer_id": "customers",
    "hold_id": "holds", "listener_id": "listeners", "lot_id": "lots", "order_id": "orders",
    "payment_id": "payments", "refund_id": "refunds", "staff_id": "staff", "top_up_id": "top_ups",
    "transfer_seq": "transfers",
}  # fmt: skip
"""Where a column of this name leads, in whatever table."""

TITLES: Mapping[str, str] = {
    "at": "When",
    "body_sha256": "Body's SHA-256",
    "credit_account": "Into account",
    "customer_id": "Customer",
    "debit_account": "Out of account",
    "id": "Id",
    "jti": "Token",
    "posted": "Balance",
    "seq": "Number",
    "transfer_seq": "Transfer",
}


class Kind(StrEnum):
    """How a column is shown, and what may be typed to find by it."""

    TEXT = "text"
    KEY = "key"
    AMOUNT = "amount"
    NUMBER = "number"
    TIME = "time"
    WORD = "word"
    FLAG = "flag"
    LINK = "link"
    BYTES = "bytes"


@dataclass(frozen=True, slots=True)
class Link:
    """A column that leads to a row of the list ``to``.

    ``sql`` reads that row's key where the column itself is not it. ``found`` is the condition
    that it is ``{value}``, where an index needs to be told more than that they are equal. A link
    that nothing finds fast is not ``is_findable``.
    """

    to: str
    sql: str = ""
    found: str = ""
    is_findable: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column; ``sql`` reads it, with ``t`` for its table."""

    name: str
    kind: Kind
    title: str
    sql: str
    is_nullable: bool
    words: tuple[str, ...] = ()
    link: Link | None = None


@dataclass(frozen=True, kw_only=True)
class Listed:
    """A table as staff see it. Names of columns are words with spaces between them.

    ``label`` are the columns that name a row where another list leads to it. The newest by
    ``newest`` come first. ``currency`` is that of a row's amounts, in SQL. Rows that are not
    ``only`` are shown to those alone who look for them. A list that grows with every payment is
    found by and sorted by ``fast`` alone: what an index knows. What is found by a column of
    ``sorted_with`` is sorted by the other instead of by ``newest``: that is the same order, and
    one that the index has. A list that ``is_searched`` is found by parts of what
    names its rows.
    """

    name: str
    table: type[Table]
    group: str
    shown: str
    label: str
    newest: str = "id"
    currency: str = "t.currency"
    words: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    links: Mapping[str, Link] = field(default_factory=dict)
    more: Mapping[str, str] = field(default_factory=dict)
    only: str = ""
    help: str = ""
    fast: str = ""
    sorted_with: Mapping[str, str] = field(default_factory=dict)
    is_searched: bool = False
    role: Role = Role.VIEWER

    @property
    def tablename(self) -> str:
        return str(self.table._meta.tablename)

    @property
    def key(self) -> str:
        """The name of the primary key."""
        return str(self.table._meta.primary_key._meta.name)

    @property
    def has_number(self) -> bool:
        """Whether the primary key is a number."""
        return isinstance(self.table._meta.primary_key, Integer | BigInt | Serial)

    @cached_property
    def columns(self) -> dict[str, Column]:
        """Every column but secrets, in the order of the table, then those that are worked out."""
        own = [each for each in self.table._meta.columns if not each._meta.secret]
        made = [self._column(each) for each in own]
        names = {each.name for each in made}
        made += [_text(name, sql) for name, sql in self.more.items()]
        made += [_link(name, link) for name, link in self.links.items() if name not in names]
        return {each.name: each for each in made}

    def is_fast(self, column: str) -> bool:
        """Whether it may be found by and sorted by: see ``fast``."""
        return not self.fast or column in self.fast.split()

    def _column(self, column: PiccoloColumn) -> Column:
        name = column._meta.name
        link = self.links.get(name)
        return Column(
            name=name,
            kind=self._kind(column),
            title=_title(name),
            sql=(link and link.sql) or f"t.{name}",
            is_nullable=column._meta.null,
            words=self.words.get(name, ()),
            link=link,
        )

    def _kind(self, column: PiccoloColumn) -> Kind:
        name = column._meta.name
        if name in self.links:
            return Kind.LINK
        if name in self.words:
            return Kind.WORD
        if isinstance(column, BigInt) and name in AMOUNTS:
            return Kind.AMOUNT
        for types, kind in KINDS:
            if isinstance(column, types):
                return kind
        is_whole = name in EXACT and (name == "id" or not self.is_searched)
        return Kind.KEY if is_whole else Kind.TEXT


def listed(
    group: str, name: str, table: type[Table], shown: str, label: str, **rest: Any
) -> Listed:
    """A list, with the links that follow from the names of its columns. ``words`` may be enums."""
    names = {column._meta.name for column in table._meta.columns}
    links = {name: Link(to) for name, to in LEADS_TO.items() if name in names}
    links |= rest.pop("links", {})
    words = {name: _words(values) for name, values in rest.pop("words", {}).items()}
    return Listed(
        group=group, name=name, table=table, shown=shown, label=label, links=links, words=words,
        **rest,
    )  # fmt: skip


def _words(values: type[StrEnum] | Iterable[str] | str) -> tuple[str, ...]:
    return tuple(values.split() if isinstance(values, str) else map(str, values))


KINDS: tuple[tuple[type | tuple[type, ...], Kind], ...] = (
    (Boolean, Kind.FLAG),
    ((Integer, BigInt, Serial), Kind.NUMBER),
    ((Timestamptz, Timestamp, Date), Kind.TIME),
    (Bytea, Kind.BYTES),
)


def _text(name: str, sql: str) -> Column:
    return Column(name=name, kind=Kind.TEXT, title=_title(name), sql=sql, is_nullable=True)


def _link(name: str, link: Link) -> Column:
    return Column(
        name=name, kind=Kind.LINK, title=_title(name), sql=link.sql, is_nullable=True, link=link
    )


def _title(name: str) -> str:
    words = TITLES.get(name) or name.removesuffix("_id").replace("_", " ")
    return words[0].upper() + words[1:]
