"""Garbage, dangling references, unknown words and empty keys are found in every table."""

import pytest

from batua.database import Dialect
from tests.integration.proof.broken import broken_rows
from tests.support.books import (
    ACCOUNT,
    CAPTURE,
    ENTRY,
    INR,
    KEY,
    TRANSFER,
    attack,
    check,
)

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
    assert (invariant, table, row) in broken_rows(proof)


async def test_an_outbox_row_twice_is_found(shop):
    if shop.dialect is Dialect.SQLITE:
        pytest.skip("SQLite can't drop the index of a unique column")
    await attack(
        shop,
        "create table copied as select * from batua_outbox",
        "update copied set id = 'out_2'",
        "insert into batua_outbox select * from copied",
    )
    assert broken_rows(await check(shop)) == [("I16", "batua_outbox", "out_2")]


async def test_a_missing_column_is_an_error(shop):
    await attack(shop, "alter table batua_transfer rename column reason to because")
    with pytest.raises(Exception, match="reason"):
        await check(shop)


# --- every reference, status and key ------------------------------------------------------------

REFERENCES = {
    "transfer": ("order_id", "top_up_id", "payment_id", "refund_id"),
    "hold": ("account_id", "order_id", "refund_id", "payment_id"),
    "lot": ("account_key", "top_up_id"),
    "lot_entry": ("lot_id", "transfer_id"),
    "hold_lot": ("hold_id", "lot_id"),
    "consent": ("customer_id",),
    "adjustment": ("customer_id",),
    "top_up": ("customer_id",),
    "order": ("customer_id",),
    "payment": ("top_up_id", "order_id", "customer_id"),
    "capture": ("payment_id", "top_up_id", "order_id", "customer_id", "transfer_seq"),
    "refund": ("order_id", "top_up_id", "capture_id", "customer_id"),
    "dispute": ("capture_id", "top_up_id", "order_id", "customer_id"),
}
STATUSES = (
    "account", "adjustment", "dispute", "hold", "idempotency", "inbox", "order", "outbox",
    "payment", "refund", "top_up",
)  # fmt: skip
TEXT_KEYS = (
    "adjustment", "capture", "consent", "customer", "dispute", "hold", "hold_lot", "idempotency",
    "inbox", "lot", "lot_entry", "order", "outbox", "payment", "refund", "top_up",
)  # fmt: skip


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


async def test_every_unknown_status_is_found(full_shop):
    await attack(full_shop, *(f"update batua_{table} set status = 'x'" for table in STATUSES))
    proof = await check(full_shop, findings_max=10_000)
    found = {table for invariant, table, _ in broken_rows(proof) if invariant == "I11"}
    assert found == {f"batua_{table}" for table in STATUSES}


async def test_every_empty_key_is_found(full_shop):
    first = "where id = (select min(id) from batua_"
    await attack(
        full_shop, *(f"update batua_{table} set id = '' {first}{table})" for table in TEXT_KEYS)
    )
    found = broken_rows(await check(full_shop, findings_max=10_000))
    assert {("I22", f"batua_{table}", "") for table in TEXT_KEYS} <= set(found)
