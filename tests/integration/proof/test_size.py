"""What the proof keeps in memory does not grow with the ledger."""

import tracemalloc

import pytest

from batua.database import migrate
from batua.ledger.proof import open_books, prove
from benchmarks.big_ledger import build

CUSTOMERS = 10
SLACK = 500_000  # a tenth of what the rows of one table would take


@pytest.mark.parametrize(("transfers", "customers"), [(10, 10), (11, 10), (300, 7)])
async def test_a_built_ledger_is_sound(database, transfers, customers):
    await build(database, transfers=transfers, customers=customers)
    built = await prove(database)
    assert built.findings == ()
    assert (built.transfers, built.entries) == (transfers, 2 * transfers)


async def test_a_ledger_without_customers_is_not_built(database):
    with pytest.raises(ValueError, match="every customer tops up"):
        await build(database, transfers=3, customers=4)


async def peak_of(database, url, transfers):
    await build(database, transfers=transfers, customers=CUSTOMERS)
    async with open_books(url) as books:
        await prove(books, page_rows=100)  # what is cached is cached
        tracemalloc.start()
        proof = await prove(books, page_rows=100)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert proof.findings == ()
    assert proof.transfers == transfers
    return peak


async def test_ten_times_the_ledger_takes_the_same_memory(
    database, database_url, empty_url, dialect_name, open_more
):
    if dialect_name not in database_url:
        pytest.skip("the other engine's turn")
    small = await peak_of(database, database_url, 600)
    other = await open_more(empty_url)
    await migrate(other)
    assert await peak_of(other, empty_url, 6_000) < small + SLACK
