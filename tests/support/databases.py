"""Databases that a module's tests share, and what their shops said when a test fails."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest

from batua.database import Database, open_database
from tests.postgres import PostgresServer
from tests.support.processes import RUNNING

__all__ = ["opened", "pytest_runtest_makereport", "read_rows", "shop_url"]


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def shop_url(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """A database with nothing in it, one on each engine for all tests of a module."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path_factory.mktemp('shop') / 'shop.sqlite'}"
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    url = server.create(migrated=False)
    yield url
    server.drop(url)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:
    """Show the logs of what still runs beside a failure: a module's shop outlives its tests."""
    report = yield
    if report.failed:
        for program in RUNNING:
            report.sections.append((f"the end of {program.log.name}", program.said()[-4000:]))
    return report


@contextlib.asynccontextmanager
async def opened(url: str) -> Any:
    """The shop's database, behind the shop's back."""
    database: Database = open_database(url, pool_size=1)
    await database.open()
    try:
        yield database
    finally:
        await database.close()


async def read_rows(url: str, sql: str, *args: object) -> list[dict[str, Any]]:
    """Read behind the shop's back."""
    async with opened(url) as database:
        return [dict(row) for row in await database.fetch(sql, *args)]
