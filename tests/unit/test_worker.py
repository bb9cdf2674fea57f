"""The worker's duties: one thing that can't be worked on stands in nobody's way."""

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
