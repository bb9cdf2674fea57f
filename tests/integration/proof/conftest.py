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
    await post(shop, *LOT_MOVEMENTS, hold=LOT_HOLD)
    await insert_all(shop, lot_rows_after())
    return shop


@pytest.fixture
async def full_shop(lot_shop):
    """A shop with a row in every table that refers to another."""
    consent = {"channel": "x", "address": "x", "wording": "x", "source": "x", "given_at": NOW}
    await insert_all(lot_shop, [("batua_consent", {"id": "c", "customer_id": "asha", **consent})])
    assert (await check(lot_shop)).findings == ()
    return lot_shop
