"""The rooms' tests share one way to open a shop."""

from __future__ import annotations

import pytest

from tests.support.shop import open_shop


@pytest.fixture
async def shop(database_url, clock):
    """A shop with Razorpay's simulator, on each engine. Its ledger is proved after the test."""
    async with open_shop(database_url, clock) as opened:
        yield opened
