"""The worker's duties: one thing that can't be worked on stands in nobody's way."""

import asyncio
from pathlib import Path

from batua.worker import _Duty


async def test_one_that_fails_does_not_stop_the_others(caplog):
    worked = []

    async def due(limit):
        return ["a", "broken", "c"][:limit]

    async def work(each):
        if each == "broken":
            raise RuntimeError("no")
        worked.append(each)

    assert await _Duty("test", due, work).do() == 2
    assert worked == ["a", "c"]
    assert "broken" in caplog.text


async def test_one_that_hangs_holds_up_no_other_and_none_is_worked_on_twice_at_once():
    released, finished = asyncio.Event(), []
    running, most = set(), 0

    async def due(limit):
        return ["slow", *(f"fast-{number}" for number in range(20)), "slow", "fast-1"][:limit]

    async def work(each):
        nonlocal most
        assert each not in running
        running.add(each)
        most = max(most, len(running))
        await (released.wait() if each == "slow" else asyncio.sleep(0))
        running.remove(each)
        finished.append(each)
        if len(finished) == 20:
            released.set()

    async with asyncio.timeout(5):
        assert await _Duty("test", due, work).do() == 21
    assert finished[-1] == "slow"
    assert most == 8


def test_nothing_of_ours_waits_in_a_way_that_swallows_a_cancellation():
    # asyncio.wait_for in Python 3.11 returns, instead of raising CancelledError, when what it
    # waits for is done at the same moment: a worker that is stopped then goes on for ever.
    roots = [Path(__file__).parents[2] / root for root in ("plugin", "api", "admin")]
    users = [
        path for root in roots for path in root.rglob("*.py") if "wait_for(" in path.read_text()
    ]
    assert users == []
