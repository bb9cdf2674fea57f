"""Lots, split payments and what was refunded of a wallet's share: sound, and each rule broken."""

import pytest

from tests.integration.proof.broken import broken_rows
from tests.support.books import (
    ACCOUNT,
    ASHA,
    BINOD,
    SALES,
    STAFF,
    attack,
    check,
    insert,
    insert_all,
    move,
    named_rows,
    post,
)
from tests.support.lots import PROMOTION

LOT = "update batua_lot set "
LOT_ENTRY = "update batua_lot_entry set "
HOLD = "update batua_hold set "
HOLD_LOT = "update batua_hold_lot set "
OPENING = "where id = 't21/lot_a'"

PLANTED = {
    # name: (invariant, table without batua_, row, statements)
    "lots beyond their wallet": (
        "I4", "account", "6", LOT + "remaining = 5000 where id = 'lot_b'",
    ),
    "held lots beyond their wallet": (
        "I4", "account", "2", LOT + "held = 3000, remaining = 3000 where id = 'lot_a'",
    ),
    "a lot of no wallet": (
        "I6", "lot", "lot_c", LOT + "account_key = 'revenue:shop:INR' where id = 'lot_c'",
    ),
    "a lot's currency": ("I6", "lot", "lot_c", LOT + "currency = 'USD' where id = 'lot_c'"),
    "what remains of a lot": ("I3", "lot", "lot_a", LOT + "remaining = 1249 where id = 'lot_a'"),
    "a lot without entries": (
        "I3", "lot", "lot_c", "delete from batua_lot_entry where lot_id = 'lot_c'",
    ),
    "a lot entry's amount": (
        "I3", "lot_entry", "t24/lot_a", LOT_ENTRY + "amount = 301 where id = 't24/lot_a'",
    ),
    "a lot entry's rest": (
        "I3", "lot_entry", "t24/lot_a", LOT_ENTRY + "remaining_after = 1 where id = 't24/lot_a'",
    ),
    "a lot below zero": (
        "I5", "lot_entry", "t24/lot_a", LOT_ENTRY + "remaining_after = -1 where id = 't24/lot_a'",
    ),
    "a lot's amount": ("I3", "lot_entry", "t21/lot_a", LOT + "amount = 2001 where id = 'lot_a'"),
    "a lot opened by a debit": (
        "I3", "lot_entry", "t21/lot_a", LOT_ENTRY + "amount = -2000 " + OPENING,
    ),
    "a lot entry of another wallet's transfer": (
        "I3", "lot_entry", "t21/lot_a", LOT_ENTRY + "transfer_id = 't22' " + OPENING,
    ),
    "a lot entry in the wrong direction": (
        "I3", "lot_entry", "ord_half.payment/lot_a",
        LOT_ENTRY + "amount = 250 where id = 'ord_half.payment/lot_a'",
    ),
    "more in lots than was moved": (
        "I3", "transfer", "24", LOT_ENTRY + "amount = 101 where id = 't24/lot_c'",
    ),
    "what is held of a lot": ("I4", "lot", "lot_a", LOT + "held = 0 where id = 'lot_a'"),
    "a lot's part of a hold": (
        "I4", "lot", "lot_a", HOLD_LOT + "amount = 1 where hold_id = 'hold_2'",
    ),
    "a hold beyond itself": (
        "I4", "hold", "hold_3", HOLD_LOT + "amount = 251 where hold_id = 'hold_3'",
    ),
    "a hold in another's lot": (
        "I4", "hold_lot", "hold_3/lot_a", HOLD_LOT + "lot_id = 'lot_b' where hold_id = 'hold_3'",
    ),
    "a hold that captured too much": (
        "I4", "hold", "hold_3", HOLD + "captured = 251 where id = 'hold_3'",
    ),
    "an open hold that captured": (
        "I4", "hold", "hold_2", HOLD + "captured = 1 where id = 'hold_2'",
    ),
    "a captured hold that captured nothing": (
        "I4", "hold", "hold_3", HOLD + "captured = 0 where id = 'hold_3'",
    ),
    "a captured share that was not posted": (
        "I12", "hold", "hold_3", HOLD + "order_id = 'ord_wait', payment_id = 'pay_w'"
        " where id = 'hold_3'",
    ),
    "a captured share of another amount": (
        "I12", "hold", "hold_3", HOLD + "captured = 249 where id = 'hold_3'",
    ),
    "a hold for another order's payment": (
        "I12", "hold", "hold_3", HOLD + "payment_id = 'pay_w' where id = 'hold_3'",
    ),
    "paid credit that expires": (
        "I8", "lot", "lot_c",
        LOT + "expires_at = '2027-01-01 00:00:00.000000+00:00' where id = 'lot_c'",
    ),
    "a bonus out of a payment": (
        "I8", "lot", "lot_a", LOT_ENTRY + "transfer_id = 't01' " + OPENING,
    ),
    "a bonus without its top-up": (
        "I8", "transfer", "21", "update batua_transfer set top_up_id = null where seq = 21",
    ),
    "a bonus that is no promotion": (
        "I8", "transfer", "21",
        ACCOUNT + "kind = 'revenue' where key = 'promotion:shop:INR'",
    ),
}  # fmt: skip


async def test_a_shop_with_lots_is_sound(lot_shop):
    assert (await check(lot_shop)).findings == ()


@pytest.mark.parametrize("name", PLANTED)
async def test_a_planted_corruption_of_lots_is_found(lot_shop, name):
    invariant, table, row, *statements = PLANTED[name]
    await attack(lot_shop, *statements)
    proof = await check(lot_shop)
    assert not proof.is_sound
    assert (invariant, f"batua_{table}", row) in broken_rows(proof)


@pytest.mark.parametrize(
    ("kind", "debit"),
    [("wallet_transfer", BINOD), ("refund_to_wallet", SALES), ("reversal_of_expiry", PROMOTION)],
)
async def test_a_bonus_may_come_back(lot_shop, kind, debit):
    """It opens a lot of its own; whether the transfer itself may be is another rule's matter."""
    await post(lot_shop, move("x", kind, debit, ASHA, 40, **STAFF))
    lot = {"account_key": ASHA, "kind": "bonus", "amount": 40, "remaining": 40}
    entry = {"lot_id": "lot_x", "transfer_id": "x", "amount": 40, "remaining_after": 40}
    await insert(lot_shop, "batua_lot", id="lot_x", currency="INR", **lot)
    await insert_all(lot_shop, [("batua_lot_entry", {"id": "x/lot_x", **entry})])
    found = named_rows(await check(lot_shop))
    assert (("I8", "batua_lot", "lot_x") in found) == (kind == "wallet_transfer")
