"""How a PostgreSQL transaction ends: committed, rolled back, unreachable, or unknown."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import asyncpg

from batua.errors import CommitUnknown, DatabaseUnavailable, InvariantViolated, StaleRow
from batua.failpoints import reach

__all__ = ["UNREACHABLE", "commit", "reachable", "roll_back", "run_to_its_end", "stale"]

UNREACHABLE = (
    OSError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.InternalClientError,
)
"""What asyncpg raises when the server is gone, going, starting, full or has dropped us.

``InternalClientError`` when a session was ended and its end is not noticed yet: nothing is sent.
"""


@contextmanager
def reachable() -> Iterator[None]:
    try:
        yield
    except UNREACHABLE as error:
        raise DatabaseUnavailable(f"PostgreSQL: {error}") from error


@contextmanager
def stale() -> Iterator[None]:
    try:
        yield
    except asyncpg.SerializationError as error:
        raise StaleRow(str(error)) from error


def _drop(connection: Any) -> None:
    # A connection that was lost has left the pool already and can't be terminated again.
    with suppress(asyncpg.InterfaceError):
        connection.terminate()


async def roll_back(connection: Any) -> None:
    reach("database.rolling_back")
    try:
        rollback = asyncio.ensure_future(connection.execute("rollback"))
    except asyncpg.InterfaceError:
        return  # it was lost, and has left the pool already
    try:
        await asyncio.shield(rollback)
    except asyncio.CancelledError:
        await _settle(rollback)
        raise
    except (*UNREACHABLE, asyncpg.PostgresError):
        # A connection that can't roll back has lost its transaction with its session.
        _drop(connection)
    reach("database.rolled_back")


async def commit(connection: Any) -> None:
    reach("database.committing")
    answer = await run_to_its_end(connection, "COMMIT;")
    if answer != "COMMIT":
        # PostgreSQL answers ROLLBACK, and no error, when a statement before had failed.
        raise InvariantViolated(f"COMMIT was answered with {answer}: nothing was committed")
    reach("database.committed")


async def run_to_its_end(connection: Any, sql: str, *args: Any) -> str:
    """Run a statement that commits. Raises ``CommitUnknown`` if no answer came.

    Cancelling it on the wire may commit all the same (trap T8): it runs to its end.
    """
    with reachable():  # a connection that is known to be gone is not even tried
        commit = asyncio.ensure_future(connection.execute(sql, *args))
    try:
        answer: str = await asyncio.shield(commit)
    except asyncio.CancelledError:
        await _settle(commit)
        raise
    except asyncpg.InsufficientResourcesError as error:  # it was able to say that it is full
        raise DatabaseUnavailable(f"PostgreSQL: {error}") from error
    except UNREACHABLE as error:
        _drop(connection)
        raise CommitUnknown(f"the connection was lost during COMMIT: {error}") from error
    return answer


async def _settle(statement: asyncio.Future[Any]) -> None:
    """Wait for what is on the wire, however often the waiting is cancelled.

    A connection that goes back to the pool in the middle of a statement is nobody's any more.
    """
    while not statement.done():
        with suppress(asyncio.CancelledError):
            await asyncio.wait({statement})
    if not statement.cancelled():
        statement.exception()
