"""The panel's engines, and the Piccolo internals that they override.

If one of these fails after an upgrade of Piccolo, read ``batua/database/piccolo.py`` again.
"""

# A transaction is entered inside pytest.raises, or its COMMIT could not fail there.
# ruff: noqa: PT012

from __future__ import annotations

import asyncio
import sqlite3
import threading

import asyncpg
import pytest
from piccolo.engine.exceptions import TransactionError
from piccolo.engine.sqlite import TransactionType

from batua.database import Dialect
from batua.database.piccolo import SafeSQLiteEngine
from tests.support.proxy import Cut, CuttingProxy


class Mine(Exception):
    """The block's own."""


@pytest.fixture
async def parents(database):
    """The database, with ``parent`` and ``child``, whose reference is checked at COMMIT."""
    async with database.transaction() as transaction:
        await transaction.execute("create table parent (id integer primary key)")
        await transaction.execute(
            "create table child"
            " (parent integer references parent (id) deferrable initially deferred)"
        )
    return database


@pytest.fixture
def engine(parents):
    return parents.piccolo_engine()


async def count(database, table):
    return (await database.fetch_one(f"select count(*) as n from {table}"))["n"]


def threads():
    """Those of aiosqlite: one for each of its connections."""
    return {
        thread
        for thread in threading.enumerate()
        if "_connection_worker_thread" in thread.name and not gone(thread)
    }


def gone(thread):
    # A closed connection's thread may still be on its last lines.
    thread.join(1)
    return not thread.is_alive()


def in_use(database):
    if database.dialect is Dialect.SQLITE:
        return 0
    return database._pool.get_size() - database._pool.get_idle_size()


async def fail_at_commit(engine):
    with pytest.raises((asyncpg.ForeignKeyViolationError, sqlite3.IntegrityError)):
        async with engine.transaction() as transaction:
            await transaction.connection.execute("insert into child (parent) values (404)")


async def test_a_failed_commit_leaves_no_transaction_behind(parents, engine):
    for _ in range(12):  # more often than the pool has places
        await fail_at_commit(engine)
        assert engine.current_transaction.get() is None
        assert not engine.transaction_exists()
        assert in_use(parents) == 0
    assert not threads()
    assert await count(parents, "child") == 0


async def test_after_a_failed_commit_a_transaction_is_a_real_one(parents, engine):
    await fail_at_commit(engine)
    with pytest.raises(Mine):
        async with engine.transaction() as transaction:
            await transaction.connection.execute("insert into parent (id) values (1)")
            raise Mine
    assert await count(parents, "parent") == 0, "Piccolo's own would have committed it"
    async with engine.transaction() as transaction:
        await transaction.connection.execute("insert into parent (id) values (2)")
    assert await count(parents, "parent") == 1


async def test_an_exception_rolls_back_and_comes_through(parents, engine):
    with pytest.raises(Mine):
        async with engine.transaction() as transaction:
            await transaction.connection.execute("insert into parent (id) values (1)")
            raise Mine
    assert await count(parents, "parent") == 0
    assert engine.current_transaction.get() is None
    assert not threads()
    assert in_use(parents) == 0


@pytest.mark.parametrize("end", ["commit", "rollback"])
async def test_a_transaction_that_was_ended_by_hand_is_left_alone(parents, engine, end):
    async with engine.transaction() as transaction:
        await transaction.connection.execute("insert into parent (id) values (1)")
        await getattr(transaction, end)()
    assert await count(parents, "parent") == (end == "commit")
    with pytest.raises(Mine):
        async with engine.transaction() as transaction:
            await transaction.rollback()
            raise Mine
    assert engine.current_transaction.get() is None
    assert in_use(parents) == 0


async def test_nesting_is_refused_unless_asked_for(parents, engine):
    async with engine.transaction() as outer:
        with pytest.raises(TransactionError, match="already active"):
            engine.transaction()
        async with engine.transaction(allow_nested=True) as inner:
            assert inner is outer
            await inner.connection.execute("insert into parent (id) values (1)")
        assert engine.transaction_exists(), "the inner end did not end the outer one"
    assert await count(parents, "parent") == 1


async def test_an_exception_comes_through_a_nested_block_too(parents, engine):
    with pytest.raises(Mine):
        async with engine.transaction(), engine.transaction(allow_nested=True) as inner:
            await inner.connection.execute("insert into parent (id) values (1)")
            raise Mine
    assert await count(parents, "parent") == 0


async def test_one_engine_serves_a_database(parents, engine):
    assert parents.piccolo_engine() is engine


async def test_sqlite_transactions_are_immediate(sqlite_url, open_more):
    engine = (await open_more(sqlite_url)).piccolo_engine()
    other = sqlite3.connect(engine.path, timeout=0, isolation_level=None)
    try:
        async with engine.transaction():
            with pytest.raises(sqlite3.OperationalError, match="locked"):
                other.execute("begin immediate")
        async with engine.transaction(TransactionType.deferred):
            other.execute("begin immediate")
            other.execute("rollback")
    finally:
        other.close()


async def test_sqlite_begin_that_fails_leaks_no_thread(sqlite_url, open_more):
    path = (await open_more(sqlite_url)).path
    engine = SafeSQLiteEngine(path=str(path), timeout=0.01)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("begin immediate")
    try:
        for _ in range(3):
            with pytest.raises(sqlite3.OperationalError, match="locked"):
                async with engine.transaction():
                    pytest.fail("the block must not run")
    finally:
        other.close()
    assert not threads()
    assert engine.current_transaction.get() is None
    async with engine.transaction():
        pass


async def test_postgres_begin_that_fails_leaks_no_place_in_the_pool(postgres_url, open_more):
    async with CuttingProxy(postgres_url) as proxy:
        database = await open_more(proxy.url, pool_size=2)
        engine = database.piccolo_engine()
        for _ in range(3):  # more often than the pool has places
            proxy.arm(Cut.BEFORE, statement=b"BEGIN;")
            with pytest.raises((asyncpg.PostgresConnectionError, asyncpg.InterfaceError)):
                async with engine.transaction():
                    pytest.fail("the block must not run")
        assert engine.current_transaction.get() is None
        async with asyncio.timeout(5), engine.transaction():
            pass
        assert in_use(database) == 0
        await database.close()


async def test_postgres_engine_opens_no_connection_of_its_own(postgres_url, open_more):
    database = await open_more(postgres_url, pool_size=1)
    engine = database.piccolo_engine()
    await engine.check_version()
    async with engine.transaction() as transaction:
        assert transaction.connection is not None
        assert in_use(database) == 1
