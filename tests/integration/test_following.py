"""Operations of one group keep the ids of the requests that they are of."""

from __future__ import annotations

import asyncio
import logging
import sys

import pytest

from batua.errors import ConfigurationError
from batua.following import followed, following
from batua_api.tracing import NO_TRACER, open_tracer
from tests.support.shop import open_shop


async def test_requests_of_one_group_are_told_apart(sqlite_url, clock, caplog):
    async with open_shop(sqlite_url, clock) as shop:
        await shop.give(100_000)
        caplog.set_level(logging.INFO, "batua.money")
        caplog.clear()

        async def buy(request_id: str) -> str:
            with following(request_id=request_id):
                return (await shop.create_order(1_000, pay=True))["id"]

        orders = await asyncio.gather(*(buy(f"req-{number}") for number in range(30)))
        records = [record for record in caplog.records if hasattr(record, "lines")]
        told = {line["request_id"]: line["order"] for each in records for line in each.lines}
        assert told == {f"req-{number}": order for number, order in enumerate(orders)}
        assert len(records) < len(orders), "several were told at once"
        assert not followed()


async def test_what_was_refused_has_moved_nothing_and_is_told_by_nobody(sqlite_url, clock, caplog):
    caplog.set_level(logging.INFO, "batua.money")
    async with open_shop(sqlite_url, clock) as shop:
        assert (await shop.create_order(1_000, pay=True)).status == 402
    assert not [record for record in caplog.records if hasattr(record, "lines")]


def test_no_endpoint_means_no_tracer_and_a_missing_extra_says_so(monkeypatch):
    assert open_tracer("") is NO_TRACER
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'batua\[otel\]'"):
        open_tracer("http://127.0.0.1:4318/v1/traces")


async def test_a_handler_that_raises_changes_nothing_that_was_committed(sqlite_url, clock, caplog):
    class Broken(logging.Filter):
        def filter(self, _):
            raise ZeroDivisionError("a host's")

    broken, money = Broken(), logging.getLogger("batua.money")
    async with open_shop(sqlite_url, clock) as shop:
        caplog.set_level(logging.INFO, "batua.money")
        money.addFilter(broken)
        try:
            await shop.give(1_000)
        finally:
            money.removeFilter(broken)
        assert await shop.balance() == 1_000
        assert len(await shop.rows("transfer")) == 1
    assert "could not be told of" in caplog.text
