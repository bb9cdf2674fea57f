"""Forwards and back through the one migration history, under a lock.

Each migration and the row that records it commit together, so that a crash in between leaves
neither.  Piccolo's own runner records after it commits, takes no lock and finds its engine in a
global (``docs/decisions/0003-own-migration-runner.md``).
"""

from __future__ import annotations

from batua.clock import utc_now
from batua.database.core import Database, Dialect, Transaction
from batua.errors import ConfigurationError
from batua.migrations import MIGRATIONS

__all__ = ["migrate", "migrations", "pending"]

_LOCK = 0x6261747561  # "batua" in ASCII: the advisory lock that migrations take on PostgreSQL


def migrations() -> tuple[str, ...]:
    """The names of all migrations, oldest first."""
    return tuple(migration.name for migration in MIGRATIONS)


async def pending(database: Database) -> list[str]:
    """The migrations that this database still lacks. Only reads.

    Raises ``ConfigurationError`` for a database that is ahead of this code.
    """
    catalogue = {
        Dialect.SQLITE: "select name from sqlite_master where name = 'batua_migration'",
        Dialect.POSTGRES: "select 1 as name where to_regclass('batua_migration') is not null",
    }[database.dialect]
    if await database.fetch_one(catalogue) is None:
        return list(migrations())
    applied = {row["name"] for row in await database.fetch("select name from batua_migration")}
    _refuse_unknown(applied)
    return [name for name in migrations() if name not in applied]


async def migrate(database: Database, *, back: bool = False) -> list[str]:
    """Apply what is missing, or take the newest migration back. Returns the names.

    Raises ``ConfigurationError`` for a database that is ahead of this code, and for going back
    past a migration whose own rows say whose money it is, or who may do what: transfers, keys.
    """
    if back:
        return await _one_step_back(database)
    done: list[str] = []
    while name := await _one_step_forwards(database):
        done.append(name)
    return done


async def _one_step_forwards(database: Database) -> str | None:
    async with database.transaction() as transaction:
        applied = await _applied(database, transaction)
        for migration in MIGRATIONS:
            if migration.name in applied:
                continue
            for statement in migration.forwards(database.dialect):
                await transaction.execute(statement)
            await transaction.execute(
                "insert into batua_migration (name, applied_at) values ($1, $2)",
                migration.name,
                utc_now(),
            )
            return migration.name
    return None


async def _one_step_back(database: Database) -> list[str]:
    async with database.transaction() as transaction:
        applied = await _applied(database, transaction)
        newest = next((m for m in reversed(MIGRATIONS) if m.name in applied), None)
        if newest is None:
            return []
        for table in newest.keeps:
            if await transaction.fetch_one(f"select 1 as found from {table} limit 1"):
                raise ConfigurationError(
                    f"{newest.name} stays: going back would drop {table}, which has rows that say "
                    "whose money it is, or who may do what. Drop the database yourself if that is "
                    "what you mean."
                )
        for statement in newest.backwards(database.dialect):
            await transaction.execute(statement)
        await transaction.execute("delete from batua_migration where name = $1", newest.name)
        return [newest.name]


async def _applied(database: Database, transaction: Transaction) -> set[str]:
    if database.dialect is Dialect.POSTGRES:
        await transaction.execute(f"select pg_advisory_xact_lock({_LOCK})")
    await transaction.execute(
        "create table if not exists batua_migration"
        " (name text primary key, applied_at timestamptz not null)"
    )
    applied = {row["name"] for row in await transaction.fetch("select name from batua_migration")}
    _refuse_unknown(applied)
    return applied


def _refuse_unknown(applied: set[str]) -> None:
    if unknown := sorted(applied - set(migrations())):
        raise ConfigurationError(
            f"the database has migrations that this version does not know: {', '.join(unknown)}. "
            "Install the version that made them, or a newer one."
        )
