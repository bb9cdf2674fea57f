"""The rooms' tests share one way to open a shop, those of the ledger one engine."""

from __future__ import annotations

import pytest

from batua.ledger import Engine
from tests.support.engine import Commits
from tests.support.ledger import TABLES
from tests.support.shop import open_shop


@pytest.fixture
async def shop(database_url, clock):
    """A shop with Razorpay's simulator, on each engine. Its ledger is proved after the test."""
    async with open_shop(database_url, clock) as opened:
        yield opened


@pytest.fixture
def commits():
    """Hears of every commit of ``engine``."""
    return Commits()


@pytest.fixture
async def engine(database, clock, commits):
    """An engine over the ledger's own tables, on each database."""
    engine = Engine(database, TABLES, now=clock.now, on_commit=commits)
    yield engine
    await engine.close()
