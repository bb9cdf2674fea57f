"""The proof: sound ledgers pass, and each planted corruption is found where it was planted."""

import hashlib
import json
import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from batua.clock import utc_now
from batua.database import Dialect
from batua.ledger import AccountKind, AccountName, Engine, Movement, Need
from batua.ledger.proof import Anchor, prove, read_anchor, read_ledger_id, write_anchor
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
            yield Need(Account, "key", movement.debit.key)
            yield Need(Account, "key", movement.credit.key)

    def decide(self, book):
        for movement in self.movements:
            book.post(movement)
        if self.hold is not None:
            book.hold(*self.hold)


def named(key):
    kind, owner, currency = key.split(":")
    return AccountName(AccountKind(kind), owner, currency)


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
    move("t06", "suspense_release", ODD, ASHA, 5000, **STAFF),
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
        ("cap_odd", "pay_odd", "top_odd", 5000, "suspense", 5, 0, 0),
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
    if table in {"batua_inbox", "batua_consent"}:
        del row["created_at"]
    places = ", ".join(f"${place}" for place in range(1, len(row) + 1))
    sql = f"insert into {table} ({', '.join(row)}) values ({places})"
    await transaction.execute(sql, *row.values())


async def post(database, *movements, hold=None, now=utc_now):
    engine = Engine(database, TABLES, now=now)
    await engine.submit(Post(movements, hold))
    await engine.close()


KEY = hashlib.sha256(b"asha\0POST /orders\0k1\0").hexdigest()


@pytest.fixture
async def shop(database):
    await insert_all(database, rows_before(KEY))
    await post(database, *MOVEMENTS, hold=("hold_1", named(ASHA), 2000))
    await insert_all(database, rows_after())
    return database


# --- behind its back ----------------------------------------------------------------------------


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
    async with database.transaction() as transaction:
        for (statement,) in await transaction.fetch(DISARM):
            await transaction.execute(statement)
        for statement in statements:
            await transaction.execute(statement)


DISARM = """
    select format('alter table %s drop constraint %I cascade', conrelid::regclass, conname)
    from pg_constraint where connamespace = current_schema()::regnamespace
    and contype in ('c', 'f', 'u')
    union all
    select format('drop index %s', indexrelid::regclass) from pg_index
    join pg_class on pg_class.oid = indexrelid
    where relnamespace = current_schema()::regnamespace and indisunique
    and not exists (select from pg_constraint where conindid = indexrelid)
    union all
    select format('alter table %s disable trigger all', oid::regclass) from pg_class
    where relnamespace = current_schema()::regnamespace and relkind = 'r'
"""


async def check(database, **options):
    return await prove(database, page_rows=3, **options)


def named_rows(proof):
    return [(finding.invariant, finding.table, finding.row) for finding in proof.findings]


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


# --- sound ledgers ------------------------------------------------------------------------------


async def test_an_empty_ledger_is_sound(database):
    proof = await check(database)
    assert proof.findings == ()
    assert (proof.transfers, proof.entries, proof.head_hash) == (0, 0, "")
    assert proof.ledger_id == await read_ledger_id(database)


@pytest.mark.parametrize("page_rows", [1, 7, 5000])
async def test_an_untouched_ledger_is_sound(shop, page_rows):
    seen = []
    proof = await prove(shop, page_rows=page_rows, progress=lambda *step: seen.append(step))
    assert proof.findings == ()
    assert proof.is_sound
    assert (proof.transfers, proof.entries) == (20, 40)
    assert seen[-1] == (20, 20)


async def test_findings_max_must_be_positive(database):
    with pytest.raises(ValueError, match="at least 1"):
        await prove(database, findings_max=0)


# --- planted by raw SQL -------------------------------------------------------------------------

ENTRY = "update batua_entry set "
TRANSFER = "update batua_transfer set "
ACCOUNT = "update batua_account set "
CAPTURE = "update batua_capture set "
REFUND = "update batua_refund set "
ORDER = "update batua_order set "
INR = "where id = 2"  # asha's wallet: the second account of the first transfer

PLANTED = {
    # name: (invariant, table without batua_, row, statements)
    "an entry's amount": ("I1", "entry", "4", ENTRY + "amount = amount + 1 where id = 4"),
    "an entry's account": ("I1", "entry", "3", ENTRY + "account_id = 4 where id = 3"),
    "an entry's transfer": ("I1", "entry", "3", ENTRY + "transfer_seq = 9 where id = 3"),
    "an entry less": ("I1", "transfer", "2", "delete from batua_entry where id = 4"),
    "a currency's accounts": ("I2", "account", "INR", ACCOUNT + "posted = posted + 1 " + INR),
    "a currency's entries": ("I2", "entry", "USD", ENTRY + "amount = 901 where id = 26"),
    "a balance": ("I3", "account", "2", ACCOUNT + "posted = posted + 1 " + INR),
    "an entry's balance": ("I3", "entry", "8", ENTRY + "balance_after = 1 where id = 8"),
    "a balance below zero": ("I4", "account", "2", ACCOUNT + "held = 999999 " + INR),
    "a held balance": ("I4", "account", "2", ACCOUNT + "held = 0 " + INR),
    "a hold": ("I4", "account", "2", "update batua_hold set amount = 1"),
    "a hold of a wrong status": ("I11", "hold", "hold_1", "update batua_hold set status = 'x'"),
    "a wallet that may overdraw": ("I4", "account", "2", ACCOUNT + "may_overdraw = true " + INR),
    "a past below zero": ("I4", "entry", "2", ENTRY + "balance_after = -1 where id = 2"),
    "a negative held": ("I5", "account", "2", ACCOUNT + "held = -1 " + INR),
    "no amount": ("I5", "transfer", "3", TRANSFER + "amount = 0 where seq = 3"),
    "too much": ("I5", "order", "ord_gate", ORDER + f"refunded = {2**60} where id = 'ord_gate'"),
    "a huge entry": ("I5", "entry", "6", ENTRY + f"amount = {2**62} where id = 6"),
    "a key of an account": ("I6", "account", "2", ACCOUNT + "key = 'wallet:eve:INR' " + INR),
    "an account's owner": ("I6", "account", "2", ACCOUNT + "owner = 'eve' " + INR),
    "a transfer's currency": ("I6", "transfer", "3", TRANSFER + "currency = 'USD' where seq = 3"),
    "a hold's currency": ("I6", "hold", "hold_1", "update batua_hold set currency = 'USD'"),
    "an order's currency": ("I6", "transfer", "2", ORDER + "currency = 'USD'"),
    "a refund's currency": ("I6", "refund", "ref_t", REFUND + "currency = 'USD'"),
    "a capture less": ("I7", "transfer", "4", "delete from batua_capture where id = 'cap_s'"),
    "a capture elsewhere": (
        "I7", "capture", "cap_s", CAPTURE + "transfer_seq = 14 where id = 'cap_s'",
    ),
    "two captures of a transfer": (
        "I7", "transfer", "14", CAPTURE + "transfer_seq = 14 where id = 'cap_s'",
    ),
    "a capture of no transfer": (
        "I7", "capture", "cap_s", CAPTURE + "transfer_seq = 99 where id = 'cap_s'",
    ),
    "a capture's destination": (
        "I7", "capture", "cap_top", CAPTURE + "destination = 'suspense' where id = 'cap_top'",
    ),
    "a capture's odd destination": (
        "I7", "capture", "cap_top", CAPTURE + "destination = 'x' where id = 'cap_top'",
    ),
    "a capture's customer": (
        "I7", "capture", "cap_top", CAPTURE + "customer_id = 'binod' where id = 'cap_top'",
    ),
    "a payment's gateway": ("I7", "capture", "cap_g", "update batua_payment set gateway = 'x'"),
    "a payment captured twice": (
        "I7", "capture", "cap_s", CAPTURE + "provider_payment_id = 'cap_g' where id = 'cap_s'",
    ),
    "a credit's kind": ("I8", "transfer", "7", TRANSFER + "kind = 'gift' where seq = 7"),
    "a credit's refund": ("I8", "transfer", "7", TRANSFER + "refund_id = 'ref_0' where seq = 7"),
    "a credit without refund": ("I8", "transfer", "7", TRANSFER + "refund_id = null where seq = 7"),
    "a credit without actor": ("I8", "transfer", "9", TRANSFER + "actor = ' ' where seq = 9"),
    "a capture over-refunded": (
        "I9", "capture", "cap_s", CAPTURE + "refunded = 20000 where id = 'cap_s'",
    ),
    "a capture's refunds": (
        "I9", "capture", "cap_g", REFUND + "status = 'succeeded' where id = 'ref_u'",
    ),
    "an order's refunds": (
        "I9", "order", "ord_gate", REFUND + "status = 'succeeded' where id = 'ref_u'",
    ),
    "a refund less": ("I9", "order", "ord_gate", "delete from batua_refund where id = 'ref_a'"),
    "a top-up's refunds": ("I9", "top_up", "top_1", "update batua_top_up set refunded = 0"),
    "a top-up's credit": ("I9", "top_up", "top_1", "update batua_top_up set credited = 50001"),
    "a refund's parts": ("I9", "refund", "ref_u", REFUND + "amount = 1 where id = 'ref_u'"),
    "a refund's capture": (
        "I9", "refund", "ref_u", REFUND + "capture_id = 'cap_s' where id = 'ref_u'",
    ),
    "a refund posted late": (
        "I9", "refund", "ref_w", REFUND + "status = 'rejected' where id = 'ref_w'",
    ),
    "a provider's refund twice": (
        "I9", "refund", "ref_u", REFUND + "provider_refund_id = 'ref_f' where id = 'ref_u'",
    ),
    "a capture's amount": ("I10", "capture", "cap_s", CAPTURE + "amount = 20001"),
    "an order's status": ("I11", "order", "ord_gate", ORDER + "status = 'paid'"),
    "an order half refunded": ("I11", "order", "ord_gate", ORDER + "status = 'refunded'"),
    "an order of no status": ("I11", "order", "ord_gate", ORDER + "status = 'x'"),
    "an order without payment": ("I12", "order", "ord_open", ORDER + "status = 'paid'"),
    "an order's wallet part": ("I12", "order", "ord_split", ORDER + "paid_from_wallet = 9999"),
    "an order's gateway part": ("I12", "order", "ord_split", ORDER + "paid_by_gateway = 9999"),
    "a transfer of a cancelled order": ("I12", "transfer", "4", ORDER + "status = 'cancelled'"),
    "a payment of no order": ("I12", "transfer", "4", TRANSFER + "order_id = null where seq = 4"),
    "a reversal's amount": ("I13", "transfer", "10", TRANSFER + "amount = 701 where seq = 10"),
    "a reversal's target": ("I13", "transfer", "10", TRANSFER + "reverses = 8 where seq = 10"),
    "a reversal of the future": ("I13", "transfer", "10", TRANSFER + "reverses = 16 where seq=10"),
    "a reversal twice": ("I13", "transfer", "12", TRANSFER + "reverses = 9 where seq = 12"),
    "a reversal of nothing": ("I13", "transfer", "20", TRANSFER + "reverses = null where seq=20"),
    "a key's principal": ("I14", "idempotency", KEY, "update batua_idempotency set principal='x'"),
    "a key's answer": (
        "I14", "idempotency", KEY, "update batua_idempotency set response_status = null",
    ),
    "a transfer's text": ("I17", "transfer", "5", TRANSFER + "reason = 'x' where seq = 5"),
    "a transfer's hash": ("I17", "transfer", "5", TRANSFER + "hash = 'x' where seq = 5"),
    "a transfer less": ("I17", "transfer", "5", "delete from batua_transfer where seq = 5"),
    "entries of no transfer": ("I22", "entry", "9", "delete from batua_transfer where seq = 5"),
    "the head's seq": ("I17", "ledger", "1", "update batua_ledger set transfer_seq = 19"),
    "the head's hash": ("I17", "ledger", "1", "update batua_ledger set head_hash = 'x'"),
    "the head's accounts": ("I17", "ledger", "1", "update batua_ledger set account_seq = 99"),
    "no head": ("I17", "ledger", "1", "delete from batua_ledger"),
    "two heads": (
        "I17", "ledger", "1",
        "insert into batua_ledger select 2, 'l', 0, 0, '', last_at from batua_ledger",
    ),
    "an account less": ("I17", "account", "3", "delete from batua_account where id = 3"),
    "a time that runs backwards": (
        "I19", "transfer", "6",
        TRANSFER + "created_at = '2001-01-01 00:00:00.000000+00:00' where seq = 6",
    ),
    "the head's time": (
        "I19", "ledger", "1",
        "update batua_ledger set last_at = '2001-01-01 00:00:00.000000+00:00'",
    ),
    "an adjustment's actor": ("I20", "transfer", "16", TRANSFER + "actor = '' where seq = 16"),
    "an adjustment's reason": ("I20", "transfer", "16", TRANSFER + "reason = '' where seq = 16"),
    "an adjustment's approval": (
        "I20", "transfer", "9", TRANSFER + "approved_by = actor where seq = 9",
    ),
    "an adjustment asked for by nobody": (
        "I20", "adjustment", "t09", "update batua_adjustment set requested_by = ''",
    ),
    "an adjustment that is not posted": (
        "I20", "adjustment", "adj_w", "update batua_adjustment set status = 'posted'",
    ),
    "an adjustment's sum": ("I20", "adjustment", "t09", "update batua_adjustment set amount = 1"),
    "an adjustment that nobody asked for": (
        "I20", "transfer", "9", "delete from batua_adjustment where id = 't09'",
    ),
    "a refund sent to the source twice": (
        "I9", "refund", "ref_t", TRANSFER + "refund_id = null where seq = 17",
    ),
    "a refund's approval": ("I20", "refund", "ref_u", REFUND + "approved_by = requested_by"),
    "an account of no transfer": ("I22", "transfer", "4", "delete from batua_account where id = 3"),
    "an account of no entry": ("I22", "entry", "8", "delete from batua_account where id = 3"),
    "a hold of no account": ("I22", "hold", "hold_1", "update batua_hold set account_id = 99"),
    "a transfer of no payment": (
        "I22", "transfer", "4", "delete from batua_payment where id = 'pay_s'",
    ),
    "a capture of no payment": (
        "I22", "capture", "cap_s", "delete from batua_payment where id = 'pay_s'",
    ),
    "a refund of no order": (
        "I22", "refund", "ref_w", "delete from batua_order where id = 'ord_wallet'",
    ),
    "an order of nobody": (
        "I22", "order", "ord_wallet", "delete from batua_customer where id = 'asha'",
    ),
    "a row without a key": ("I22", "order", "", ORDER + "id = '' where id = 'ord_open'"),
    "entries behind the end": (
        "I22", "entry", "51", "insert into batua_entry values (51, 2, 26, -5, 0)",
    ),
    "an inbox row twice": (
        "I16", "inbox", "inb_2",
        "create table copied as select * from batua_inbox",
        "update copied set id = 'inb_2'",
        "insert into batua_inbox select * from copied",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PLANTED)
async def test_a_planted_corruption_is_found(shop, name):
    invariant, table, row, *statements = PLANTED[name]
    await attack(shop, *statements)
    proof = await check(shop)
    assert not proof.is_sound
    assert (invariant, f"batua_{table}", row) in named_rows(proof)


GARBAGE = {
    "half a unit": ("I5", "account", "2", ACCOUNT + "posted = 12.5 " + INR),
    "a word": ("I5", "transfer", "3", TRANSFER + "amount = 'abc' where seq = 3"),
    "a word in an entry": ("I5", "entry", "6", ENTRY + "balance_after = 'abc' where id = 6"),
    "a word in a hold": ("I5", "hold", "hold_1", "update batua_hold set amount = 'abc'"),
    "a word in a capture": (
        "I5", "capture", "cap_s", CAPTURE + "transfer_seq = 'abc' where id = 'cap_s'",
    ),
    "a word in a lot": (
        "I5", "lot", "lot_1",
        "insert into batua_lot values ('lot_1', 'wallet:asha:INR', 'bonus', 1, 1, 'x', 'INR',"
        " null, null, '2026-01-01 00:00:00+00:00', 1)",
    ),
    "no time": ("I19", "transfer", "6", TRANSFER + "created_at = 'noon' where seq = 6"),
    "no number for a time": ("I19", "transfer", "6", TRANSFER + "occurred_at = 5 where seq = 6"),
    "another width": (
        "I19", "transfer", "6", TRANSFER + "created_at = '2026-11-22T10:00:00Z' where seq = 6",
    ),
    "a time of no zone": (
        "I19", "transfer", "6", TRANSFER + "created_at = '2026-11-22 10:00:00' where seq = 6",
    ),
    "a head without time": ("I19", "ledger", "1", "update batua_ledger set last_at = 'noon'"),
    "a key without time": (
        "I14", "idempotency", KEY, "update batua_idempotency set created_at = 'noon'",
    ),
    "bytes": ("I17", "transfer", "6", TRANSFER + "reason = x'00ff' where seq = 6"),
    "a row that SQLite itself refuses": (
        "I22", "(the file)", "", ACCOUNT + "status = 'x' " + INR,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", GARBAGE)
async def test_garbage_that_sqlite_stores_is_found(shop, name):
    if shop.dialect is Dialect.POSTGRES:
        pytest.skip("PostgreSQL's types refuse it")
    invariant, table, row, *statements = GARBAGE[name]
    await attack(shop, *statements)
    proof = await check(shop)
    table = table if table.startswith("(") else f"batua_{table}"
    assert (invariant, table, row) in named_rows(proof)


async def test_an_outbox_row_twice_is_found(shop):
    if shop.dialect is Dialect.SQLITE:
        pytest.skip("SQLite can't drop the index of a unique column")
    await attack(
        shop,
        "create table copied as select * from batua_outbox",
        "update copied set id = 'out_2'",
        "insert into batua_outbox select * from copied",
    )
    assert named_rows(await check(shop)) == [("I16", "batua_outbox", "out_2")]


async def test_a_missing_column_is_an_error(shop):
    await attack(shop, "alter table batua_transfer rename column reason to because")
    with pytest.raises(Exception, match="reason"):
        await check(shop)


# --- every reference, status and key ------------------------------------------------------------

REFERENCES = {
    "transfer": ("order_id", "top_up_id", "payment_id", "refund_id"),
    "hold": ("account_id", "order_id", "refund_id"),
    "lot": ("account_id", "transfer_seq"),
    "consent": ("customer_id",),
    "adjustment": ("customer_id",),
    "top_up": ("customer_id",),
    "order": ("customer_id",),
    "payment": ("top_up_id", "order_id", "customer_id"),
    "capture": ("payment_id", "top_up_id", "order_id", "customer_id", "transfer_seq"),
    "refund": ("order_id", "top_up_id", "capture_id", "customer_id"),
}
STATUSES = (
    "account", "adjustment", "hold", "idempotency", "inbox", "order", "outbox", "payment",
    "refund", "top_up",
)  # fmt: skip
TEXT_KEYS = (
    "adjustment", "capture", "consent", "customer", "hold", "idempotency", "inbox", "order",
    "outbox", "payment", "refund", "top_up",
)  # fmt: skip


@pytest.fixture
async def full_shop(shop):
    """A shop with a row in every table that refers to another."""
    lot = {"account_key": "wallet:asha:INR", "kind": "bonus", "amount": 1, "remaining": 0}
    await insert(shop, "batua_lot", id="lot_1", currency="INR", **lot)
    consent = {"channel": "x", "address": "x", "wording": "x", "source": "x", "given_at": NOW}
    await insert_all(shop, [("batua_consent", {"id": "c", "customer_id": "asha", **consent})])
    assert (await check(shop)).findings == ()
    return shop


async def test_every_dangling_reference_is_found(full_shop):
    targets = {column: "99" if column in NUMBERED else "'gone'" for column in COLUMNS}
    await attack(
        full_shop,
        *(
            f"update batua_{table} set {column} = {targets[column]}"
            for table, columns in REFERENCES.items()
            for column in columns
        ),
    )
    proof = await check(full_shop, findings_max=10_000)
    messages = [finding.message for finding in proof.findings if finding.invariant == "I22"]
    for table, columns in REFERENCES.items():
        for column in columns:
            expected = f" has {column} {targets[column]}, which is not in "
            assert any(m.startswith(f"batua_{table} ") and expected in m for m in messages)


COLUMNS = {column for columns in REFERENCES.values() for column in columns}
NUMBERED = {"account_id", "transfer_seq"}


async def test_every_unknown_status_is_found(shop):
    await attack(shop, *(f"update batua_{table} set status = 'x'" for table in STATUSES))
    proof = await check(shop, findings_max=10_000)
    found = {table for invariant, table, _ in named_rows(proof) if invariant == "I11"}
    assert found == {f"batua_{table}" for table in STATUSES}


async def test_every_empty_key_is_found(full_shop):
    first = "where id = (select min(id) from batua_"
    await attack(
        full_shop, *(f"update batua_{table} set id = '' {first}{table})" for table in TEXT_KEYS)
    )
    found = named_rows(await check(full_shop, findings_max=10_000))
    assert {("I22", f"batua_{table}", "") for table in TEXT_KEYS} <= set(found)


# --- warnings -----------------------------------------------------------------------------------

LATE = (
    ("I14", "idempotency", {"id": KEY, "key": "k1", "status": "in_progress", "created_at": OLD}),
    ("I16", "inbox", {"id": "inb_2", "event_id": "f", "status": "received", "received_at": OLD}),
    ("I16", "inbox", {"id": "inb_3", "event_id": "g", "status": "unmatched", "received_at": OLD}),
    ("I16", "inbox", {"id": "inb_4", "event_id": "h", "status": "dead"}),
    ("I16", "outbox", {"id": "o", "dedupe_key": "2", "status": "pending", "created_at": OLD}),
    ("I16", "outbox", {"id": "o", "dedupe_key": "2", "status": "dead"}),
)


@pytest.mark.parametrize("late", LATE)
async def test_what_is_late_is_a_warning(database, late):
    invariant, table, values = late
    await insert(database, f"batua_{table}", **values)
    proof = await check(database)
    assert proof.is_sound
    assert named_rows(proof) == [(invariant, f"batua_{table}", values["id"])]
    assert proof.findings[0].is_warning


async def test_a_message_with_a_next_attempt_or_a_young_key_is_no_warning(database):
    waiting = {"status": "received", "received_at": OLD, "next_attempt_at": NOW}
    await insert(database, "batua_inbox", id="inb_1", **waiting)
    await insert(database, "batua_idempotency", id=KEY, key="k1", status="in_progress")
    assert (await check(database)).findings == ()


async def test_warnings_do_not_crowd_out_errors(shop):
    for number in range(3):
        values = {"id": f"inb_{number + 2}", "event_id": str(number), "status": "dead"}
        await insert(shop, "batua_inbox", **values)
    await attack(shop, ACCOUNT + "posted = posted + 1 " + INR)
    proof = await check(shop, findings_max=2)
    assert not proof.is_sound
    assert [finding.is_warning for finding in proof.findings] == [False, False, True, True]


# --- written by the writer, and still wrong -----------------------------------------------------

WRITTEN = {
    "a gift": ("I8", move("x", "gift", SALES, ASHA, 5)),
    "an adjustment from sales": ("I8", move("x", "adjustment_credit", SALES, ASHA, 5)),
    "a release of nothing in suspense": ("I8", move("x", "suspense_release", SALES, ASHA, 5)),
    "a capture of no payment": ("I7", move("x", "top_up_capture", RAZORPAY, ASHA, 5)),
    "a reversal of another amount": ("I13", move("x", "reversal", SALES, ASHA, 5, reverses=2)),
    "an adjustment without a reason": (
        "I20", move("x", "adjustment_debit", ASHA, BY_HAND, 5, reason=" "),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WRITTEN)
async def test_a_chained_transfer_that_must_not_be_is_the_only_finding(shop, name):
    invariant, movement = WRITTEN[name]
    if movement.kind.startswith("adjustment"):
        asked = {"amount": 5, "direction": movement.kind.removeprefix("adjustment_")}
        await insert(shop, "batua_adjustment", id="x", **asked)
    await post(shop, movement)
    assert named_rows(await check(shop)) == [(invariant, "batua_transfer", "21")]


async def test_a_reversal_that_reverses_nothing_is_no_way_to_credit_a_wallet(shop):
    await post(shop, move("x", "reversal_gift", SALES, ASHA, 5))
    found = named_rows(await check(shop))
    assert found == [("I8", "batua_transfer", "21"), ("I13", "batua_transfer", "21")]


async def test_a_refund_posted_twice_is_found(shop):
    again = move("x", "refund_to_wallet", SALES, ASHA, 5, order_id="ord_gate", refund_id="ref_f")
    await post(shop, again)
    assert named_rows(await check(shop)) == [("I9", "batua_refund", "ref_f")]


# --- the chain and its anchor -------------------------------------------------------------------


async def test_an_edited_balance_is_found_and_explained(shop):
    await attack(shop, ACCOUNT + "posted = posted + 12345 " + INR)
    found = [finding for finding in (await check(shop)).findings if finding.table.endswith("ount")]
    assert {finding.invariant for finding in found} == {"I2", "I3"}
    assert any("wallet:asha:INR has posted" in finding.message for finding in found)


async def test_findings_come_in_the_order_of_the_ledger(shop):
    await attack(
        shop,
        TRANSFER + "reason = 'x' where seq = 12",
        CAPTURE + "amount = 1 where id = 'cap_odd'",
        ENTRY + "balance_after = 7 where id = 6",
    )
    proof = await check(shop)
    assert proof.findings[0].message.startswith("Entry 6 leaves")
    rows = [finding.row for finding in proof.findings]
    assert rows.index("6") < rows.index("cap_odd") < rows.index("12")
    assert (await check(shop, findings_max=1)).findings == proof.findings[:1]


async def test_a_hash_recomputed_for_one_row_breaks_at_the_next(shop):
    await attack(shop, TRANSFER + "reason = 'x' where seq = 5")
    await rehash(shop, 5)
    assert named_rows(await check(shop)) == [("I17", "batua_transfer", "6")]


async def test_a_hash_recomputed_for_the_last_row_breaks_at_the_head(shop):
    await attack(shop, TRANSFER + "reason = 'x' where seq = 20")
    await rehash(shop, 20)
    assert named_rows(await check(shop)) == [("I17", "batua_ledger", "1")]


async def test_reordered_transfers_are_found(shop):
    await attack(
        shop,
        TRANSFER + "seq = 1000 where seq = 2",
        TRANSFER + "seq = 2 where seq = 3",
        TRANSFER + "seq = 3 where seq = 1000",
    )
    found = named_rows(await check(shop))
    assert {("I17", "batua_transfer", "2"), ("I17", "batua_transfer", "3")} <= set(found)


CUT = (
    "delete from batua_entry where transfer_seq = 20",
    "delete from batua_transfer where seq = 20",
    ACCOUNT + "posted = posted - 50 where key = 'wallet:binod:INR'",
    ACCOUNT + "posted = posted + 50 where key = 'revenue:shop:INR'",
)
MOVE_HEAD = (
    "update batua_ledger set transfer_seq = 19,"
    " head_hash = (select hash from batua_transfer where seq = 19)"
)


async def test_a_cut_tail_is_found_by_the_head_row(shop):
    await attack(shop, *CUT)
    found = named_rows(await check(shop))
    assert found == [("I17", "batua_ledger", "1"), ("I17", "batua_ledger", "1")]


async def test_a_cut_tail_with_the_head_row_edited_is_found_by_the_anchor(shop, tmp_path):
    path = tmp_path / "anchors.jsonl"
    write_anchor(path, await check(shop))
    await attack(shop, *CUT, MOVE_HEAD)
    assert (await check(shop)).is_sound
    proof = await check(shop, anchor=read_anchor(path))
    assert named_rows(proof) == [("I17", "batua_transfer", "20")]
    with pytest.raises(ValueError, match="not sound"):
        write_anchor(path, proof)


async def test_a_rewritten_tail_is_found_by_the_anchor(shop, tmp_path):
    anchor = write_anchor(tmp_path / "anchors.jsonl", await check(shop))
    await attack(shop, TRANSFER + "reason = 'x' where seq = 20")
    new = await rehash(shop, 20)
    await attack(shop, f"update batua_ledger set head_hash = '{new}'")
    assert (await check(shop)).is_sound
    proof = await check(shop, anchor=anchor)
    assert named_rows(proof) == [("I17", "batua_transfer", "20")]


async def test_a_ledger_that_has_grown_holds_its_anchor(shop, tmp_path):
    anchor = write_anchor(tmp_path / "anchors.jsonl", await check(shop))
    await post(shop, move("x", "sale", BINOD, SALES, 1))
    assert (await check(shop, anchor=anchor)).is_sound


async def test_an_anchor_of_another_ledger_is_a_finding(database):
    proof = await check(database, anchor=Anchor("ldg_other", 0, ""))
    assert named_rows(proof) == [("I17", "batua_ledger", "1")]


async def test_the_id_of_a_lost_head_row_is_empty(database):
    await attack(database, "delete from batua_ledger")
    assert await read_ledger_id(database) == ""


def test_the_furthest_anchor_of_a_ledger_counts(tmp_path):
    path = tmp_path / "anchors.jsonl"
    assert read_anchor(path) is None
    lines = [("a", 5, "h5"), ("a", 9, "h9"), ("a", 7, "h7"), ("b", 20, "h20")]
    path.write_text(
        "".join(
            json.dumps({"ledger_id": ledger, "transfer_seq": seq, "head_hash": head}) + "\n"
            for ledger, seq, head in lines
        )
    )
    assert read_anchor(path, "a") == Anchor("a", 9, "h9")
    assert read_anchor(path, "c") is None
    with pytest.raises(ValueError, match="several ledgers"):
        read_anchor(path)


@pytest.mark.parametrize(
    "line",
    ["no json", "[]", '{"ledger_id": "a"}', '{"ledger_id":"a","transfer_seq":"5","head_hash":""}'],
)
def test_a_line_that_is_no_anchor_is_refused(tmp_path, line):
    path = tmp_path / "anchors.jsonl"
    path.write_text(line + "\n")
    with pytest.raises(ValueError, match="line 1, is no anchor"):
        read_anchor(path)
