"""A sound shop through the real writer, and ways to break it behind the writer's back."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import asyncpg

from batua.clock import utc_now
from batua.database import Dialect
from batua.ledger import AccountName, Engine, Movement, account_needs
from batua.ledger.proof import prove
from batua.ledger.tables import Account, Entry, Hold, Transfer

TABLES = (Account, Transfer, Entry, Hold)
NOW = datetime.now(UTC)
OLD = NOW - timedelta(days=3)


# --- a sound shop, through the real writer ------------------------------------------------------


@dataclass
class Post:
    """An operation that posts movements and sets a hold, if one is given."""

    movements: tuple
    hold: tuple | None = None

    def needs(self, book):
        del book
        for movement in self.movements:
            yield from account_needs(movement.debit)
            yield from account_needs(movement.credit)

    def decide(self, book):
        for movement in self.movements:
            book.post(movement)
        if self.hold is not None:
            book.hold(*self.hold)


class Name(AccountName):
    """Any account, of a kind that the writer does not know yet too."""

    @property
    def may_overdraw(self):
        return self.kind not in {"wallet", "suspense"}


def named(key):
    return Name(*key.split(":"))


def move(id, kind, debit, credit, amount, **values):
    values = {"reason": "a test", "actor": "system", **values}
    return Movement(
        id=id, kind=kind, debit=named(debit), credit=named(credit), amount=amount, **values
    )


ASHA, BINOD, DOLLARS = "wallet:asha:INR", "wallet:binod:INR", "wallet:binod:USD"
RAZORPAY, SALES = "gateway:razorpay:INR", "revenue:shop:INR"
BY_HAND, ODD = "adjustment:shop:INR", "suspense:razorpay:INR"
STAFF = {"actor": "staff:meera", "reason": "a broken parcel"}

MOVEMENTS = (
    move("t01", "top_up_capture", RAZORPAY, ASHA, 50000, payment_id="pay_top", top_up_id="top_1"),
    move("t02", "order_payment", ASHA, SALES, 30000, order_id="ord_wallet"),
    move("t03", "order_payment", ASHA, SALES, 10000, order_id="ord_split"),
    move("t04", "order_capture", RAZORPAY, SALES, 20000, payment_id="pay_s", order_id="ord_split"),
    move("t05", "suspense_capture", RAZORPAY, ODD, 5000, payment_id="pay_odd"),
    move(
        "ref_odd.wallet",
        "suspense_release",
        ODD,
        ASHA,
        5000,
        payment_id="pay_odd",
        top_up_id="top_odd",
        refund_id="ref_odd",
        **STAFF,
    ),
    move("t07", "refund_to_wallet", SALES, ASHA, 10000, order_id="ord_split", refund_id="ref_s"),
    move("t08", "refund_to_wallet", SALES, ASHA, 30000, order_id="ord_wallet", refund_id="ref_w"),
    move("t09", "adjustment_credit", BY_HAND, ASHA, 700, approved_by="staff:ravi", **STAFF),
    move("t10", "reversal", ASHA, BY_HAND, 700, reverses=9, **STAFF),
    move("t11", "top_up_refund", ASHA, RAZORPAY, 10000, top_up_id="top_1", refund_id="ref_t"),
    move("t12", "wallet_transfer", ASHA, BINOD, 1000),
    move("t13", "top_up_capture", "gateway:paypal:USD", DOLLARS, 900, payment_id="pay_usd"),
    move("t14", "order_capture", RAZORPAY, SALES, 40000, payment_id="pay_g", order_id="ord_gate"),
    move("t15", "refund_to_wallet", SALES, ASHA, 3000, order_id="ord_gate", refund_id="ref_f"),
    move("t16", "adjustment_debit", ASHA, BY_HAND, 100, **STAFF),
    move("t17", "reversal_top_up_refund", RAZORPAY, ASHA, 10000, reverses=11, refund_id="ref_t"),
    move("t18", "top_up_refund", ASHA, RAZORPAY, 10000, top_up_id="top_1", refund_id="ref_t"),
    move("t19", "sale", BINOD, SALES, 50),
    move("t20", "reversal_sale", SALES, BINOD, 50, reverses=19),
)

DEFAULTS = {
    "batua_customer": {"name": "A", "phone": "+91", "language": "en", "updated_at": NOW},
    "batua_top_up": {
        "customer_id": "asha", "currency": "INR", "gateway": "razorpay", "return_url": "",
        "failure": "", "expires_at": NOW, "updated_at": NOW,
    },
    "batua_order": {
        "customer_id": "asha", "currency": "INR", "description": "", "items": "[]",
        "created_by": "x", "updated_at": NOW,
    },
    "batua_payment": {
        "gateway": "razorpay", "mode": "test", "customer_id": "asha", "currency": "INR",
        "status": "succeeded", "checkout": "{}", "failure": "", "expires_at": NOW, "polls": 0,
        "updated_at": NOW,
    },
    "batua_capture": {
        "gateway": "razorpay", "mode": "test", "provider_reference": "x", "customer_id": "asha",
        "currency": "INR", "reason": "", "method": "upi", "captured_at": NOW,
    },
    "batua_refund": {
        "customer_id": "asha", "currency": "INR", "destination": "auto", "reason": "",
        "requested_by": "staff:meera", "failure": "", "polls": 0, "updated_at": NOW,
    },
    "batua_adjustment": {
        "customer_id": "asha", "currency": "INR", "reason_code": "goodwill", "note": "",
        "status": "posted", "requested_by": "staff:meera", "updated_at": NOW,
    },
    "batua_idempotency": {
        "principal": "asha", "route": "POST /orders", "fingerprint": "f", "status": "finished",
        "subject": "", "response_status": 201, "lease_until": NOW,
    },
    "batua_inbox": {
        "gateway": "razorpay", "event_id": "e", "body_sha256": "b", "event_type": "t",
        "body": b"{}", "headers": "{}", "events": "[]", "status": "applied", "note": "",
        "attempts": 1, "received_at": NOW,
    },
    "batua_outbox": {
        "template": "t", "customer_id": "asha", "parameters": "{}", "status": "sent", "note": "",
        "attempts": 1,
    },
}  # fmt: skip


def rows_before(key):
    yield "batua_customer", {"id": "asha"}
    yield "batua_customer", {"id": "binod"}
    asha = {"status": "partially_refunded", "amount": 50000, "credited": 50000, "refunded": 10000}
    yield "batua_top_up", {"id": "top_1", **asha}
    yield "batua_top_up", {"id": "top_odd", "status": "suspense", "amount": 4000}
    dollars = {"customer_id": "binod", "currency": "USD", "gateway": "paypal"}
    top_usd = {"status": "succeeded", "amount": 900, "credited": 900}
    yield "batua_top_up", {"id": "top_usd", **dollars, **top_usd}
    for order, status, amount, wallet, refunded, reserved in (
        ("ord_wallet", "refunded", 30000, 30000, 30000, 0),
        ("ord_split", "partially_refunded", 30000, 10000, 10000, 10000),
        ("ord_gate", "partially_refunded", 40000, 0, 3000, 7000),
        ("ord_open", "pending", 100, 0, 0, 0),
    ):
        paid = {"paid_from_wallet": wallet, "paid_by_gateway": amount - wallet}
        paid = {} if status == "pending" else paid
        taken = {"refunded": refunded, "refund_reserved": reserved, "reference": order}
        taken["wallet_refunded"] = {"ord_wallet": 30000, "ord_split": 5000}.get(order, 0)
        yield "batua_order", {"id": order, "status": status, "amount": amount, **paid, **taken}
    for payment, column, target, amount in (
        ("pay_top", "top_up_id", "top_1", 50000),
        ("pay_odd", "top_up_id", "top_odd", 4000),
        ("pay_s", "order_id", "ord_split", 20000),
        ("pay_g", "order_id", "ord_gate", 40000),
    ):
        purpose = column.removesuffix("_id")
        yield "batua_payment", {"id": payment, "purpose": purpose, column: target, "amount": amount}
    usd = {"id": "pay_usd", "purpose": "top_up", "top_up_id": "top_usd", "amount": 900}
    yield "batua_payment", {**usd, **dollars}
    yield "batua_adjustment", {"id": "t09", "amount": 700, "direction": "credit"}
    yield "batua_adjustment", {"id": "t16", "amount": 100, "direction": "debit"}
    waiting = {"amount": 5, "direction": "debit", "status": "awaiting_approval"}
    yield "batua_adjustment", {"id": "adj_w", **waiting}
    yield "batua_idempotency", {"id": key, "key": "k1"}
    yield "batua_inbox", {"id": "inb_1"}
    yield "batua_outbox", {"id": "out_1", "dedupe_key": "d1"}


def rows_after():
    for capture, payment, target, amount, destination, seq, refunded, reserved in (
        ("cap_top", "pay_top", "top_1", 50000, "wallet", 1, 10000, 0),
        ("cap_odd", "pay_odd", "top_odd", 5000, "suspense", 5, 5000, 0),
        ("cap_s", "pay_s", "ord_split", 20000, "order", 4, 5000, 10000),
        ("cap_g", "pay_g", "ord_gate", 40000, "order", 14, 3000, 7000),
    ):
        of = {"order_id" if target.startswith("ord") else "top_up_id": target}
        taken = {"refunded": refunded, "refund_reserved": reserved, "amount": amount, **of}
        posted = {"destination": destination, "transfer_seq": seq, "payment_id": payment}
        yield "batua_capture", {"id": capture, "provider_payment_id": capture, **posted, **taken}
    dollars = {"customer_id": "binod", "currency": "USD", "gateway": "paypal", "amount": 900}
    posted = {"destination": "wallet", "transfer_seq": 13, "payment_id": "pay_usd"}
    usd = {"id": "cap_usd", "provider_payment_id": "x", "top_up_id": "top_usd"}
    yield "batua_capture", {**usd, **dollars, **posted}
    for refund, target, capture, status, wallet, source, captured in (
        ("ref_s", "ord_split", "cap_s", "pending", 10000, 10000, 15000),
        ("ref_odd", "top_odd", "cap_odd", "succeeded", 5000, 0, 5000),
        ("ref_w", "ord_wallet", None, "succeeded", 30000, 0, 0),
        ("ref_t", "top_1", "cap_top", "succeeded", 0, 10000, 10000),
        ("ref_f", "ord_gate", "cap_g", "failed", 3000, 7000, 10000),
        ("ref_a", "ord_gate", "cap_g", "awaiting_approval", 0, 5000, 5000),
        ("ref_r", "ord_gate", "cap_g", "rejected", 0, 6000, 6000),
        ("ref_u", "ord_gate", "cap_g", "unknown", 0, 2000, 2000),
    ):
        of = {"order_id" if target.startswith("ord") else "top_up_id": target}
        parts = {"wallet_amount": wallet, "source_amount": source, "capture_amount": captured}
        amount = {"amount": wallet + source, "capture_id": capture, "status": status}
        by = {"gateway": "razorpay", "provider_refund_id": refund} if source else {}
        yield "batua_refund", {"id": refund, **of, **parts, **amount, **by}


async def insert(database, table, **values):
    await insert_all(database, [(table, values)])


async def insert_all(database, rows):
    async with database.transaction() as transaction:
        for table, values in rows:
            await insert_one(transaction, table, values)


async def insert_one(transaction, table, values):
    row = {"created_at": NOW, "version": 1, **DEFAULTS.get(table, {}), **values}
    if table in {"batua_inbox", "batua_consent", "batua_lot_entry", "batua_hold_lot"}:
        del row["created_at"]
    if table in {"batua_lot_entry", "batua_hold_lot"}:
        del row["version"]
    places = ", ".join(f"${place}" for place in range(1, len(row) + 1))
    sql = f"insert into {table} ({', '.join(row)}) values ({places})"
    await transaction.execute(sql, *row.values())


async def post(database, *movements, hold=None, now=utc_now):
    engine = Engine(database, TABLES, now=now)
    await engine.submit(Post(movements, hold))
    await engine.close()


KEY = hashlib.sha256(b"asha\0POST /orders\0k1\0").hexdigest()


# --- behind its back ----------------------------------------------------------------------------

ENTRY = "update batua_entry set "
TRANSFER = "update batua_transfer set "
ACCOUNT = "update batua_account set "
CAPTURE = "update batua_capture set "
REFUND = "update batua_refund set "
ORDER = "update batua_order set "
INR = "where id = 2"  # asha's wallet: the second account of the first transfer


async def attack(database, *statements):
    """Run statements with every trigger, constraint and unique index out of the way."""
    if database.dialect is Dialect.SQLITE:
        connection = sqlite3.connect(database.path, isolation_level=None)
        connection.execute("pragma foreign_keys = off")
        connection.execute("pragma ignore_check_constraints = on")
        guards = connection.execute(
            "select type, name from sqlite_master where type = 'trigger' or sql like '%unique ind%'"
        ).fetchall()
        for type_, name in guards:
            connection.execute(f"drop {type_} {name}")
        for statement in statements:
            connection.execute(statement)
        connection.close()
        return
    with suppress(asyncpg.IntegrityConstraintViolationError):
        # Triggers and foreign keys sleep. If that is enough, the database stays as it was made
        # and is lent to the next test.
        await _run(database, "set local session_replication_role = replica", *statements)
        return
    async with database.transaction() as transaction:
        disarming = [statement for (statement,) in await transaction.fetch(DISARM)]
    await _run(database, *disarming, *statements)


async def _run(database, *statements):
    async with database.transaction() as transaction:
        for statement in statements:
            await transaction.execute(statement)


# Foreign keys first: what they refer to would take them along.
DISARM = """
    select statement from (
    select case contype when 'f' then 1 else 2 end as place, format(
        'alter table %s drop constraint if exists %I cascade', conrelid::regclass, conname
    ) as statement
    from pg_constraint where connamespace = current_schema()::regnamespace
    and contype in ('c', 'f', 'u')
    union all
    select 3, format('drop index if exists %s', indexrelid::regclass) from pg_index
    join pg_class on pg_class.oid = indexrelid
    where relnamespace = current_schema()::regnamespace and indisunique
    and not exists (select from pg_constraint where conindid = indexrelid)
    union all
    select 4, format('alter table %s disable trigger all', oid::regclass) from pg_class
    where relnamespace = current_schema()::regnamespace and relkind = 'r'
    ) as disarming order by place
"""


async def check(database, **options):
    return await prove(database, page_rows=3, **options)


def named_rows(proof):
    """What was found, without the warning that an attack has the triggers out of its way."""
    found = [(finding.invariant, finding.table, finding.row) for finding in proof.findings]
    return [each for each in found if each[0] != "I18"]


async def rehash(database, seq):
    """Write the hash that a tampered transfer ought to have, as an attacker would."""
    columns = (
        "seq, id, kind, debit_account, credit_account, amount, currency, order_id, top_up_id,"
        " payment_id, refund_id, reverses, reason, actor, approved_by, occurred_at, created_at"
    )
    row = await database.fetch_one(f"select {columns} from batua_transfer where seq = $1", seq)
    before = await database.fetch_one("select hash from batua_transfer where seq = $1", seq - 1)
    after = await database.fetch(
        "select balance_after from batua_entry where transfer_seq = $1 order by id", seq
    )
    values = [
        value.astimezone(UTC).isoformat(timespec="microseconds")
        if isinstance(value, datetime)
        else value
        for value in dict(row).values()
    ]
    parts = [before["hash"], *values, *(each["balance_after"] for each in after)]
    text = json.dumps(parts, ensure_ascii=False, separators=(",", ":"))
    new = hashlib.sha256(text.encode()).hexdigest()
    await attack(database, f"update batua_transfer set hash = '{new}' where seq = {seq}")
    return new
