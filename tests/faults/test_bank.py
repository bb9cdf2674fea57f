"""Jepsen's bank: money moves among ten wallets, and at no moment is any of it missing."""

from __future__ import annotations

import os

import pytest

from batua.clock import utc_now
from batua.ledger import Engine
from tests.support.ledger import TABLES, prove_transfers
from tests.support.racing import LedgerBank, NaiveBank, run_bank

SEED = int(os.environ.get("BATUA_TEST_SEED", "1"))


@pytest.fixture
def seconds(soak):
    return float(os.environ.get("BATUA_TEST_SECONDS", "600" if soak else "3"))


@pytest.mark.parametrize("doors", [1, 3])
async def test_every_read_of_all_wallets_sums_to_the_same(database_url, open_more, seconds, doors):
    """Several doors are several pools and engines on one database, as several processes have."""
    databases = [await open_more(database_url) for _ in range(doors)]
    engines = [Engine(database, TABLES, now=utc_now) for database in databases]
    run = await run_bank(LedgerBank(databases, engines), seconds=seconds, seed=SEED)
    for engine in engines:
        await engine.close()
    print(f"seed {SEED}: {run.moved} moved, {run.refused} refused, {run.reads} reads")
    assert not +run.errors
    assert run.reads > 20
    assert run.moved > 100
    assert run.refused > 10
    proof = await prove_transfers(databases[0])
    assert proof.is_sound, proof.findings[:3]


async def test_a_bank_that_checks_and_then_updates_is_caught(database_url, open_more):
    """The control: were it not caught, the test above would prove nothing."""
    bank = NaiveBank(await open_more(database_url), in_transaction=False)
    run = await run_bank(bank, seconds=2, seed=SEED)
    assert run.errors["wrong total"] > 0
    assert run.errors["negative"] > 0
