"""A refusal is of one moment: repeated at another process, a reversal finds that it exists."""

from batua.database import open_database
from batua.ledger import PostTransfer, ReverseTransfer
from tests.support.ledger import ASHA, BANK, movement
from tests.support.ledger_check import Door


async def test_the_same_reversal_at_two_doors_exists(database_url, clock):
    doors = [Door(open_database(database_url), clock) for _ in range(2)]
    for door in doors:
        await door.open()
    await doors[0].engine.submit(PostTransfer(movement(BANK, ASHA, 100, id="trf")))
    await doors[0].engine.submit(PostTransfer(movement(BANK, ASHA, 100)))  # alone from now on
    wanted = ReverseTransfer(id="rev", of="trf", reason="once", actor="test")

    async def overtake():
        await doors[1].engine.submit(wanted)

    doors[0].overtake = overtake  # after the first of two load rounds, nothing of it patched
    try:
        answer = await doors[0].engine.submit(wanted)
        assert answer.exists
    finally:
        for door in doors:
            await door.close()
