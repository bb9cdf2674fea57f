"""The shops that the proof is tried on."""

from __future__ import annotations

import pytest

from tests.support.books import (
    ASHA,
    KEY,
    MOVEMENTS,
    NOW,
    check,
    insert_all,
    named,
    post,
    rows_after,
    rows_before,
)
from tests.support.clawed import (
    CLAWED_MOVEMENTS,
    clawed_rows_after,
    clawed_rows_before,
    dispute_row,
)
from tests.support.lots import LOT_HOLD, LOT_MOVEMENTS, lot_rows_after, lot_rows_before


@pytest.fixture
async def shop(database):
    """Top-ups, orders, refunds, reversals and adjustments: twenty transfers."""
    await insert_all(database, rows_before(KEY))
    await post(database, *MOVEMENTS, hold=("hold_1", named(ASHA), 2000))
    await insert_all(database, rows_after())
    return database


@pytest.fixture
async def lot_shop(shop):
    """The shop with a bonus, an order that it paid in part, and a split payment."""
    await insert_all(shop, lot_rows_before())
    async with shop.transaction() as transaction:
        await transaction.execute("update batua_top_up set bonus = 2000 where id = 'top_1'")
    await post(shop, *LOT_MOVEMENTS, hold=LOT_HOLD)
    await insert_all(shop, lot_rows_after())
    return shop


@pytest.fixture
async def full_shop(lot_shop):
    """A shop with a row in every table that refers to another."""
    consent = {"channel": "x", "address": "x", "wording": "x", "source": "x", "given_at": NOW}
    over = {"capture_id": "cap_top", "top_up_id": "top_1", "customer_id": "asha"}
    await insert_all(
        lot_shop,
        [
            ("batua_consent", {"id": "c", "customer_id": "asha", **consent}),
            dispute_row("dsp_1", "won", 100, **over),
        ],
    )
    assert (await check(lot_shop)).findings == ()
    return lot_shop


@pytest.fixture
async def clawed_shop(database):
    """Disputes in every state, refunds by the provider, debts and bonuses: 39 transfers."""
    await insert_all(database, clawed_rows_before())
    await post(database, *CLAWED_MOVEMENTS)
    await insert_all(database, clawed_rows_after())
    return database
