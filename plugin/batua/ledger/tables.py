"""The ledger's tables, as Piccolo knows them. Their constraints stand in the migrations."""

from __future__ import annotations

from functools import cache

from piccolo.columns import BigInt, Boolean, Integer, Text, Timestamptz
from piccolo.table import Table

__all__ = [
    "STAMPED",
    "Account",
    "Entry",
    "Hold",
    "HoldLot",
    "IdempotencyKey",
    "LedgerHead",
    "Lot",
    "LotEntry",
    "Transfer",
    "columns_of",
    "nullable_columns",
    "primary_key",
]

STAMPED = ("created_at", "updated_at", "occurred_at")
"""Columns that say when a row was written, unless it was told otherwise."""


class LedgerHead(Table, tablename="batua_ledger"):
    """One row: the counters and the newest hash. Its version and its lock serialize all money.

    ``announces`` says whether anybody listens, so that events are written.
    """

    id = Integer(primary_key=True)
    ledger_id = Text()
    transfer_seq = BigInt()
    account_seq = BigInt()
    head_hash = Text()
    last_at = Timestamptz()
    version = BigInt()
    announces = Boolean()


class Account(Table, tablename="batua_account"):
    """One currency, one kind, one owner. ``posted`` is credits minus debits in minor units.

    What we owe is positive (a wallet), what others hold for us is negative (a gateway), so that
    all accounts of a currency sum to zero.
    """

    id = BigInt(primary_key=True)
    key = Text(unique=True)
    kind = Text()
    owner = Text()
    currency = Text()
    posted = BigInt()
    held = BigInt()
    may_overdraw = Boolean()
    status = Text()
    created_at = Timestamptz()
    version = BigInt()


class Transfer(Table, tablename="batua_transfer"):
    """One immutable movement of one amount from a debit account to a credit account."""

    seq = BigInt(primary_key=True)
    id = Text(unique=True)
    kind = Text()
    debit_account = BigInt()
    credit_account = BigInt()
    amount = BigInt()
    currency = Text()
    order_id = Text(null=True)
    top_up_id = Text(null=True)
    payment_id = Text(null=True)
    refund_id = Text(null=True)
    reverses = BigInt(null=True)
    reason = Text()
    actor = Text()
    approved_by = Text(null=True)
    occurred_at = Timestamptz()
    created_at = Timestamptz()
    hash = Text()


class Entry(Table, tablename="batua_entry"):
    """One account's side of one transfer, with the balance after it. Debits are negative.

    The ids of a transfer's two entries follow from its ``seq``: ``2 * seq - 1`` for the debit,
    ``2 * seq`` for the credit.
    """

    id = BigInt(primary_key=True)
    account_id = BigInt()
    transfer_seq = BigInt()
    amount = BigInt()
    balance_after = BigInt()


class Hold(Table, tablename="batua_hold"):
    """Funds set aside inside the ledger: held, then captured, voided or expired."""

    id = Text(primary_key=True)
    account_id = BigInt()
    amount = BigInt()
    captured = BigInt()
    currency = Text()
    status = Text()
    order_id = Text(null=True)
    refund_id = Text(null=True)
    payment_id = Text(null=True)
    expires_at = Timestamptz(null=True)
    created_at = Timestamptz()
    closed_at = Timestamptz(null=True)
    version = BigInt()


class Lot(Table, tablename="batua_lot"):
    """Bonus or refund credit in a wallet. What a wallet has beyond its lots is paid credit.

    ``amount`` is what it opened with, ``remaining`` what is left, of which ``held`` is set aside.
    """

    id = Text(primary_key=True)
    account_key = Text()
    kind = Text()
    amount = BigInt()
    remaining = BigInt()
    held = BigInt()
    currency = Text()
    top_up_id = Text(null=True)
    expires_at = Timestamptz(null=True)
    created_at = Timestamptz()
    version = BigInt()


class LotEntry(Table, tablename="batua_lot_entry"):
    """What one transfer put into a lot or took out of it. Append-only, as entries are."""

    id = Text(primary_key=True)
    lot_id = Text()
    transfer_id = Text()
    amount = BigInt()
    remaining_after = BigInt()


class HoldLot(Table, tablename="batua_hold_lot"):
    """How much of a hold is set aside in one lot. The rest of the hold is paid credit."""

    id = Text(primary_key=True)
    hold_id = Text()
    lot_id = Text()
    amount = BigInt()


class IdempotencyKey(Table, tablename="batua_idempotency"):
    """One request that must have one effect: who, which route, which key, and its answer.

    ``id`` is the SHA-256 of principal, route and key, each followed by a zero byte.
    """

    id = Text(primary_key=True)
    principal = Text()
    route = Text()
    key = Text()
    fingerprint = Text()
    status = Text()
    subject = Text()
    response_status = BigInt(null=True)
    response_body = Text(null=True)
    lease_until = Timestamptz()
    created_at = Timestamptz()
    finished_at = Timestamptz(null=True)
    version = BigInt()


@cache
def columns_of(table: type[Table]) -> tuple[str, ...]:
    """The names of a table's columns in the database."""
    return tuple(column._meta.db_column_name for column in table._meta.columns)


@cache
def primary_key(table: type[Table]) -> str:
    """The name of a table's primary key."""
    return table._meta.primary_key._meta.db_column_name


@cache
def nullable_columns(table: type[Table]) -> frozenset[str]:
    """The names of a table's columns that may be null."""
    return frozenset(
        column._meta.db_column_name for column in table._meta.columns if column._meta.null
    )
