"""Sound ledgers pass, lateness is a warning, and the writer itself is not believed."""

import pytest

from batua.clock import utc_now
from batua.ledger.proof import prove, read_ledger_id
from tests.support.books import (
    ACCOUNT,
    ASHA,
    BY_HAND,
    INR,
    KEY,
    NOW,
    OLD,
    RAZORPAY,
    SALES,
    attack,
    check,
    insert,
    move,
    named_rows,
    post,
)


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
    assert ("transfers", 20, 20) in seen
    assert all(0 <= done <= total for _, done, total in seen)


async def test_findings_max_must_be_positive(database):
    with pytest.raises(ValueError, match="at least 1"):
        await prove(database, findings_max=0)


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
    # Young when the test runs: NOW is when it was collected, and ten minutes may have gone by.
    young = {"status": "in_progress", "created_at": utc_now()}
    await insert(database, "batua_idempotency", id=KEY, key="k1", **young)
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
